"""Convolutions by oneDNN, which JAX for x86 CPUs carries within itself but does not call.

Training programs call it if `JGAN_ONEDNN=1` is in the environment: worth a try for wide networks (`benchmarks/step.py`), and off otherwise.
XLA knows it by a name and settings that are not promised to stay. So it is first tried in another process, whose numbers are checked. XLA
cannot write a program that calls it to a file: such programs are not cached, and exported ones do without.
"""

import contextlib
import contextvars
import functools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from jgan.ops.primitive import devices_of_batch
from jgan.types import Array

Pair = tuple[int, int]
_IMAGES = {"batch_dim": "0", "spatial_dims": ["1", "2"], "feature_dim": "3"}
_allowed = contextvars.ContextVar("onednn_allowed", default=False)


@contextlib.contextmanager
def allowed(platform: str | None = None) -> Iterator[None]:
    """Programs for CPUs that are compiled within call oneDNN, if `JGAN_ONEDNN=1` is in the environment.

    As a decorator it holds for all calls of a function.

    Args:
      platform: for which it is compiled, by default the one that JAX prefers; on others than "cpu" nothing changes.

    Raises:
      ValueError: if it is asked for and this JAX has none that computes as it should.

    >>> with allowed():
    ...     program = jax.jit(lambda x: x + 1).lower(1.0).compile()
    """
    if os.environ.get("JGAN_ONEDNN", "0") == "0" or (platform or jax.default_backend()) != "cpu":
        yield
        return
    _begin()
    token = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(token)


@functools.cache
def _begin():
    """Once in a process: tries it, and keeps JAX from writing programs to its cache, which would fail."""
    if not available():
        raise ValueError("expected a JAX with oneDNN, as JGAN_ONEDNN asks for, found none that computes as it should; set JGAN_ONEDNN=0")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", math.inf)


def convolution(
    x: Array, kernel: Array, padding: Sequence[Pair], stride: Pair = (1, 1), dilation: Pair = (1, 1), groups: int = 1, layout: str = "HWIO"
) -> Array:
    """Returns what `jax.lax.conv_general_dilated` computes, in float32 and inside a program for CPUs: [N, H, W, I] -> [N, h, w, O].

    Args:
      x: [N, H, W, I].
      kernel: its axes are named by `layout`, the default being [kh, kw, I / groups, O]; oneDNN copies any into its blocks.
      padding: zeros around `x`, ((top, bottom), (left, right)), in pixels; negative numbers crop.
      stride, dilation: of the kernel's positions and of its taps, (vertical, horizontal).
      groups: of channels, each convolved by itself.
    """
    if min(map(min, padding)) < 0:
        x = jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((*(min(0, n) for n in side), 0) for side in padding), (0, 0, 0)))
        padding = [tuple(max(0, n) for n in side) for side in padding]
    sizes = {letter: kernel.shape[axis] for axis, letter in enumerate(layout)}
    spans = [(sizes[letter] - 1) * d + 1 for letter, d in zip("HW", dilation, strict=True)]
    size = [(n + sum(p) - k) // s + 1 for n, p, k, s in zip(x.shape[1:3], padding, spans, stride, strict=True)]
    result = jax.ShapeDtypeStruct((x.shape[0], *size, sizes["O"]), x.dtype)
    settings = json.dumps({"onednn_conv_config": _settings(kernel.shape, layout, padding, stride, dilation, groups)})
    return jax.ffi.ffi_call("__onednn$convolution", result, custom_call_api_version=3, legacy_backend_config=settings)(x, kernel)


def _settings(kernel_shape, layout, padding, stride, dilation, groups):
    def texts(numbers):
        return [str(n) for n in numbers]

    h, w, i, o = texts(layout.index(letter) for letter in "HWIO")
    return {
        "dims": "4",
        "input": {"data": _IMAGES},
        "output": {"data": _IMAGES},
        "kernel": {"filter": {"spatial_dims": [h, w], "input_feature_dim": i, "output_feature_dim": o, "shape": texts(kernel_shape)}},
        "window": {
            "pad_left": texts(p[0] for p in padding),
            "pad_right": texts(p[1] for p in padding),
            "strides": texts(stride),
            "window_dilations": texts(dilation),
        },
        "feature_groups": str(groups),
    }


def forward(x: Array, kernel: Array, *, stride: int, padding: Sequence[Pair]) -> Array:
    """Returns `jgan.ops.convolution.convolution` in one group."""
    return convolution(x, kernel, padding, (stride, stride))


def transposed(y: Array, kernel: Array, *, stride: int, padding: Sequence[Pair], size: Pair) -> Array:
    """Returns `jgan.ops.convolution.transposed_convolution` as a plain convolution for each phase of the pixels modulo the stride, which
    multiplies by no zeros.
    """
    kernel = jnp.pad(kernel, [(0, max(0, stride - k)) for k in kernel.shape[:2]] + [(0, 0)] * 2)
    whole = [s + sum(side) for s, side in zip(size, padding, strict=True)]
    height, width = (-(-n // stride) for n in whole)

    def phase(a, b):
        taps = kernel[a::stride, b::stride][::-1, ::-1]
        pads = [(k - 1, s - n) for k, s, n in zip(taps.shape[:2], (height, width), y.shape[1:3], strict=True)]
        return convolution(y, taps, pads, layout="HWOI")

    rows = [jnp.stack([phase(a, b) for b in range(stride)], axis=3) for a in range(stride)]
    x = jnp.stack(rows, axis=2).reshape(y.shape[0], height * stride, width * stride, kernel.shape[2])
    ends = [(-before, before + s - n) for (before, _), s, n in zip(padding, size, x.shape[1:3], strict=True)]  # negative ones crop
    return jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((*side, 0) for side in ends), (0, 0, 0)))


def weight(x: Array, y: Array, *, stride: int, padding: Sequence[Pair], kernel_size: Pair) -> Array:
    """Returns the gradient of `forward` in its kernel: a convolution of one image, whose channels are the examples, with `y` as the kernel.

    The channels of `x` are pixels in a row, next to each other, and those of `y` are passed over as often.
    """
    (top, _), (left, _) = padding
    n, height, width, channels = x.shape
    h, w = ((m - 1) * stride + k for m, k in zip(y.shape[1:3], kernel_size, strict=True))
    pads = (top, h - height - top), (left * channels, (w - width - left) * channels)
    image = x.transpose(1, 2, 3, 0).reshape(1, height, -1, n)
    kernel = convolution(image, y, pads, dilation=(stride, stride * channels), layout="IHWO")
    return kernel.reshape(*kernel_size, channels, y.shape[3])


def or_else(form: Callable, otherwise: Callable, *, summed: bool = False) -> Callable:
    """Returns a function of images and one more array that calls oneDNN if it may, device by device where a mesh spreads the batch.

    Args:
      form: (images [N, ...], array, **settings) -> array, a function that calls `convolution`.
      otherwise: the same function without.
      summed: the second array is spread like the images, and the results of all devices are added; else it is whole, and they are joined.
    """

    @functools.wraps(otherwise)
    def call(x, other, **settings):
        devices, share, whole = devices_of_batch(), PartitionSpec("data"), PartitionSpec()
        if not _allowed.get() or x.dtype != jnp.float32 or x.size * other.size == 0 or x.shape[0] % devices:
            return otherwise(x, other, **settings)
        of_arrays = functools.partial(form, **settings)
        if devices == 1:
            return of_arrays(x, other)
        if summed:
            sums = jax.shard_map(lambda x, y: jax.lax.psum(of_arrays(x, y), "data"), in_specs=share, out_specs=whole)
            return sums(x, other)
        return jax.shard_map(of_arrays, in_specs=(share, whole), out_specs=share)(x, other)

    return call


@functools.cache
def available() -> bool:
    """Returns whether this JAX has oneDNN and computes with it as it should, tried in another process: what fails may end it."""
    settings = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run([sys.executable, "-m", "jgan.ops.onednn"], env=settings, capture_output=True).returncode == 0


def _check():
    """Compares each kind of convolution that is in use with the library's.

    Raises:
      AssertionError: if the numbers differ.
    """
    random = np.random.default_rng(0)
    kinds = [
        ((2, 3, 4, 6), {"padding": ((1, 2), (0, 1)), "stride": (2, 2)}),  # forward
        ((2, 3, 6, 4), {"padding": ((1, 1), (0, 2)), "layout": "HWOI"}),  # transposed
        ((4, 3, 2, 6), {"padding": ((0, 0), (4, 0)), "dilation": (2, 4), "layout": "IHWO"}),  # weight
        ((4, 4, 1, 4), {"padding": ((2, 1), (1, 2)), "groups": 4}),  # filter
    ]
    for shape, settings in kinds:
        x, kernel = (random.standard_normal(size, np.float32) for size in ((2, 9, 12, 4), shape))
        found, expected = (jax.jit(functools.partial(form, **settings))(x, kernel) for form in (convolution, _by_library))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def _by_library(x, kernel, padding, stride=(1, 1), dilation=(1, 1), groups=1, layout="HWIO"):
    layouts = {"dimension_numbers": ("NHWC", layout, "NHWC"), "feature_group_count": groups}
    return jax.lax.conv_general_dilated(x, kernel, stride, padding, rhs_dilation=dilation, **layouts)


if __name__ == "__main__":
    _check()
