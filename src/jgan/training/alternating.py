"""The ordinary two-player game: one update of the discriminator, one of the generator."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.training.averages import average, average_decay
from jgan.training.update import Player, new_player, prefixed, update
from jgan.types import AdversarialLoss, Array, Network, Params, Training


class GameState(NamedTuple):
    """The two players, the generator's average and the number of steps done."""

    step: Array
    generator: Player
    discriminator: Player
    average: Params


def alternating(
    generator: Network,
    discriminator: Network,
    loss: AdversarialLoss,
    generator_optimizer: optax.GradientTransformation,
    discriminator_optimizer: optax.GradientTransformation,
    *,
    latent_size: int,
    penalty: Callable | None = None,
    penalty_weight: float = 1.0,
    half_life: float = 10_000,
    microbatches: int = 1,
    axis_name: str | None = None,
) -> Training:
    """Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), algorithm 1, with any loss and any penalty.

    Args:
      generator: (z [N, latent_size]) -> images [N, H, W, C] in [-1, 1].
      discriminator: (images) -> logits.
      loss: which game is played.
      generator_optimizer, discriminator_optimizer: one optax transformation per player.
      latent_size: of z, drawn from a standard normal distribution.
      penalty: (critic, images) -> [N], on real images at every step, for example `jgan.penalties.r1`.
      penalty_weight: its weight in the discriminator's loss.
      half_life: of the generator's average, in images.
      microbatches, axis_name: as in `update`.
    """

    def generator_loss(params, state, examples, opponent):
        key_g, key_d = jax.random.split(examples["key"][0])
        fake, state = generator.apply(params, state, examples["z"], key=key_g, train=True)
        logits, _ = discriminator.apply(opponent.params, opponent.state, fake, key=key_d, train=True)
        return jnp.mean(loss.generator(None, logits)), (state, {})

    def discriminator_loss(params, state, examples, opponent):
        key_g, key_fake, key_real = jax.random.split(examples["key"][0], 3)

        def critic(images):
            return discriminator.apply(params, state, images, key=key_real, train=True)[0]

        fake, _ = generator.apply(opponent.params, opponent.state, examples["z"], key=key_g, train=True)
        real = normalise(examples["image"])
        fake_logits, state_after = discriminator.apply(params, state, fake, key=key_fake, train=True)
        real_logits, state_after = discriminator.apply(params, state_after, real, key=key_real, train=True)
        total = jnp.mean(loss.discriminator(real_logits, fake_logits))
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        if penalty is not None:
            metrics["penalty"] = jnp.mean(penalty(critic, real))
            total += penalty_weight * metrics["penalty"]
        return total, (state_after, metrics)

    parts = {"microbatches": microbatches, "axis_name": axis_name}
    generator_update = update(generator_loss, generator_optimizer, **parts)
    discriminator_update = update(discriminator_loss, discriminator_optimizer, **parts)

    def init(key, batch):
        keys = jax.random.split(key, 3)
        z = jax.random.normal(keys[0], (batch["image"].shape[0], latent_size))
        params, state = generator.init(keys[1], z)
        opponent = discriminator.init(keys[2], normalise(batch["image"]))
        players = new_player(params, state, generator_optimizer), new_player(*opponent, discriminator_optimizer)
        return GameState(jnp.zeros((), jnp.int32), *players, params)

    def draw(key, n):
        """Latents, and a key per example, of which every microbatch and device takes its first for the noise of the networks."""
        key_z, key_noise = jax.random.split(key)
        return {"z": jax.random.normal(key_z, (n, latent_size)), "key": jax.random.split(key_noise, n)}

    def step(state, batch, key):
        key_d, key_g = jax.random.split(jax.random.fold_in(key, state.step))
        n = batch["image"].shape[0]
        opponent, d = discriminator_update(state.discriminator, {"image": batch["image"], **draw(key_d, n)}, state.generator)
        player, g = generator_update(state.generator, draw(key_g, n), opponent)
        mean = average(state.average, player.params, average_decay(n, state.step * n, half_life, ramp_up=0.05))
        return GameState(state.step + 1, player, opponent, mean), prefixed("discriminator", d) | prefixed("generator", g)

    def sample(state, key, inputs):
        return generator.apply(state.average, state.generator.state, inputs["z"], key=key, train=False)[0]

    return Training(init, step, sample)


def normalise(images: Array) -> Array:
    """uint8 images as float32 in [-1, 1].

    >>> [float(x) for x in normalise(jnp.asarray([0, 255], jnp.uint8))]
    [-1.0, 1.0]
    """
    return images.astype(jnp.float32) / 127.5 - 1.0
