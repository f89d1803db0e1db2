"""The draws of ADA and the maps that they compose into, transformation by transformation.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (https://arxiv.org/abs/2006.06676), appendix B.
"""

from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jgan.ops.random import normal
from jgan.types import Array, Key

BANDS = ("band_0", "band_1", "band_2", "band_3")
GATES = ("xflip", "rotate90", "xint", "scale", "rotate_before", "aniso", "rotate_after", "xfrac")
GATES += ("brightness", "contrast", "lumaflip", "hue", "saturation", *BANDS, "noise", "cutout")
UNIFORMS = ("xflip", "rotate90", "xint_x", "xint_y", "rotate_before", "rotate_after", "lumaflip", "hue", "cutout_x", "cutout_y")
NORMALS = ("scale", "aniso", "xfrac_x", "xfrac_y", "brightness", "contrast", "saturation", *BANDS, "noise")

BAND_POWER = np.array([10, 1, 1, 1], np.float32) / 13  # expected power of natural images in the four bands


def basis(*rows: str) -> np.ndarray:
    """Returns a constant matrix from rows of numbers."""
    return np.array([row.split() for row in rows], np.float32)


# Every map is a sum of a few constant matrices: in the plane, in homogeneous coordinates (x, y, 1) ...
X, Y, PLANE = basis("1 0 0", "0 0 0", "0 0 0"), basis("0 0 0", "0 1 0", "0 0 0"), basis("1 0 0", "0 1 0", "0 0 0")
SHIFT_X, SHIFT_Y, ONE = basis("0 0 1", "0 0 0", "0 0 0"), basis("0 0 0", "0 0 1", "0 0 0"), basis("0 0 0", "0 0 0", "0 0 1")
TURN = basis("0 -1 0", "1 0 0", "0 0 0")
# ... and in (r, g, b, 1): the grey axis (1, 1, 1) / sqrt(3) as projection, what is left of a colour, and the quarter turn about that axis.
GREY = basis("1 1 1 0", "1 1 1 0", "1 1 1 0", "0 0 0 0") / 3
CHROMA = basis("2 -1 -1 0", "-1 2 -1 0", "-1 -1 2 0", "0 0 0 0") / 3
CHROMA_TURN = basis("0 -1 1 0", "1 0 -1 0", "-1 1 0 0", "0 0 0 0") / np.float32(np.sqrt(3))
LIFT, KEPT = basis("0 0 0 1", "0 0 0 1", "0 0 0 1", "0 0 0 0"), basis("0 0 0 0", "0 0 0 0", "0 0 0 0", "0 0 0 1")


class Draws(NamedTuple):
    """The raw random numbers of `n` images; a transformation takes place where its gate is below its probability."""

    gate: dict[str, Array]  # GATES, uniform on [0, 1), [N]
    uniform: dict[str, Array]  # UNIFORMS, uniform on [0, 1), [N]
    normal: dict[str, Array]  # NORMALS, standard normal, [N]


def random_draws(key: Key, n: int) -> Draws:
    """Computes all random numbers of `n` images but the noise field, whatever transformations take part: the same draws for every choice of
    them.

    >>> draws = random_draws(jax.random.key(0), 2)
    >>> len(draws.gate), len(draws.uniform), len(draws.normal), draws.gate["hue"].shape
    (19, 10, 12, (2,))
    """
    gate_key, uniform_key, normal_key = jax.random.split(key, 3)
    gate = jax.random.uniform(gate_key, (len(GATES), n), jnp.float32)
    uniform = jax.random.uniform(uniform_key, (len(UNIFORMS), n), jnp.float32)
    normals = jax.random.normal(normal_key, (len(NORMALS), n), jnp.float32)
    return Draws(dict(zip(GATES, gate, strict=True)), dict(zip(UNIFORMS, uniform, strict=True)), dict(zip(NORMALS, normals, strict=True)))


def open_gates(draws: Draws, strength: Array, weights: dict[str, float]) -> dict[str, Array]:
    """Returns which images take part in which transformation, bool [N] for each of GATES."""
    chance = {name: jnp.float32(weights.get(name, 0)) * strength for name in (*GATES, "rotate", "imgfilter")}
    # Two chances to rotate, before and after the anisotropic scaling, of at least one with the probability asked for.
    chance["rotate_before"] = chance["rotate_after"] = 1 - jnp.sqrt(jnp.maximum(1 - chance["rotate"], 0))
    chance |= {band: chance["imgfilter"] for band in BANDS}
    return {name: draws.gate[name] < chance[name] for name in GATES}


def combine(*terms: tuple[Array | float, np.ndarray]) -> Array:
    """Computes the sum of constant matrices [k, k] with one amount [N] or one number each: [N, k, k].

    >>> combine((jnp.array([2.0, 3.0]), X), (1.0, Y), (1.0, ONE))[:, 0, 0]
    Array([2., 3.], dtype=float32)
    """
    return sum(jnp.asarray(amount, jnp.float32).reshape(-1, 1, 1) * matrix[None] for amount, matrix in terms)


def compose(*matrices: Array) -> Array:
    """Returns the product of maps [N, k, k] or [1, k, k], in full precision; the last of them acts first.

    >>> scaled, moved = combine((2.0, PLANE), (1.0, ONE)), combine((1.0, PLANE), (3.0, SHIFT_X), (1.0, ONE))
    >>> (compose(moved, scaled) @ jnp.array([1.0, 1.0, 1.0])).tolist()
    [[5.0, 2.0, 1.0]]
    """
    return reduce(lambda left, right: jnp.einsum("nij,njk->nik", left, right, precision=lax.Precision.HIGHEST), matrices)


def geometry_chain(draws: Draws, on: dict[str, Array], height: int, width: int) -> Array:
    """Returns the map from output to input pixels [N, 3, 3]: the inverses of the transformations, so the first of them stands leftmost."""
    uniform, normal = draws.uniform, draws.normal
    mirror = jnp.where(on["xflip"] & (uniform["xflip"] >= 0.5), -1.0, 1.0)
    quarter = jnp.where(on["rotate90"], jnp.floor(uniform["rotate90"] * 4), 0.0) * (np.pi / 2)
    whole_x = jnp.where(on["xint"], jnp.round((2 * uniform["xint_x"] - 1) * 0.125 * width), 0.0)
    whole_y = jnp.where(on["xint"], jnp.round((2 * uniform["xint_y"] - 1) * 0.125 * height), 0.0)
    scale = jnp.where(on["scale"], jnp.exp2(-0.2 * normal["scale"]), 1.0)
    before = jnp.where(on["rotate_before"], (2 * uniform["rotate_before"] - 1) * np.pi, 0.0)
    stretch = jnp.where(on["aniso"], 0.2 * normal["aniso"], 0.0)
    after = jnp.where(on["rotate_after"], (2 * uniform["rotate_after"] - 1) * np.pi, 0.0)
    part_x = jnp.where(on["xfrac"], 0.125 * width * normal["xfrac_x"], 0.0)
    part_y = jnp.where(on["xfrac"], 0.125 * height * normal["xfrac_y"], 0.0)
    return compose(
        combine((mirror, X), (1.0, Y), (1.0, ONE)),
        # Quarter turns are rounded, for pixels to land on pixels exactly.
        combine((jnp.round(jnp.cos(quarter)), PLANE), (jnp.round(jnp.sin(quarter)), TURN), (1.0, ONE)),
        combine((1.0, PLANE), (-whole_x, SHIFT_X), (-whole_y, SHIFT_Y), (1.0, ONE)),
        combine((scale, PLANE), (1.0, ONE)),
        combine((jnp.cos(before), PLANE), (jnp.sin(before), TURN), (1.0, ONE)),
        combine((jnp.exp2(-stretch), X), (jnp.exp2(stretch), Y), (1.0, ONE)),
        combine((jnp.cos(after), PLANE), (jnp.sin(after), TURN), (1.0, ONE)),
        combine((1.0, PLANE), (-part_x, SHIFT_X), (-part_y, SHIFT_Y), (1.0, ONE)),
    )


def colour_chain(draws: Draws, on: dict[str, Array]) -> Array:
    """Returns the affine map of (r, g, b, 1), [N, 4, 4]; the last of the transformations stands leftmost."""
    uniform, normal = draws.uniform, draws.normal
    brightness = jnp.where(on["brightness"], 0.2 * normal["brightness"], 0.0)
    contrast = jnp.where(on["contrast"], jnp.exp2(0.5 * normal["contrast"]), 1.0)
    luma = jnp.where(on["lumaflip"] & (uniform["lumaflip"] >= 0.5), -1.0, 1.0)
    angle = jnp.where(on["hue"], (2 * uniform["hue"] - 1) * np.pi, 0.0)
    saturation = jnp.where(on["saturation"], jnp.exp2(normal["saturation"]), 1.0)
    return compose(
        combine((saturation, CHROMA), (1.0, GREY + KEPT)),
        combine((jnp.cos(angle), CHROMA), (jnp.sin(angle), CHROMA_TURN), (1.0, GREY + KEPT)),
        combine((luma, GREY), (1.0, CHROMA + KEPT)),
        combine((contrast, GREY + CHROMA), (1.0, KEPT)),
        combine((brightness, LIFT), (1.0, GREY + CHROMA + KEPT)),
    )


def band_gains(draws: Draws, on: dict[str, Array]) -> Array:
    """Computes gains of the four frequency bands [N, 4]; each amplification keeps the expected power of a natural image."""
    gains = jnp.ones((1, 4), jnp.float32)
    for i, band in enumerate(BANDS):
        amplified = jnp.where(on[band], jnp.exp2(draws.normal[band]), 1.0)
        one_band = jnp.where(np.arange(4)[None] == i, amplified[:, None], 1.0)
        gains = gains * one_band / jnp.sqrt((BAND_POWER[None] * one_band**2).sum(axis=1, keepdims=True))
    return gains


def noise_field(key: Key, draws: Draws, on: dict[str, Array], height: int, width: int) -> Array:
    """Computes white noise [N, H, W, 3] of half-normal amplitude."""
    amplitude = jnp.where(on["noise"], 0.1 * jnp.abs(draws.normal["noise"]), 0.0)
    return amplitude[:, None, None, None] * normal(key, (len(amplitude), height, width, 3))


def cutout_box(draws: Draws, on: dict[str, Array], height: int, width: int) -> Array:
    """Computes top, bottom, left and right [N, 4] of a box of half the image's size about a uniform centre, in pixels; empty
    where closed.
    """
    y, x = draws.uniform["cutout_y"], draws.uniform["cutout_x"]
    box = jnp.stack([(y - 0.25) * height, (y + 0.25) * height, (x - 0.25) * width, (x + 0.25) * width], axis=-1)
    return jnp.where(on["cutout"][:, None], jnp.round(box), 0.0)
