"""The study of inversion on a generator whose numbers are random."""

import json

import jax
import numpy as np
import pytest
from experiments.studies import inversion
from tests.systems.check import quick_classifiers
from tests.systems.untrained import random_run

from jgan.commands.along import file_of_directions
from jgan.evaluation.gather import npz_of
from jgan.outputs.files import write_atomic
from jgan.run.main import study
from jgan.systems.stylegan import SYSTEM, Config

SIZES = {"channel_base": 32, "channel_max": 8, "latent_size": 4, "style_size": 6, "mapping_layers": 1}
CONFIG = Config(resolution=16, batch=4, limit=24, path_every=0, **SIZES)
NAME = "kind=circle"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(close to guessing|covariance lacks)")
def test_a_run(tmp_path):
    run = random_run(SYSTEM, CONFIG, tmp_path / "run", scale=0.3)
    path = file_of_directions(run, 1)
    write_atomic(path, npz_of({NAME: np.full((6, 6), 0.5, np.float32)}))
    write_atomic(path.with_suffix(".json"), json.dumps({"scores": {NAME: {"flips": {"step": 2.0}}}}))
    config = inversion.Config(run=str(run), direction=NAME, images=2, samples=20, steps=40, tuning_steps=4)
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):
        study("inversion", {"tiny": config}, inversion.train, arguments=["train", "--workdir", str(tmp_path / "found")])
    numbers = json.loads((tmp_path / "found" / "results.json").read_text())
    assert numbers["own samples"]["psnr"] > 25 and 0 <= numbers["pti"]["others kept"] <= 1
    assert numbers["w+"]["psnr"] > numbers["w"]["psnr"] and numbers["step"] == 2.0
    assert {path.name for path in (tmp_path / "found").glob("*.*")} >= {"table.md", "picture.png"}
