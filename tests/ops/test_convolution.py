"""The closed family against plain `lax.conv_general_dilated`, to third order: as XLA has it in float64, by oneDNN in float32."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


def assert_same_derivatives_by_onednn(function, reference, first_shape, second_shape):
    arguments = [normal(i, *shape, dtype=np.float32) for i, shape in enumerate([first_shape, second_shape] * 2)]
    ours = jax.jit(functools.partial(derivatives, function)).lower(*arguments).compile()
    assert "__onednn$convolution" in ours.as_text() and " convolution(" not in ours.as_text()
    theirs = jax.jit(functools.partial(derivatives, reference))(*arguments)
    for a, b in zip(jax.tree.leaves(ours(*arguments)), jax.tree.leaves(theirs), strict=True):
        scale = np.max(np.abs(b)) if b.ndim else max(10, abs(b))  # slopes are sums of hundreds of numbers, which can cancel
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution_and_its_derivatives(geometry, double_precision):
    size, kernel_size, stride, padding = GEOMETRIES[geometry]
    ours, theirs = (functools.partial(f, stride=stride, padding=padding) for f in (convolution, library))
    assert_same_derivatives(ours, theirs, (2, *size, 3), (*kernel_size, 3, 4))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution_and_its_derivatives_by_onednn(geometry, with_onednn):
    size, kernel_size, stride, padding = GEOMETRIES[geometry]
    ours, theirs = (functools.partial(f, stride=stride, padding=padding) for f in (convolution, library))
    assert_same_derivatives_by_onednn(ours, theirs, (2, *size, 3), (*kernel_size, 3, 4))


TRANSPOSED = [(1, (3, 2), (0, 0)), (2, (4, 3), (1, 0)), (3, (2, 2), (0, 2))]


def transposed_case(stride, kernel_size, extra):
    size = tuple((n - 1) * stride + k + e for n, k, e in zip((3, 4), kernel_size, extra, strict=True))
    forms = (functools.partial(f, stride=stride, size=size) for f in (transposed_convolution, library_transposed))
    return *forms, (2, 3, 4, 4), (*kernel_size, 3, 4)


@pytest.mark.parametrize("case", TRANSPOSED)
def test_transposed_convolution_and_its_derivatives(case, double_precision):
    assert_same_derivatives(*transposed_case(*case))


@pytest.mark.parametrize("case", TRANSPOSED)
def test_transposed_convolution_and_its_derivatives_by_onednn(case, with_onednn):
    assert_same_derivatives_by_onednn(*transposed_case(*case))


def test_transposed_convolution_is_the_adjoint(double_precision):
    x, y, kernel = normal(0, 2, 7, 6, 3), normal(1, 2, 3, 2, 4), normal(2, 3, 4, 3, 4)
    back = transposed_convolution(y, kernel, stride=2, size=(7, 6))
    assert_close(jnp.vdot(convolution(x, kernel, stride=2), y), jnp.vdot(x, back))


GROUPS = {"two": (2, 4, 6), "depthwise": (3, 3, 3), "depthwise, each twice": (3, 3, 6), "four": (4, 8, 4)}  # groups, I, O


def in_groups(function, groups):
    """The library's functions above, of each group by itself."""

    def joined(x, kernel, *settings):
        parts = zip(jnp.split(x, groups, axis=3), jnp.split(kernel, groups, axis=3), strict=True)
        return jnp.concatenate([function(*part, *settings) for part in parts], axis=3)

    return joined


@pytest.mark.parametrize("geometry", ["oblong_asymmetric", "crop"])
@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_those_of_the_library(name, geometry, double_precision):
    size, kernel_size, stride, padding = GEOMETRIES[geometry]
    groups, i, o = GROUPS[name]
    x, kernel = normal(0, 2, *size, i), normal(1, *kernel_size, i // groups, o)
    pads = [(padding, padding)] * 2 if isinstance(padding, int) else padding
    settings = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": groups}
    expected = jax.lax.conv_general_dilated(x, kernel, (stride, stride), pads, **settings)
    assert_close(convolution(x, kernel, stride, padding, groups), expected)
    assert_close(in_groups(library, groups)(x, kernel, stride, padding), expected)


@pytest.mark.parametrize("name", ["two", "depthwise, each twice"])
def test_groups_and_their_derivatives(name, double_precision):
    groups, i, o = GROUPS[name]
    ours = functools.partial(convolution, stride=2, padding=1, groups=groups)
    theirs = in_groups(functools.partial(library, stride=2, padding=1), groups)
    assert_same_derivatives(ours, theirs, (2, 6, 5, i), (3, 2, i // groups, o))


@pytest.mark.parametrize("name", ["two", "depthwise, each twice"])
def test_transposed_groups_and_their_derivatives(name, double_precision):
    groups, i, o = GROUPS[name]
    ours = functools.partial(transposed_convolution, stride=2, size=(7, 6), groups=groups)
    theirs = in_groups(functools.partial(library_transposed, stride=2, size=(7, 6)), groups)
    assert_same_derivatives(ours, theirs, (2, 3, 3, o), (3, 2, i // groups, o))


@pytest.mark.parametrize("mapped", [(0, None), (None, 0), (1, 3)])
@pytest.mark.parametrize("name", ["two", "depthwise, each twice"])
def test_groups_in_lanes(name, mapped, double_precision):
    groups, i, o = GROUPS[name]
    shapes = (2, 6, 5, i), (3, 2, i // groups, o)
    lanes = [
        normal(n, *shape) if axis is None else normal(n, *shape[:axis], 3, *shape[axis:])
        for n, (shape, axis) in enumerate(zip(shapes, mapped, strict=True))
    ]

    def there_and_back(x, kernel):
        return jnp.sin(transposed_convolution(jnp.tanh(convolution(x, kernel, 2, groups=groups)), kernel, 2, groups=groups))

    def all_of(x, kernel):
        return there_and_back(x, kernel), *jax.grad(lambda *a: jnp.sum(there_and_back(*a)), (0, 1))(x, kernel)

    one = jax.jit(all_of)
    one_by_one = [one(*(v if a is None else jnp.take(v, n, axis=a) for v, a in zip(lanes, mapped, strict=True))) for n in range(3)]
    assert_close(jax.jit(jax.vmap(all_of, mapped))(*lanes), jax.tree.map(lambda *parts: jnp.stack(parts), *one_by_one))


def kernel_gradient(function):
    return jax.grad(lambda kernel, x: jnp.sum(jnp.sin(function(x, kernel))))


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("images, by_onednn", [(8, True), (6, False)])
def test_a_spread_batch_stays_where_it_is(images, by_onednn, kernel_size, with_onednn):
    mesh = data_mesh(jax.devices()[:4])
    spread = jax.NamedSharding(mesh, jax.P("data" if by_onednn else None))
    kernel, x = normal(0, kernel_size, kernel_size, 3, 4, dtype=np.float32), normal(1, images, 6, 5, 3, dtype=np.float32)
    gradients = jax.jit(jax.grad(lambda kernel, x: jnp.sum(jnp.sin(convolution(x, kernel, padding=1))), argnums=(0, 1)))
    expected = gradients(kernel, x)
    with jax.set_mesh(mesh):
        x = jax.device_put(x, spread)
        assert_close(gradients(kernel, x), expected, 1e-5)
        text = gradients.lower(kernel, x).compile().as_text()
    assert ("__onednn$convolution" in text) == by_onednn
    assert "all-gather" not in text and (not by_onednn or text.count(" all-reduce(") == 1)


def test_half_precision_goes_without_onednn(with_onednn):
    x, kernel = normal(0, 2, 6, 5, 3, dtype=jnp.bfloat16), normal(1, 3, 3, 3, 4, dtype=jnp.bfloat16)
    assert "onednn" not in jax.jit(convolution).lower(x, kernel).as_text()


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

    @jax.jit
    def both(*lanes):
        picked = [[a if axis is None else jnp.take(a, i, axis) for a, axis in zip(lanes, axes, strict=True)] for i in range(3)]
        return jax.vmap(function, axes)(*lanes), jnp.stack([function(*p) for p in picked])

    assert_close(*both(*lanes))


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

    half = jax.jit(gradients)(x, kernel)
    assert {a.dtype for a in half} == {jnp.dtype(jnp.bfloat16)}
    for a, b in zip(half, jax.jit(gradients)(x.astype(jnp.float32), kernel.astype(jnp.float32)), strict=True):
        np.testing.assert_allclose(np.asarray(a, np.float32), b, rtol=0, atol=0.03 * np.max(np.abs(b)))


IMAGES, KERNEL = jnp.zeros((1, 4, 4, 3)), jnp.zeros((3, 3, 3, 8))
ERRORS = [
    (lambda: convolution(IMAGES[0], KERNEL), r"expected images \[N, H, W, C\].*found \(4, 4, 3\)"),
    (lambda: convolution(IMAGES, KERNEL[0]), r"a kernel \[kh, kw, I, O\].*\(3, 3, 8\)"),
    (lambda: convolution(IMAGES[..., :2], KERNEL), r"expected 3 channels.*\(1, 4, 4, 2\)"),
    (lambda: convolution(IMAGES.astype(jnp.bfloat16), KERNEL), "one dtype, found bfloat16 and float32; cast"),
    (lambda: convolution(IMAGES, KERNEL[:, :, :1], groups=3), r"groups that divide the last 8 channels.*\(3, 3, 1, 8\), found 3"),
    (lambda: convolution(IMAGES, KERNEL[:, :, :1], groups=0), "groups that divide .* found 0"),
    (lambda: convolution(IMAGES, KERNEL[:, :, :1], groups=2), r"expected 2 channels.*found images \(1, 4, 4, 3\); or give other groups"),
    (lambda: transposed_convolution(IMAGES, KERNEL, groups=2), r"expected 8 channels"),
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


def test_xla_sees_the_adjoint_of_a_strided_convolution():
    """With a reshaped kernel it would multiply by the zeros between the pixels: a quarter more operations for CIFAR-10 on GPUs."""
    y, kernel = jnp.zeros((2, 4, 4, 8)), jnp.zeros((3, 3, 6, 8))
    traced = jax.jit(functools.partial(transposed_convolution, stride=2)).trace(y, kernel)
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.reverse" in text and "lhs_dilate = [2, 2]" in text and "reshape" not in text
