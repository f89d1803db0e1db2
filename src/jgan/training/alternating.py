"""The ordinary training of two players: updates of the discriminator, then one of the generator."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.ops.images import to_float
from jgan.training import adaptive
from jgan.training.averages import follow_average
from jgan.training.two_players import DISCRIMINATOR, GENERATOR, Parts, named, update_player
from jgan.training.update import Player, new_player, prefixed, strided
from jgan.types import (
    Adaptive,
    AdversarialLoss,
    Array,
    Augment,
    Batch,
    GeneratorPenaltyFunction,
    Inputs,
    Key,
    LatentPenaltyFunction,
    Metrics,
    Network,
    Outputs,
    Params,
    Penalty,
    PenaltyFunction,
    Training,
)


class AlternatingState(NamedTuple):
    """The two players, the generator's average, the number of steps done, and the values of what is adaptive."""

    step: Array  # int32
    generator: Player
    discriminator: Player
    average: Params
    adaptive: dict[str, Any]


def alternating(
    generator: Network,
    discriminator: Network,
    loss: AdversarialLoss | Adaptive[AdversarialLoss],
    generator_optimizer: optax.GradientTransformation,
    discriminator_optimizer: optax.GradientTransformation,
    *,
    latent_size: int,
    field: str = "image",
    condition: str | None = None,
    penalties: Sequence[Penalty[PenaltyFunction] | Adaptive[Penalty[PenaltyFunction]]] = (),
    latent_penalties: Sequence[Penalty[LatentPenaltyFunction] | Adaptive[Penalty[LatentPenaltyFunction]]] = (),
    generator_penalties: Sequence[Penalty[GeneratorPenaltyFunction] | Adaptive[Penalty[GeneratorPenaltyFunction]]] = (),
    augment: Augment | Adaptive[Augment] | None = None,
    discriminator_steps: int = 1,
    half_life: float = 10_000,
    microbatches: int = 1,
    axis_name: str | None = None,
) -> Training:
    """Trains as Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), algorithm 1, with any adversarial loss and any penalties.

    `sample` takes `z` [N, latent_size], the condition, and if wanted `truncation` [N], by which z is multiplied; it uses the average.

    Args:
      generator: (z [N, latent_size]) -> examples like the batch's, images in [-1, 1]; (z, condition) where there is a condition.
      discriminator: (examples) or (examples, condition) -> logits; [N], patches [N, ...], or a list of them for `losses.multi_scale`.
      loss: the adversarial loss. Those that need the real logits in the generator's update get them.
      generator_optimizer, discriminator_optimizer: one optax transformation per player, with schedules and weight constraints as wanted.
      latent_size: of z, drawn from a standard normal distribution.
      field: of the batch, which is imitated; uint8 becomes floats in [-1, 1].
      condition: a field of the batch that both networks are given; generated examples have those of the batch.
      penalties: of the discriminator; see `jgan.penalties.records`. Their critic gives one logit [N]: the mean over patches, the sum over
        scales. One with every > 1 costs nothing in other updates and is an optimizer step apart, see `lazy_adam`.
      latent_penalties: of the discriminator, with functions (key, critic, generate, z) -> [N], such as `latent_consistency`.
      generator_penalties: with functions (key, generate, z) -> [N], such as `jacobian_clamp`.
      augment: of all that the discriminator is given, such as `diffaugment` or `adaptive_strength(ada)`.
      discriminator_steps: updates of the discriminator per step, each on an equal part of the batch; the generator's has that size too.
      half_life: of the generator's average, in examples.
      microbatches, axis_name: as in `update`.

    Raises:
      ValueError: if the number of updates or an interval is below 1, or if the loss needs a condition and there is none; at trace time, if
        the batch lacks a field or does not divide into the updates of the discriminator.
    """
    # Some may be adaptive; `adaptive.current` gives those of a step.
    parts = Parts._make((generator, discriminator, loss, augment, *named(penalties, latent_penalties, generator_penalties)))
    _check(adaptive.current(parts, adaptive.begin(parts)), condition, discriminator_steps)
    of_update = {"microbatches": microbatches, "axis_name": axis_name}
    optimizers = generator_optimizer, discriminator_optimizer
    setting = _Setting(parts, *optimizers, latent_size, field, condition, discriminator_steps, half_life, of_update)
    return Training(partial(_init, setting), partial(_step, setting), partial(_sample, setting))


def _check(parts: Parts, condition: str | None, discriminator_steps: int) -> None:
    if discriminator_steps < 1:
        raise ValueError(f"expected discriminator_steps >= 1, found {discriminator_steps}; 1 is an update of each player per step")
    if parts.loss.matching and condition is None:
        raise ValueError("expected a condition for a matching-aware loss, found None; name the field of the batch that holds it")
    for name, penalty in (parts.penalties | parts.latent_penalties | parts.generator_penalties).items():
        if penalty.every < 1:
            raise ValueError(f"expected {name} with every >= 1, found {penalty.every}; leave the penalty out to never have it")


class _Setting(NamedTuple):
    parts: Parts
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent_size: int
    field: str
    condition: str | None
    discriminator_steps: int
    half_life: float
    of_update: dict[str, Any]


def _init(setting: _Setting, key: Key, batch: Batch) -> AlternatingState:
    parts, keys, given = setting.parts, jax.random.split(key, 3), _given(setting, batch)
    condition = [given["condition"]] if setting.condition else []
    z = jax.random.normal(keys[0], (given["real"].shape[0], setting.latent_size))
    params, state = parts.generator.init(keys[1], z, *condition)
    discriminator = parts.discriminator.init(keys[2], to_float(given["real"]), *condition)
    players = new_player(params, state, setting.generator_optimizer), new_player(*discriminator, setting.discriminator_optimizer)
    return AlternatingState(jnp.zeros((), jnp.int32), *players, params, adaptive.begin(parts))


def _step(setting: _Setting, state: AlternatingState, batch: Batch, key: Key) -> tuple[AlternatingState, Metrics]:
    parts, given = adaptive.current(setting.parts, state.adaptive), _given(setting, batch)
    n = given["real"].shape[0]
    if parts.loss.matching:
        given["wrong_condition"] = jnp.roll(given["condition"], 1, axis=0)
    key_d, key_g = jax.random.split(jax.random.fold_in(key, state.step))
    discriminator, metrics_d = _update_discriminator(setting, parts, state, _drawn(setting, key_d, given))
    generator, metrics_g = _update_generator(setting, parts, state, discriminator, key_g, given)
    mean = follow_average(state.average, generator.params, state.step, n, setting.half_life)
    metrics = prefixed("discriminator", metrics_d) | prefixed("generator", metrics_g)
    values, followed = adaptive.follow(setting.parts, state.adaptive, metrics, n)
    return AlternatingState(state.step + 1, generator, discriminator, mean, values), metrics | followed


def _update_discriminator(setting, parts, state, examples):
    """All updates of the discriminator in a step, and their mean metrics."""

    def one(player, part):
        counter, examples = part
        optimizer = setting.discriminator_optimizer
        return update_player(DISCRIMINATOR, parts, optimizer, player, state.generator, counter, examples, **setting.of_update)

    times = setting.discriminator_steps
    if times == 1:
        return one(state.discriminator, (state.step, examples))
    counters = state.step * times + jnp.arange(times, dtype=jnp.int32)
    player, metrics = jax.lax.scan(one, state.discriminator, (counters, strided(examples, times)))
    return player, {**{name: jnp.nanmean(m) for name, m in metrics.items()}, "skipped": metrics["skipped"][-1]}


def _update_generator(setting, parts, state, discriminator, key, given):
    examples = _drawn(setting, key, {name: x[:: setting.discriminator_steps] for name, x in given.items()})
    if not parts.loss.relativistic:
        del examples["real"]
    optimizer = setting.generator_optimizer
    return update_player(GENERATOR, parts, optimizer, state.generator, discriminator, state.step, examples, **setting.of_update)


def _sample(setting: _Setting, state: AlternatingState, key: Key | None, inputs: Inputs) -> Outputs:
    condition = [_floats_of_bytes(inputs[setting.condition])] if setting.condition else []
    z = inputs["z"] * inputs["truncation"][:, None] if "truncation" in inputs else inputs["z"]
    fake, _ = setting.parts.generator.apply(state.average, state.generator.state, z, *condition, key=key, train=False)
    return {setting.field: fake}


def _drawn(setting, key, given):
    """What was given with a latent per example, and a key per example for the noise of networks, augmentation and penalties."""
    key_z, key_noise = jax.random.split(key)
    n = given["real"].shape[0]
    return {"z": jax.random.normal(key_z, (n, setting.latent_size)), "key": jax.random.split(key_noise, n), **given}


def _given(setting, batch):
    """Examples to imitate and their conditions."""
    for name in filter(None, (setting.field, setting.condition)):
        if name not in batch:
            raise ValueError(f"expected a batch with the field {name}, found {', '.join(batch)}; name another field or add it to the data")
    given = {"real": batch[setting.field]}
    if setting.condition:
        given["condition"] = _floats_of_bytes(batch[setting.condition])
    return given


def _floats_of_bytes(x):
    return to_float(x) if x.dtype == jnp.uint8 else x
