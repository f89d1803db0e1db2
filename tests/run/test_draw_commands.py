"""The commands of generators of noise, on one that is not trained, and in features that are not learnt."""

import functools
import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.run.stripes import source_of, stripes

from jgan.metrics.features import Features
from jgan.run import draw_commands, evaluation
from jgan.run.draw_commands import commands, parse_seeds
from jgan.run.export import load_exported
from jgan.run.images import to_uint8
from jgan.run.noise import Trained, latents
from jgan.types import Network

SHAPE = (16, 16, 3)


def brightness():
    """The mean colour of an image as features."""
    return Features("brightness", lambda params, images: {"features": images.astype(jnp.float32).mean((1, 2)) * params}, jnp.ones(()), {})


@pytest.fixture(scope="module")
def trained():
    def apply(params, state, z):
        return jnp.tanh(z @ params).reshape(-1, *SHAPE), state

    weights = np.random.default_rng(0).normal(size=(4, np.prod(SHAPE)))
    return Trained(Network(None, apply), jnp.asarray(weights, jnp.float32), {}, 4, SHAPE)


@pytest.fixture
def command(trained, monkeypatch):
    monkeypatch.setattr(evaluation, "feature_space", lambda *_: brightness())
    sources = {None: source_of(*stripes(60)), "test": source_of(*stripes(40, seed=1), name="the other part")}
    return commands(lambda run, step: trained, lambda run, split: sources[split])


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_commands_have_a_summary_for_the_help(command):
    assert list(command) == ["sample", "export", "evaluate", "accuracy", "neighbours"]
    assert all(function.func.__doc__.split("\n")[0].endswith(".") for function in command.values())


def test_sample(trained, command, tmp_path, capsys):
    out = tmp_path / "grid.png"
    command["sample"](tmp_path, seeds="3,1-2", columns=3, truncation=0.5, out=out)
    np.testing.assert_array_equal(read(out), np.concatenate(list(trained([3, 1, 2], truncation=0.5)), axis=1))
    assert capsys.readouterr().out == f"{out}\n"


def test_export(trained, command, tmp_path):
    out = tmp_path / "generator.jaxexp"
    command["export"](tmp_path, out=out)
    images = load_exported(out)(latents([5, 6, 7], 4), jnp.full((3,), 0.8))
    np.testing.assert_allclose(to_uint8(images).astype(int), trained([5, 6, 7], truncation=0.8).astype(int), rtol=0, atol=1)


def test_evaluate(command, tmp_path):
    settings = dict(metrics="frechet_distance,kernel_distance", samples=70, real_samples=50, batch=32)
    command["evaluate"](tmp_path, **settings)
    command["evaluate"](tmp_path, **settings, seeds="0-1", truncation=0.5, split="test")
    found = [json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines()]
    assert [result["metric"] for result in found] == ["frechet_distance", "kernel_distance"] * 2
    first, second = found[0], found[2]
    assert (first["split"], first["truncation"], first["seeds"], first["real_samples"]) == ("as trained", 1.0, [0], 50)
    assert (second["split"], second["truncation"], second["seeds"], second["real_samples"]) == ("test", 0.5, [0, 1], 40)
    assert (first["source"], second["source"], first["run"]) == ("folder/stripes.zip", "the other part", tmp_path.name)
    assert len(second["values"]) == 2 and first["value"] > 0


def test_neighbours(trained, command, tmp_path):
    out, known = tmp_path / "neighbours.png", [image.tobytes() for image in stripes(60)[0]]
    command["neighbours"](tmp_path, seeds="0-1", count=3, out=out)
    cells = read(out).reshape(2, 16, 4, 16, 3).swapaxes(1, 2)
    np.testing.assert_array_equal(cells[:, 0], trained([0, 1]))
    colour = trained([0, 1]).mean((1, 2))
    real = stripes(60)[0].mean((1, 2))
    for row in range(2):
        nearest = np.argsort(np.linalg.norm(real - colour[row], axis=1))[:3]
        assert [cell.tobytes() for cell in cells[row, 1:]] == [known[i] for i in nearest]


@pytest.mark.parametrize("text, seeds", [("7", [7]), ("3,14,15-17", [3, 14, 15, 16, 17]), ("0-0", [0])])
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "5-3", "1-2-3", "-1"])
def test_what_are_no_seeds(text):
    with pytest.raises(ValueError, match=f"expected seeds as 0-63 or 3,14,15-20, found '{text}'"):
        parse_seeds(text)


def test_a_grid_is_saved_and_named(tmp_path, capsys):
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
    draw_commands.save_grid(tmp_path / "grid.png", images, 4)
    assert read(tmp_path / "grid.png")[0, ::2, 0].tolist() == [0, 1, 2, 3]
    assert capsys.readouterr().out == f"{tmp_path / 'grid.png'}\n"


def test_accuracy_stands_beside_that_of_real_images(monkeypatch, tmp_path, capsys):
    def sampler(labels, truncation, batch):  # its images of one class are those of the other
        images, classes = stripes(64, seed=2)
        return lambda key: {"image": images, "label": 1 - classes}

    monkeypatch.setattr(draw_commands, "accuracy_score", functools.partial(draw_commands.accuracy_score, steps=12, batch=32))
    sources = {None: source_of(*stripes(60)), "test": source_of(*stripes(40, seed=1), name="the other part")}
    command = commands(lambda run, step: SimpleNamespace(sampler=sampler), lambda run, split: sources[split])
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        command["accuracy"](tmp_path, samples=100)
    wrong, right = (json.loads(line) for line in (tmp_path / "evaluations.jsonl").read_text().splitlines())
    assert wrong["metric"] == "classification_accuracy" and right["metric"] == "classification_accuracy_of_real"
    assert wrong["value"] < 0.1 and right["value"] > 0.9
    assert right["samples"] == 100 and right["source"] == "the other part" and "versions" in right
