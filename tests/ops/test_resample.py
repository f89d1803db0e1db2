"""Resampling against published vectors, a pixel-by-pixel definition in float64 and its derivatives in every mode."""

import functools
import json
import pathlib
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops import resample
from jgan.ops.resample import BINOMIAL, downsample, normalised, upfirdn, upsample

VECTORS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity" / "ops.npz"
LINEAR_3 = (1.0, 2.0, 3.0, 2.0, 1.0)  # up-sampling by 3 with it is linear interpolation, as by 2 with BINOMIAL


def naive(x, taps, up=1, down=1, padding=(0, 0, 0, 0), gain=1.0, flip=False):
    """The definition: zeros between pixels, padding or cropping, the filter at every place, every `down`-th pixel."""
    taps = np.outer(taps, taps) if np.ndim(taps) == 1 else np.asarray(taps)
    z = np.zeros((x.shape[0], x.shape[1] * up, x.shape[2] * up, x.shape[3]))
    z[:, ::up, ::up] = x
    more, less = [max(p, 0) for p in padding], [max(-p, 0) for p in padding]
    z = np.pad(z, [(0, 0), more[:2], more[2:], (0, 0)])
    z = z[:, less[0] : z.shape[1] - less[1], less[2] : z.shape[2] - less[3]]
    windows = np.lib.stride_tricks.sliding_window_view(z, taps.shape, (1, 2))
    return gain * np.einsum("nhwcij,ij->nhwc", windows, taps if flip else taps[::-1, ::-1])[:, ::down, ::down]


def normal(seed, *shape, dtype=np.float64):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def assert_close(actual, expected, tolerance=1e-10):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance), actual, expected)


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/parity/ops.npz")
def test_published_vectors():
    with np.load(VECTORS) as file:
        cases = [c for c in json.loads(bytes(file["meta.json"])) if c["op"] == "upfirdn2d"]
        assert len(cases) == 7
        for case in cases:
            left, right, top, bottom = case["padding"]
            x, expected = (file[f"{case['name']}.{part}"].transpose(0, 2, 3, 1) for part in "xy")
            settings = normalised(case["filter"]), case["up"], case["down"], (top, bottom, left, right), case["gain"], case["flip_filter"]
            np.testing.assert_allclose(upfirdn(jnp.asarray(x), *settings), expected, rtol=1e-4, atol=1e-5, err_msg=case["name"])
            np.testing.assert_allclose(naive(x, *settings), expected, rtol=1e-4, atol=1e-5, err_msg=case["name"])


SKEW = ((1.0, 2.0, 0.0), (0.0, 1.0, 3.0))
GEOMETRIES = {  # (H, W), settings
    "filter": ((5, 6), dict(taps=BINOMIAL, padding=(2, 1, 2, 1))),
    "up": ((4, 3), dict(taps=BINOMIAL, up=2, padding=(2, 1, 2, 1), gain=4.0)),
    "down": ((6, 8), dict(taps=(1.0, 2.0, 0.0, 4.0), down=2, padding=(1, 1, 1, 1))),
    "down_rest": ((8, 7), dict(taps=(1.0, -2.0), down=3, padding=(0, 1, 3, 0), flip=True)),
    "up_and_down_cropped": ((5, 6), dict(taps=(1.0, 2.0, 3.0), up=3, down=2, padding=(-2, 4, 1, -3), gain=2.0)),
    "not_separable": ((4, 5), dict(taps=SKEW, up=2, padding=(1, 0, 2, -1), gain=0.5)),
    "zeros": ((3, 3), dict(taps=(0.0, 0.0))),
}


def derivatives(function, x, dx):
    """Values and derivatives to second order, in every mode."""

    def loss(x):
        return jnp.sum(jnp.tanh(function(x)))

    def squared_gradient(x):
        return jnp.sum(jax.grad(loss)(x) ** 2)

    def slope(x):
        return jax.jvp(loss, (x,), (dx,))[1]

    return {
        "value": function(x),
        "reverse": jax.grad(loss)(x),
        "forward": slope(x),
        "reverse over reverse": jax.grad(squared_gradient)(x),
        "forward over reverse": jax.jvp(jax.grad(loss), (x,), (dx,))[1],
        "reverse over forward": jax.grad(slope)(x),
        "forward over forward": jax.jvp(slope, (x,), (dx,))[1],
    }


def both_derivatives(geometry, dtype, channels=3):
    """Those of `upfirdn` and those of a product with a dense matrix, and the text of the program."""
    (height, width), settings = GEOMETRIES[geometry]
    basis = np.eye(height * width).reshape(height * width, height, width, 1)
    matrix = naive(basis, **settings)[..., 0].reshape(height, width, *naive(basis[:1], **settings).shape[1:3]).astype(dtype)

    def dense(x):
        return jnp.einsum("nhwc,hwpq->npqc", x, matrix)

    both = jax.jit(lambda *a: (derivatives(functools.partial(upfirdn, **settings), *a), derivatives(dense, *a)))
    arguments = tuple(normal(seed, 2, height, width, channels, dtype=dtype) for seed in (0, 1))
    return *both(*arguments), both.lower(*arguments).as_text()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_values_and_derivatives(geometry, double_precision):
    ours, theirs, _ = both_derivatives(geometry, np.float64)
    for name in theirs:
        assert_close(ours[name], theirs[name])


@pytest.mark.parametrize("channels", [3, 16])  # along rows only, and in both directions
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_values_and_derivatives_by_onednn(geometry, channels, with_onednn):
    ours, theirs, text = both_derivatives(geometry, np.float32, channels)
    assert ("__onednn$convolution" in text) == (geometry != "up_and_down_cropped")  # or its adjoint, whichever inserts no zeros
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-5 * channels * max(1, np.max(np.abs(theirs[name]))))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_values_on_gpu(geometry, double_precision, monkeypatch):
    (height, width), settings = GEOMETRIES[geometry]

    def both(x):
        expected = upfirdn(x, **settings)
        monkeypatch.setattr(resample, "_filter", SimpleNamespace(bind=resample.filter_on_gpu))
        return upfirdn(x, **settings), expected

    assert_close(*jax.jit(both)(normal(0, 2, height, width, 3)))


@pytest.mark.parametrize("channels", [3, 65, 129])  # one convolution, one for each axis, none
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_values_on_tpu(geometry, channels, monkeypatch):
    (height, width), settings = GEOMETRIES[geometry]

    def both(x):
        expected = upfirdn(x.astype(jnp.float32), **settings)
        monkeypatch.setattr(resample, "_filter", SimpleNamespace(bind=resample.filter_on_tpu))
        return upfirdn(x, **settings), expected

    found, expected = jax.jit(both)(normal(0, 2, height, width, channels, dtype=jnp.bfloat16))
    assert found.dtype == jnp.bfloat16
    assert_close(np.asarray(found, np.float32), expected, 0.03 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("axis", [0, 2, 4])
def test_vmap(axis, double_precision):
    x = normal(0, 3, 2, 4, 5, 3)

    def gradient(x):
        return jax.grad(lambda x: jnp.sum(jnp.sin(upsample(x))))(x)

    one_by_one = jax.jit(lambda x: jnp.stack([gradient(one) for one in x], axis))
    assert_close(jax.jit(jax.vmap(gradient, axis, axis))(jnp.moveaxis(x, 0, axis)), one_by_one(x))


@pytest.mark.parametrize("function", [upsample, downsample])
def test_bfloat16(function):
    x = normal(0, 2, 8, 6, 3, dtype=jnp.bfloat16)

    def pair(x):
        return function(x), jax.grad(lambda x: jnp.sum(function(x) ** 2).astype(jnp.float32))(x)

    for half, full in zip(jax.jit(pair)(x), jax.jit(pair)(x.astype(jnp.float32)), strict=True):
        assert half.dtype == jnp.bfloat16
        np.testing.assert_allclose(half.astype(jnp.float32), full, rtol=0, atol=0.02 * float(jnp.max(jnp.abs(full))))


@pytest.mark.parametrize("taps, factor", [(BINOMIAL, 2), (LINEAR_3, 3)])
def test_a_constant_and_a_ramp_stay_in_place(taps, factor):
    """Pixel i of a coarse image is at factor (i + 1/2) - 1/2 on the fine one."""
    fine, coarse = np.arange(8.0 * factor), factor * (np.arange(8) + 0.5) - 0.5

    def image(rows):
        ramps = np.broadcast_to(rows[:, None, None], (len(rows), len(rows), 1))
        return jnp.asarray(np.concatenate([np.ones_like(ramps), ramps, ramps.swapaxes(0, 1)], axis=2)[None], jnp.float32)

    inner = slice(2 * factor, -2 * factor)
    np.testing.assert_allclose(upsample(image(coarse), taps, factor)[:, inner, inner], image(fine)[:, inner, inner], rtol=1e-5)
    np.testing.assert_allclose(downsample(image(fine), taps, factor)[:, 1:-1, 1:-1], image(coarse)[:, 1:-1, 1:-1], rtol=1e-5)


IMAGES = jnp.zeros((1, 4, 4, 3))
ERRORS = [
    (lambda: upfirdn(IMAGES[0], BINOMIAL), r"expected images \[N, H, W, C\] and taps.*found \(4, 4, 3\) and \(4,\)"),
    (lambda: upfirdn(IMAGES, 1.0), r"taps \[k\] or \[kh, kw\], found \(1, 4, 4, 3\) and \(\)"),
    (lambda: upfirdn(IMAGES, BINOMIAL, padding=(0, -1, 0, 0)), "at least 4 padded pixels along axis 1, found 3"),
    (lambda: upfirdn(IMAGES, BINOMIAL, up=2, padding=(0, 0, -3, -2)), "at least 4 padded pixels along axis 2, found 3"),
]


@pytest.mark.parametrize("call, message", ERRORS)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
