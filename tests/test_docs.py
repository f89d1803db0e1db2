"""docs/adding.md: its template trains, samples and loads as it stands, and its variations fit into it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.systems.check import check_presets

from jgan import losses
from jgan.run import System, load
from jgan.training import alternating
from jgan.types import Network, Training

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "adding.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
TEMPLATE = re.search(r"<!-- template -->\n```python\n(.*?)```", TEXT, re.DOTALL).group(1)
TINY = {"resolution": 8, "features": 2, "latent_size": 4, "limit": 16, "batch": 8}


def run(script, *arguments):
    program = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "JAX_NUM_CPU_DEVICES": "1"}
    return subprocess.run(program, cwd=script.parent, env=environment, capture_output=True, text=True, check=True).stdout


def names_of(*sources):
    """What is defined after some blocks, one after the other."""
    found = {"__name__": "sketch"}
    for source in sources:
        exec(compile(source, "docs/adding.md", "exec"), found)
    return found


def block_with(text):
    return next(block for block in BLOCKS if text in block and block != TEMPLATE)


def test_template_from_the_command_line(tmp_path):
    script = tmp_path / "my_system.py"
    script.write_text(TEMPLATE)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    run(script, "train", "small", *options, "--kimg=0.016", "--score-kimg=0", "--workdir=run", "--steps-per-call=1")
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["images"] == 16
    run(script, "sample", "run", "--seeds=0-3", "--out=samples.png")
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")
    trained = load(tmp_path / "run", system=names_of(TEMPLATE)["SYSTEM"])
    images = trained(range(2))
    assert (images.shape, images.dtype, trained.about["step"]) == ((2, 8, 8, 3), np.uint8, 2)


def check_training(training: Training, source, sampling):
    """A step keeps the shapes of its state, and a sample has the shape of the data."""
    batch = {name: jax.ShapeDtypeStruct((8, *field.shape), field.dtype) for name, field in source.fields.items()}
    key = jax.random.key(0)
    with jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        state = jax.eval_shape(training.init, key, batch)
        after, metrics = jax.eval_shape(training.step, state, batch, key)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert {value.shape for value in metrics.values()} == {()}
    drawn = jax.eval_shape(training.sample, state, None, jax.eval_shape(lambda: sampling.inputs(key, 3)))
    assert drawn["image"].shape == (3, *source.fields["image"].shape)


@pytest.fixture(scope="module")
def template():
    found = names_of(TEMPLATE)
    config = found["Config"](**TINY)
    return found, config, found["open_images"](config)


@pytest.mark.parametrize("text", ["class State(NamedTuple)", "def build_stages"])
def test_other_trainings(template, text):
    _, config, source = template
    found = names_of(TEMPLATE, block_with(text))
    built = found.get("build_stages", found["build"])(config, source.spec)
    for training in [built] if isinstance(built, Training) else [stage.training for stage in built]:
        check_training(training, source, found["sampling"](config, source.spec))


def test_other_data_and_outputs():
    found = names_of(TEMPLATE, block_with("def open_tones"))
    config = found["Config"]()
    source = found["open_tones"](config)
    (kind,) = found["sampling"](config, source.spec).outputs.values()
    sounds = np.stack([source.read(index)["audio"] for index in (0, 63)])
    assert sounds[0].shape == source.fields["audio"].shape
    assert "/0001.wav" in kind.files(kind.check("audio", sounds), None)


def test_presets_of_other_data_are_checked():
    found = names_of(TEMPLATE, block_with("def open_tones"))

    def build(config, spec):
        generator = Network(
            lambda key, z: ({"w": jnp.zeros((z.shape[1], 2048))}, {}), lambda params, state, z, **call: (z @ params["w"], state)
        )
        critic = Network(lambda key, x: ({"w": jnp.zeros(2048)}, {}), lambda params, state, x, **call: (x @ params["w"], state))
        sgd = optax.sgd(0.1)
        return alternating(generator, critic, losses.hinge(), sgd, sgd, latent_size=config.latent_size, field="audio")

    check_presets(System("tones", found["Config"], {"demo": found["Config"]()}, found["open_tones"], build, found["sampling"], None))


def test_score(template):
    _, config, source = template
    found = names_of(TEMPLATE, block_with("def score("))
    score = found["score"](config, source, folder=None)
    images = np.stack([source.read(index)["image"] / 127.5 - 1 for index in range(source.size)])
    numbers = score.compute(type("Snapshot", (), {"outputs": lambda self, source, n: iter([{"image": images}])})())
    assert numbers[score.criterion] == pytest.approx(0, abs=1e-6) and numbers.keys() > set(score.watched)


def test_command_and_checks_are_whole():
    found = names_of(TEMPLATE, block_with("def brightness"))
    assert callable(found["brightness"])
    assert "check_system(SYSTEM, TINY, tmp_path)" in block_with("check_presets(SYSTEM)")
