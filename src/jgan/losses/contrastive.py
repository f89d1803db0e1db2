"""Contrastive learning of two encoders, so that what belongs together lies together."""

import jax
import jax.numpy as jnp

from jgan.losses._checks import has_rank, same_shape, unit
from jgan.types import Array


def image_text_contrastive(images, texts, scale, same=None) -> Array:
    """Computes the symmetric cross-entropy of pairs: [N], the mean of -log softmax of s scale of the right text of an image, and the right
    image of a text, among all of the batch; s is the cosine of embeddings.

    Radford et al. 2021 (CLIP), section 2.3 and figure 3, https://arxiv.org/abs/2103.00020.

    Args:
      images, texts: embeddings [N, F], row by row of a pair.
      scale: a positive scalar that is learned, the inverse of the temperature.
      same: bool [N, N], pairs that are right, too, such as two images of one caption; they are left out of the others. None: none.

    Raises:
      ValueError: if the shapes differ.

    >>> jnp.abs(image_text_contrastive(jnp.eye(2), jnp.eye(2), 100.0)).tolist()
    [0.0, 0.0]
    """
    same_shape(images=images, texts=texts)
    has_rank(2, "[N, F]", images=images)
    logits = scale * unit(images) @ unit(texts).T
    right = jnp.eye(len(logits), dtype=bool)
    if same is not None:
        logits = jnp.where(same & ~right, -jnp.inf, logits)
    both = [jnp.diagonal(jax.nn.log_softmax(one, axis=1)) for one in (logits, logits.T)]
    return -0.5 * (both[0] + both[1])
