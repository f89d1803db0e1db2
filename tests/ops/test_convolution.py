"""The closed family against plain `lax.conv_general_dilated` in float64, to third order, and the program it compiles to."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops import convolution as module
from jgan.ops.convolution import convolution, transposed_convolution
from jgan.sharding import data_mesh

GEOMETRIES = {  # (H, W), (kh, kw), stride, padding
    "same": ((5, 6), (3, 3), 1, 1),
    "one_by_one": ((4, 3), (1, 1), 1, 0),
    "stride_2_odd": ((7, 8), (3, 3), 2, 1),
    "stride_2_even_kernel": ((6, 8), (4, 4), 2, 1),
    "stride_3_rest": ((8, 9), (2, 3), 3, 0),
    "oblong_asymmetric": ((5, 7), (2, 4), 1, ((2, 0), (1, 3))),
    "crop": ((8, 7), (3, 2), 2, ((-1, 0), (1, -2))),
}


def library(x, kernel, stride=1, padding=0):
    pads = [(padding, padding)] * 2 if isinstance(padding, int) else padding
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def library_transposed(y, kernel, stride, size):
    image = jax.ShapeDtypeStruct((y.shape[0], *size, kernel.shape[2]), y.dtype)
    return jax.linear_transpose(lambda x: library(x, kernel, stride), image)(y)[0]


def normal(seed, *shape, dtype=np.float64):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def assert_close(actual, expected, tolerance=1e-10):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance), actual, expected)


def derivatives(function, x, kernel, dx, dkernel):
    """Values and derivatives to third order of a bilinear function, in every mode."""
    at, along = (x, kernel), (dx, dkernel)

    def loss(*arguments):
        return jnp.sum(jnp.tanh(function(*arguments)))

    def squared_gradient(*arguments):
        return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 1))(*arguments))

    def slope(*arguments):
        return jax.jvp(loss, arguments, along)[1]

    return {
        "value": function(*at),
        "reverse": jax.grad(loss, (0, 1))(*at),
        "forward": slope(*at),
        "reverse over reverse": jax.grad(squared_gradient, (0, 1))(*at),
        "forward over reverse": jax.jvp(jax.grad(loss, (0, 1)), at, along)[1],
        "reverse over forward": jax.grad(slope, (0, 1))(*at),
        "forward over forward": jax.jvp(slope, at, along)[1],
        "forward over reverse over reverse": jax.jvp(jax.grad(squared_gradient, (0, 1)), at, along)[1],
    }


def assert_same_derivatives(function, reference, first_shape, second_shape):
    arguments = [normal(i, *shape) for i, shape in enumerate([first_shape, second_shape] * 2)]
    both = jax.jit(lambda *a: (derivatives(function, *a), derivatives(reference, *a)))
    ours, theirs = both(*arguments)
    for name in theirs:
        assert_close(ours[name], theirs[name])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution_and_its_derivatives(geometry, double_precision):
    size, kernel_size, stride, padding = GEOMETRIES[geometry]
    ours, theirs = (functools.partial(f, stride=stride, padding=padding) for f in (convolution, library))
    assert_same_derivatives(ours, theirs, (2, *size, 3), (*kernel_size, 3, 4))


@pytest.mark.parametrize("stride, kernel_size, extra", [(1, (3, 2), (0, 0)), (2, (4, 3), (1, 0)), (3, (2, 2), (0, 2))])
def test_transposed_convolution_and_its_derivatives(stride, kernel_size, extra, double_precision):
    size = tuple((n - 1) * stride + k + e for n, k, e in zip((3, 4), kernel_size, extra, strict=True))
    ours, theirs = (functools.partial(f, stride=stride, size=size) for f in (transposed_convolution, library_transposed))
    assert_same_derivatives(ours, theirs, (2, 3, 4, 4), (*kernel_size, 3, 4))


@pytest.mark.parametrize("pixels", [2, 3, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 2), (4, 4), (5, 6)])
def test_convolution_of_neighbours(kernel_size, stride, pixels, double_precision):
    for rest in range(stride):
        x, kernel = normal(0, 2, 7, 12 * stride + kernel_size[1] + rest, 3), normal(1, *kernel_size, 3, 4)
        y = module.convolution_of_neighbours(x, kernel, stride=stride, pixels=pixels)
        assert_close(y, module._forward_of_arrays(x, kernel, stride=stride))


@pytest.mark.parametrize(
    "width, stride, channels, folded",
    [
        (16, 1, (8, 8), "4x6x9x16"),
        (16, 1, (3, 2), "4x6x5x15"),
        (16, 2, (4, 8), "4x6x9x16"),
        (16, 2, (8, 8), None),
        (16, 1, (9, 1), None),
        (16, 1, (1, 9), None),
        (18, 1, (2, 2), "4x6x4x16"),
    ],
)
def test_few_channels_are_shared_by_neighbours_on_cpu(width, stride, channels, folded):
    images, kernel = jnp.ones((4, 6, (width - 1) * stride + 3, channels[0])), jnp.ones((3, 3, *channels))
    text = jax.jit(functools.partial(convolution, stride=stride)).lower(images, kernel).as_text()
    operands = re.findall(r"stablehlo.convolution.*: \(tensor<([\dx]+)xf32>", text)
    assert operands == [folded or "x".join(map(str, images.shape))]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 2), (4, 4), (5, 6)])
def test_transposed_convolution_by_phases(stride, kernel_size, double_precision):
    y, kernel = normal(0, 2, 3, 4, 4), normal(1, *kernel_size, 3, 4)
    for extra in range(stride):
        size = tuple((n - 1) * stride + k + extra for n, k in zip((3, 4), kernel_size, strict=True))
        forms = module.transposed_by_phases, module._transposed_of_arrays
        assert_close(*(form(y, kernel, stride=stride, size=size) for form in forms))


@pytest.mark.parametrize("stride, channels, by_phases", [(2, 32, True), (2, 33, False), (1, 32, False)])
def test_few_channels_go_by_phases_on_cpu(stride, channels, by_phases):
    function = jax.jit(functools.partial(transposed_convolution, stride=stride))
    text = function.lower(jnp.ones((1, 4, 4, 8)), jnp.ones((3, 3, channels, 8))).as_text()
    assert (f"2x2x8x{4 * channels}xf32" in text) == by_phases


def test_transposed_convolution_is_the_adjoint(double_precision):
    x, y, kernel = normal(0, 2, 7, 6, 3), normal(1, 2, 3, 2, 4), normal(2, 3, 4, 3, 4)
    back = transposed_convolution(y, kernel, stride=2, size=(7, 6))
    assert_close(jnp.vdot(convolution(x, kernel, stride=2), y), jnp.vdot(x, back))


def kernel_gradient(function):
    return jax.grad(lambda kernel, x: jnp.sum(jnp.sin(function(x, kernel))))


@pytest.fixture
def blocks_of_one_row(monkeypatch):
    """Every image has more bytes than a block, so each row is a block of its own."""
    jax.clear_caches()
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    yield
    jax.clear_caches()


@pytest.mark.parametrize("geometry", sorted(set(GEOMETRIES) - {"one_by_one"}))
def test_weight_gradient_in_blocks_of_rows(geometry, double_precision, blocks_of_one_row):
    size, kernel_size, stride, padding = GEOMETRIES[geometry]
    arguments = normal(0, *kernel_size, 3, 4), normal(1, 2, *size, 3)
    ours, theirs = (jax.jit(kernel_gradient(functools.partial(f, stride=stride, padding=padding))) for f in (convolution, library))
    assert_close(ours(*arguments), theirs(*arguments))
    assert "while(" in ours.lower(*arguments).compile().as_text()


@pytest.mark.parametrize("images, loops", [(8, 1), (6, 0)])
def test_weight_gradient_of_a_spread_batch_is_reduced_once(images, loops, double_precision, blocks_of_one_row):
    mesh = data_mesh(jax.devices()[:4])
    spread = jax.NamedSharding(mesh, jax.P("data" if images == 8 else None))
    arguments = normal(0, 3, 3, 3, 4), jax.device_put(normal(1, images, 5, 6, 3), spread)
    gradient = jax.jit(kernel_gradient(functools.partial(convolution, padding=1)))
    with jax.set_mesh(mesh):
        assert_close(gradient(*arguments), kernel_gradient(functools.partial(library, padding=1))(*arguments))
        text = gradient.lower(*arguments).compile().as_text()
    assert (text.count(" all-reduce("), text.count(" while(")) == (loops, loops)


FAMILY = {
    "forward": functools.partial(convolution, stride=2, padding=1),
    "transposed": lambda x, kernel: transposed_convolution(x, kernel.swapaxes(2, 3), stride=2),
    "weight": lambda x, kernel: kernel_gradient(convolution)(kernel, x),
}


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (3, 1)])
@pytest.mark.parametrize("member", FAMILY)
def test_vmap(member, axes, double_precision):
    function = FAMILY[member]
    arguments = [normal(0, 2, 5, 4, 3), normal(1, 3, 3, 3, 2)]
    lanes = [a if axis is None else jnp.stack([a, 2 * a, a - 1], axis) for a, axis in zip(arguments, axes, strict=True)]
    picked = [[a if axis is None else jnp.take(a, i, axis) for a, axis in zip(lanes, axes, strict=True)] for i in range(3)]
    assert_close(jax.jit(jax.vmap(function, axes))(*lanes), jnp.stack([function(*p) for p in picked]))


def test_nested_vmap(double_precision):
    x, kernel = normal(0, 2, 3, 2, 5, 4, 3), normal(1, 3, 3, 3, 3, 2)
    nested = jax.vmap(jax.vmap(convolution), (0, None))(x, kernel)
    assert_close(nested, jnp.stack([jnp.stack([convolution(x[i, j], kernel[j]) for j in range(3)]) for i in range(2)]))


def test_inside_scan_and_cond(double_precision):
    gradient = kernel_gradient(functools.partial(convolution, stride=2, padding=1))
    x, kernel = normal(0, 3, 2, 6, 5, 3), normal(1, 3, 3, 3, 4)

    def descend(kernel, x):
        return jax.lax.cond(x[0, 0, 0, 0] < 1e9, lambda: kernel - 0.01 * gradient(kernel, x), lambda: kernel)

    looped = functools.reduce(lambda k, i: k - 0.01 * gradient(k, x[i]), range(3), kernel)
    scanned = jax.jit(lambda: jax.lax.scan(lambda k, x: (descend(k, x), None), kernel, x)[0])()
    assert_close(scanned, looped)
    assert not np.allclose(scanned, kernel)


def test_gradient_through_scan_and_rematerialisation(double_precision):
    x, kernel = normal(0, 2, 5, 5, 3), normal(1, 3, 3, 3, 3)

    def deep(layer, kernel):
        return jnp.sum(jax.lax.scan(lambda x, _: (jnp.tanh(layer(x, kernel)), None), x, None, length=3)[0])

    ours = jax.jit(jax.grad(functools.partial(deep, jax.checkpoint(functools.partial(convolution, padding=1)))))
    assert_close(ours(kernel), jax.jit(jax.grad(functools.partial(deep, functools.partial(library, padding=1))))(kernel))


@pytest.mark.parametrize("function", [FAMILY["forward"], FAMILY["transposed"]])
def test_bfloat16(function):
    x, kernel = normal(0, 2, 6, 6, 4, dtype=jnp.bfloat16), normal(1, 3, 3, 4, 4, dtype=jnp.bfloat16)

    def gradients(x, kernel):
        return function(x, kernel), *jax.grad(lambda x, k: jnp.sum(function(x, k) ** 2).astype(jnp.float32), (0, 1))(x, kernel)

    half = gradients(x, kernel)
    assert {a.dtype for a in half} == {jnp.dtype(jnp.bfloat16)}
    for a, b in zip(half, gradients(x.astype(jnp.float32), kernel.astype(jnp.float32)), strict=True):
        np.testing.assert_allclose(a.astype(jnp.float32), b, rtol=0, atol=0.03 * float(jnp.max(jnp.abs(b))))


IMAGES, KERNEL = jnp.zeros((1, 4, 4, 3)), jnp.zeros((3, 3, 3, 8))
ERRORS = [
    (lambda: convolution(IMAGES[0], KERNEL), r"expected images \[N, H, W, C\].*found \(4, 4, 3\)"),
    (lambda: convolution(IMAGES, KERNEL[0]), r"a kernel \[kh, kw, I, O\].*\(3, 3, 8\)"),
    (lambda: convolution(IMAGES[..., :2], KERNEL), r"expected 3 channels.*\(1, 4, 4, 2\)"),
    (lambda: convolution(IMAGES.astype(jnp.bfloat16), KERNEL), "one dtype, found bfloat16 and float32; cast"),
    (lambda: convolution(IMAGES[:, :2], KERNEL), r"at least the kernel's size \(3, 3\), found \(2, 4\); pad more"),
    (lambda: transposed_convolution(IMAGES, KERNEL), r"expected 8 channels"),
    (lambda: transposed_convolution(jnp.zeros((1, 4, 4, 8)), KERNEL, 2, (8, 9)), r"from \(9, 9\) to \(10, 10\), found \(8, 9\)"),
    (lambda: transposed_convolution(jnp.zeros((1, 4, 4, 8)), KERNEL, 2, (9, 11)), r"from \(9, 9\) to \(10, 10\), found \(9, 11\)"),
]


@pytest.mark.parametrize("call, message", ERRORS)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def groups(function, *arguments):
    """Feature and batch group counts of all convolutions in the lowered program."""
    text = jax.jit(function).lower(*arguments).as_text()
    counts = [re.findall(rf"{kind}_group_count = (\d+)", text) for kind in ("feature", "batch")]
    assert len(counts[0]) == len(counts[1]) == text.count("stablehlo.convolution(") > 0
    return [{int(c) for c in kind} for kind in counts]


def penalised(layer):
    """The gradient of a loss and of a gradient penalty, for a population of kernels."""

    def loss(kernel, x):
        def critic(x):
            return jnp.sum(jnp.tanh(layer(x, kernel, 2, 1)))

        return critic(x) + jnp.sum(jax.grad(critic)(x) ** 2)

    return jax.vmap(jax.grad(loss), (0, None))


def test_a_population_of_kernels_needs_no_grouped_convolution():
    arguments = jnp.ones((3, 3, 3, 4, 4)), jnp.ones((2, 6, 6, 4))
    assert groups(penalised(convolution), *arguments) == [{1}, {1}]
    assert groups(penalised(library), *arguments) != [{1}, {1}]
