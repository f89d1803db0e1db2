"""How colourful images are, and how far their colours are apart."""

import jax.numpy as jnp

from jgan.types import Array


def colourfulness(images) -> Array:
    """Computes the colourfulness [N] of images: 0 for greys, about 15 for slightly and 109 for extremely colourful photographs.

    sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2), with means m and standard deviations s over the pixels of rg = R - G and
    yb = (R + G) / 2 - B, for R, G and B in [0, 255].
    Source: Hasler and Süsstrunk 2003, https://doi.org/10.1117/12.477378, section 7.

    Args:
      images: RGB [N, H, W, 3], floats in [-1, 1] or integers in [0, 255].

    Raises:
      ValueError: for another shape.

    >>> colourfulness(jnp.zeros((1, 4, 4, 3))).tolist()
    [0.0]
    """
    images = jnp.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"expected RGB images [N, H, W, 3], found {images.shape}")
    floating = jnp.issubdtype(images.dtype, jnp.floating)
    red, green, blue = jnp.moveaxis(images * 127.5 + 127.5 if floating else images.astype(jnp.float32), -1, 0)
    opponents = jnp.stack([red - green, 0.5 * (red + green) - blue])
    spread = jnp.sqrt(jnp.var(opponents, axis=(2, 3)).sum(axis=0))
    return spread + 0.3 * jnp.sqrt(jnp.square(jnp.mean(opponents, axis=(2, 3))).sum(axis=0))


def delta_e(a, b) -> Array:
    """Computes the CIE 1976 colour difference, the Euclidean distance of L*a*b* values [..., 3]: [...]. About 2.3 is just noticeable.

    Source: CIE 15:2004; values come from `jgan.ops.colour.rgb_to_lab`.

    Raises:
      ValueError: unless both have three channels and shapes that broadcast.

    >>> delta_e(jnp.asarray([50.0, 0.0, 0.0]), jnp.asarray([50.0, 3.0, 4.0])).item()
    5.0
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    fit = all(m == n or 1 in (m, n) for m, n in zip(a.shape[::-1], b.shape[::-1], strict=False))
    if a.shape[-1:] != (3,) or b.shape[-1:] != (3,) or not fit:
        raise ValueError(f"expected L*a*b* values of shapes [..., 3] that broadcast, found {a.shape} and {b.shape}; reshape one")
    return jnp.sqrt(jnp.sum(jnp.square(a - b), axis=-1))
