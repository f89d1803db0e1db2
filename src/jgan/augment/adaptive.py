"""Adaptive discriminator augmentation (ADA).

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (https://arxiv.org/abs/2006.06676): every image that the
discriminator sees, real or fake, goes through a chain of transformations, each applied with probability p; p follows how well the
discriminator knows the training images. Appendix B holds the chain and its constants.

`draw_transforms` draws, `apply_transforms` applies, `ada` does both, and each transformation is a function too. Which
transformations take part is said by name: `ada(key, images, p, xflip=1, hue=1)`, `ada(key, images, p, **BGC, noise=1)`; 1 is on, a number
below 1 multiplies p, 0 or absent is off, and without any name it is BGC, the set that the paper recommends.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.augment.chain import Draws, band_gains, colour_chain, cutout_box, geometry_chain, noise_field, open_gates, random_draws
from jgan.augment.recolour import add_noise, cut_out, filter_bands, recolour
from jgan.augment.warp import warp
from jgan.checks import floating_images
from jgan.types import Array, Key

BLIT = dict(xflip=1, rotate90=1, xint=1)
GEOMETRY = dict(scale=1, rotate=1, aniso=1, xfrac=1)
COLOUR = dict(brightness=1, contrast=1, lumaflip=1, hue=1, saturation=1)
FILTER = dict(imgfilter=1)
CORRUPTION = dict(noise=1, cutout=1)
BGC = BLIT | GEOMETRY | COLOUR
BGCFNC = BGC | FILTER | CORRUPTION


class Transforms(NamedTuple):
    """What is done to each of N images, in this order; None where nothing of the kind takes part."""

    geometry: Array | None  # [N, 3, 3], see `warp`
    colour: Array | None  # [N, 4, 4], see `recolour`
    gains: Array | None  # [N, 4], see `filter_bands`
    noise: Array | None  # [N, H, W, 3], see `add_noise`
    cutout: Array | None  # [N, 4], see `cut_out`


def transforms_from_draws(draws: Draws, noise_key: Key, height: int, width: int, strength: Array, **weights: float) -> Transforms:
    """Returns the transformations that given random numbers stand for; `draw_transforms` with the numbers left to the caller."""
    weights = weights or BGC
    if unknown := weights.keys() - BGCFNC.keys():
        raise TypeError(f"unknown transformations {sorted(unknown)}: the known ones are {', '.join(BGCFNC)}")
    on = open_gates(draws, jnp.asarray(strength, jnp.float32), weights)
    wanted = {name for name, weight in weights.items() if weight != 0}
    return Transforms(
        geometry=geometry_chain(draws, on, height, width) if wanted & (BLIT | GEOMETRY).keys() else None,
        colour=colour_chain(draws, on) if wanted & COLOUR.keys() else None,
        gains=band_gains(draws, on) if "imgfilter" in wanted else None,
        noise=noise_field(noise_key, draws, on, height, width) if "noise" in wanted else None,
        cutout=cutout_box(draws, on, height, width) if "cutout" in wanted else None,
    )


def draw_transforms(key: Key, n: int, height: int, width: int, strength: Array, **weights: float) -> Transforms:
    """Computes transformations for `n` images of `height` by `width` pixels, each with probability `strength` times its weight.

    They are a pytree with leading axis n, so that one draw can be split over microbatches. An unknown name raises TypeError.

    >>> transforms = draw_transforms(jax.random.key(0), 2, 8, 8, 0.5, xflip=1, rotate90=1)
    >>> transforms.geometry.shape, transforms.colour
    ((2, 3, 3), None)
    """
    draws_key, noise_key = jax.random.split(key)
    return transforms_from_draws(random_draws(draws_key, n), noise_key, height, width, strength, **weights)


def apply_transforms(images: Array, transforms: Transforms) -> Array:
    """Computes images [N, H, W, C] transformed; computed in float32, returned in the floating type given. Affine in the images.

    C is 1 or 3; with other numbers of channels, colour and noise raise ValueError and the rest works. Grey images are taken as RGB with
    equal channels, which hue and saturation leave as they are.

    >>> images = jnp.ones((2, 8, 8, 3))
    >>> apply_transforms(images, draw_transforms(jax.random.key(0), 2, 8, 8, 1.0)).shape
    (2, 8, 8, 3)
    """
    floating_images(images)
    result = images.astype(jnp.float32)
    for apply, transform in zip((warp, recolour, filter_bands, add_noise, cut_out), transforms, strict=True):
        result = result if transform is None else apply(result, transform)
    return result.astype(images.dtype)


def ada(key: Key, images: Array, strength: Array, **weights: float) -> Array:
    """Computes images [N, H, W, C] through the chain, each transformation with probability `strength` (p, a scalar in [0, 1]) times its
    weight.

    Differentiable in the images to any order. At strength 0 it returns them to rounding.

    >>> images = jnp.ones((2, 8, 8, 3))
    >>> bool(jnp.allclose(jax.jit(ada)(jax.random.key(0), images, 0.0), images, atol=1e-5))
    True
    """
    return apply_transforms(images, draw_transforms(key, *images.shape[:3], strength, **weights))


xflip = partial(ada, xflip=1)  # left and right exchanged, for half of those chosen
rotate90 = partial(ada, rotate90=1)  # by 0, 90, 180 or 270 degrees
xint = partial(ada, xint=1)  # shifted by whole pixels, up to 1/8 of the size
scale = partial(ada, scale=1)  # by a log-normal factor, the same along both axes
rotate = partial(ada, rotate=1)  # by any angle
aniso = partial(ada, aniso=1)  # stretched along one axis by a log-normal factor, shrunk along the other
xfrac = partial(ada, xfrac=1)  # shifted by a normal amount, of 1/8 of the size
brightness = partial(ada, brightness=1)  # plus a normal amount, of 0.2
contrast = partial(ada, contrast=1)  # times a log-normal factor
lumaflip = partial(ada, lumaflip=1)  # dark and light exchanged with hue kept, for half of those chosen
hue = partial(ada, hue=1)  # rotated about the grey axis by any angle
saturation = partial(ada, saturation=1)  # colourfulness times a log-normal factor
imgfilter = partial(ada, imgfilter=1)  # four frequency bands amplified or damped
noise = partial(ada, noise=1)  # plus white noise of half-normal amplitude 0.1
cutout = partial(ada, cutout=1)  # a box of half the size set to 0


def ada_update(
    p: Array, sign_of_real_logits_mean: Array, batch_size: int, target: float = 0.6, length: float = 500_000, interval: int = 4
) -> Array:
    """Returns the next p: up where the discriminator overfits, r_t = E[sign D(real)] above `target`, down where it does not; within [0, 1].

    p + sign(r_t - target) batch_size interval / length, for one update every `interval` steps of `batch_size` images, where r_t is the mean
    over those steps. `length` is the number of images in which p can go from 0 to 1. Karras et al. 2020, section 3.

    >>> float(ada_update(jnp.float32(0.0), jnp.float32(0.9), batch_size=50, interval=10))
    0.0010000000474974513
    """
    p = jnp.asarray(p, jnp.float32)
    return jnp.clip(p + jnp.sign(sign_of_real_logits_mean - target) * (batch_size * interval / length), 0.0, 1.0)
