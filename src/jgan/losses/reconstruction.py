"""Reconstruction and feature losses. Images are [N, H, W, C] in [-1, 1]; all but one return one loss per example, [N], in float32.

A feature_fn maps images to a pytree (a list, a dict, one array) of activations [N, ...]. Shapes that do not match raise ValueError at
trace time. Means over pixels and activations keep the weight of a loss independent of the resolution.
"""

import jax
import jax.numpy as jnp

from jgan.losses._checks import at_least_rank, has_rank, lift, per_example, same_shape, unit
from jgan.types import Array


def pixel_l1(real, fake) -> Array:
    """Computes the mean absolute difference per example; both [N, ...] of one shape, result [N] in the units of the input.

    Isola et al., 2016, eq. 3, https://arxiv.org/abs/1611.07004 (pix2pix, its weight is 100).

    >>> pixel_l1(jnp.zeros((1, 2, 2, 3)), jnp.full((1, 2, 2, 3), 0.5))
    Array([0.5], dtype=float32)
    """
    same_shape(real=real, fake=fake)
    at_least_rank(1, "[N, ...]", real=real)
    return per_example(jnp.abs(lift(real) - lift(fake)))


def pixel_l2(real, fake) -> Array:
    """Computes the mean squared difference per example; both [N, ...] of one shape, result [N] in squared units of the input.

    Pathak et al., 2016, eq. 1, https://arxiv.org/abs/1604.07379 (context encoders).

    >>> pixel_l2(jnp.zeros((1, 2, 2, 3)), jnp.full((1, 2, 2, 3), 0.5))
    Array([0.25], dtype=float32)
    """
    same_shape(real=real, fake=fake)
    at_least_rank(1, "[N, ...]", real=real)
    return per_example(jnp.square(lift(real) - lift(fake)))


def pixel_charbonnier(real, fake, epsilon: float = 1e-3) -> Array:
    """Computes the mean of sqrt(difference^2 + epsilon^2) per example: L1 with a smooth bottom; [N, ...] each, epsilon in the units of the
    input.

    Charbonnier et al., 1994, https://doi.org/10.1109/ICIP.1994.413553; Lai et al., 2017, section 3.2, https://arxiv.org/abs/1704.03915.

    >>> pixel_charbonnier(jnp.zeros((1, 2)), jnp.full((1, 2), 3.0), epsilon=4.0)
    Array([5.], dtype=float32)
    """
    same_shape(real=real, fake=fake)
    at_least_rank(1, "[N, ...]", real=real)
    return per_example(jnp.sqrt(jnp.square(lift(real) - lift(fake)) + epsilon**2))


def cycle_consistency(real, cycled) -> Array:
    """Computes the L1 distance of images to their way there and back, |F(G(x)) - x|, mean per example [N]; add the two directions.

    Zhu et al., 2017, eq. 2, https://arxiv.org/abs/1703.10593 (CycleGAN, its weight is 10).

    >>> cycle_consistency(jnp.zeros((1, 2, 2, 3)), jnp.ones((1, 2, 2, 3)))
    Array([1.], dtype=float32)
    """
    return pixel_l1(real, cycled)


def identity(real, mapped) -> Array:
    """Computes the L1 distance |G(y) - y| of images to what a generator makes of images that are in its target domain already, per example
    [N].

    Zhu et al., 2017, section 5.2, https://arxiv.org/abs/1703.10593 (CycleGAN, half the weight of the cycle); Taigman et al., 2016,
    eq. 6, https://arxiv.org/abs/1611.02200.

    >>> identity(jnp.zeros((1, 2, 2, 3)), jnp.ones((1, 2, 2, 3)))
    Array([1.], dtype=float32)
    """
    return pixel_l1(real, mapped)


def feature_matching_means(real_features, fake_features, distance=jnp.square) -> Array:
    """Computes the distance between the batch means of features [N, F] and [M, F], averaged over the features: a scalar.

    distance: applied to each difference of means (jnp.square, jnp.abs).

    Salimans et al., 2016, section 3.1, https://arxiv.org/abs/1606.03498.

    >>> float(feature_matching_means(jnp.zeros((2, 3)), jnp.full((4, 3), 2.0)))
    4.0
    """
    has_rank(2, "[N, F]", real_features=real_features, fake_features=fake_features)
    real_mean, fake_mean = jnp.mean(lift(real_features), axis=0), jnp.mean(lift(fake_features), axis=0)
    same_shape(real_mean=real_mean, fake_mean=fake_mean)
    return jnp.mean(distance(real_mean - fake_mean))


def _over_layers(distance, real_features, fake_features) -> Array:
    """Return the sum over the leaves of two pytrees of distance(real, fake) [N]."""
    if jax.tree.structure(real_features) != jax.tree.structure(fake_features) or not jax.tree.leaves(real_features):
        found = f"{jax.tree.structure(real_features)} and {jax.tree.structure(fake_features)}"
        raise ValueError(f"expected two equal pytrees of activations, found {found}; use one feature function for both")
    return sum(jax.tree.leaves(jax.tree.map(distance, real_features, fake_features)))


def feature_matching(real_features, fake_features) -> Array:
    """Computes the sum over layers of the mean absolute difference of activations; two pytrees of [N, ...], result [N].

    Wang et al., 2017, eq. 4, https://arxiv.org/abs/1711.11585 (pix2pixHD, its weight is 10).

    >>> feature_matching([jnp.zeros((1, 4)), jnp.zeros((1, 2, 2, 3))], [jnp.ones((1, 4)), jnp.ones((1, 2, 2, 3))])
    Array([2.], dtype=float32)
    """
    return _over_layers(pixel_l1, real_features, fake_features)


def total_variation(images) -> Array:
    """Computes the sum of absolute differences of neighbours, down and right, per pixel and channel; images: [N, H, W, C], result [N].

    Rudin et al., 1992, https://doi.org/10.1016/0167-2789(92)90242-F, in its anisotropic form; Johnson et al., 2016, section 3.2,
    https://arxiv.org/abs/1603.08155.

    >>> total_variation(jnp.array([0.0, 1.0]).reshape(1, 1, 2, 1))
    Array([0.5], dtype=float32)
    """
    has_rank(4, "[N, H, W, C]", images=images)
    images = lift(images)
    down = jnp.sum(jnp.abs(images[:, 1:] - images[:, :-1]), axis=(1, 2, 3))
    right = jnp.sum(jnp.abs(images[:, :, 1:] - images[:, :, :-1]), axis=(1, 2, 3))
    return (down + right) / (images.shape[1] * images.shape[2] * images.shape[3])


def perceptual(feature_fn):
    """Returns (real, fake) -> [N]: the sum over layers of the mean squared difference of the activations of feature_fn.

    Johnson et al., 2016, eq. 2, https://arxiv.org/abs/1603.08155.

    >>> perceptual(lambda x: [x, 2.0 * x])(jnp.zeros((1, 2, 2, 3)), jnp.ones((1, 2, 2, 3)))
    Array([5.], dtype=float32)
    """
    return lambda real, fake: _over_layers(pixel_l2, feature_fn(real), feature_fn(fake))


def gram(features) -> Array:
    """Computes the Gram matrix of activations [N, H, W, C]: [N, C, C], channel products averaged over places and divided by C.

    Johnson et al., 2016, eq. 3, https://arxiv.org/abs/1603.08155.

    >>> gram(jnp.ones((1, 2, 2, 1)))
    Array([[[1.]]], dtype=float32)
    """
    has_rank(4, "[N, H, W, C]", features=features)
    features = lift(features)
    return jnp.einsum("nhwc,nhwd->ncd", features, features) / (features.shape[1] * features.shape[2] * features.shape[3])


def style_gram(feature_fn):
    """Returns (real, fake) -> [N]: the sum over layers of the squared Frobenius distance of the Gram matrices of activations [N, H, W, C].

    Gatys et al., 2015, eq. 4, https://arxiv.org/abs/1508.06576; Johnson et al., 2016, eq. 4, https://arxiv.org/abs/1603.08155.

    >>> style_gram(lambda x: x)(jnp.zeros((1, 2, 2, 1)), jnp.ones((1, 2, 2, 1)))
    Array([1.], dtype=float32)
    """

    def distance(real, fake):
        same_shape(real=real, fake=fake)
        return jnp.sum(jnp.square(gram(real) - gram(fake)), axis=(1, 2))

    return lambda real, fake: _over_layers(distance, feature_fn(real), feature_fn(fake))


def patch_nce(query, positive, temperature: float = 0.07) -> Array:
    """Computes the contrastive loss of patches: each query against the positive of the same place and those of the other places of the
    image.

    query: [N, P, D] features of the output at P places, positive: [N, P, D] features of the input there (give them through
    stop_gradient); both are normalised here. Returns the cross-entropy [N, P].

    Park et al., 2020, eq. 3, https://arxiv.org/abs/2007.15651 (CUT).

    >>> patch_nce(jnp.ones((1, 2, 3)), jnp.ones((1, 2, 3)))
    Array([[0.6931..., 0.6931...]], dtype=float32)
    """
    has_rank(3, "[N, P, D]", query=query, positive=positive)
    same_shape(query=query, positive=positive)
    logits = jnp.einsum("npd,nqd->npq", unit(query), unit(positive)) / temperature
    return jax.nn.logsumexp(logits, axis=2) - jnp.diagonal(logits, axis1=1, axis2=2)
