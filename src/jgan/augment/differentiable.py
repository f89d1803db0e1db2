"""DiffAugment: the same light augmentations for reals and fakes, for both players.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (https://arxiv.org/abs/2006.10738).
Every function takes `strength`, the probability that an image takes part: 1 as published, 0 for the identity.
"""

import jax
import jax.numpy as jnp

from jgan.types import Array, Key


def choose(key: Key, strength: Array, changed: Array, images: Array) -> Array:
    """Returns each changed image [N, H, W, C] with probability `strength`, otherwise the original.

    >>> choose(jax.random.key(0), 1.0, jnp.ones((2, 1, 1, 1)), jnp.zeros((2, 1, 1, 1))).ravel().tolist()
    [1.0, 1.0]
    """
    chosen = jax.random.bernoulli(key, strength, (images.shape[0], 1, 1, 1))
    return jnp.where(chosen, changed, images)


def factor(key: Key, images: Array, low: float, high: float) -> Array:
    """Computes one number per image, uniform in [low, high), ready to multiply images [N, H, W, C]: [N, 1, 1, 1].

    >>> factor(jax.random.key(0), jnp.zeros((2, 8, 8, 3)), 0.5, 1.5).shape
    (2, 1, 1, 1)
    """
    return jax.random.uniform(key, (images.shape[0], 1, 1, 1), images.dtype, low, high)


def brightness(key: Key, images: Array, strength: Array = 1.0) -> Array:
    """Computes images [N, H, W, C] plus one number per image, uniform in [-0.5, 0.5].

    >>> shift = brightness(jax.random.key(0), jnp.zeros((2, 8, 8, 3)))
    >>> bool((shift == shift[:, :1, :1, :1]).all()), float(jnp.abs(shift).max()) <= 0.5
    (True, True)
    """
    draw_key, choice_key = jax.random.split(key)
    return choose(choice_key, strength, images + factor(draw_key, images, -0.5, 0.5), images)


def saturation(key: Key, images: Array, strength: Array = 1.0) -> Array:
    """Computes images [N, H, W, C], their distance from grey (the mean of the channels) times one number per image, uniform in [0, 2].

    >>> saturation(jax.random.key(0), jnp.ones((1, 1, 1, 3))).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    draw_key, choice_key = jax.random.split(key)
    grey = images.mean(axis=3, keepdims=True)
    return choose(choice_key, strength, (images - grey) * factor(draw_key, images, 0.0, 2.0) + grey, images)


def contrast(key: Key, images: Array, strength: Array = 1.0) -> Array:
    """Computes images [N, H, W, C], their distance from the mean of the image times one number per image, uniform in [0.5, 1.5].

    >>> contrast(jax.random.key(0), jnp.ones((1, 1, 1, 3))).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    draw_key, choice_key = jax.random.split(key)
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return choose(choice_key, strength, (images - mean) * factor(draw_key, images, 0.5, 1.5) + mean, images)


def translation(key: Key, images: Array, strength: Array = 1.0, ratio: float = 0.125) -> Array:
    """Computes images [N, H, W, C] shifted by whole pixels, uniform up to `ratio` of the size along each axis, zeros moving in.

    >>> translation(jax.random.key(0), jnp.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """
    draw_key, choice_key = jax.random.split(key)
    n, height, width, channels = images.shape
    reach = jnp.array([int(height * ratio + 0.5), int(width * ratio + 0.5)], jnp.int32)[None]
    corner = jax.random.randint(draw_key, (n, 2), 0, 2 * reach + 1, jnp.int32)
    padding = [(0, 0), *((int(size * ratio + 0.5),) * 2 for size in (height, width)), (0, 0)]

    def crop(image, corner):
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], jnp.int32(0)), (height, width, channels))

    return choose(choice_key, strength, jax.vmap(crop)(jnp.pad(images, padding), corner), images)


def cutout(key: Key, images: Array, strength: Array = 1.0, ratio: float = 0.5) -> Array:
    """Computes images [N, H, W, C] with a box of `ratio` of the size set to 0, about a pixel drawn uniformly; the box may reach over the
    edge.

    >>> cutout(jax.random.key(0), jnp.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """
    draw_key, choice_key = jax.random.split(key)
    n, height, width, _ = images.shape
    box = jnp.array([int(height * ratio + 0.5), int(width * ratio + 0.5)], jnp.int32)
    size = jnp.array([height, width], jnp.int32)
    # An even box has no central pixel: one more position makes its mean position the middle of the image.
    corner = jax.random.randint(draw_key, (n, 2), 0, (size + (1 - box % 2))[None], jnp.int32) - (box // 2)[None]
    row = jnp.arange(height, dtype=jnp.int32)[None] - corner[:, :1]
    column = jnp.arange(width, dtype=jnp.int32)[None] - corner[:, 1:]
    inside = ((row >= 0) & (row < box[0]))[:, :, None, None] & ((column >= 0) & (column < box[1]))[:, None, :, None]
    return choose(choice_key, strength, jnp.where(inside, jnp.zeros((), images.dtype), images), images)


def diffaugment(key: Key, images: Array, strength: Array = 1.0) -> Array:
    """Returns the full policy of the paper: colour (brightness, saturation, contrast), then translation, then cutout; images [N, H, W, C].

    Any other policy is a chain of the functions above. Differentiable in the images to any order.

    >>> diffaugment(jax.random.key(0), jnp.zeros((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """
    steps = (brightness, saturation, contrast, translation, cutout)
    for step, step_key in zip(steps, jax.random.split(key, len(steps)), strict=True):
        images = step(step_key, images, strength)
    return images
