"""Runs of generators of noise: from the configuration of an experiment to its run, and from a run to what was trained.

A configuration names data, `resolution`, `latent_size` and `batch`, and settings of `jgan.run.launch.launch`; see `experiments/dcgan.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jgan.data import Source, open_source
from jgan.run import draw_commands, noise
from jgan.run.checkpoints import restore_best
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import chosen_settings, launch, recall
from jgan.types import Network, Params, State, Training

Build = Callable[[Any, tuple[int, int, int]], Training]  # (configuration, shape of an image) -> a game of `jgan.training.alternating`
MakeGenerator = Callable[[Any, tuple[int, int, int]], Network]  # -> z [N, latent_size] -> images of that shape


def open_data(config: Any, split: str | None = None) -> Source:
    """The images of a configuration, or another part of them, with labels if there are any: the classifier of the score learns them."""
    chosen = split or config.split
    return open_source(config.data, resolution=config.resolution, channels=config.channels, split=chosen, limit=config.limit, labels=None)


def train(folder: Folder, config: Any, build: Build) -> None:
    """Trains on the data of a configuration, into the folder."""
    source = open_data(config)
    launch(folder, build(config, source.shape), source, **noise.inputs(config.seed, config.latent_size), **chosen_settings(config))


def load(run: str | Path, step: int | None, config_type: type, make_generator: MakeGenerator, build: Build) -> noise.Trained:
    """The generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    config, (shape, _) = from_plain(config_type, read_config(run)), recall(run)
    params, state = restore_generator(run, step, build(config, shape), config.batch)
    return noise.Trained(make_generator(config, shape), params, state, config.latent_size, shape)


def restore_generator(run: str | Path, step: int | None, training: Training, batch: int) -> tuple[Params, State]:
    """The averaged parameters of the generator in a run, and its state.

    Args:
      run: the folder of the run.
      step: of the checkpoint; None: the best by score, or the latest if there is no score.
      training: the algorithm that was trained, whose state has `average` and `generator`.
      batch: its images per step.
    """
    examples = {"image": jax.ShapeDtypeStruct((batch, *recall(run)[0]), jnp.uint8), "label": jax.ShapeDtypeStruct((batch,), jnp.int32)}
    abstract = jax.eval_shape(training.init, jax.random.key(0), examples)
    part = restore_best(run, step, {"average": abstract.average, "generator": {"state": abstract.generator.state}})
    return part["average"], part["generator"]["state"]


def commands(config_type: type, load: draw_commands.Load) -> dict[str, Callable]:
    """The commands of `jgan.run.draw_commands`, on the data of `open_data`."""
    return draw_commands.commands(load, lambda run, split: open_data(from_plain(config_type, read_config(run)), split))
