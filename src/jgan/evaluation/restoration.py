"""How good restored images are: their detail, their colours. Images are uint8 [N, H, W, C]."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jgan.data.corrupt import reduced
from jgan.metrics import structure
from jgan.metrics.colour import colourfulness, delta_e
from jgan.ops.colour import luma, rgb_to_lab
from jgan.ops.images import to_float

Numbers = dict[str, np.ndarray]  # [N], a number per image


class Restoration(NamedTuple):
    """What a system gives back to images, and how that is measured."""

    pair: Callable[[Any, np.ndarray], dict[str, np.ndarray]]  # (config, image [H, W, C]) -> input and target
    baseline: Callable[[Any, np.ndarray], np.ndarray]  # (config, inputs) -> what they are without learning, of the shape of the targets
    measure: Callable[[Any, np.ndarray, np.ndarray, np.ndarray], Numbers]  # (config, restored, inputs, targets) -> numbers
    tile: Callable[[Any], int]  # config -> the side of the parts whose Fréchet distance is measured, pixels


def detail_numbers(restored: np.ndarray, inputs: np.ndarray, targets: np.ndarray, scale: int) -> Numbers:
    """Measures enlarged images: `psnr_y` (dB) and `ssim_y` on the luma of MATLAB's `rgb2ycbcr` without a border of `scale` pixels, as the
    literature has them; `top_octave`, the energy of the highest octave relative to the target's; `consistency`, the PSNR of what they are
    when they are reduced again to the inputs (dB). No PSNR is above 60 dB.

    Raises:
      ValueError: for images too small for that.

    >>> images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    >>> found = detail_numbers(images // 2, images[:, ::2, ::2], images, scale=2)
    >>> found["top_octave"].round(2).tolist()
    [0.25]
    """
    least = structure.WINDOW + 2 * scale
    if min(targets.shape[1:3]) < least:
        raise ValueError(f"expected images of {least} x {least} pixels or more to measure, found {targets.shape[1:3]}; leave them out")
    found, true = (video_luma(images)[:, scale:-scale, scale:-scale] for images in (restored, targets))
    again = np.stack([reduced(image, scale) for image in restored])
    numbers = {
        "psnr_y": jnp.minimum(structure.psnr(found, true, 255), structure.MOST_PSNR),
        "ssim_y": structure.ssim(found, true, 255),
        "top_octave": top_octave(found) / top_octave(true),
        "consistency": jnp.minimum(structure.psnr(again, inputs), structure.MOST_PSNR),
    }
    return {name: np.asarray(values) for name, values in numbers.items()}


def colour_numbers(restored: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> Numbers:
    """Measures coloured images: `colourfulness`, relative to the mean of the targets; `psnr` (dB, 60 at most); `lightness_error`, the mean
    distance of L of Lab from the input's, which is more than rounding where colours were clipped.

    Raises:
      ValueError: if the targets are grey.

    >>> images = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8)
    >>> colour_numbers(images, images[..., :1], images)["colourfulness"].tolist()
    [1.0]
    """
    true = jnp.mean(colourfulness(targets))
    if true == 0:
        raise ValueError("expected images in colour to compare with, found grey ones")
    light, given = (_lab(images)[..., 0] for images in (restored, inputs.repeat(3, axis=3)))
    numbers = {
        "colourfulness": colourfulness(restored) / true,
        "psnr": jnp.minimum(structure.psnr(restored, targets), structure.MOST_PSNR),
        "lightness_error": np.mean(np.abs(light - given), axis=(1, 2)),
    }
    return {name: np.asarray(values) for name, values in numbers.items()}


def palette_numbers(images: np.ndarray, masks: np.ndarray, colours: np.ndarray, most: float = 15.0) -> dict[str, float]:
    """Returns whether shapes have colours of a palette: `of_palette`, the share whose mean of Lab is within `most` of one (CIE 1976);
    `colours_used`, how many of them are nearest to at least a hundredth of those shapes; `chi_square` of their counts against equal ones.

    Args:
      images: uint8 [N, H, W, 3].
      masks: bool [N, H, W], of the pixels of the shape.
      colours: uint8 [K, 3].
      most: units of Lab.

    >>> red, grey = np.full((2, 2, 3), (222, 40, 44), np.uint8), np.full((2, 2, 3), 99, np.uint8)
    >>> palette_numbers(np.stack([red, grey]), np.ones((2, 2, 2), bool), red[0, :1])["of_palette"]
    0.5
    """
    weights = masks[..., None] / masks.sum(axis=(1, 2))[:, None, None, None]
    means = np.sum(_lab(images) * weights, axis=(1, 2))
    distances = np.asarray(delta_e(means[:, None], _lab(colours)[None]))
    found = distances.min(axis=1) <= most
    counts = np.bincount(distances.argmin(axis=1)[found], minlength=len(colours))
    expected = max(found.sum(), 1) / len(colours)
    return {
        "of_palette": float(found.mean()),
        "colours_used": float(np.sum(counts >= max(1, found.sum() / 100))),
        "chi_square": float(np.sum((counts - expected) ** 2) / expected),
    }


def video_luma(images: np.ndarray) -> np.ndarray:
    """Returns Y [..., 1] in [16, 235] of uint8 [..., 3], not rounded: ITU-R BT.601, as MATLAB's `rgb2ycbcr`.

    >>> video_luma(np.full((1, 1, 3), 255, np.uint8)).item()
    235.0
    """
    return np.asarray(16.0 + 219.0 * luma(images.astype(np.float32) / 255))


def top_octave(images: np.ndarray) -> np.ndarray:
    """Computes the energy [N] of [N, H, W, 1] in the octave below the highest frequency, 1/4 cycle per pixel or more, in a Hann window."""
    height, width = images.shape[1:3]
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    power = np.abs(np.fft.fft2((images - images.mean(axis=(1, 2, 3), keepdims=True))[..., 0] * window[None])) ** 2
    high = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]) >= 0.25
    return np.sum(power, axis=(1, 2), where=high[None])


def tiles(images: Sequence[np.ndarray], side: int) -> np.ndarray:
    """Cuts images [H, W, C] into squares [N, side, side, C], side by side from the first pixel on; what is left over is left out.

    >>> tiles([np.zeros((9, 13, 3), np.uint8)], 4).shape
    (6, 4, 4, 3)
    """
    return np.concatenate([_tiles(image, side) for image in images])


def _tiles(image, side):
    height, width, channels = image.shape[0] // side, image.shape[1] // side, image.shape[2]
    parts = image[: height * side, : width * side].reshape(height, side, width, side, channels)
    return parts.swapaxes(1, 2).reshape(-1, side, side, channels)


def _lab(images):
    return np.asarray(rgb_to_lab(jnp.asarray(to_float(images))))
