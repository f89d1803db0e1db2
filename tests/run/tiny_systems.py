"""Systems that exist only here, as proofs of the contract: a colour, sound, text from captions, and an image that grows.

As a program: NAME train --workdir FOLDER ..., as of any system.
"""

import dataclasses
import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import commands, outputs
from jgan.data.settings import ImageSettings, open_images, place
from jgan.data.source import Source
from jgan.evaluation.score import Score
from jgan.ops.images import to_float
from jgan.run import Sampling, Settings, System, changeable, main
from jgan.training import Player, new_player, update
from jgan.types import Array, Stage, Training


class State(NamedTuple):
    step: Array
    player: Player


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """What a run is made of."""

    data: str = "drawn"
    """Nothing else is known."""
    limit: int | None = None
    """Maximum number of examples."""
    batch: int = 8
    """Examples per step."""
    learning_rate: float = 0.1
    """Of gradient descent."""
    score_samples: int = changeable(8)
    """Examples per score."""


def learning(loss, init_params, sample, config) -> Training:
    """One player that descends a loss: (params, batch, noise [N]) -> scalar."""
    optimizer = optax.sgd(config.learning_rate)

    def loss_fn(params, state, examples):
        return loss(params, examples["batch"], examples["noise"]), (state, {})

    learn = update(loss_fn, optimizer)

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), new_player(init_params(key), {}, optimizer))

    def step(state, batch, key):
        n = jax.tree.leaves(batch)[0].shape[0]
        noise = jax.random.normal(jax.random.fold_in(key, state.step), (n,))
        player, metrics = learn(state.player, {"batch": batch, "noise": noise})
        metrics["lazy"] = jnp.where(state.step % 4 == 0, metrics["loss"], jnp.nan)
        return State(state.step + 1, player), {f"generator/{name}": value for name, value in metrics.items()}

    return Training(init, step, lambda state, key, inputs: sample(state.player.params, inputs))


# A colour: images without classes, scored by how bright they are, brighter being better.
@dataclasses.dataclass(frozen=True, kw_only=True)
class ColourConfig(Config, ImageSettings):
    """What a run is made of."""

    data: str = place("shapes")
    """Images."""
    resolution: int = 4
    """Side of the images, pixels."""
    poison_at: int = 0
    """The step from which gradients are not finite; 0: never."""


def colour_training(config, spec):
    def loss(params, batch, noise):
        colours = jnp.mean(to_float(batch["image"]), axis=(1, 2))
        return jnp.mean((params["colour"][None] - colours + 0.1 * noise[:, None]) ** 2)

    def sample(params, inputs):
        return {"image": jnp.broadcast_to(params["colour"], (inputs["z"].shape[0], *spec.shape())) + inputs["z"][:, None, None, None]}

    training = learning(loss, lambda key: {"colour": jax.random.normal(key, (3,))}, sample, config)
    return poisoned(training, config.poison_at) if config.poison_at else training


def poisoned(training, at):
    def step(state, batch, key):
        bad = jnp.where(state.step >= at, jnp.nan, 1.0)
        player = state.player._replace(params=jax.tree.map(lambda x: x * bad, state.player.params))
        return training.step(state._replace(player=player), batch, key)

    return training._replace(step=step)


def brightness(config, source, /, *, folder, mesh=None):
    def compute(snapshot):
        images = np.concatenate([np.asarray(found["image"]) for found in snapshot.outputs(source, config.score_samples)])
        return {"brightness": float(images.mean()), "spread": float(images.std())}

    return Score("brightness", {"samples": config.score_samples}, compute, lower_is_better=False)


COLOUR = System(
    "colour",
    ColourConfig,
    {"tiny": ColourConfig(limit=32)},
    lambda config, split=None: open_images(config, labels=False),
    colour_training,
    lambda config, spec: Sampling(lambda key, n: {"z": 0.1 * jax.random.normal(key, (n,))}, {"image": outputs.image()}, followed=8),
    brightness,
    commands=commands.ANY,
)

# Sound: a tone of each class, [S] samples.
SAMPLES, RATE = 64, 800
TONES = ("low", "high")


def tones(config, split=None) -> Source:
    labels = np.arange(24, dtype=np.int32) % 2
    fields = {"audio": jax.ShapeDtypeStruct((SAMPLES,), np.float32), "label": jax.ShapeDtypeStruct((), np.int32)}

    def read(index):
        wave = np.sin(2 * np.pi * (50 + 50 * labels[index]) * np.arange(SAMPLES) / RATE + index)
        return {"audio": wave.astype(np.float32), "label": labels[index]}

    return Source("tones", 24, fields, read, {"label": TONES}, {"label": labels})


def sound_training(config, spec):
    def loss(params, batch, noise):
        return jnp.mean((params["wave"][batch["label"]] - batch["audio"] + 0.1 * noise[:, None]) ** 2)

    def sample(params, inputs):
        return {"audio": jnp.tanh(params["wave"][inputs["label"]] * inputs["z"][:, None])}

    return learning(loss, lambda key: {"wave": 0.1 * jax.random.normal(key, (2, SAMPLES))}, sample, config)


SOUND = System(
    "sound",
    Config,
    {"tiny": Config()},
    tones,
    sound_training,
    lambda config, spec: Sampling(
        lambda key, n: {"z": 1 + 0.1 * jax.random.normal(key, (n,))}, {"audio": outputs.audio(RATE)}, conditions=("label",), followed=4
    ),
    commands=commands.ANY,
)

# Text: as many tokens as the caption, the next one of each; captions are read by a frozen encoder.
WORDS = ("a", "red", "round", "moon", "large", "star")
LENGTH, WIDTH = 3, 4096
ENCODER = np.random.default_rng(0).normal(size=(len(WORDS), WIDTH)).astype(np.float32) / WIDTH**0.5  # 96 kB, as pretrained ones are larger


def sentences(config, split=None) -> Source:
    captions = np.random.default_rng(1).integers(0, len(WORDS), (24, LENGTH)).astype(np.int32)
    words = {"caption": captions, "tokens": (captions + 1) % len(WORDS)}
    fields = {name: jax.ShapeDtypeStruct((LENGTH,), np.int32) for name in words}
    return Source("sentences", 24, fields, lambda i: {name: w[i] for name, w in words.items()}, dict.fromkeys(words, WORDS))


def text_training(config, spec):
    encoder = jnp.asarray(ENCODER)

    def logits(params, captions):
        return encoder[captions] @ params["head"]

    def loss(params, batch, noise):
        return jnp.mean(
            optax.softmax_cross_entropy_with_integer_labels(logits(params, batch["caption"]), batch["tokens"]) + 0.0 * noise[:, None]
        )

    def sample(params, inputs):
        cumulative = jnp.cumsum(jax.nn.softmax(logits(params, inputs["caption"])), axis=-1)
        return {"tokens": jnp.sum(cumulative[..., :-1] < inputs["uniforms"][..., None], axis=-1, dtype=jnp.int32)}

    return learning(loss, lambda key: {"head": 0.1 * jax.random.normal(key, (WIDTH, len(WORDS)))}, sample, config)


TEXT = System(
    "text",
    Config,
    {"tiny": Config(learning_rate=5.0)},
    sentences,
    text_training,
    lambda config, spec: Sampling(
        lambda key, n: {"uniforms": jax.random.uniform(key, (n, LENGTH))},
        {"tokens": outputs.tokens(WORDS)},
        conditions=("caption",),
        truth=("tokens",),
        followed=4,
    ),
    commands=commands.ANY,
)


# An image that grows: a mean image of 4 px, then one of 8 px that fades in with the images seen.
@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowingConfig(Config, ImageSettings):
    """What a run is made of."""

    data: str = place("shapes")
    """Images."""
    resolution: int = 8
    """Side of the images at the end, pixels; half of that in the first stage."""
    first_kimg: float = 0.064
    """Length of the first stage, thousands of images."""
    fade_kimg: float = 0.064
    """Images of the second stage in which the new level fades in, thousands."""


class GrowingState(NamedTuple):
    step: Array
    begun: Array  # the step at which the stage began
    player: Player


def doubled(images):
    return jnp.repeat(jnp.repeat(images, 2, axis=-3), 2, axis=-2)


def growing_stages(config, spec):
    half, batch = dataclasses.replace(config, resolution=config.resolution // 2), config.batch
    first, rest = round(1000 * config.first_kimg), round(1000 * (config.kimg - config.first_kimg))
    return [
        Stage(first, batch, growing_training(config, spec, 1, batch), lambda: open_images(half, labels=False)),
        Stage(rest, batch // 2, growing_training(config, spec, 2, batch // 2), lambda: open_images(config, labels=False), grow),
    ]


def growing_training(config, spec, levels, batch):
    optimizer, half = optax.sgd(config.learning_rate, momentum=0.5), config.resolution // 2

    def image(params, seen):
        if levels == 1:
            return params["level_1"]
        alpha = jnp.minimum(seen / (1000 * config.fade_kimg), 1.0)
        return (1 - alpha) * doubled(params["level_1"]) + alpha * params["level_2"]

    def loss_fn(params, state, examples, seen):
        differences = image(params, seen)[None] - to_float(examples["image"]) + 0.1 * examples["noise"][:, None, None, None]
        return jnp.mean(differences**2), (state, {})

    learn = update(loss_fn, optimizer)

    def init(key, batch):
        params = {"level_1": jax.random.normal(key, (half, half, 3))}
        if levels == 2:
            params["level_2"] = jax.random.normal(key, (2 * half, 2 * half, 3))
        return GrowingState(jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32), new_player(params, {}, optimizer))

    def seen_by(state):
        return ((state.step - state.begun) * batch).astype(jnp.float32)

    def step(state, examples, key):
        noise = jax.random.normal(jax.random.fold_in(key, state.step), (batch,))
        player, metrics = learn(state.player, {**examples, "noise": noise}, seen_by(state))
        metrics["seen"] = seen_by(state)
        return GrowingState(state.step + 1, state.begun, player), {f"generator/{name}": value for name, value in metrics.items()}

    def sample(state, key, inputs):
        found = image(state.player.params, seen_by(state))
        found = doubled(found) if levels == 1 else found
        return {"image": jnp.broadcast_to(found, (inputs["z"].shape[0], *spec.shape())) + inputs["z"][:, None, None, None]}

    return Training(init, step, sample)


def grow(key, before, fresh):
    params = fresh.player.params | {"level_1": before.player.params["level_1"]}
    return GrowingState(before.step, before.step, fresh.player._replace(params=params))


GROWING = System(
    "growing",
    GrowingConfig,
    {"tiny": GrowingConfig(limit=32)},
    lambda config, split=None: open_images(config, labels=False),
    growing_stages,
    COLOUR.sampling,
    brightness,
    commands=commands.ANY,
)
SYSTEMS = {system.name: system for system in (COLOUR, SOUND, TEXT, GROWING)}

if __name__ == "__main__":
    main(SYSTEMS[sys.argv[1]], sys.argv[2:])
