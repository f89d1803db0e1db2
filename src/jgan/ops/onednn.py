"""Convolutions by oneDNN, which JAX for x86 CPUs carries within itself but does not call.

It is several times faster than XLA's own kernels where channels are few, where every channel has a separate filter, and on one core. XLA
knows it by a name and settings that are not promised to stay, and cannot write a program that calls it to a file. So it is tried once and
its numbers are checked, programs call it only if they are compiled within `allowed()`: those of training are.
"""

import contextlib
import contextvars
import functools
import json
import math
import os
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
    """Programs for CPUs that are compiled within call oneDNN, if there is one; `JGAN_ONEDNN=0` in the environment forbids it.

    JAX does not keep these programs in its persistent cache. As a decorator it holds for all calls of a function.

    Args:
      platform: for which it is compiled, by default the one that JAX prefers; on others than "cpu" nothing changes.

    >>> with allowed():
    ...     program = jax.jit(lambda x: x + 1).lower(1.0).compile()
    """
    if (platform or jax.default_backend()) != "cpu" or os.environ.get("JGAN_ONEDNN") == "0" or not available():
        yield
        return
    token = _allowed.set(True)
    try:
        with _no_persistent_cache():
            yield
    finally:
        _allowed.reset(token)


@contextlib.contextmanager
def _no_persistent_cache():
    name = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, name)
    jax.config.update(name, math.inf)
    try:
        yield
    finally:
        jax.config.update(name, before)


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


def or_else(form: Callable, otherwise: Callable, *, summed: bool = False) -> Callable:
    """Returns a function of images and one more array that calls oneDNN if it may, device by device where a mesh spreads the batch.

    Args:
      form: (images [N, ...], array) -> array, a function that calls `convolution`.
      otherwise: the same function without.
      summed: the second array is spread like the images, and the results of all devices are added; else it is whole, and they are joined.
    """

    def call(x, other):
        devices = devices_of_batch()
        if not _allowed.get() or x.dtype != jnp.float32 or x.size * other.size == 0 or x.shape[0] % devices:
            return otherwise(x, other)
        if devices == 1:
            return form(x, other)
        share, whole = PartitionSpec("data"), PartitionSpec()
        if summed:
            sums = jax.shard_map(lambda x, y: jax.lax.psum(form(x, y), "data"), in_specs=share, out_specs=whole)
            return sums(x, other)
        return jax.shard_map(form, in_specs=(share, whole), out_specs=share)(x, other)

    return call


@functools.cache
def available() -> bool:
    """Returns whether this JAX has oneDNN and computes a small convolution with it as it should."""
    x, kernel = (np.random.default_rng(0).standard_normal(shape, np.float32) for shape in ((2, 5, 6, 4), (2, 3, 2, 6)))
    settings = {"padding": ((1, 2), (0, 1)), "stride": (2, 1), "dilation": (1, 2), "groups": 2, "layout": "IHWO"}
    with jax.default_device(jax.local_devices(backend="cpu")[0]), _no_persistent_cache():
        expected = _by_library(x, kernel, **settings)
        try:
            return bool(np.allclose(jax.jit(functools.partial(convolution, **settings))(x, kernel), expected, atol=1e-5))
        except Exception:  # whatever another JAX says to what it does not know
            return False


def _by_library(x, kernel, padding, stride, dilation, groups, layout):
    layouts = {"dimension_numbers": ("NHWC", layout, "NHWC"), "feature_group_count": groups}
    return jax.lax.conv_general_dilated(x, kernel, stride, padding, rhs_dilation=dilation, **layouts)
