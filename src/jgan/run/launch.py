"""From a training algorithm and a source of images to a run: what experiments share between their configuration and the loop."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from jgan.data import Feed, Source, resident, stream
from jgan.run import loop
from jgan.run.features import classifier_features
from jgan.run.folder import Folder, write_atomic
from jgan.run.score import Score, frechet_score
from jgan.sharding import compile, data_mesh, first_devices, run_key
from jgan.types import Training

RESIDENT_BYTES = 2**31  # sets up to this size live on the device


def launch(
    folder: Folder,
    training: Training,
    source: Source,
    *,
    batch: int,
    seed: int,
    kimg: float,
    inputs: Any,
    record_kimg: float,
    sample_kimg: float,
    checkpoint_kimg: float,
    score_kimg: float,
    score_samples: int = 5_000,
    steps_per_call: int = 1,
    devices: int | None = None,
    fsdp: bool = False,
    draw_inputs: Callable | None = None,
    feed: Feed | None = None,
    score: Callable[[Path, Mesh], Score] | None = None,
) -> Any:
    """Trains on a source of images, into a folder; see `jgan.run.loop.train`. All durations are in thousands of images.

    The score is, unless another is given, a Fréchet distance in the features of a classifier trained on the same source; see
    `jgan.run.score`.

    Args:
      folder: of `open_folder`.
      training: the algorithm.
      source: real images, those that generated ones are like. The folder remembers their shape, number and classes.
      batch: images per step, over all devices.
      seed: of initialisation, data order and everything drawn.
      kimg: the length of the run.
      inputs: of `training.sample`, for the images that are followed through time.
      record_kimg, sample_kimg, checkpoint_kimg: intervals.
      score_kimg: interval of the score; 0: none.
      score_samples: generated images per score, where no other is given.
      steps_per_call: steps per dispatch of the compiled program.
      devices: use only the first so many devices.
      fsdp: shard large arrays over the devices.
      draw_inputs: key -> inputs of `training.sample`, for the images that are scored; None: the score is given the state.
      feed: of the batches, if they hold more than the images of the source, say pairs (`jgan.data.pairs`); None: `make_feed`.
      score: (folder to keep features in, mesh) -> the score; called if there is one at all, `score_kimg` > 0.

    Raises:
      ValueError: if there are fewer devices, the batch does not divide over them, the data are not those of the run that is resumed, or
        there is neither a score nor what to draw for a Fréchet distance.
    """
    if score_kimg and score is None and draw_inputs is None:
        raise ValueError("expected draw_inputs for the Fréchet distance, found None; give them, a score, or score_kimg=0")
    mesh = data_mesh(first_devices(devices))
    remember(folder, source)
    feed = make_feed(source, batch, seed) if feed is None else feed
    make_score = score or (lambda place, mesh: _score(place, source, score_samples, mesh))
    return loop.train(
        folder,
        training,
        compile(training, mesh, feed, steps_per_call=steps_per_call, fsdp=fsdp),
        feed,
        key=run_key(seed, mesh),
        batch_size=batch,
        total_images=round(1000 * kimg),
        inputs=inputs,
        record_every=round(1000 * record_kimg),
        sample_every=round(1000 * sample_kimg),
        checkpoint_every=round(1000 * checkpoint_kimg),
        score_every=round(1000 * score_kimg) or sys.maxsize,
        score=make_score(folder.path / "features", mesh) if score_kimg else None,
        draw_inputs=draw_inputs,
        steps_per_call=steps_per_call,
    )


def chosen_settings(config: Any) -> dict[str, Any]:
    """Those arguments of `launch` that are choices of the user, from the fields of a configuration that bear their names."""
    names = "batch", "seed", "kimg", "record_kimg", "sample_kimg", "checkpoint_kimg", "score_kimg", "steps_per_call", "devices", "fsdp"
    return {name: getattr(config, name) for name in (*names, "score_samples") if hasattr(config, name)}


def make_feed(source: Source, batch: int, seed: int) -> Feed:
    """This process's share of the batches: from the device where the set is small, streamed otherwise."""
    place = resident if source.size * math.prod(source.shape) <= RESIDENT_BYTES else stream
    return place(source, batch=batch, seed=seed, process_index=jax.process_index(), process_count=jax.process_count())


def remember(folder: Folder, source: Source) -> None:
    """Keeps in the folder what of the data a trained network depends on; see `recall`.

    Raises:
      ValueError: if the folder is that of a run on other data.
    """
    known = {"shape": list(source.shape), "classes": list(source.classes), "size": source.size}
    path = folder.path / "data.json"
    if path.exists() and (before := json.loads(path.read_text())) != known:
        raise ValueError(f"expected the data of this run, {before}, found {known}; give the same data or start a new run")
    if jax.process_index() == 0:
        write_atomic(path, json.dumps(known))


def recall(run: str | Path) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """The shape (H, W, C) of the images of a run, and the names of their classes."""
    known = json.loads((Path(run) / "data.json").read_text())
    return tuple(known["shape"]), tuple(known["classes"])


def _score(place, source, samples, mesh):
    return frechet_score(classifier_features(source, place), source, place, samples=samples, mesh=mesh)
