"""DiscoGAN in miniature."""

import dataclasses

import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play

from jgan.data.procedural import turned
from jgan.systems import discogan
from jgan.systems.discogan import SYSTEM, Config

TINY = Config(resolution=16, batch=4, features=2, bottleneck=3, limit=20)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM._replace(presets={name: dataclasses.replace(SYSTEM.presets[name], data="turned")}))


def test_half_precision():
    check_presets(SYSTEM._replace(presets={"half": dataclasses.replace(TINY, half=True)}))
    with pytest.raises(ValueError, match="a resolution of 16, 32, 64"):
        discogan.make_networks(dataclasses.replace(TINY, resolution=24))


@pytest.mark.parametrize("method", discogan.METHODS)
def test_the_terms_of_each_method(method):
    metrics = play(SYSTEM, dataclasses.replace(TINY, method=method)).metrics
    terms = discogan.METHODS[method]
    names = ("forward/adversarial", "forward/loop", "backward/adversarial", "backward/loop")
    total = sum(weight * metrics[f"generator/{name}"] for weight, name in zip(terms, names, strict=True))
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-4)


def test_system(tmp_path, monkeypatch):
    monkeypatch.setitem(turned.SIZES, "test", 20)
    from jgan import outputs

    outputs.save(tmp_path / "one.png", {"image": np.zeros((1, 13, 30, 3), np.uint8)}, {"image": outputs.image()})
    arguments = {"translate": [str(tmp_path / "one.png"), str(tmp_path / "translated")]}
    commands = {name: command for name, command in SYSTEM.commands.items() if name != "evaluate_pairs"}
    check_system(SYSTEM._replace(commands=commands), TINY, tmp_path, arguments)
