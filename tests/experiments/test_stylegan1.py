"""What coarse and fine styles decide, measured in miniature."""

import dataclasses
import json
import types

import jax
import numpy as np
import pytest
from experiments import stylegan1
from tests.systems import test_progan, test_stylegan1
from tests.systems.check import quick_classifiers
from tests.systems.untrained import random_run

from jgan.data.procedural import shapes
from jgan.evaluation import attributes
from jgan.run.arms import Arm
from jgan.run.main import main
from jgan.systems import progan


def drawn(kinds, colours):
    """Images of shapes of these kinds and colours."""
    scenes = [shapes.Shape(kind, colour, 0.0, 0.0, 0.7, 0.0) for kind, colour in zip(kinds, colours, strict=True)]
    return np.stack([shapes.render(shapes.Scene("white", (shape,), "above"), 16) for shape in scenes])


def test_shares_count_kinds_and_colours(monkeypatch):
    """Of a reader that knows the images by heart."""
    names = {"kind": tuple(shapes.KINDS), "colour": tuple(shapes.COLOURS)}
    known = {drawn([k], [c]).tobytes(): (i, j) for i, k in enumerate(names["kind"]) for j, c in enumerate(names["colour"])}
    monkeypatch.setattr(stylegan1, "read_attributes", lambda reader, images: np.asarray([known[image.tobytes()] for image in images]))
    first, second = drawn(["star", "moon"], ["red", "blue"]), drawn(["ring", "moon"], ["green", "pink"])
    mixed = drawn(["star", "ring"], ["green", "pink"])
    found = stylegan1.shares(types.SimpleNamespace(values=names), first, second, mixed)
    assert found == {"kind_of_first": 0.5, "colour_of_second": 1.0, "both": 0.5, "kind_of_second": 0.0, "colour_of_first": 0.0}


def test_arms_differ_in_nothing_that_could_be_equal():
    for arm in stylegan1.ARMS.values():
        assert (arm.config.kimg, arm.config.channel_base, arm.config.channel_max) == (60, 1024, 64)
        assert arm.config.latent_size == 64 and arm.config.data == "shapes"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*close to guessing")
def test_swap(tmp_path, monkeypatch):
    monkeypatch.setattr(attributes, "UNSEEN_SHAPES", 60)
    changes = {"resolution": 16, "first_resolution": 16, "limit": 16}
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        ours = random_run(stylegan1.SYSTEM, dataclasses.replace(test_stylegan1.TINY, **changes), tmp_path / "ours", 0.3)
        other = random_run(progan.SYSTEM, dataclasses.replace(test_progan.TINY, **changes), tmp_path / "other", 0.3)
        system = stylegan1.SYSTEM._replace(commands={**stylegan1.SYSTEM.commands, "swap": stylegan1.swap})
        main(system, ["swap", str(ours), "--baseline", str(other), "--mixes", "6", "--layer", "6"])
        with pytest.raises(SystemExit):
            main(system, ["swap", str(ours), "--layer", "7"])
        for space in ("w", "z"):
            main(system, ["path_length", str(ours), "--space", space, "--distance", "classifier", "--samples", "8", "--batch", "4"])
    found = {line["metric"]: line["value"] for line in map(json.loads, (ours / "evaluations.jsonl").read_text().splitlines())}
    assert found["styles/kind_of_first"] == found["styles/colour_of_first"] == found["latents/kind_of_first"] == 1  # all layers
    assert 0 <= found["held_out/kind"] <= 1 and found["perceptual_path_length"] > 0 and len(found) == 13


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_compare(tmp_path, monkeypatch):
    sizes = {"resolution": 16, "first_resolution": 16, "record_kimg": 0.008, "score_kimg": 0.008, "score_samples": 16, "devices": 1}
    short = dataclasses.replace(test_stylegan1.TINY, **sizes)
    monkeypatch.setattr(stylegan1, "ARMS", {"StyleGAN": Arm(stylegan1.SYSTEM, short)})
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        stylegan1.compare(stylegan1.SYSTEM, tmp_path, kimg=0.032)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| arm | kimg | minutes | frechet_distance | precision | recall |" and len(lines) == 3
