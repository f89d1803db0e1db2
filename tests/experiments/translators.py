"""What the tests of the image translation experiments share: games in miniature, and their command lines."""

import importlib.util
import json
import pathlib
import signal
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.run import command_line, loop
from jgan.sharding import compile, data_mesh, run_key

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 3


def experiment(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", ROOT / "experiments" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the annotations of its configuration are looked up
    spec.loader.exec_module(module)
    return module


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


def fits_together(training, config, jitter=0):
    """Traces a step, and looks at shapes and dtypes before and after. Returns the metrics."""
    side = config.resolution + jitter
    image = jax.ShapeDtypeStruct((config.batch, side, side, config.channels), jnp.uint8)
    batch, key = {"image": image, "target": image}, jax.random.key(0)
    state = jax.eval_shape(training.init, key, batch)
    after, metrics = jax.eval_shape(training.step, state, batch, key)
    assert described(after) == described(state)
    assert set(described(metrics).values()) == {((), jnp.dtype(jnp.float32))}
    shown = jax.ShapeDtypeStruct((2, config.resolution, config.resolution, config.channels), jnp.float32)
    assert jax.eval_shape(training.sample, state, key, {"image": shown}).shape == shown.shape
    return metrics


def play(training, feed, devices=1):
    """The state after some steps, the metrics [STEPS], and the number of compiled programs."""
    mesh = data_mesh(jax.devices()[:devices])
    key, items, metrics = run_key(0, mesh), feed.items(0, 1), []
    compiled = compile(training, mesh, feed)
    state = compiled.init(key)
    for _ in range(STEPS):
        state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
        metrics.append(jax.device_get(new))
    metrics = {name: np.concatenate([m[name] for m in metrics]) for name in metrics[0]}
    return jax.device_get(state), metrics, compiled.step.__wrapped__._cache_size()


def same(one, other):
    """Two games of `play` are equal but for rounding."""
    for name, values in one[1].items():
        np.testing.assert_allclose(other[1][name], values, rtol=1e-3, atol=1e-4, err_msg=name)
        assert np.isfinite(values).all(), name
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-2, atol=2e-3), one[0], other[0])
    assert one[2] == other[2] == 1


class CommandLine:
    """The command line of an experiment, in this process."""

    def __init__(self, module, name, may_change=()):
        self.module, self.name, self.may_change = module, name, may_change

    def __call__(self, *arguments):
        given, module = list(map(str, arguments)), self.module
        command_line.main(self.name, module.PRESETS, module.train, may_change=self.may_change, arguments=given, **module.COMMANDS)

    def train(self, workdir, **settings):
        options = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
        self("train", *options, "--workdir", workdir)

    def stopped_and_resumed(self, monkeypatch, workdir, **settings):
        """A run that is ended by a signal after its first record, and started again."""
        record = loop.Writer.record

        def recorded(writer, step, values):
            record(writer, step, values)
            signal.raise_signal(signal.SIGTERM)

        with monkeypatch.context() as patch, pytest.raises(SystemExit) as stopped:
            patch.setattr(loop.Writer, "record", recorded)
            self.train(workdir, **settings)
        assert stopped.value.code == 0 and len(records(workdir)) == 1
        self.train(workdir, **settings)


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def same_records(one, other):
    timing = {"seconds", "images_per_second", "memory_gib"}
    one, other = ([{k: v for k, v in r.items() if k not in timing} for r in records(run)] for run in (one, other))
    assert one == other


def evaluated(run):
    return {r["metric"]: r["value"] for r in map(json.loads, (run / "evaluations.jsonl").read_text().splitlines())}
