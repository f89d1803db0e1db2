"""Which formulation of an operation is the fastest? All of one operation give the same numbers; the first is what JGAN uses.

    python benchmarks/forms.py --resolutions 64 --channels 64
    python benchmarks/forms.py --resolutions 256 --channels 128 --batch 16 --bfloat16 --targets v5e
    python benchmarks/forms.py --targets h200 --gpu-description h200.txtpb

prints one line of JSON per operation and resolution. Each form is a program that computes the result and its gradients in all arguments.

ms          of each form, in turns in one process; medians and quartiles over the repeats
of_used     the time of each form over that of the first, repeat by repeat
targets     instead of both, if devices are named that need not be here: `cost` of each form as `ahead_of_time.py` has it
"""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax.sharding import SingleDeviceSharding

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import ahead_of_time, measure  # noqa: E402

from jgan import losses, penalties  # noqa: E402
from jgan.models import stylegan2  # noqa: E402
from jgan.ops import onednn  # noqa: E402
from jgan.ops.convolution import convolution, phases_as_channels  # noqa: E402
from jgan.ops.lookup import bilinear_lookup, lookup_in_rows, lookup_in_windows  # noqa: E402
from jgan.ops.modulation import down_convolution, modulated_convolution, up_convolution  # noqa: E402
from jgan.ops.resample import BINOMIAL, normalised, upfirdn  # noqa: E402

TAPS = np.outer(normalised(BINOMIAL), normalised(BINOMIAL)).astype(np.float32)
DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class Sizes(NamedTuple):
    """Of the arrays that operations are measured on."""

    batch: int
    resolution: int  # height and width of the result, of the argument where it is halved, pixels
    channels: int  # at that resolution; twice as many at half of it
    dtype: Any


class Alternatives(NamedTuple):
    """One operation."""

    forms: dict[str, Callable]  # (*arguments) -> arrays, all the same; the first is the one in use
    arguments: tuple


def main(
    operations: tuple[str, ...] = (),
    resolutions: tuple[int, ...] = (64,),
    channels: int = 64,
    batch: int = 8,
    bfloat16: bool = False,
    repeats: int = 10,
    targets: tuple[str, ...] = (),
    gpu_description: Path | None = None,
) -> None:
    """Measures formulations of the operations of StyleGAN2; one line of JSON per operation and resolution.

    Args:
        operations: Names of operations; all if none is given.
        resolutions: Height and width of the images, pixels.
        channels: At the resolution; twice as many below it.
        batch: Images.
        bfloat16: Compute in half precision.
        repeats: Of every measurement.
        targets: Compile for these devices (v5e, h200) and read the programs, instead of running here.
        gpu_description: File with the text of XLA's GpuTargetConfigProto, for h200.
    """
    if targets:
        jax.config.update("jax_platforms", "cpu")
    for resolution in resolutions:
        sizes = Sizes(batch, resolution, channels, jnp.bfloat16 if bfloat16 else jnp.float32)
        where = {"batch": batch, "resolution": resolution, "channels": channels, "dtype": jnp.dtype(sizes.dtype).name}
        for name in operations or tuple(OPERATIONS):
            found = compiled(name, sizes, targets, gpu_description) if targets else timed(name, sizes, repeats)
            print(json.dumps({"benchmark": "forms", "operation": name, **where, **found, **measure.circumstances()}), flush=True)


def alternatives(name: str, sizes: Sizes) -> Alternatives:
    """All forms of an operation.

    Raises:
      ValueError: if there is no such operation.
    """
    if name not in OPERATIONS:
        raise ValueError(f"expected operations out of {', '.join(OPERATIONS)}, found {name!r}")
    return OPERATIONS[name](sizes)


def timed(name: str, sizes: Sizes, repeats: int) -> dict[str, Any]:
    """Times of all forms of an operation on this machine."""
    forms, arguments = alternatives(name, sizes)
    with onednn.allowed():
        seconds = measure.alternately({form: functools.partial(jax.jit(f), *arguments) for form, f in forms.items()}, repeats)
    used = seconds[next(iter(forms))]
    return {
        "ms": {form: measure.spread(1e3 * values) for form, values in seconds.items()},
        "of_used": {form: measure.spread(values / used) for form, values in seconds.items()},
    }


def compiled(name: str, sizes: Sizes, targets: tuple[str, ...], gpu_description: Path | None) -> dict[str, Any]:
    """What the compilers of other devices make of all forms of an operation."""
    forms, arguments = alternatives(name, sizes)

    def cost(function, target):
        device = ahead_of_time.devices_of(target, gpu_description)[0]
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=SingleDeviceSharding(device)), arguments)
        program = jax.jit(function).lower(*shapes).compile(compiler_options=ahead_of_time.options(device))
        return ahead_of_time.cost(program, program.as_text(), device)

    return {"targets": {target: {form: cost(function, target) for form, function in forms.items()} for target in targets}}


def up_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H/2, W/2, 2C] -> [N, H, W, C]: a transposed convolution, then [1, 3, 3, 1]."""

    def library(x, kernel):
        dilated = {"lhs_dilation": (2, 2), "dimension_numbers": DIMENSIONS}
        y = jax.lax.conv_general_dilated(x, kernel[::-1, ::-1], (1, 1), ((2, 2), (2, 2)), **dilated)
        return depthwise(y, 1, gain=4)

    def folded(x, kernel):
        """The filter in the kernel, its four phases as channels of one dense convolution."""
        y = phases_as_channels(x, filtered(kernel, gain=4).swapaxes(2, 3), stride=2, size=(2 * x.shape[1] + 4, 2 * x.shape[2] + 4))
        return y[:, 2:-2, 2:-2]

    def four_phases(x, kernel):
        """The four phases of the transposed convolution as channels of one dense convolution of 2x2, then the filter."""
        y = phases_as_channels(x, kernel.swapaxes(2, 3), stride=2, size=(2 * x.shape[1] + 1, 2 * x.shape[2] + 1))
        return upfirdn(y, normalised(BINOMIAL), padding=(1, 1, 1, 1), gain=4)

    n, r, c, dtype = sizes
    arguments = normal(dtype, (n, r // 2, r // 2, 2 * c), (3, 3, 2 * c, c))
    return with_gradients({"transposed": up_convolution, "four_phases": four_phases, "folded": folded, "library": library}, arguments)


def down_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H/2, W/2, 2C]: [1, 3, 3, 1], then a strided convolution."""

    def folded(x, kernel):
        return convolution(x, filtered(kernel), stride=2, padding=2)

    def library(x, kernel):
        return jax.lax.conv_general_dilated(depthwise(x, 2), kernel, (2, 2), "VALID", dimension_numbers=DIMENSIONS)

    n, r, c, dtype = sizes
    arguments = normal(dtype, (n, r, r, c), (3, 3, c, 2 * c))
    return with_gradients({"filter_then_stride": down_convolution, "folded": folded, "library": library}, arguments)


def filters(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H, W, C]: [1, 3, 3, 1] along both axes."""

    def by_platform(x):
        return upfirdn(x, normalised(BINOMIAL), padding=(2, 1, 2, 1))

    def one_sum(x):
        padded = jnp.pad(x, ((0, 0), (2, 1), (2, 1), (0, 0)))
        h, w = x.shape[1:3]
        shifted = [padded[:, i : i + h, j : j + w] * TAPS[i, j].astype(x.dtype) for i in range(4) for j in range(4)]
        return functools.reduce(jnp.add, shifted)

    def banded_products(x):
        h, w = (jnp.asarray(banded(size), x.dtype) for size in x.shape[1:3])
        return jnp.einsum("iI,jJ,nIJc->nijc", h, w, x, optimize=True)

    n, r, c, dtype = sizes
    forms = {
        "by_platform": by_platform,
        "one_sum": one_sum,
        "banded_products": banded_products,
        "depthwise": lambda x: depthwise(x, (2, 1)),
    }
    return with_gradients(forms, normal(dtype, (n, r, r, c)))


def modulated_convolutions(sizes: Sizes) -> Alternatives:
    """[N, H, W, C] -> [N, H, W, C], every image with a kernel of its own."""

    def per_image(x, kernel, styles):
        n, h, w, c = x.shape
        kernels = kernel[None] * styles.astype(x.dtype)[:, None, None, :, None]
        kernels = kernels * jax.lax.rsqrt(jnp.sum(jnp.square(kernels), axis=(1, 2, 3), keepdims=True) + np.asarray(1e-8, x.dtype))
        groups = kernels.transpose(1, 2, 3, 0, 4).reshape(*kernel.shape[:3], -1)
        images = x.transpose(1, 2, 0, 3).reshape(1, h, w, n * c)
        y = jax.lax.conv_general_dilated(images, groups, (1, 1), "SAME", dimension_numbers=DIMENSIONS, feature_group_count=n)
        return y.reshape(h, w, n, -1).transpose(2, 0, 1, 3)

    n, r, c, dtype = sizes
    (styles,) = normal(jnp.float32, (n, c))
    arguments = (*normal(dtype, (n, r, r, c), (3, 3, c, c)), styles)
    return with_gradients({"scaled_activations": modulated_convolution, "kernel_per_image": per_image}, arguments)


def lookups(sizes: Sizes) -> Alternatives:
    """[N, 4 H - 4, 4 W - 4, 3] -> [N, 2 H + 10, 2 W + 10, 3]: turned by a radian, as adaptive augmentation looks images up."""

    def of_period(lookup):
        return lambda period: lookup(jnp.pad(period, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="wrap"), row, column)

    def four_pixels(period):
        n, height, width, channels = period.shape
        pixels = period.reshape(n, height * width, channels)
        (top, down), (left, right) = (jnp.divmod(x, 1) for x in (row, column))
        down, right = down[..., None], right[..., None]

        def at(y, x):
            index = (top + y).astype(jnp.int32) % height * width + (left + x).astype(jnp.int32) % width
            return jax.vmap(lambda pixels, index: pixels[index])(pixels, index)

        return (at(0, 0) * (1 - right) + at(0, 1) * right) * (1 - down) + (at(1, 0) * (1 - right) + at(1, 1) * right) * down

    size = 2 * sizes.resolution + 10
    y, x = np.broadcast_to(np.mgrid[:size, :size], (sizes.batch, 2, size, size)).swapaxes(0, 1)
    row, column = (jnp.asarray(a * np.cos(1) + b * np.sin(1), jnp.float32) for a, b in ((y, x), (x, -y)))
    forms = {"by_platform": bilinear_lookup, "windows": lookup_in_windows, "rows": lookup_in_rows}
    forms = {name: of_period(lookup) for name, lookup in forms.items()} | {"four_pixels": four_pixels}
    return with_gradients(forms, normal(jnp.float32, (sizes.batch, 4 * sizes.resolution - 4, 4 * sizes.resolution - 4, 3)))


def judgements(sizes: Sizes) -> Alternatives:
    """The discriminator's gradient on generated and real images: (params, images [2, N, H, W, 3])."""
    game, network, arguments = losses.non_saturating(), *critic(sizes)

    def loss(logits):
        return jnp.mean(game.discriminator(logits[1], logits[0]))

    def apart(params, images):
        return loss([network(params, half) for half in images])

    def together(params, images):
        return loss(jax.vmap(network, in_axes=(None, 0))(params, images))

    return Alternatives({"apart": jax.grad(apart), "together": jax.grad(together)}, arguments)


def r1_penalties(sizes: Sizes) -> Alternatives:
    """The discriminator's gradient of R1: (params, images [2, N, H, W, 3])."""
    return r1_of(*critic(sizes))


def r1_penalties_of_library_critic(sizes: Sizes) -> Alternatives:
    """The same for a critic whose convolutions are not those of jgan, as others write it."""
    return r1_of(*library_critic(sizes))


def r1_of(network: Callable, arguments: tuple) -> Alternatives:
    """The gradient of R1 of any critic, (params, images) -> logits."""

    def forward_over_reverse(params, images):
        return jnp.mean(penalties.r1(lambda x: network(params, x), images[1]))

    def reverse_over_reverse(params, images):
        slope = jax.grad(lambda x: jnp.sum(network(params, x)))(images[1])
        return jnp.sum(jnp.square(slope)) / np.float32(len(slope))

    forms = {"forward_over_reverse": jax.grad(forward_over_reverse), "reverse_over_reverse": jax.grad(reverse_over_reverse)}
    return Alternatives(forms, arguments)


def path_penalties(sizes: Sizes) -> Alternatives:
    """The generator's gradient of its path lengths: (params, styles, directions)."""
    synthesize, (params, ws) = artist(sizes)
    arguments = params, ws, *normal(jnp.float32, (sizes.batch, sizes.resolution, sizes.resolution, 3))

    def reverse_over_reverse(params, ws, directions):
        return jnp.mean(jnp.square(penalties.path_lengths_along(directions, lambda ws: synthesize(params, ws), ws)))

    def forward_over_reverse(params, ws, directions):
        """|J^T y|^2 has the gradient of 2 y . (J v) at v = J^T y held fixed."""
        slope = jax.lax.stop_gradient(jax.vjp(lambda ws: synthesize(params, ws), ws)[1](directions)[0])
        along = jax.jvp(lambda ws: synthesize(params, ws), (ws,), (slope,))[1]
        return 2 * jnp.sum(directions * along) / np.float32(slope.shape[0] * slope.shape[1])

    forms = {"reverse_over_reverse": jax.grad(reverse_over_reverse), "forward_over_reverse": jax.grad(forward_over_reverse)}
    return Alternatives(forms, arguments)


def two_players(sizes: Sizes) -> Alternatives:
    """Both players' gradients on generated images: (generator's params, styles, discriminator's params).

    Not the same game: with one forward pass both players learn at once and from the same images.
    """
    game, network, (critic_params, _), (synthesize, (params, ws)) = losses.non_saturating(), *critic(sizes), artist(sizes)

    def apart(params, ws, critic_params):
        ws_again = jax.lax.optimization_barrier(ws)  # or XLA would see that both forward passes are one
        for_generator = jax.grad(lambda p: jnp.mean(game.generator(None, network(critic_params, synthesize(p, ws)))))(params)
        fake = synthesize(params, ws_again)
        return for_generator, jax.grad(lambda p: jnp.mean(jax.nn.softplus(network(p, fake))))(critic_params)

    def one_forward_pass(params, ws, critic_params):
        fake, to_params = jax.vjp(lambda p: synthesize(p, ws), params)
        logits, pullback = jax.vjp(network, critic_params, fake)
        generators = jax.grad(lambda logits: jnp.mean(game.generator(None, logits)))(logits)
        critics = jax.grad(lambda logits: jnp.mean(jax.nn.softplus(logits)))(logits)
        return to_params(pullback(generators)[1])[0], pullback(critics)[0]

    return Alternatives({"apart": apart, "one_forward_pass": one_forward_pass}, (params, ws, critic_params))


OPERATIONS = {
    "filter": filters,
    "up_convolution": up_convolutions,
    "down_convolution": down_convolutions,
    "modulated_convolution": modulated_convolutions,
    "lookup": lookups,
    "discriminator": judgements,
    "r1": r1_penalties,
    "r1_of_library_critic": r1_penalties_of_library_critic,
    "path_length": path_penalties,
    "both_players": two_players,
}


def with_gradients(forms: dict[str, Callable], arguments: tuple) -> Alternatives:
    """Forms of a function as programs that compute its value and the gradients of a weighted sum of it."""
    result = jax.eval_shape(next(iter(forms.values())), *arguments)

    def program(form):
        def run(weights, *arguments):
            value, pullback = jax.vjp(form, *arguments)
            return value, pullback(weights)

        return run

    return Alternatives({name: program(form) for name, form in forms.items()}, (*normal(result.dtype, result.shape), *arguments))


def normal(dtype: Any, *shapes: tuple[int, ...]) -> tuple[jax.Array, ...]:
    """Random arrays."""
    random = np.random.default_rng(0)
    return tuple(jnp.asarray(random.standard_normal(shape, np.float32), dtype) for shape in shapes)


def plan(sizes: Sizes) -> stylegan2.Plan:
    """Networks with the channels of `sizes` at the highest level, and twice as many below."""
    return stylegan2.plan(sizes.resolution, sizes.channels * sizes.resolution, 2 * sizes.channels, 4 if sizes.dtype == jnp.bfloat16 else 0)


def critic(sizes: Sizes) -> tuple[Callable, tuple]:
    """The discriminator, (params, images) -> logits, and its arguments for two batches of images."""
    network = stylegan2.discriminator(plan(sizes))
    (images,) = normal(jnp.float32, (2, sizes.batch, sizes.resolution, sizes.resolution, 3))
    params, state = jax.jit(network.init)(jax.random.key(0, impl="rbg"), images[0])
    return lambda params, images: network.apply(params, state, images)[0], (params, images)


def library_critic(sizes: Sizes) -> tuple[Callable, tuple]:
    """Two strided and two plain convolutions, as `critic`."""

    class Critic(nn.Module):
        @nn.compact
        def __call__(self, x):
            for features in (sizes.channels, 2 * sizes.channels):
                x = nn.leaky_relu(nn.Conv(features, (3, 3), dtype=sizes.dtype)(x), 0.2)
                x = nn.leaky_relu(nn.Conv(features, (4, 4), (2, 2), dtype=sizes.dtype)(x), 0.2)
            return jnp.sum(nn.Dense(1)(x.astype(jnp.float32)), axis=(1, 2, 3))

    (images,) = normal(jnp.float32, (2, sizes.batch, sizes.resolution, sizes.resolution, 3))
    return Critic().apply, (jax.jit(Critic().init)(jax.random.key(0, impl="rbg"), images[0]), images)


def artist(sizes: Sizes) -> tuple[Callable, tuple]:
    """The synthesis network without noise, (params, ws) -> images, and its arguments."""
    generator = stylegan2.generator(plan(sizes), style_size=64)
    (ws,) = normal(jnp.float32, (sizes.batch, generator.layers, 64))
    params, state = jax.jit(generator.synthesis.init)(jax.random.key(0, impl="rbg"), ws)
    return lambda params, ws: generator.synthesis.apply(params, state, ws)[0], (params, ws)


def depthwise(x: jax.Array, padding: int | tuple[int, int], gain: float = 1.0) -> jax.Array:
    """The filter as a convolution in as many groups as there are channels."""
    c, pads = x.shape[3], (padding, padding) if isinstance(padding, int) else padding
    kernel = jnp.broadcast_to(jnp.asarray(TAPS * np.float32(gain), x.dtype)[:, :, None, None], (4, 4, 1, c))
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), (pads, pads), dimension_numbers=DIMENSIONS, feature_group_count=c)


def filtered(kernel: jax.Array, gain: float = 1.0) -> jax.Array:
    """[k, k, I, O] -> [k + 3, k + 3, I, O]: the kernel of a convolution and the filter at once."""
    k, _, i, o = kernel.shape
    flat = upfirdn(kernel.reshape(1, k, k, i * o), normalised(BINOMIAL), padding=(3, 3, 3, 3), gain=gain)
    return flat.reshape(k + 3, k + 3, i, o)


def banded(size: int) -> np.ndarray:
    """The filter along one axis as a matrix [size, size]."""
    return sum(tap * np.eye(size, k=shift) for tap, shift in zip(normalised(BINOMIAL), (-2, -1, 0, 1), strict=True))


if __name__ == "__main__":
    os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")  # of the libraries that only running needs
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
