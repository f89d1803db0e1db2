"""Modulated convolution against published vectors and against the form of the paper, another kernel for every image."""

import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.convolution import convolution
from jgan.ops.modulation import down_convolution, modulated_convolution, up_convolution

VECTORS = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity" / "ops.npz"


def normal(seed, *shape, dtype=np.float64):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/parity/ops.npz")
@pytest.mark.parametrize("name", ["plain", "up", "down", "torgb"])
def test_published_vectors(name):
    prefix = f"modulated_conv2d_{name}"
    with np.load(VECTORS) as file:
        case = next(c for c in json.loads(bytes(file["meta.json"])) if c["name"] == prefix)
        arrays = {k.removeprefix(prefix + "."): jnp.asarray(file[k]) for k in file.files if k.startswith(prefix + ".")}
    images = {k: v.transpose(0, 2, 3, 1) for k, v in arrays.items() if k in ("x", "y", "cotangent", "grad_x")}
    kernels = {k: v.transpose(2, 3, 1, 0) for k, v in arrays.items() if k in ("weight", "grad_weight")}
    settings = dict(up=case["up"] == 2, down=case["down"] == 2, demodulate=case["demodulate"])

    @jax.jit
    def value_and_gradients(x, kernel, styles, cotangent):
        y, pull = jax.vjp(functools.partial(modulated_convolution, **settings), x, kernel, styles)
        return y, *pull(cotangent)

    found = value_and_gradients(images["x"], kernels["weight"], arrays["styles"], images["cotangent"])
    for a, b in zip(found, (images["y"], images["grad_x"], kernels["grad_weight"], arrays["grad_styles"]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * float(jnp.max(jnp.abs(b))))


def of_the_paper(x, kernel, styles, up=False, down=False, demodulate=True, epsilon=1e-8):
    """Equations 1 to 3 of Karras et al. 2019, image by image."""

    def one(image, style):
        modulated = kernel * style[None, None, :, None]
        norm = jnp.sqrt(jnp.sum(modulated**2, axis=(0, 1, 2), keepdims=True) + epsilon)
        modulated = modulated / norm if demodulate else modulated
        if up or down:
            return (up_convolution if up else down_convolution)(image[None], modulated)
        return convolution(image[None], modulated, padding=kernel.shape[0] // 2)

    return jnp.concatenate([one(image, style) for image, style in zip(x, styles, strict=True)])


CASES = {  # kernel size, settings
    "plain": (3, {}),
    "up": (3, dict(up=True)),
    "down": (3, dict(down=True)),
    "image": (1, dict(demodulate=False)),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_derivatives_are_those_of_a_kernel_per_image(case, double_precision):
    size, settings = CASES[case]
    at = normal(0, 2, 4, 6, 3), normal(1, size, size, 3, 2), 1 + normal(2, 2, 3)
    along = normal(3, 2, 4, 6, 3), normal(4, size, size, 3, 2), normal(5, 2, 3)

    def derivatives(function):
        def loss(*arguments):
            return jnp.sum(jnp.tanh(function(*arguments, **settings)))

        def squared_gradient(*arguments):
            return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 2))(*arguments))

        gradient = jax.grad(loss, (0, 1, 2))
        return function(*at, **settings), gradient(*at), jax.grad(squared_gradient, (0, 1, 2))(*at), jax.jvp(gradient, at, along)[1]

    ours, theirs = jax.jit(lambda: (derivatives(modulated_convolution), derivatives(of_the_paper)))()
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6), ours, theirs)


def test_demodulated_outputs_have_unit_variance():
    x, kernel, styles = normal(0, 64, 8, 8, 16, dtype=np.float32), normal(1, 3, 3, 16, 8, dtype=np.float32), jnp.full((64, 16), 1e3)
    inner = jax.jit(modulated_convolution)(x, kernel, styles)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(np.var(inner, axis=(0, 1, 2)), 1, rtol=0.15)


@pytest.mark.parametrize("settings", [{}, dict(up=True), dict(down=True)])
def test_bfloat16_images_with_float32_statistics(settings):
    x, kernel, styles = (
        normal(0, 2, 6, 4, 16, dtype=jnp.bfloat16),
        normal(1, 3, 3, 16, 8, dtype=np.float32),
        1 + normal(2, 2, 16, dtype=np.float32),
    )
    function = functools.partial(modulated_convolution, **settings)
    half, full = jax.jit(function)(x, kernel, styles), jax.jit(function)(x.astype(jnp.float32), kernel, styles)
    assert half.dtype == jnp.bfloat16 and full.dtype == jnp.float32
    np.testing.assert_allclose(half.astype(jnp.float32), full, rtol=0, atol=0.02 * float(jnp.max(jnp.abs(full))))
    operations = jax.make_jaxpr(function)(x, kernel, styles).eqns
    assert [o.invars[0].aval.dtype for o in operations if o.primitive.name == "rsqrt"] == [jnp.float32]


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("settings, shape", [({}, (4, 6)), (dict(up=True), (8, 12)), (dict(down=True), (2, 3))])
def test_shapes(size, settings, shape):
    arguments = (jax.ShapeDtypeStruct(s, jnp.float32) for s in [(2, 4, 6, 3), (size, size, 3, 5), (2, 3)])
    assert jax.eval_shape(functools.partial(modulated_convolution, **settings), *arguments).shape == (2, *shape, 5)


@pytest.mark.parametrize("shape", [(2, 5), (1, 3), (3,)])
def test_styles_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"expected styles of shape \(2, 3\), found \("):
        modulated_convolution(jnp.zeros((2, 4, 4, 3)), jnp.zeros((3, 3, 3, 5)), jnp.zeros(shape))
