"""The contract carries every kind of system: sound, text by a frozen encoder, growing images; and a run that was killed is the same run."""

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import jax
import numpy as np
import pytest
from tests.run import tiny_systems
from tests.run.tiny_systems import SYSTEMS
from tests.systems.check import TIMES, check_presets, records

from jgan.data import make_feed
from jgan.run.checkpoints import Checkpoints
from jgan.run.main import main
from jgan.run.trained import load
from jgan.sharding import compile, data_mesh, run_key

PROGRAM = Path(tiny_systems.__file__)
KIMG = 3.2  # long enough to be killed on the way
LENGTH = ["--kimg", KIMG, "--record-kimg", 0.064, "--sample-kimg", 1.6, "--checkpoint-kimg", 0.32, "--score-kimg", 1.6]
LENGTH += ["--devices", 1, "--steps-per-call", 2]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_fits_together(name):
    check_presets(SYSTEMS[name])


def train(system, workdir, *options):
    main(system, ["train", "--workdir", str(workdir), *map(str, [*LENGTH, *options])])
    return workdir


@pytest.fixture(scope="module", params=SYSTEMS)
def run(request, tmp_path_factory):
    """A system, and the folder of its run."""
    system = SYSTEMS[request.param]
    return system, train(system, tmp_path_factory.mktemp(system.name) / "run")


def final(run):
    """The last state, the records, and the samples."""
    with Checkpoints(run / "checkpoints") as checkpoints:
        step = checkpoints.steps()[-1]
        state = checkpoints.restore_raw(step)
    kept = [{name: value for name, value in record.items() if name not in TIMES} for record in records(run)]
    samples = {str(p.relative_to(run)): p.read_bytes() for p in sorted((run / "samples").rglob("*")) if p.is_file()}
    return step, {name: value.tobytes() for name, value in state.items()}, kept, samples


def killed(system, workdir, images):
    """A run in another process, killed when a number of images is recorded."""
    root = str(PROGRAM.parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, root + "/src"]), "JAX_DEFAULT_PRNG_IMPL": "rbg"}
    arguments = [sys.executable, str(PROGRAM), system.name, "train", "--workdir", str(workdir), *map(str, LENGTH)]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not (seen := _images(workdir)) >= images:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        error = process.stderr.read().decode()
    assert images <= seen < 1000 * KIMG, error
    return seen


def _images(workdir):
    file = workdir / "metrics.jsonl"
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return json.loads(lines[-1])["images"] if lines else 0


def test_killed_and_resumed_is_uninterrupted(run, tmp_path):
    """The growing one is killed inside of its fade and, at first, before its second stage."""
    system, whole = run
    killed(system, tmp_path / "run", 64)
    if system.name == "growing":
        killed(system, tmp_path / "run", 128)
    train(system, tmp_path / "run")
    assert final(tmp_path / "run") == final(whole)


def test_what_is_written(run):
    system, folder = run
    report, samples = (folder / "report.html").read_text(), {p.name for p in (folder / "samples").iterdir()}
    last = f"{records(folder)[-1]['images']:08d}"
    expected = {"sound": f"{last}-audio", "text": f"{last}-tokens.txt"}.get(system.name, f"{last}.png")
    assert expected in samples
    if system.name == "sound":
        with wave.open(str(folder / "samples" / expected / "0000.wav")) as file:
            assert (file.getframerate(), file.getnframes()) == (tiny_systems.RATE, tiny_systems.SAMPLES)
        assert "<audio" in report
    if system.name == "text":
        assert all(word in tiny_systems.WORDS for word in (folder / "samples" / expected).read_text().split())
        assert "<pre>" in report and f"{last}-caption.txt" in samples
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    assert events.Tags()[{"sound": "audio", "text": "tensors"}.get(system.name, "images")]


def test_what_is_learned_is_drawn(run, tmp_path):
    system, folder = run
    trained = load(folder, system=system)
    if system.name == "text":
        captions = np.asarray([[0, 1, 2], [3, 4, 5]], np.int32)
        drawn = trained(caption=captions)
        assert drawn.shape == (2, 3) and drawn.dtype == np.int32
        assert (drawn == (captions + 1) % 6).mean() > 0.6  # the next word, most often
        with pytest.raises(ValueError, match="expected the input caption, found none: give caption="):
            trained(range(2))
    else:
        drawn = trained(range(3), label=["low", "high", "low"]) if system.name == "sound" else trained(range(3))
        assert len(drawn) == 3 and np.isfinite(np.asarray(drawn, float)).all()
    out = tmp_path / {"sound": "x.wav", "text": "x.txt"}.get(system.name, "x.png")
    main(system, ["sample", str(folder), "--seeds", "0-3", "--out", str(out)])
    assert out.stat().st_size > 0


def test_the_frozen_encoder_is_an_argument_of_the_program_and_not_saved():
    system, config = SYSTEMS["text"], SYSTEMS["text"].presets["tiny"]
    source, mesh = system.data(config), data_mesh(jax.devices()[:1])
    feed = make_feed(source, config.batch, 0)
    compiled = compile(system.build(config, source.spec), mesh, feed)
    assert [c.shape for c in compiled.constants["closed"]] == [tiny_systems.ENCODER.shape]
    items = compiled.put(next(feed.items(0, 1)))
    text = compiled.step.__wrapped__.lower(compiled.abstract, compiled.constants, items, run_key(0, mesh)).as_text()
    assert len(text) < tiny_systems.ENCODER.nbytes < 100_000
    shapes = [leaf.shape for leaf in jax.tree.leaves(compiled.abstract)]
    assert tiny_systems.ENCODER.shape not in shapes


def test_stages_and_images_go_on_over_the_border(tmp_path):
    system = SYSTEMS["growing"]
    folder = train(system, tmp_path / "run", "--kimg", 0.128, "--record-kimg", 0.016, "--checkpoint-kimg", 0.128, "--sample-kimg", 0.032)
    found = records(folder)
    assert [r["images"] for r in found] == [16, 32, 48, 64, 80, 96, 112, 128]
    assert [r["step"] for r in found] == [2, 4, 6, 8, 12, 16, 20, 24]
    assert [r["generator/seen"] for r in found[4:]] == [6, 22, 38, 54]  # means over the four steps of 4 images of each record
    kept = sorted(int(p.stem) for p in (folder / "samples").glob("*.png"))
    assert kept == [0, 32, 64, 96, 128]
    early, late = (load(folder, step=step, system=system)([0]) for step in (8, 24))
    assert early.shape == late.shape == (1, 8, 8, 3)
    assert (early[:, ::2, ::2] == early[:, 1::2, 1::2]).all() and not (late[:, ::2, ::2] == late[:, 1::2, 1::2]).all()
