"""What the benchmarks share: a preset on random images, its step, and timing in turns."""

import dataclasses
import inspect
import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from jgan import data
from jgan.data.settings import size_of
from jgan.evaluation.provenance import provenance
from jgan.ops import onednn
from jgan.run.loop import IN_FLIGHT
from jgan.sharding import Compiled, compile, data_mesh, first_devices, run_key
from jgan.systems import stylegan
from jgan.types import Spec, Training

__all__ = [
    "Ready",
    "Setup",
    "abstract_step",
    "alternately",
    "configuration",
    "digits",
    "lowered",
    "peak_bytes",
    "provenance",
    "random_source",
    "ready",
    "setup",
    "spec_of",
    "spread",
    "training_steps",
    "whole_cycles",
]

CLASSES = 10  # of the random images


class Setup(NamedTuple):
    """A training algorithm with its data, and where it is to run."""

    config: stylegan.Config
    training: Training
    feed: data.Feed
    mesh: Mesh


class Ready(NamedTuple):
    """A training that can begin: compiled, with its first state."""

    setup: Setup
    compiled: Compiled
    program: Any  # of `lowered`, compiled
    held: dict[str, Any]  # `state`, which is donated from call to call, so this owns it
    seconds: dict[str, float]  # of `trace` (init and one step), `init`, `lower` (all steps of a call) and `compile`


def configuration(preset: str, batch: int | None, resolution: int | None) -> stylegan.Config:
    """A preset, with its batch and resolution replaced where they are given.

    Raises:
      ValueError: if there is no such preset.
    """
    if preset not in stylegan.PRESETS:
        raise ValueError(f"expected one of the presets {', '.join(stylegan.PRESETS)}, found {preset!r}")
    config = stylegan.PRESETS[preset]
    size = {} if resolution is None else {"resolution": resolution, "width": None}
    return dataclasses.replace(config, batch=batch or config.batch, **size)


def spec_of(config: stylegan.Config) -> Spec:
    """Labelled images of the size of a configuration."""
    image = jax.ShapeDtypeStruct((*size_of(config), config.channels or 3), np.uint8)
    return Spec({"image": image, "label": jax.ShapeDtypeStruct((), np.int32)}, {"label": tuple(map(str, range(CLASSES)))})


def random_source(config: stylegan.Config) -> data.Source:
    """Two batches of random images with labels."""
    spec, n = spec_of(config), 2 * config.batch
    images = np.random.default_rng(0).integers(0, 256, (n, *spec.shape()), np.uint8)
    labels = np.arange(n, dtype=np.int32) % CLASSES

    def read(index):
        return {"image": images[index], "label": labels[index]}

    return data.Source("random", n, spec.fields, read, spec.names, {"label": labels})


def setup(config: stylegan.Config, devices: int = 1) -> Setup:
    """The training of a configuration; its images are random and live on the devices, so reading data takes no part in what is measured.

    Raises:
      ValueError: if there are fewer devices.
    """
    mesh, source = data_mesh(first_devices(devices)), random_source(config)
    feed = data.resident(source, batch=config.batch, seed=0, process_index=jax.process_index(), process_count=jax.process_count())
    return Setup(config, stylegan.build(config, source.spec), feed, mesh)


def abstract_step(config: stylegan.Config) -> tuple[Callable, tuple[Any, Any, Any]]:
    """The step of a configuration, and the shapes of its arguments (state, batch, key), to compile it without running anything."""
    spec = spec_of(config)
    training = stylegan.build(config, spec)
    batch = {name: jax.ShapeDtypeStruct((config.batch, *field.shape), field.dtype) for name, field in spec.fields.items()}
    key = jax.eval_shape(lambda: jax.random.key(0, impl="threefry2x32"))
    return training.step, (jax.eval_shape(training.init, key, batch), batch, key)


def ready(setup: Setup) -> Ready:
    """Compiles a training, and makes its first state."""
    times = [time.perf_counter()]

    def timed(value):
        times.append(time.perf_counter())
        return value

    compiled = timed(compile(setup.training, setup.mesh, setup.feed))
    state = timed(jax.block_until_ready(compiled.init(run_key(0, setup.mesh))))
    traced = timed(lowered(setup, compiled))
    program = timed(traced.compile())
    seconds = {name: digits(t) for name, t in zip(("trace", "init", "lower", "compile"), np.diff(times), strict=True)}
    return Ready(setup, compiled, program, {"state": state}, seconds)


def lowered(setup: Setup, compiled: Compiled) -> Any:
    """The step, traced, to be compiled: (state, constants, items, key) -> (state, metrics)."""
    jitted = inspect.unwrap(compiled.step, stop=lambda function: hasattr(function, "lower"))
    with jax.set_mesh(setup.mesh), onednn.allowed():
        items, key = compiled.put(next(setup.feed.items(0, setup.config.steps_per_call))), run_key(0, setup.mesh)
        return jitted.lower(compiled.abstract, compiled.constants, items, key)


def training_steps(ready: Ready, steps: int) -> Callable[[], Any]:
    """A function that trains for `steps` steps, as a run does."""
    setup, compiled, program, held, _ = ready
    key, k = run_key(0, setup.mesh), setup.config.steps_per_call
    items = setup.feed.items(0, k)

    def train():
        metrics = []
        for _ in range(steps // k):
            held["state"], values = program(held["state"], compiled.constants, compiled.put(next(items)), key)
            metrics.append(values)
            jax.block_until_ready(metrics[-1 - IN_FLIGHT :][:1] if len(metrics) > IN_FLIGHT else ())
        return held["state"].step, metrics

    return train


def whole_cycles(config: stylegan.Config, steps: int) -> int:
    """At least `steps` steps, in which each penalty runs as often as in a whole run."""
    cycle = math.lcm(*(n for n in (config.path_every, config.r1_every, config.steps_per_call) if n))
    return math.ceil(steps / cycle) * cycle


def alternately(functions: dict[str, Callable], repeats: int) -> dict[str, np.ndarray]:
    """Seconds [repeats] of each function, called in turn, so that a slow moment of the machine meets them all; one turn warms up.

    A function returns what has to be waited for.
    """
    seconds = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            begun = time.perf_counter()
            jax.block_until_ready(function())
            seconds[name].append(time.perf_counter() - begun)
    return {name: np.asarray(values[1:]) for name, values in seconds.items()}


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles, to four digits."""
    return {name: digits(np.quantile(values, q)) for name, q in (("median", 0.5), ("low", 0.25), ("high", 0.75))}


def digits(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
