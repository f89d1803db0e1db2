"""What is asked of every system, in miniature: `check_system`."""

import contextlib
import dataclasses
import json
import signal
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.commands.sample import conditions
from jgan.evaluation.attributes import train_attributes
from jgan.evaluation.classifier import classification_accuracy_score, classifier_features
from jgan.evaluation.clips import content_reader, motion_classifier
from jgan.evaluation.sounds import sound_classifier
from jgan.ops.images import to_float
from jgan.outputs import endings
from jgan.run.checkpoints import Checkpoints
from jgan.run.export import load_exported
from jgan.run.main import main
from jgan.run.system import System, stages_of
from jgan.run.trained import Trained, load
from jgan.run.writer import Writer
from jgan.sharding import seed_key
from jgan.types import Spec

STEPS = 4
TIMES = ("seconds", "images_per_second", "memory_gib")
COMMANDS = {  # arguments behind the run, by command; OUT is a path without an ending, and .ANY the first ending for the outputs
    "sample": ["--seeds", "0-3", "--out", "OUT.ANY"],
    "export": ["--out", "OUT.jaxexp"],
    "evaluate": ["--samples", "16", "--real-samples", "16", "--metrics", "frechet_distance"],
    "accuracy": ["--samples", "16"],
    "neighbours": ["--seeds", "0-3", "--count", "2", "--out", "OUT.png"],
    "interpolate": ["--seeds", "0-3", "--frames", "1", "--out", "OUT.gif"],
    "mix": ["--rows", "0-3", "--columns", "4-7", "--layer", "1", "--out", "OUT.png"],
    "directions": ["--methods", "sefa", "pca", "--count", "2", "--samples", "16", "--seeds", "0"],
    "complete": ["--count", "3", "--completions", "1", "--out", "OUT.png"],
    "likelihood": ["--limit", "16"],
}
SHARED = ("evaluate", "accuracy", "neighbours")
NEEDS_MORE = ("path_length", "project", "push", "explore")  # other networks, images, servers: tested by themselves


def presets_of(system: System, fast: Sequence[str] = ()) -> list[Any]:
    """The names of the presets, as parameters: the first and those in `fast` belong to the default run, the others are slow."""
    first = next(iter(system.presets))
    return [name if name in (first, *fast) else pytest.param(name, marks=pytest.mark.slow) for name in system.presets]


def check_presets(system: System, names: Sequence[str] | None = None) -> None:
    """Every preset fits together: a step keeps the shapes of its state and gives scalars, a sample has the shape of the data."""
    for name in names or system.presets:
        config = system.presets[name]
        spec = spec_of(system, config)
        with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
            _check_preset(system, config, spec)


def _check_preset(system, config, spec):
    config = embedded(system, config)
    built = system.build(config, spec)
    for stage in stages_of(built, images=1, batch=config.batch, source=lambda: None):
        opened = stage.source()
        batch_spec = spec_of(system, config, training=True) if opened is None else opened.spec
        check_training(stage.training, system.sampling(config, spec), batch_spec, stage.batch, spec)


def check_training(training, sampling, batch_spec: Spec, batch: int, spec: Spec) -> dict[str, Any]:
    """Traces init, step and sample; returns the shapes of the metrics."""
    fields = {name: jax.ShapeDtypeStruct((batch, *field.shape), field.dtype) for name, field in batch_spec.fields.items()}
    key = jax.random.key(0)
    state = jax.eval_shape(training.init, key, fields)
    after, metrics = jax.eval_shape(training.step, state, fields, key)
    assert described(after) == described(state)
    assert (state.step.shape, state.step.dtype) == ((), jnp.int32)
    assert set(described(metrics).values()) == {((), jnp.dtype(jnp.float32))}
    inputs = jax.eval_shape(lambda: sampling.inputs(key, 2))
    inputs |= {name: jax.ShapeDtypeStruct((2, *spec.fields[name].shape), spec.fields[name].dtype) for name in sampling.conditions}
    outputs = jax.eval_shape(training.sample, state, key, inputs)
    assert set(sampling.outputs) <= set(outputs) and all(outputs[name].shape[0] == 2 for name in sampling.outputs)
    return metrics


def spec_of(system: System, config: Any, training: bool = False) -> Spec:
    """The spec of embedded data of the shape that a preset wants."""
    config = embedded(system, config)
    source = system.training_data(config) if training and system.training_data else system.data(config)
    return source.spec


def embedded(system: System, config: Any) -> Any:
    """The same on embedded data."""
    settings = {"data": getattr(next(iter(system.presets.values())), "data", None), "limit": 16}
    own = {field.name for field in dataclasses.fields(config)}
    return dataclasses.replace(config, **{name: setting for name, setting in settings.items() if name in own})


def check_system(
    system: System, tiny: Any, folder: Path, arguments: Mapping[str, Sequence[str]] | None = None, skip: Sequence[str] = SHARED
) -> Trained:
    """A run is one program that records, samples, saves and scores; resumed it ends bit for bit as an uninterrupted one, on two devices
    but for rounding; what it has learned is loaded, drawn, saved, exported, and taken by every command.

    Args:
      system: with its commands.
      tiny: a configuration of a system in miniature.
      folder: an empty one.
      arguments: of further commands, or in place of COMMANDS.
      skip: commands that are not tried; by default those that are the same for all systems of images, which one test tries.

    Returns:
      What was learned.
    """
    kimg = tiny.batch / 1000
    tiny = dataclasses.replace(
        tiny, kimg=STEPS * kimg, record_kimg=kimg, sample_kimg=2 * kimg, checkpoint_kimg=2 * kimg, score_kimg=0, steps_per_call=1, devices=1
    )
    with quick_classifiers():
        with jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():  # optax promotes dtypes implicitly
            warnings.filterwarnings("ignore", ".*(close to guessing|covariance lacks|damaged|losing variety)")
            commands = {name: command for name, command in system.commands.items() if name not in (*skip, *NEEDS_MORE)}
            return _check(system._replace(commands=commands), tiny, folder, {**COMMANDS, **(arguments or {})})


@contextlib.contextmanager
def stopped_at(step: int):
    """Runs are asked to end, by a signal, when a step is recorded."""
    record = Writer.record

    def signalled(writer, at, values):
        record(writer, at, values)
        if at == step:
            signal.raise_signal(signal.SIGTERM)

    Writer.record = signalled
    try:
        yield
    finally:
        Writer.record = record


@contextlib.contextmanager
def quick_classifiers():
    """Classifiers, of scores and of `accuracy`, learn for a few steps only."""
    classifiers = [classifier_features, classification_accuracy_score, train_attributes, sound_classifier]
    classifiers += [motion_classifier, content_reader]
    settings = [function.__kwdefaults__ for function in classifiers]
    usual = [dict(setting) for setting in settings]
    for setting in settings:
        setting["steps"] = 4
    try:
        yield
    finally:
        for setting, before in zip(settings, usual, strict=True):
            setting.update(before)


def _check(system, tiny, folder, arguments):
    presets = system._replace(presets={"tiny": tiny})
    main(presets, ["train", "--workdir", str(folder / "whole"), "--score-kimg", str(tiny.kimg), "--score-samples", "16"])
    with stopped_at(STEPS // 2), pytest.raises(SystemExit):
        main(presets, ["train", "--workdir", str(folder / "parts")])
    main(presets, ["train", "--resume", str(folder / "parts")])
    same_run(folder / "whole", folder / "parts")
    main(presets, ["train", "--workdir", str(folder / "two"), "--devices", "2"])
    _nearly_same_records(folder / "whole", folder / "two")
    _left_behind(system, folder / "whole", tiny)
    trained = load(folder / "whole", system=system)
    _drawn(trained, folder)
    ending = endings(trained.sampling.outputs)[0]
    for name in system.commands:
        given = [argument.replace(".ANY", ending).replace("OUT", str(folder / name)) for argument in arguments.get(name, ())]
        if name == "accuracy" and "label" not in trained.sampling.conditions:
            with pytest.raises(SystemExit):  # classes can only be scored of a conditional generator
                main(presets, [name, str(folder / "whole"), *given])
        else:
            main(presets, [name, str(folder / "whole"), *given])
            assert "--out" not in given or Path(given[given.index("--out") + 1]).stat().st_size > 0
    _exported(trained, folder / "export.jaxexp")
    return trained


def same_run(one: Path, other: Path) -> None:
    """The state after STEPS steps and all samples are the same bits."""
    states = []
    for run in (one, other):
        with Checkpoints(run / "checkpoints") as checkpoints:
            states.append(checkpoints.restore_raw(STEPS))
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name], err_msg=name)
    for file in (one / "samples").iterdir():
        if file.is_file():
            assert file.read_bytes() == (other / "samples" / file.name).read_bytes()


def _nearly_same_records(one: Path, other: Path) -> None:
    for a, b in zip(records(one), records(other), strict=True):
        for name in b.keys() - set(TIMES):
            if b[name] is not None:
                np.testing.assert_allclose(b[name], a[name], rtol=5e-3, atol=1e-3, err_msg=name)


def _left_behind(system: System, run: Path, tiny: Any) -> None:
    found = records(run)
    assert [record["images"] for record in found] == [tiny.batch * step for step in range(1, STEPS + 1)]
    score = json.loads((run / "score.json").read_text())
    if system.score is not None:
        assert np.isfinite(found[-1][score["criterion"]])
    kept = json.loads((run / "config.json").read_text())
    assert kept["system"] == system.name and {"version", "commit", "config"} <= kept.keys()
    samples = {file.name[:8] for file in (run / "samples").iterdir()}
    assert samples >= {f"{tiny.batch * step:08d}" for step in (0, 2, STEPS)}  # stages that end in between have more
    assert system.name in (run / "report.html").read_text() and list((run / "tensorboard").iterdir())


def _drawn(trained: Trained, folder: Path) -> None:
    """Latents by seed: an example is a function of its seed; a saved file is the run."""
    given, _ = conditions(trained, 4, None)
    found = trained([5, 3, 4, 9], **given)
    assert len(found) == 4 and "step" in repr(trained)
    if not given:
        np.testing.assert_allclose(trained([3, 7, 8, 1])[0].astype(float), found[1].astype(float), atol=1.0)
    trained.save(folder / "saved.npz")
    np.testing.assert_array_equal(load(folder / "saved.npz", system=trained.system)([5, 3, 4, 9], **given), found)


def _exported(trained: Trained, path: Path) -> None:
    """The file gives what the object gives."""
    _, names, shapes = trained.exportable()
    key = seed_key(1)
    drawn = trained.sampling.inputs(key, 4)
    given, _ = conditions(trained, 4, None)
    inputs = {name: drawn[name] if name in drawn else given.get(name) for name in names}
    inputs |= {"label": np.arange(4, dtype=np.int32) % trained.spec.classes} if "label" in names else {}
    floats = [_as_exported(inputs[name], shape) for name, shape in zip(names, shapes, strict=True)]
    exported = np.asarray(load_exported(path)(*floats))
    output = next(iter(trained.sampling.outputs))
    if trained.sampling.directions:
        output = trained.direction("forward")[1]
    expected = np.asarray(trained.run(dict(zip(names, floats, strict=True)))[output])
    np.testing.assert_allclose(exported, expected, rtol=1e-3, atol=1e-3)


def _as_exported(value, shape):
    return to_float(np.asarray(value)) if len(shape.shape) == 3 else np.asarray(value, shape.dtype)


def records(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)
