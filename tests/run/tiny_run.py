"""A run in miniature, as a program: what the tests kill, stop and resume.

The "generator" is one colour that is pulled to the mean colour of the data by noisy gradients.
"""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.run.command_line import main
from jgan.run.loop import train
from jgan.sharding import compile, data_mesh, run_key
from jgan.training.update import Player, new_player, update
from jgan.types import Training

BATCH, STEPS_PER_CALL = 8, 2


@dataclass(frozen=True)
class Config:
    total_images: int = 256
    """Length of the run, in images."""
    learning_rate: float = 0.1
    """Of the only parameter, per step."""
    poison_at: int = 0
    """The step from which gradients are not finite; 0 for never."""
    signal_at: int = 0
    """The step before which the process sends itself a signal; 0 for never."""
    signal_number: int = 0
    """Which."""
    batch: int = BATCH
    """Images per step."""


class TinyState(NamedTuple):
    step: jax.Array
    generator: Player


class TinyFeed(NamedTuple):
    constants: Any
    lookup: Any
    items: Any


class TinyScore(NamedTuple):
    name: str
    protocol: dict
    compute: Any


def tiny_training(learning_rate: float = 0.1, poison_at: int = 0) -> Training:
    optimizer = optax.sgd(learning_rate)

    def loss(params, state, examples, noise, step):
        pull = jnp.mean((params["colour"][None] - examples) ** 2) + jnp.mean(noise * params["colour"])
        poisoned = (poison_at > 0) & (step >= poison_at)
        return jnp.where(poisoned, jnp.nan, 1.0) * pull, (state, {})

    def init(key, batch):
        return TinyState(jnp.zeros((), jnp.int32), new_player({"colour": jax.random.normal(key, (3,))}, {}, optimizer))

    def step(state, batch, key):
        noise = jax.random.normal(jax.random.fold_in(key, state.step), (3,))
        colours = jnp.mean(batch["image"].astype(jnp.float32), axis=(1, 2)) / 127.5 - 1.0
        player, metrics = update(loss, optimizer)(state.generator, colours, noise, state.step)
        metrics["lazy"] = jnp.where(state.step % 4 == 0, metrics["loss"], jnp.nan)
        metrics["never"] = jnp.full((), jnp.nan)
        return TinyState(state.step + 1, player), {f"generator/{name}": value for name, value in metrics.items()}

    def sample(state, key, inputs):
        return jnp.broadcast_to(state.generator.params["colour"], (inputs["z"].shape[0], 4, 4, 3)) + inputs["z"][:, None, None, None]

    return Training(init, step, sample)


def tiny_feed(signal_at: int = 0, signal_number: int = 0) -> TinyFeed:
    def items(start_step, steps_per_item):
        step = start_step
        while True:
            if signal_at and step >= signal_at > start_step:
                os.kill(os.getpid(), signal_number)
            images = [np.random.default_rng(step + k).integers(0, 256, (BATCH, 4, 4, 3), np.uint8) for k in range(steps_per_item)]
            yield {"image": np.stack(images)}
            step += steps_per_item

    return TinyFeed({}, lambda constants, item: item, items)


def tiny_score() -> TinyScore:
    name = "score/darkness/tiny"
    return TinyScore(name, {"samples": 2}, lambda sample: {name: float(np.mean(np.asarray(sample(jax.random.key(7)))))})


def run(folder, config: Config):
    """An event at every record (4 steps), every 8 steps and every 16 steps."""
    training, mesh = tiny_training(config.learning_rate, config.poison_at), data_mesh()
    feed = tiny_feed(config.signal_at, config.signal_number)
    return train(
        folder,
        training,
        compile(training, mesh, feed, steps_per_call=STEPS_PER_CALL),
        feed,
        key=run_key(0, mesh),
        batch_size=BATCH,
        total_images=config.total_images,
        inputs={"z": jnp.linspace(-0.1, 0.1, 8)},
        record_every=4 * BATCH,
        sample_every=8 * BATCH,
        checkpoint_every=8 * BATCH,
        score_every=16 * BATCH,
        score=tiny_score(),
        draw_inputs=lambda key: {"z": jax.random.normal(key, (8,))},
        steps_per_call=STEPS_PER_CALL,
    )


if __name__ == "__main__":
    main("tiny", {"demo": Config()}, run)
