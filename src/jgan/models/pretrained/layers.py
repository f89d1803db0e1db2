"""What the pretrained networks share: the images that they take, and the layers that more than one of them has."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.images import to_float
from jgan.types import Array

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of its images in [0, 1], red, green and blue
EXACT = jax.lax.Precision.HIGHEST  # float32 in full: by default accelerators round the factors, which moves a distance


def as_rgb(images: Array) -> Array:
    """Returns uint8 images [N, H, W, C] as uint8 [N, H, W, 3]: grey ones (C = 1) repeated, RGBA (C = 4) laid on white.

    Raises TypeError unless the images are uint8, ValueError unless they are [N, H, W, C] with C of 1, 3 or 4.

    >>> as_rgb(jnp.full((1, 2, 2, 1), 7, jnp.uint8)).shape
    (1, 2, 2, 3)
    """
    if images.dtype != jnp.uint8:
        raise TypeError(f"expected uint8 images, found {images.dtype}: make them so with jgan.ops.images.to_uint8")
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or 0 in images.shape[1:]:
        raise ValueError(f"expected images [N, H, W, C] of 1 (grey), 3 (RGB) or 4 (RGBA) channels, found shape {images.shape}")
    if images.shape[3] == 1:
        return jnp.repeat(images, 3, axis=3)
    return images if images.shape[3] == 3 else _on_white(images)


def unit_range(images: Array) -> Array:
    """Returns images as float32 [N, H, W, 3] in [-1, 1]: of uint8 ones with 1, 3 or 4 channels, of floating-point RGB as they are.

    Raises TypeError unless the images are uint8 or float, ValueError if they are not [N, H, W, C].

    >>> unit_range(jnp.full((1, 1, 1, 1), 255, jnp.uint8)).tolist()
    [[[[1.0, 1.0, 1.0]]]]
    """
    if images.dtype == jnp.uint8:
        return to_float(as_rgb(images))
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"expected images in uint8, or float in [-1, 1], found {images.dtype}")
    if images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"expected float images [N, H, W, 3], found shape {images.shape}: repeat the channel of grey ones")
    return images.astype(jnp.float32)


def per_channel(values: tuple[float, ...]) -> Array:
    """Returns one number per channel as an array [1, 1, 1, C], which broadcasts over images.

    >>> per_channel((1.0, 2.0)).shape
    (1, 1, 1, 2)
    """
    return jnp.array(values, jnp.float32)[None, None, None]


def resize_tensorflow1(images: Array, size: int) -> Array:
    """Returns float images [N, H, W, C] as [N, size, size, C], bilinear as TensorFlow 1 does it: no half-pixel centres, no antialiasing.

    Output i is at i H / size in the input, between its floor and the next pixel (the last one again at the border). This is the
    resizer of the published Inception scores; `jax.image.resize` is another (Parmar et al. 2022, https://arxiv.org/abs/2104.11222,
    on what the difference does to scores).

    >>> resize_tensorflow1(jnp.array([0.0, 2.0])[None, :, None, None].repeat(2, axis=2), 4)[0, :, 0, 0].tolist()
    [0.0, 1.0, 2.0, 2.0]
    """
    return _resize_axis(_resize_axis(images, 2, size), 1, size)


def convolution_relu(x: Array, kernel: Array, bias: Array, stride: int = 1, padding: str = "SAME") -> Array:
    """Returns relu(convolution of x [N, H, W, I] with kernel [kh, kw, I, O] + bias [O]), in full float32.

    >>> convolution_relu(jnp.ones((1, 3, 3, 2)), jnp.ones((3, 3, 2, 1)), jnp.zeros(1), padding="VALID").tolist()
    [[[[18.0]]]]
    """
    layout = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=layout, precision=EXACT)
    return jax.nn.relu(x + bias[None, None, None])


def max_pool(x: Array, stride: int = 2) -> Array:
    """Returns the maximum of 3 x 3 pixels at every `stride`-th place, without padding: [N, H, W, C] -> [N, (H - 3) // stride + 1, ..., C].

    >>> max_pool(jnp.arange(25.0).reshape(1, 5, 5, 1))[0, :, :, 0].tolist()
    [[12.0, 14.0], [22.0, 24.0]]
    """
    return of_three(jnp.maximum, of_three(jnp.maximum, x, 1, stride), 2, stride)


def of_three(combine: Callable[[Array, Array], Array], x: Array, axis: int, stride: int = 1) -> Array:
    """Returns each three neighbours combined along an axis; slices, because window reductions are three times slower on CPU.

    >>> of_three(jnp.add, jnp.arange(4.0), 0).tolist()
    [3.0, 6.0]
    """
    last = (x.shape[axis] - 3) // stride * stride
    a, b, c = (jax.lax.slice_in_dim(x, i, i + last + 1, stride, axis) for i in range(3))
    return combine(combine(a, b), c)


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
