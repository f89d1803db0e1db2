"""The loop that every system shares: it trains stage by stage, records, samples, scores and saves, ends when asked to, and goes on."""

import contextlib
import json
import math
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from jgan.compat import multihost_utils
from jgan.data import Feed, Source, make_feed
from jgan.evaluation.score import Score, Snapshot
from jgan.outputs.files import write_atomic
from jgan.run.borders import STAGES_FILE, check_borders, check_states, grown
from jgan.run.checkpoints import Checkpoints
from jgan.run.dead import Sign, check_alive, doubtful, follow, new
from jgan.run.folder import Folder
from jgan.run.metrics_log import FILE, read_records
from jgan.run.plan import Leg, Plan, legs, make_plan
from jgan.run.preemption import Stop, stop_requests
from jgan.run.progress import say, tell, waiting
from jgan.run.sampling import followed, outputs_of
from jgan.run.system import Sampling
from jgan.run.writer import Writer
from jgan.sharding import Compiled, Sampler, check_batch, check_seed, compile, run_key, sampler
from jgan.training.update import check_guards
from jgan.types import Stage

IN_FLIGHT = 2  # calls that the host may be ahead of the device; more would only pile up batches in its memory


class Intervals(NamedTuple):
    """How often things happen, in examples. All but records also happen at the end of a stage."""

    record: int
    sample: int
    checkpoint: int
    score: int


class Running(NamedTuple):
    """What stays the same from call to call of a stage."""

    leg: Leg
    plan: Plan
    compiled: Compiled
    draw: Sampler
    steps_per_call: int
    folder: Folder
    lengths: set[int]  # steps of the calls that were made, and so are compiled


def train(
    folder: Folder,
    stages: Sequence[Stage],
    sampling: Sampling,
    source: Source,
    *,
    mesh: Mesh,
    seed: int,
    intervals: Intervals,
    score: Score | None = None,
    steps_per_call: int = 1,
    fsdp: bool = False,
    begin: Callable[[Any], Any] | None = None,
    protocol: dict[str, Any] | None = None,
    log: Sequence[str] = (),
) -> Any:
    """Trains stage by stage, from the latest checkpoint in the folder if there is one.

    Intervals are rounded to whole calls, and those of samples, checkpoints and scores to whole records. Metrics stay on the device between
    records; a record has their means over the steps since the last one, NaN left out. A run that was killed and resumed gives the same
    parameters, samples and metrics as an uninterrupted one, inside a stage as at its border.

    SIGTERM and SIGINT end the run after the call in flight: it records, saves and leaves with status 0 or 130. With several processes
    all must call this; a SIGTERM to one of them ends all, and only the first one writes files.

    Args:
      folder: of `open_folder`.
      stages: one or more; the outputs of all have one shape.
      sampling: how `sample` is fed.
      source: whose examples are followed through time.
      mesh: over which the batch is spread.
      seed: of the run.
      intervals: how often things happen.
      score: by which the best checkpoint is kept, or None.
      steps_per_call: steps per dispatch of the compiled program.
      fsdp: shard large arrays of the state over the devices.
      begin: first state -> the state to begin with, say with the parameters of another run.
      protocol: what the report is to say about the run beside its configuration and the score's protocol.
      log: names of loggers, see `jgan.run.loggers`.

    Returns:
      The state after the last step.

    Raises:
      ValueError: if a duration is not positive.
      FloatingPointError: if a player was frozen because of non-finite gradients, or training is dead; that state is not saved.
      SystemExit: if a signal ended the run, or with status 1 if its folder was removed or its last state could not be saved.
    """
    places = legs(stages, steps_per_call)
    key = run_key(seed, mesh)
    shown = followed(sampling, source, seed)
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_requests())
        checkpoints = stack.enter_context(Checkpoints(folder.path / "checkpoints"))
        check_borders(folder.path / STAGES_FILE, places, (checkpoints.steps() or [0])[-1])
        prepared = _Prepared(folder, stages, places, mesh, seed, steps_per_call, fsdp, intervals)
        step, state = checkpoints.restore_latest(lambda step: prepared(_stage_of(places, step))[0].compiled.abstract) or (0, None)
        before = step
        if step >= places[-1].last:
            _say_done(places, step)
            folder.keep()
        dropped = read_records(folder.path / FILE) if state is None else []
        if dropped:
            say(f"{folder.path / 'checkpoints'} holds no checkpoint: the run begins anew, its {len(dropped)} records are replaced")
        writer = None
        if jax.process_index() == 0:
            write_atomic(folder.path / STAGES_FILE, json.dumps([leg.first for leg in places]))
            writer = stack.enter_context(Writer(folder, step, places, sampling, source.spec, score, protocol or {}, log))
        if state is None:
            running, _ = prepared(0)
            with waiting("making the first state"):
                state = running.compiled.init(key)
                state = state if begin is None else begin(state)
            with waiting("drawing the first samples"):
                _write_sample(writer, 0, running.draw(state, key, shown[0]), shown[1])
        for number in range(_stage_of(places, step), len(stages)):
            running, feed = prepared(number)
            if number > 0 and step == running.leg.first:
                state = grown(stages[number], running.compiled, state, key, step)
            step, state = _train_stage(running, feed, step, state, key, writer, checkpoints, score, sampling, shown, stop)
            if stop:
                break
        reason = checkpoints.why_unsaved(step) if step > before else None
        if reason:
            sys.exit(f"the state of step {step} was not saved in {folder.path}: {reason}; mend that and go on with --resume")
    if stop and step < places[-1].last:
        say(f"stopped after step {step}; to go on: jgan train --resume {shlex.quote(str(folder.path))}")
        sys.exit(stop.status)
    return state


class _Prepared:
    """The compiled program and the feed of the stage in use; only one is kept."""

    def __init__(self, folder, stages, places, mesh, seed, steps_per_call, fsdp, intervals):
        self._folder, self._stages, self._places, self._mesh, self._seed = folder, stages, places, mesh, seed
        self._steps_per_call, self._fsdp, self._intervals = steps_per_call, fsdp, intervals
        self._number, self._made = -1, None

    def __call__(self, number: int) -> tuple[Running, Feed]:
        if number != self._number:
            stage = self._stages[number]
            with waiting("loading the examples and tracing the training"):
                feed = make_feed(stage.source(), stage.batch, self._seed)
                compiled = compile(stage.training, self._mesh, feed, fsdp=self._fsdp)
            draw = gathered(sampler(stage.training.sample, compiled.abstract))
            plan = _plan(stage, self._steps_per_call, self._intervals)
            running = Running(self._places[number], plan, compiled, draw, self._steps_per_call, self._folder, set())
            self._number, self._made = number, (running, feed)
        assert self._made is not None
        return self._made


def _say_done(places: Sequence[Leg], step: int) -> None:
    """Says of a run that is resumed after its end how far it is."""
    done, asked = places[_stage_of(places, step)].images_at(step) / 1000, places[-1].images_at(places[-1].last) / 1000
    tell(f"nothing is left to do: {done:g} kimg are done, and the run is {asked:g} kimg long; a larger --kimg goes on")


def check(stages: Sequence[Stage], mesh: Mesh, intervals: Intervals, steps_per_call: int, seed: int) -> None:
    """Raises ValueError for numbers that a run cannot have, before long work begins."""
    check_seed(seed)
    legs(stages, steps_per_call)
    for stage in stages:
        check_batch(stage.batch, mesh.shape["data"])
        _plan(stage, steps_per_call, intervals)
    check_states(stages, mesh)


def _plan(stage: Stage, steps_per_call: int, intervals: Intervals) -> Plan:
    every = {f"{name}_every": value for name, value in intervals._asdict().items()}
    return make_plan(stage.batch, steps_per_call, total_images=stage.images, **every)


def _stage_of(places: Sequence[Leg], step: int) -> int:
    """The stage that a checkpoint of this step was saved by: at a border that is the earlier one."""
    return next((number for number, leg in enumerate(places) if step <= leg.last), len(places) - 1)


def _train_stage(running: Running, feed: Feed, step, state, key, writer, checkpoints, score, sampling, shown, stop: Stop):
    leg, plan = running.leg, running.plan
    items = _calls(feed, step - leg.first, running.steps_per_call)
    signs: dict[str, Sign] = {}
    while step < leg.last and not stop:
        before = step - leg.first
        step, state, values = _until_record(running, items, step, state, key, stop)
        done = step - leg.first
        due = {what: done >= plan.total or done // every > before // every for what, every in plan._asdict().items()}
        numbers: dict[str, float] = {}
        try:
            if score and due["score"]:
                with waiting("scoring"):
                    numbers = score.compute(snapshot_of(running.draw, state, sampling))
        finally:  # the curves are what a failure is understood by
            if writer is not None:
                writer.record(step, values | numbers)
        if due["sample"]:
            _write_sample(writer, step, running.draw(state, key, shown[0]), shown[1])
        signs = _checked(state, signs, step, values, writer)
        if stop or done >= plan.total or ((due["checkpoint"] or numbers) and not doubtful(signs)):
            criterion = numbers[score.criterion] if score and numbers else None
            checkpoints.save(step, state, criterion, score.lower_is_better if score else True)
    return step, state


def _checked(state, signs, step, values, writer):
    """The signs of dead training after a record; warns of new ones, and ends a run that is dead or whose numbers are not finite."""
    signs = follow(signs, step, values)
    for message in new(signs) if writer is not None else ():
        warnings.warn(f"{message}: this player may have stopped to learn", stacklevel=3)
    check_guards(state)
    check_alive(signs, step)
    return signs


def snapshot_of(draw: Sampler, state: Any, sampling: Sampling) -> Snapshot:
    """Returns what a score is given of a state."""

    def outputs(source: Source, n: int, *, seed: int = 0):
        return outputs_of(draw, state, sampling, source, n, seed=seed)

    return Snapshot(state, outputs)


def gathered(draw: Sampler) -> Sampler:
    """Does the same with the outputs of all processes in each."""

    def everywhere(state, key, inputs):
        outputs = draw(state, key, inputs)
        return outputs if jax.process_count() == 1 else multihost_utils.process_allgather(outputs, tiled=True)

    return everywhere


def _calls(feed: Feed, done: int, steps_per_call: int) -> Iterator[Any]:
    """The items of all calls from a step on; the first is shorter where the run stopped inside a call of another length."""
    if done % steps_per_call:
        rest = steps_per_call - done % steps_per_call
        yield next(feed.items(done, rest))
        done += rest
    yield from feed.items(done, steps_per_call)


def _until_record(running: Running, items, step, state, key, stop: Stop):
    """Trains up to the next record, or until a stop is asked for; reads from the device once, at the end."""
    leg, record = running.leg, running.plan.record
    metrics, first = [], step
    begun, counted = time.perf_counter(), step  # the speed counts calls that compile nothing
    while True:
        item = next(items)
        before, steps = step, jax.tree.leaves(item)[0].shape[0]
        state, values, compiles = _call(running, steps, item, state, key)
        metrics.append(values)
        step += steps
        if compiles:
            begun, counted = time.perf_counter(), step
        if not running.folder.begun:
            running.folder.begin(before)
        jax.block_until_ready(metrics[-1 - IN_FLIGHT :][:1] if len(metrics) > IN_FLIGHT else ())
        due = step >= leg.last or (step - leg.first) // record > (first - leg.first) // record
        if stop.poll(before, step) or due:
            break
    means = _means(jax.device_get(metrics))
    speed = {"images_per_second": (step - counted) * leg.batch / (time.perf_counter() - begun)} if step > counted else {}
    return step, state, means | speed | {"memory_gib": memory_gib()}


def _call(running: Running, steps: int, item, state, key):
    """Dispatches the steps of an item: the state, their metrics, and whether they were compiled, which is waited for."""
    compiled, compiles = running.compiled, steps not in running.lengths
    splits = "microbatches" in running.folder.config
    with fits_memory(splits), waiting("compiling the training step") if compiles else contextlib.nullcontext():
        state, values = compiled.step(state, compiled.constants, compiled.put(item), key)
        if compiles:
            jax.block_until_ready(values)  # whatever is wrong with the first step is known now
    running.lengths.add(steps)
    return state, values, compiles


@contextlib.contextmanager
def fits_memory(splits: bool) -> Iterator[None]:
    """Says what to do where a device has too little memory.

    Args:
      splits: whether the run has the option --microbatches.

    Raises:
      ValueError: instead of the device's error.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        found = str(error).splitlines()[0]
        in_parts = "--microbatches 2, or more, for the same training in less memory, or " if splits else ""
        expected = f"expected a training step that fits into the memory of a device, found {found}"
        raise ValueError(f"{expected}; give {in_parts}a smaller --batch") from error


def _means(metrics):
    """The mean over all steps of each metric, NaN left out; NaN if there is nothing else."""
    values = {name: np.concatenate([np.ravel(m[name]) for m in metrics]).astype(np.float64) for name in metrics[0]}
    return {name: float(np.nanmean(v)) if not np.isnan(v).all() else math.nan for name, v in values.items()}


def memory_gib() -> float:
    """Returns the peak so far: of the first device where the backend counts it, else of this process; NaN where neither is known."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"] / 2**30
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30


def _write_sample(writer: Writer | None, step: int, outputs, beside) -> None:
    if writer is not None:
        writer.sample(step, {name: np.asarray(values) for name, values in outputs.items()}, beside)


def features_folder(folder: Folder) -> Path:
    """Returns where a run keeps the networks of its score, and what they gathered of the real examples."""
    return folder.path / "features"
