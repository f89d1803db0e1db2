"""Formulations of gradients of StyleGAN2's players, for `benchmarks/compiler/forms.py`, and their networks; the first is the one in use."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.compiler.forms_of_operations import Alternatives, Sizes, normal

from jgan import losses, penalties
from jgan.models import stylegan2


def discriminator_gradients(sizes: Sizes) -> Alternatives:
    """The discriminator's gradient on generated and real images: (params, images [2, N, H, W, 3])."""
    adversarial, network, arguments = losses.non_saturating(), *discriminator(sizes)

    def loss(logits):
        return jnp.mean(adversarial.discriminator(logits[1], logits[0]))

    def apart(params, images):
        return loss([network(params, half) for half in images])

    def together(params, images):
        return loss(jax.vmap(network, in_axes=(None, 0))(params, images))

    return Alternatives({"apart": jax.grad(apart), "together": jax.grad(together)}, arguments)


def r1_penalties(sizes: Sizes) -> Alternatives:
    """The discriminator's gradient of R1: (params, images [2, N, H, W, 3])."""
    return r1_of(*discriminator(sizes))


def r1_penalties_of_library_discriminator(sizes: Sizes) -> Alternatives:
    """The same for a discriminator whose convolutions are not those of jgan, as others write it."""
    return r1_of(*library_discriminator(sizes))


def r1_of(network: Callable, arguments: tuple) -> Alternatives:
    """The gradient of R1 of any discriminator, (params, images) -> logits."""

    def forward_over_reverse(params, images):
        return jnp.mean(penalties.r1(lambda x: network(params, x), images[1]))

    def reverse_over_reverse(params, images):
        slope = jax.grad(lambda x: jnp.sum(network(params, x)))(images[1])
        return jnp.sum(jnp.square(slope)) / np.float32(len(slope))

    forms = {"forward_over_reverse": jax.grad(forward_over_reverse), "reverse_over_reverse": jax.grad(reverse_over_reverse)}
    return Alternatives(forms, arguments)


def path_penalties(sizes: Sizes) -> Alternatives:
    """The generator's gradient of its path lengths: (params, styles, directions)."""
    synthesize, (params, ws) = synthesis(sizes)
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

    Not the same training: with one forward pass both players learn at once and from the same images.
    """
    adversarial, (network, (params_d, _)), (synthesize, (params_g, ws)) = losses.non_saturating(), discriminator(sizes), synthesis(sizes)

    def apart(params_g, ws, params_d):
        ws_again = jax.lax.optimization_barrier(ws)  # or XLA would see that both forward passes are one
        for_generator = jax.grad(lambda p: jnp.mean(adversarial.generator(None, network(params_d, synthesize(p, ws)))))(params_g)
        fake = synthesize(params_g, ws_again)
        return for_generator, jax.grad(lambda p: jnp.mean(jax.nn.softplus(network(p, fake))))(params_d)

    def one_forward_pass(params_g, ws, params_d):
        fake, to_params = jax.vjp(lambda p: synthesize(p, ws), params_g)
        logits, pullback = jax.vjp(network, params_d, fake)
        of_generator = jax.grad(lambda logits: jnp.mean(adversarial.generator(None, logits)))(logits)
        of_discriminator = jax.grad(lambda logits: jnp.mean(jax.nn.softplus(logits)))(logits)
        return to_params(pullback(of_generator)[1])[0], pullback(of_discriminator)[0]

    return Alternatives({"apart": apart, "one_forward_pass": one_forward_pass}, (params_g, ws, params_d))


def plan(sizes: Sizes) -> stylegan2.Plan:
    """Networks with the channels of `sizes` at the highest level, and twice as many below."""
    return stylegan2.plan(sizes.resolution, sizes.channels * sizes.resolution, 2 * sizes.channels, 4 if sizes.dtype == jnp.bfloat16 else 0)


def discriminator(sizes: Sizes) -> tuple[Callable, tuple]:
    """The discriminator, (params, images) -> logits, and its arguments for two batches of images."""
    network = stylegan2.discriminator(plan(sizes))
    (images,) = normal(jnp.float32, (2, sizes.batch, sizes.resolution, sizes.resolution, 3))
    params, state = jax.jit(network.init)(jax.random.key(0, impl="rbg"), images[0])
    return lambda params, images: network.apply(params, state, images)[0], (params, images)


def library_discriminator(sizes: Sizes) -> tuple[Callable, tuple]:
    """Two strided and two plain convolutions, as `discriminator`."""

    class Discriminator(nn.Module):
        @nn.compact
        def __call__(self, x):
            for features in (sizes.channels, 2 * sizes.channels):
                x = nn.leaky_relu(nn.Conv(features, (3, 3), dtype=sizes.dtype)(x), 0.2)
                x = nn.leaky_relu(nn.Conv(features, (4, 4), (2, 2), dtype=sizes.dtype)(x), 0.2)
            return jnp.sum(nn.Dense(1)(x.astype(jnp.float32)), axis=(1, 2, 3))

    (images,) = normal(jnp.float32, (2, sizes.batch, sizes.resolution, sizes.resolution, 3))
    return Discriminator().apply, (jax.jit(Discriminator().init)(jax.random.key(0, impl="rbg"), images[0]), images)


def synthesis(sizes: Sizes) -> tuple[Callable, tuple]:
    """The synthesis network without noise, (params, ws) -> images, and its arguments."""
    generator = stylegan2.generator(plan(sizes), style_size=64)
    (ws,) = normal(jnp.float32, (sizes.batch, generator.layers, 64))
    params, state = jax.jit(generator.synthesis.init)(jax.random.key(0, impl="rbg"), ws)
    return lambda params, ws: generator.synthesis.apply(params, state, ws)[0], (params, ws)
