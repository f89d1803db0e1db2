"""Path length regularization of a style-based generator.

Karras et al., 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.2 and appendix B,
https://arxiv.org/abs/1912.04958.
"""

import jax
import jax.numpy as jnp

from jgan.penalties._checks import lift, safe_sqrt
from jgan.types import Array, Key


def path_lengths_along(y, synthesize, w) -> Array:
    """Computes lengths |J_w^T y| for given image-space directions y: sqrt(mean over layers of the sum over the w axis of (J^T y)^2).

    y has the shape of synthesize(w), [N, H, W, C]; w is [N, L, D] or [N, D] (one layer). Returns [N] in float32, unitless, and raises
    ValueError for any other shape. Differentiable in whatever synthesize closes over.

    >>> path_lengths_along(jnp.ones((1, 1, 1, 2)), lambda w: w[:, None, None, :], jnp.zeros((1, 2)))
    Array([1.4142135], dtype=float32)
    """
    if jnp.ndim(w) not in (2, 3):
        raise ValueError(f"expected w of shape [N, L, D] or [N, D], found {jnp.shape(w)}; flatten or stack the styles to one of these")
    images, pullback = jax.vjp(synthesize, w)
    if jnp.shape(y) != images.shape or images.shape[0] != w.shape[0]:
        found = f"{jnp.shape(y)} and {images.shape}"
        raise ValueError(f"expected y and synthesize(w) of one shape [N, ...] with N = {w.shape[0]}, found {found}; draw y like the images")
    (gradient,) = pullback(y.astype(images.dtype))
    squares = jnp.sum(jnp.square(lift(gradient)), axis=-1)
    return safe_sqrt(squares if squares.ndim == 1 else jnp.mean(squares, axis=1))


def path_lengths(key: Key, synthesize, w) -> Array:
    """Computes lengths |J_w^T y| along random directions: y ~ N(0, I) / sqrt(H W), drawn from key; shapes as in `path_lengths_along`.

    synthesize: w -> images [N, H, W, C]; further inputs (noise, labels) are closed over. Returns [N]; raises ValueError for other shapes.

    >>> path_lengths(jax.random.key(0), lambda w: w[:, None, None, :], jnp.zeros((3, 2))).shape
    (3,)
    """
    images = jax.eval_shape(synthesize, w)
    if len(images.shape) != 4:
        raise ValueError(f"expected synthesize: w -> images [N, H, W, C], found {images.shape}; add the missing axes inside synthesize")
    scale = (images.shape[1] * images.shape[2]) ** -0.5
    return path_lengths_along(scale * jax.random.normal(key, images.shape, jnp.float32), synthesize, w)


def path_length(key: Key, synthesize, w, mean) -> Array:
    """Computes the path length penalty (|J_w^T y| - a)^2 per example, [N], with a = mean the moving average of the lengths (a scalar, no
    gradient).

    Karras et al., 2020, eq. 4, https://arxiv.org/abs/1912.04958. Keep the average with
    `mean + 0.01 * (jnp.mean(path_lengths(key, synthesize, w)) - mean)`: with the same key, jit computes the lengths once.

    >>> path_length(jax.random.key(0), lambda w: w[:, None, None, :], jnp.zeros((3, 2)), 2.0).shape
    (3,)
    """
    return jnp.square(path_lengths(key, synthesize, w) - jax.lax.stop_gradient(mean))
