"""What the feature networks of the metrics share: uint8 images in, features and logits out, and the protocol that their numbers carry."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.types import Array, Params

EXACT = jax.lax.Precision.HIGHEST  # float32 in full: by default accelerators round the factors, which moves a distance


class Features(NamedTuple):
    """A feature network. Numbers taken in two of them are comparable exactly where their names are equal."""

    name: str  # kind and first eight digits of the weight file's sha256, as inception-2015-12-05-6726825d
    apply: Callable  # (params, images uint8 [N, H, W, C]) -> {"features": float32 [N, F], "logits": float32 [N, K], if it has any}
    params: Params
    protocol: dict[str, Any]  # resizer, range of the input, layer, origin and sha256 of the weights, precision


def quantise(images: Array) -> Array:
    """Images in [-1, 1] as the uint8 images that a file would hold: round(127.5 x + 127.5), clipped to 0..255.

    Values outside [-1, 1] are clipped. NaN has no meaning in uint8: look for it before. Raises TypeError unless the images are float.

    >>> quantise(jnp.array([-1.0, 0.0, 2.0])).tolist()
    [0, 128, 255]
    """
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"expected float images in [-1, 1], found {images.dtype}: uint8 images need no quantising")
    return jnp.clip(jnp.round(images.astype(jnp.float32) * 127.5 + 127.5), 0.0, 255.0).astype(jnp.uint8)


def as_rgb(images: Array) -> Array:
    """uint8 images [N, H, W, C] as uint8 [N, H, W, 3]: grey ones (C = 1) repeated, RGBA (C = 4) laid on white.

    Raises TypeError unless the images are uint8, ValueError unless they are [N, H, W, C] with C of 1, 3 or 4.

    >>> as_rgb(jnp.full((1, 2, 2, 1), 7, jnp.uint8)).shape
    (1, 2, 2, 3)
    """
    if images.dtype != jnp.uint8:
        raise TypeError(f"expected uint8 images, found {images.dtype}: make them so with quantise(images in [-1, 1])")
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or 0 in images.shape[1:]:
        raise ValueError(f"expected images [N, H, W, C] of 1 (grey), 3 (RGB) or 4 (RGBA) channels, found shape {images.shape}")
    if images.shape[3] == 1:
        return jnp.repeat(images, 3, axis=3)
    return images if images.shape[3] == 3 else _on_white(images)


def resize_tensorflow1(images: Array, size: int) -> Array:
    """Float images [N, H, W, C] as [N, size, size, C], bilinear as TensorFlow 1 does it: no half-pixel centres, no antialiasing.

    Output i is at i H / size in the input, between its floor and the next pixel (the last one again at the border). This is the
    resizer of the published Inception scores; `jax.image.resize` is another (Parmar et al. 2022, https://arxiv.org/abs/2104.11222,
    on what the difference does to scores).

    >>> resize_tensorflow1(jnp.array([0.0, 2.0])[None, :, None, None].repeat(2, axis=2), 4)[0, :, 0, 0].tolist()
    [0.0, 1.0, 2.0, 2.0]
    """
    return _resize_axis(_resize_axis(images, 2, size), 1, size)


def convolution_relu(x: Array, kernel: Array, bias: Array, stride: int = 1, padding: str = "SAME") -> Array:
    """relu(convolution of x [N, H, W, I] with kernel [kh, kw, I, O] + bias [O]), in full float32.

    >>> convolution_relu(jnp.ones((1, 3, 3, 2)), jnp.ones((3, 3, 2, 1)), jnp.zeros(1), padding="VALID").tolist()
    [[[[18.0]]]]
    """
    layout = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=layout, precision=EXACT)
    return jax.nn.relu(x + bias[None, None, None])


def _on_white(images):
    alpha = images[..., 3:].astype(jnp.int32)
    return ((images[..., :3].astype(jnp.int32) * alpha + 255 * (255 - alpha) + 127) // 255).astype(jnp.uint8)


def _resize_axis(x, axis, size):
    source = np.arange(size, dtype=np.float32) * np.float32(x.shape[axis] / size)
    low = np.minimum(source.astype(np.int32), x.shape[axis] - 1)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    fraction = jnp.asarray(source - low.astype(np.float32)).reshape([-1 if a == axis else 1 for a in range(4)])
    first = jnp.take(x, low, axis=axis)
    return first + (jnp.take(x, high, axis=axis) - first) * fraction
