"""The loop that every experiment shares: it trains, records, samples, scores, saves, ends when asked to and goes on where it was."""

import contextlib
import math
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

from jgan.run.checkpoints import Checkpoints
from jgan.run.folder import Folder
from jgan.run.stopping import stop_requests
from jgan.run.writer import Writer
from jgan.training.update import check_guards
from jgan.types import Key, Training

IN_FLIGHT = 2  # calls that the host may be ahead of the device; more would only pile up batches in its memory


class Plan(NamedTuple):
    """When things happen, in steps. Samples, checkpoints and scores fall on records, so nothing between two records need be saved."""

    record: int
    sample: int
    checkpoint: int
    score: int
    total: int


def train(
    folder: Folder,
    training: Training,
    compiled: Any,
    feed: Any,
    *,
    key: Key,
    batch_size: int,
    total_images: int,
    inputs: Any,
    record_every: int,
    sample_every: int,
    checkpoint_every: int,
    score_every: int,
    score: Any = None,
    draw_inputs: Callable | None = None,
    columns: int | None = None,
    steps_per_call: int = 1,
    protocol: dict[str, Any] | None = None,
) -> Any:
    """Trains up to `total_images`, from the latest checkpoint in the folder if there is one.

    Durations are in images, rounded to whole calls, and those of samples, checkpoints and scores to whole records. Metrics stay on the
    device between records; a record has their means over the steps since the last one, NaN left out. A run that was killed and resumed
    gives the same parameters, samples and metrics as an uninterrupted one.

    SIGTERM and SIGINT end the run after the call in flight: it records, saves and leaves with status 0 or 130. With several processes
    all must call this; a SIGTERM to one of them ends all, and only the first one writes files.

    Args:
      folder: of `open_folder`.
      training: of which `sample` is used.
      compiled: of `jgan.sharding.compile`.
      feed: of `jgan.data`.
      key: of the run.
      batch_size: images per step, over all devices.
      total_images: the length of the run.
      inputs: of `training.sample`, for the grid that is followed through time.
      record_every, sample_every, checkpoint_every, score_every: intervals in images. All but records also happen at the end.
      score: None, or what `jgan.run.score` makes; lower is better, and the best checkpoint is kept.
      draw_inputs: key -> inputs of `training.sample`, for the samples that are scored. Without it `score.compute` is given the state
        instead of a sampler: for a likelihood, say, which needs no samples.
      columns: of the grid of samples.
      steps_per_call: as given to `compile`.
      protocol: what the report is to say about the run beside its configuration and the score's protocol.

    Returns:
      The state after the last step.

    Raises:
      ValueError: if a duration is not positive.
      FloatingPointError: if a player was frozen because of non-finite gradients; that state is not saved.
      SystemExit: if a signal ended the run.
    """
    plan = make_plan(batch_size, steps_per_call, record_every, sample_every, checkpoint_every, score_every, total_images)
    protocol = ({"score": score.name.removeprefix("score/")} | score.protocol if score else {}) | (protocol or {})
    draw = _sampler(training, compiled)
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_requests())
        checkpoints = stack.enter_context(Checkpoints(folder.path / "checkpoints"))
        restored = checkpoints.restore_latest(compiled.abstract)
        step, state = restored or (0, compiled.init(key))
        writer = None
        if jax.process_index() == 0:
            writer = stack.enter_context(Writer(folder, step, batch_size, plan.total, columns, protocol))
        if restored is None:
            _write_sample(writer, 0, draw(state, key, inputs))
        items = feed.items(step, steps_per_call)
        while step < plan.total and not stop:
            before = step
            step, state, values = _until_record(compiled, items, plan, step, state, key, steps_per_call, batch_size, stop)
            due = {what: step >= plan.total or step // every > before // every for what, every in plan._asdict().items()}
            scored = (lambda k, s=state: draw(s, k, draw_inputs(k))) if draw_inputs else state
            numbers = score.compute(scored) if score and due["score"] else {}
            if writer is not None:
                writer.record(step, values | numbers)
            if due["sample"]:
                _write_sample(writer, step, draw(state, key, inputs))
            check_guards(state)
            if due["checkpoint"] or numbers or stop:
                checkpoints.save(step, state, numbers[score.name] if numbers else None)
    if stop and step < plan.total:
        sys.exit(stop.status)
    return state


def make_plan(
    batch_size: int, steps_per_call: int, record_every: int, sample_every: int, checkpoint_every: int, score_every: int, total_images: int
) -> Plan:
    """Durations in images as steps.

    Raises:
      ValueError: if one of them is not positive.

    >>> make_plan(32, 2, 1_000, 10_000, 20_000, 20_000, 100_000)
    Plan(record=32, sample=320, checkpoint=640, score=640, total=3126)
    """
    durations = dict(batch_size=batch_size, steps_per_call=steps_per_call, record_every=record_every, sample_every=sample_every)
    durations |= dict(checkpoint_every=checkpoint_every, score_every=score_every, total_images=total_images)
    for name, value in durations.items():
        if value <= 0:
            raise ValueError(f"expected {name} to be positive, found {value}")

    def rounded(images, unit):
        return max(1, round(images / batch_size / unit)) * unit

    record = rounded(record_every, steps_per_call)
    total = math.ceil(total_images / batch_size / steps_per_call) * steps_per_call
    return Plan(record, rounded(sample_every, record), rounded(checkpoint_every, record), rounded(score_every, record), total)


def _until_record(compiled, items, plan, step, state, key, steps_per_call, batch_size, stop):
    """Trains up to the next record, or until a stop is asked for; reads from the device once, at the end."""
    metrics, first, begun = [], step, time.perf_counter()
    while True:
        state, values = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
        metrics.append(values)
        step += steps_per_call
        jax.block_until_ready(metrics[-1 - IN_FLIGHT :][:1] if len(metrics) > IN_FLIGHT else ())
        if stop.poll(step - steps_per_call, step) or step >= plan.total or step // plan.record > first // plan.record:
            break
    means = _means(jax.device_get(metrics))
    speed = (step - first) * batch_size / (time.perf_counter() - begun)
    return step, state, means | {"images_per_second": speed, "memory_gib": _memory_gib()}


def _means(metrics):
    """The mean over all steps of each metric, NaN left out; NaN if there is nothing else."""
    values = {name: np.concatenate([np.ravel(m[name]) for m in metrics]).astype(np.float64) for name in metrics[0]}
    return {name: float(np.nanmean(v)) if not np.isnan(v).all() else math.nan for name, v in values.items()}


def _memory_gib():
    """The peak so far: of the first device where the backend counts it, else of this process."""
    stats = jax.local_devices()[0].memory_stats() or {}
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return stats.get("peak_bytes_in_use", resident) / 2**30


def _sampler(training, compiled):
    """training.sample in one program, its inputs spread over the devices of the state."""
    sharding = jax.tree.leaves(compiled.abstract)[0].sharding
    sample = jax.jit(training.sample)

    def spread(x):
        if not isinstance(sharding, NamedSharding):
            return x
        divides = x.ndim and x.shape[0] % sharding.mesh.shape["data"] == 0
        return jax.device_put(x, NamedSharding(sharding.mesh, PartitionSpec("data") if divides else PartitionSpec()))

    def draw(state, key, inputs):
        images = sample(state, key, jax.tree.map(spread, inputs))
        return images if jax.process_count() == 1 else multihost_utils.process_allgather(images, tiled=True)

    return draw


def _write_sample(writer, step, images):
    if writer is not None:
        writer.sample(step, np.asarray(images))
