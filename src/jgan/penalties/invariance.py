"""Consistency penalties: what should not change the output, and how much a generator's output may or must change.

A critic is [N, ...] -> [N], a generator z [N, D] -> images [N, ...]; augment: (key, x) -> x of the same shape keeps the meaning
of x. All return one unweighted penalty per example, [N], in float32, and raise ValueError at trace time for other shapes.
"""

import jax
import jax.numpy as jnp

from jgan.penalties._checks import along_rows, batched_floats, lift, norm, one_logit_each, same_shape, sum_squares
from jgan.types import Array, Key


def consistency(key: Key, critic, x, augment) -> Array:
    """Computes (D(x) - D(T(x)))^2 for a random augmentation T, in squared logits.

    Zhang et al., 2019, algorithm 1, https://arxiv.org/abs/1910.12027 (CR-GAN, on real images, weight 10).

    >>> consistency(jax.random.key(0), lambda x: x[:, 0], jnp.ones((2, 3)), lambda key, x: -x)
    Array([4., 4.], dtype=float32)
    """
    batched_floats(x=x)
    augmented = augment(key, x)
    same_shape(x=x, augmented=augmented)
    return _squared_difference(critic, x, augmented)


def _squared_difference(critic, x, changed) -> Array:
    logits, logits_changed = critic(x), critic(changed)
    one_logit_each(logits, x)
    return jnp.square(lift(logits) - lift(logits_changed))


def balanced_consistency(key: Key, critic, real, fake, augment) -> Array:
    """Computes (D(x) - D(T(x)))^2 + (D(G(z)) - D(T(G(z))))^2: consistency on real and fake images; for different weights add two
    `consistency`.

    Zhao et al., 2020, algorithm 1, https://arxiv.org/abs/2002.04724 (bCR-GAN).

    >>> balanced_consistency(jax.random.key(0), lambda x: x[:, 0], jnp.ones((2, 3)), jnp.ones((2, 3)), lambda key, x: -x)
    Array([8., 8.], dtype=float32)
    """
    same_shape(real=real, fake=fake)
    real_key, fake_key = jax.random.split(key)
    return consistency(real_key, critic, real, augment) + consistency(fake_key, critic, fake, augment)


def latent_consistency(key: Key, critic, generator, z, scale=0.1) -> Array:
    """Computes (D(G(z)) - D(G(z + d)))^2 with d ~ N(0, scale^2), in squared logits: the discriminator's side of zCR.

    Zhao et al., 2020, algorithm 2, https://arxiv.org/abs/2002.04724 (zCR-GAN).

    >>> latent_consistency(jax.random.key(0), lambda x: 0.0 * x[:, 0], lambda z: z, jnp.ones((2, 3)))
    Array([0., 0.], dtype=float32)
    """
    return _squared_difference(critic, generator(z), generator(_near(key, z, scale)))


def latent_diversity(key: Key, generator, z, scale=0.1) -> Array:
    """Computes -|G(z) - G(z + d)|^2 / size with d ~ N(0, scale^2): the generator's side of zCR, against ignoring z; at most 0.

    Divided by the number of pixels and channels, which keeps the weight independent of the resolution.

    Zhao et al., 2020, algorithm 2, https://arxiv.org/abs/2002.04724 (zCR-GAN).

    >>> latent_diversity(jax.random.key(0), lambda z: jnp.ones((2, 3)), jnp.ones((2, 3)))
    Array([-0., -0.], dtype=float32)
    """
    images = generator(z)
    return -sum_squares(images - generator(_near(key, z, scale))) / (images.size // images.shape[0])


def _near(key: Key, z, scale) -> Array:
    batched_floats(z=z)
    return z + scale * jax.random.normal(key, z.shape, z.dtype)


def mode_seeking(key: Key, generator, z, epsilon=1e-5) -> Array:
    """Computes |z - z'| / (|G(z) - G(z')| + epsilon |z - z'|), with z' drawn anew and means of absolute differences as distances.

    Against conditional generators that make one image per condition; Mao et al. use weight 1. z: [N, ...], standard normal.

    Mao et al., 2019, https://arxiv.org/abs/1903.05628 (MSGAN), who maximise the ratio; this is its reciprocal, to be minimised.

    >>> mode_seeking(jax.random.key(0), lambda z: 0.5 * z, jnp.zeros((2, 3))).round(3)
    Array([2., 2.], dtype=float32)
    """
    batched_floats(z=z)
    other = jax.random.normal(key, z.shape, z.dtype)
    moved = _mean_absolute(z - other)
    return moved / (_mean_absolute(generator(z) - generator(other)) + epsilon * moved)


def diversity_sensitive(key: Key, generator, z, bound) -> Array:
    """Computes `alikeness` of G(z) and G(z'), with z' drawn anew: against conditional generators that make one image per condition.

    Yang et al., 2019, https://arxiv.org/abs/1901.09024 (DSGAN), whose -min(distance, bound) this is up to a constant, without the division
    by |z - z'|, which hardly varies. z: [N, ...], standard normal; the condition is closed over.

    >>> diversity_sensitive(jax.random.key(0), lambda z: 0.0 * z, jnp.zeros((2, 3)), bound=0.25)
    Array([0.25, 0.25], dtype=float32)
    """
    batched_floats(z=z)
    return alikeness(generator(z), generator(jax.random.normal(key, z.shape, z.dtype)), bound)


def alikeness(images, others, bound) -> Array:
    """Computes max(0, bound - d), where d is the mean absolute difference of an image and the other of the same row: [N, ...] -> [N].

    bound: in the units of the images. A good one is the mean d of two real images of one class, or a little less: then generated ones are
    driven apart as far as real ones are, and left alone from there on. Raises ValueError for arrays of two shapes.

    >>> alikeness(jnp.zeros((2, 3)), jnp.asarray([[0.0, 0.0, 0.3], [1.0, 1.0, 1.0]]), bound=0.25).round(3)
    Array([0.15, 0.  ], dtype=float32)
    """
    same_shape(images=images, others=others)
    return jnp.maximum(0.0, bound - _mean_absolute(images - others))


def _mean_absolute(difference) -> Array:
    return jnp.mean(jnp.abs(lift(difference)), axis=range(1, difference.ndim))


def jacobian_clamp(key: Key, generator, z, minimum=1.0, maximum=20.0, step=1.0) -> Array:
    """Computes (max(Q, maximum) - maximum)^2 + (min(Q, minimum) - minimum)^2, with Q = |G(z) - G(z')| / |z - z'| and |z - z'| = step.

    z: [N, ...]; the direction of z' - z is uniform. Q is in output per latent units.

    Odena et al., 2018, algorithm 1, https://arxiv.org/abs/1802.08768.

    >>> jacobian_clamp(jax.random.key(0), lambda z: 0.5 * z, jnp.zeros((2, 3))).round(3)
    Array([0.25, 0.25], dtype=float32)
    """
    batched_floats(z=z)
    noise = jax.random.normal(key, z.shape, z.dtype)
    moved = z + step * noise / along_rows(norm(noise), noise).astype(z.dtype)
    quotient = norm(generator(z) - generator(moved)) / step
    return jnp.square(jnp.maximum(quotient, maximum) - maximum) + jnp.square(jnp.minimum(quotient, minimum) - minimum)
