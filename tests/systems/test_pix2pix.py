"""pix2pix in miniature."""

import dataclasses

import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of

from jgan.data import open_pairs
from jgan.data.source import read_rows
from jgan.systems.pix2pix import SYSTEM, Config

TINY = Config(resolution=16, jitter=2, batch=4, features=2, patch_layers=2, limit=40, flip=True)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_half_precision():
    check_presets(SYSTEM._replace(presets={"half": dataclasses.replace(TINY, half=True)}))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pix2pix")
    pairs = open_pairs("shapes", resolution=20, limit=3)
    from jgan import outputs

    (folder / "images").mkdir()
    outputs.save(folder / "images", {"image": read_rows(pairs, np.arange(3), ("input",))["input"]}, {"image": outputs.image()})
    arguments = {"translate": [str(folder / "images"), str(folder / "translated")], "evaluate": []}
    found = check_system(SYSTEM, TINY, folder, arguments, skip=())
    assert [p.name for p in sorted((folder / "translated").iterdir())] == ["0000.png", "0001.png", "0002.png"]
    return found


def test_system(trained):
    images = read_rows(open_pairs("shapes", resolution=16, limit=3), np.arange(3), ("input",))["input"]
    assert trained(input=images).shape == (3, 16, 16, 3)
    assert trained(input=images[0, :9, :13]).shape == (9, 13, 3)
    assert (trained(input=images, noise=1) != trained(input=images)).any()
    with pytest.raises(ValueError, match="expected a direction of pix2pix, forward, found 'backward'"):
        trained.exportable("backward")
