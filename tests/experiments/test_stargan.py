"""The comparison of editors, in miniature."""

import dataclasses
import json

import jax
import pytest
from experiments import stargan
from tests.systems.check import quick_classifiers
from tests.systems.untrained import random_run

from jgan.evaluation.editing import changed_pixels
from jgan.run.main import main
from jgan.systems import cyclegan
from jgan.systems.stargan import Config

OURS = Config(resolution=16, batch=2, features=2, blocks=1, layers=3, limit=8)
OTHER = cyclegan.Config(data="faces", resolution=16, jitter=0, batch=1, features=2, blocks=1, patch_layers=2, pool=2, limit=8)


def test_pairs_differ_where_the_attribute_is():
    pairs = stargan.true_pairs("faces:correlated", "hat", 32, count=6)
    share = changed_pixels(pairs.there, pairs.gone).mean(axis=(1, 2, 3))
    assert ((share > 0.02) & (share < 0.5)).all() and pairs.attributes[:, stargan.judged("faces").index("hat")].all()
    with pytest.raises(ValueError, match="whose counterfactuals are known, glasses, hat, moustache, found smile"):
        stargan.true_pairs("faces", "smile", 32)


def test_domains_have_glasses_or_not():
    source = stargan.domains(dataclasses.replace(OTHER, limit=40))
    assert [list(part.fields) for part in source.parts] == [["input"], ["target"]]
    assert sum(part.size for part in source.parts) == 40 and min(part.size for part in source.parts) > 5


@pytest.mark.slow
def test_both_are_measured_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(stargan, "JUDGED_FACES", 60)
    runs, measured = {"ours": (stargan.STARGAN, OURS), "other": (stargan.CYCLEGAN, OTHER)}, {}
    with quick_classifiers(), jax.numpy_dtype_promotion("standard"):  # optax promotes dtypes implicitly
        for name, (system, config) in runs.items():
            run = random_run(system, config, tmp_path / name, scale=0.3)
            main(system, ["evaluate", str(run), "--count", "5", "--features", str(tmp_path / "features")])
            lines = map(json.loads, (run / "evaluations.jsonl").read_text().splitlines())
            measured[name] = {line["metric"]: line["value"] for line in lines}
    ours, other = measured.values()
    assert ours.keys() == other.keys() and len(list((tmp_path / "features").glob("*.npz"))) == 1
    for way in ("off", "on"):
        assert ours[f"{way}/psnr_inside/copy"] == other[f"{way}/psnr_inside/copy"] and 0 <= ours[f"{way}/kept/hat"] <= 1
    picture = stargan.STARGAN._replace(commands={"picture": stargan.picture})
    main(picture, ["picture", str(tmp_path / "ours"), str(tmp_path / "other"), "--count", "2", "--out", str(tmp_path / "row.png")])
    assert (tmp_path / "row.png").stat().st_size > 0
