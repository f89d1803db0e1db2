"""Geometric transformation of images without aliasing: the execution half of ADA's geometry.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (https://arxiv.org/abs/2006.06676), appendix B: reflect the
image beyond its edges, upsample by 2 with the sym6 wavelet, look up bilinearly, downsample by 2 with the same wavelet.

The reflection need not be as wide as the transformation happens to reach: an image reflected without end repeats every 2 (size - 1)
pixels, so one period holds every value that can be asked for, and coordinates are taken modulo that period.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from jgan.ops.lookup import bilinear_lookup
from jgan.ops.resample import upfirdn
from jgan.types import Array

# Low-pass filter of the Symlet with 6 vanishing moments (Daubechies 1992, "Ten Lectures on Wavelets", table 6.3), of sum sqrt(2).
SYM6 = np.array(
    [
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ]
)
BEFORE = len(SYM6) // 2 - 1  # samples that the downsampling reads before the first pixel


def periodic_texture(images: Array) -> Array:
    """Computes one period of the reflected images at twice the resolution, its first row and column repeated last: [N, 4 H - 3, 4 W - 3,
    C].
    """
    height, width = images.shape[1:3]
    before = (len(SYM6) - BEFORE) // 2
    padding = ((0, 0), (before, height + 1), (before, width + 1), (0, 0))
    return upfirdn(jnp.pad(images, padding, mode="reflect"), SYM6, up=2, gain=2)


def coordinates(geometry: Array, height: int, width: int) -> tuple[Array, Array]:
    """Returns where the twofold grid of the output lies on the grid of the input: y and x, [N, 2 height + 10, 2 width + 10]."""
    # The sym6 filter peaks at its sixth tap, which puts pixel i at sample 2 i of the twofold grid.
    centre_y, centre_x = height - 1, width - 1
    y = (jnp.arange(2 * height + len(SYM6) - 2, dtype=jnp.float32) - BEFORE - centre_y)[None, :, None]
    x = (jnp.arange(2 * width + len(SYM6) - 2, dtype=jnp.float32) - BEFORE - centre_x)[None, None, :]
    column = product(geometry, 0, 0, x) + product(geometry, 0, 1, y) + (2 * geometry[:, 0, 2, None, None] + centre_x)
    row = product(geometry, 1, 0, x) + product(geometry, 1, 1, y) + (2 * geometry[:, 1, 2, None, None] + centre_y)
    return row, column


def product(geometry: Array, i: int, j: int, grid: Array) -> Array:
    """Returns the entry (i, j) of maps [N, 3, 3] times a grid of coordinates [1, A, B], rounded to 22 bits: [N, A, B].

    >>> product(jnp.eye(3)[None], 0, 0, jnp.ones((1, 1, 2)))
    Array([[[1., 1.]]], dtype=float32)
    """
    # Compilers contract products and sums in one place and not in another; without the rounding, the pixel looked up and its weight, each
    # computed in another loop, could stand on different sides of an integer.
    return lax.reduce_precision(geometry[:, i, j, None, None] * grid, exponent_bits=8, mantissa_bits=22)


def warp(images: Array, geometry: Array) -> Array:
    """Computes images [N, H, W, C] seen through an affine map, band-limited and reflected at the edges.

    `geometry` [N, 3, 3] takes a point (x, y, 1) of the output to the point of the input that is seen there, in pixels from the centre of
    the image, x to the right and y down. Linear in the images; the identity map returns them to rounding.

    >>> import jax
    >>> images = jnp.arange(12.0).reshape(1, 3, 4, 1)
    >>> bool(jnp.allclose(jax.jit(warp)(images, jnp.eye(3)[None]), images, atol=1e-5))
    True
    """
    height, width = images.shape[1:3]
    if min(height, width) < 2:
        raise ValueError(f"expected images of at least 2 x 2 pixels, found {height} x {width}")
    geometry = lax.optimization_barrier(geometry)  # computed once, for the same reason as in `product`
    samples = bilinear_lookup(periodic_texture(images), *coordinates(geometry, height, width))
    return upfirdn(samples, SYM6, down=2, gain=0.5, flip=True)
