"""What a generator and a discriminator minimise: an adversarial loss and penalties, of examples and what was drawn for them.

Examples are a dict with leading axis [N]: `z`, `key` (a key per example, of which every microbatch and device takes its first), `real`,
and with a condition `condition` and `wrong_condition`, a condition of another example.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.ops.images import to_float
from jgan.penalties.records import name_of
from jgan.training.update import Player, every, update
from jgan.types import (
    Adaptive,
    AdversarialLoss,
    Array,
    Augment,
    GeneratorPenaltyFunction,
    LatentPenaltyFunction,
    Metrics,
    Network,
    Params,
    Penalty,
    PenaltyFunction,
    State,
)


class Parts(NamedTuple):
    """What the losses are made of."""

    generator: Network
    discriminator: Network
    loss: AdversarialLoss
    augment: Augment | None
    penalties: dict[str, Penalty[PenaltyFunction]]  # of the discriminator
    latent_penalties: dict[str, Penalty[LatentPenaltyFunction]]  # of the discriminator
    generator_penalties: dict[str, Penalty[GeneratorPenaltyFunction]]


class Keys(NamedTuple):
    """What is random in a loss."""

    generator: Array
    fake: Array  # the discriminator's noise at generated examples
    real: Array  # and at real ones
    augment_fake: Array
    augment_real: Array
    penalties: Array


Value = tuple[Array, tuple[State, Metrics]]  # of a loss


class Side(NamedTuple):
    """What one player minimises, in two functions of (parts, other, ...) -> (scalar, (state, metrics))."""

    loss: Callable[[Parts, Player, Params, State, Any], Value]  # (parts, other, params, state, examples)
    # (parts, other, penalties, params, state, examples)
    penalty: Callable[[Parts, Player, Mapping[str, Penalty[Any]], Params, State, Any], Value]
    penalties: Callable[[Parts], Mapping[str, Penalty[Any]]]  # (parts) -> all penalties of the player, by name


def named(*groups: Sequence[Penalty | Adaptive]) -> list[dict[str, Penalty | Adaptive]]:
    """Names the penalties of several groups by their functions; repeated names are numbered.

    >>> penalty = Penalty(jnp.sum)
    >>> [list(group) for group in named([penalty, penalty], [penalty])]
    [['sum', 'sum_2'], ['sum_3']]
    """
    counts, result = {"loss": 1, "augment": 1, "gradient_norm": 1, "skipped": 1}, []
    for group in groups:
        result.append({})
        for penalty in group:
            name = name_of((penalty.at(penalty.init()) if isinstance(penalty, Adaptive) else penalty).function)
            counts[name] = counts.get(name, 0) + 1
            result[-1][name if counts[name] == 1 else f"{name}_{counts[name]}"] = penalty
    return result


def update_player(
    side: Side,
    parts: Parts,
    optimizer: optax.GradientTransformation,
    player: Player,
    other: Player,
    counter: Array,
    examples: Any,
    **of_update: Any,
) -> tuple[Player, Metrics]:
    """Updates a player once, and once more for each lazy penalty that is due when it has been updated `counter` times.

    The mean of a penalty is recorded under its name, NaN where it was not due. `of_update` are settings of `update`.
    """
    player, metrics = update(partial(side.loss, parts, other), optimizer, **of_update)(player, examples)
    for name, penalty in side.penalties(parts).items():
        if penalty.every > 1:
            step = update(partial(side.penalty, parts, other, {name: penalty}), optimizer, **of_update)
            player, lazy = every(penalty.every, step)(counter, player, examples)
            del lazy["loss"], lazy["skipped"]
            metrics |= {f"{name}/gradient_norm": lazy.pop("gradient_norm"), **lazy}
    return player, metrics


def _generator_loss(parts, other, params, state, examples):
    keys = _keys(examples)
    fake, after = _generate(parts, params, state, examples, keys)
    fake_logits, _ = _logits(parts, other.params, other.state, fake, examples, keys.fake, keys.augment_fake)
    real_logits = None
    if parts.loss.relativistic:
        real = to_float(examples["real"])
        real_logits, _ = _logits(parts, other.params, other.state, real, examples, keys.real, keys.augment_real)
    total = jnp.mean(parts.loss.generator(real_logits, fake_logits))
    penalty, metrics = _at_latents(parts, _eager(parts.generator_penalties), params, state, examples, fake)
    return total + penalty, (after, metrics)


def _generator_penalty(parts, other, penalties, params, state, examples):
    fake, _ = _generate(parts, params, state, examples, _keys(examples))
    total, metrics = _at_latents(parts, penalties, params, state, examples, fake)
    return total, (state, metrics)


def _at_latents(parts, penalties, params, state, examples, fake):
    """The weighted sum of penalties of the generator, and what to record of them."""
    keys = _keys(examples)

    def generate(z):
        if z is examples["z"]:
            return fake  # the adversarial loss and the penalties share one backward pass
        return _generate(parts, params, state, {**examples, "z": z}, keys)[0]

    return _sum_of(penalties, keys.penalties, {name: (generate, examples["z"]) for name in penalties})


def _discriminator_loss(parts, other, params, state, examples):
    keys, real = _keys(examples), to_float(examples["real"])
    fake, _ = _generate(parts, other.params, other.state, examples, keys)
    fake_logits, after = _logits(parts, params, state, fake, examples, keys.fake, keys.augment_fake)
    real_logits, after = _logits(parts, params, after, real, examples, keys.real, keys.augment_real)
    logits = [real_logits, fake_logits]
    if parts.loss.matching:
        mismatched = {"condition": examples["wrong_condition"]}
        logits.append(_logits(parts, params, state, real, mismatched, keys.real, keys.augment_real)[0])
    total = jnp.mean(parts.loss.discriminator(*logits))
    metrics = {"real_logits": _mean(real_logits), "fake_logits": _mean(fake_logits), "real_signs": _mean(_signs(real_logits))}
    penalties = _eager(parts.penalties | parts.latent_penalties)
    penalty, measured = _at_examples(parts, other, penalties, params, state, examples, fake)
    return total + penalty, (after, metrics | measured)


def _discriminator_penalty(parts, other, penalties, params, state, examples):
    fake, _ = _generate(parts, other.params, other.state, examples, _keys(examples))
    total, metrics = _at_examples(parts, other, penalties, params, state, examples, fake)
    return total, (state, metrics)


def _at_examples(parts, other, penalties, params, state, examples, fake):
    """The weighted sum of penalties of the discriminator, and what to record of them."""
    keys = _keys(examples)

    def critic(x):
        return _one_each(_logits(parts, params, state, x, examples, keys.real, keys.augment_real)[0])

    def generate(z):
        return _generate(parts, other.params, other.state, {**examples, "z": z}, keys)[0]

    of_latents, of_examples = (critic, generate, examples["z"]), (critic, to_float(examples["real"]), fake)
    arguments = {name: of_latents if name in parts.latent_penalties else of_examples for name in penalties}
    return _sum_of(penalties, keys.penalties, arguments)


GENERATOR = Side(_generator_loss, _generator_penalty, lambda parts: parts.generator_penalties)
DISCRIMINATOR = Side(_discriminator_loss, _discriminator_penalty, lambda parts: parts.penalties | parts.latent_penalties)


def _keys(examples):
    return Keys(*jax.random.split(examples["key"][0], len(Keys._fields)))


def _condition(examples):
    return (examples["condition"],) if "condition" in examples else ()


def _generate(parts, params, state, examples, keys):
    return parts.generator.apply(params, state, examples["z"], *_condition(examples), key=keys.generator, train=True)


def _logits(parts, params, state, x, examples, key, key_augment):
    x = x if parts.augment is None else parts.augment(key_augment, x)
    return parts.discriminator.apply(params, state, x, *_condition(examples), key=key, train=True)


def _eager(penalties):
    return {name: penalty for name, penalty in penalties.items() if penalty.every == 1}


def _sum_of(penalties, key, arguments):
    """The weighted sum of penalties, and the mean of each and whatever else it measures."""
    total: Any = 0.0
    metrics = {}
    for name, penalty in penalties.items():
        own_key = jax.random.fold_in(key, zlib.crc32(name.encode()))  # whatever other penalties there are
        found = penalty.function(own_key, *arguments[name])
        values, measured = found if isinstance(found, tuple) else (found, {})
        metrics |= {name: jnp.mean(values), **{f"{name}/{what}": number for what, number in measured.items()}}
        total += penalty.weight * penalty.every * metrics[name]
    return total, metrics


def _one_each(logits) -> Any:
    """One logit per example [N], for penalties: the mean over patches, the sum over scales."""
    return sum(jnp.mean(x, axis=tuple(range(1, x.ndim))) for x in jax.tree.leaves(logits))


def _signs(logits):
    return jax.tree.map(jnp.sign, logits)


def _mean(logits) -> Any:
    return sum(jnp.mean(x) for x in jax.tree.leaves(logits)) / len(jax.tree.leaves(logits))
