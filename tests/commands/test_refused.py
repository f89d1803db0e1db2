"""What commands refuse before anything is loaded, drawn or written, and what they write where they do not."""

import sys

import numpy as np
import pytest
from PIL import Image
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan import commands
from jgan.console.main import main
from jgan.systems import gan, pixelrnn, stylegan

SEEDS = "expected seeds from 0 to 9223372036854775807"
GAN = gan.Config(resolution=8, latent_size=3, hidden=4, units=2, pieces=2, batch=4, limit=8)
STYLEGAN = stylegan.Config(resolution=8, channel_base=64, channel_max=8, latent_size=4, style_size=6, mapping_layers=1, batch=4, limit=24)
PIXELRNN = pixelrnn.Config(
    resolution=8, levels=2, channels=1, architecture="pixelcnn", layers=1, features=4, head_features=4, batch=4, limit=8
)
MISTAKES = [  # before the run is loaded
    ("sample RUN --seeds 9223372036854775808", f"{SEEDS}, the lower end of a range first, found 9223372036854775808"),
    ("sample RUN --seeds 18446744073709551616", SEEDS),
    ("sample RUN --seeds=-1", f"{SEEDS}, as 0-63"),
    ("sample RUN --seeds 0-99999999999", "expected 100,000 seeds at most, found 100,000,000,000"),
    ("sample RUN --seeds 5-3", SEEDS),
    ("sample RUN --truncation nan", "--truncation: expected a number from 0 to 2, found nan"),
    ("sample RUN --columns -2", "--columns: expected a whole number from 1 to 1000, found -2"),
    ("sample RUN --cutoff -1", "--cutoff: expected"),
    ("sample RUN --step -1", "--step: expected"),
    ("sample RUN --out x.foo", "expected a path that ends in .png, .jpg, .jpeg, .npy, .npz, or in / for one file per example"),
    ("sample RUN --out FILE/x.png", "FILE is a file"),
    ("sample RUN --out FILE", "FILE is a file"),
    ("sample RUN --direction smile", "--direction: expected NAME=STEP once for each, as smile=2"),
    ("directions RUN --layers x", SEEDS),
    ("directions RUN --samples 1", "--samples: expected a whole number from 2"),
    ("interpolate RUN --out x.png", "expected a path that ends in .webp, .gif, .mp4"),
    ("interpolate RUN --frames 0", "--frames: expected a whole number from 1"),
    ("interpolate RUN --fps 0", "--fps: expected a number from 0.01"),
    ("interpolate RUN --fps nan", "--fps: expected a number from 0.01"),
    ("interpolate RUN --seeds 1,x", SEEDS),
    ("mix RUN --layer -99", "--layer: expected a whole number from 0"),
    ("mix RUN --rows 1-", SEEDS),
    ("mix RUN --out x.gif", "expected a path that ends in .png"),
    ("neighbours RUN --count 0", "--count: expected"),
    ("neighbours RUN --seeds x", SEEDS),
    ("evaluate RUN --samples 0", "--samples: expected a whole number from 2 to 2147483647, found 0"),
    ("evaluate RUN --real-samples 1", "--real-samples: expected"),
    ("evaluate RUN --batch 0", "--batch: expected"),
    ("accuracy RUN --seed -1", "--seed: expected"),
    ("path-length RUN --epsilon 0", "--epsilon: expected"),
    ("export RUN --out x.png", "expected a path that ends in .jaxexp"),
    ("export RUN --height 0", "--height: expected"),
    ("push RUN here", "expected the name of a repository on the hub, user/name, found 'here'"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made = {"RUN": (stylegan, STYLEGAN), "PLAIN": (gan, GAN), "PIXELS": (pixelrnn, PIXELRNN)}
    return {name: random_run(module.SYSTEM, config, folder / name) for name, (module, config) in made.items()}


@pytest.fixture
def words(runs, tmp_path, monkeypatch):
    """Splits a command line, in whose words the names of runs stand for their folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("")
    return lambda line: [str(runs.get(word, word)) for word in line.replace("path-length", "path_length").split()]


@pytest.mark.parametrize(("line", "message"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_before_anything_is_loaded(words, tmp_path, monkeypatch, capsys, line, message):
    for name in {module for module in sys.modules if module.startswith(f"{commands.__name__}.")}:
        if hasattr(sys.modules[name], "load"):
            monkeypatch.setattr(sys.modules[name], "load", None)
    assert message in refused(capsys, *words(line))
    assert [file.name for file in tmp_path.iterdir()] == ["FILE"]


AFTER_LOADING = [
    ("sample PLAIN --direction smile=2", "expected a style-based generator, which has directions, found gan"),
    ("sample PLAIN --split test", "expected no --split, since gan is given nothing of the data here, found test"),
    ("sample PLAIN --label 3", "gan takes no input 'label': expected some of z, truncation"),
    ("evaluate RUN --metrics kernel_distance_subsets --samples 999", "needs 1000 images of each kind, found 24 real and 999 others"),
    ("mix RUN --layer 99", "--layer: expected a whole number from 0 to 4, the layers of this network, found 99"),
    ("complete PIXELS --keep 2", "--keep: expected a number from 0 to 1, found 2.0"),
    ("complete PIXELS --out x.gif", "expected a path that ends in .png"),
]


@pytest.mark.parametrize(("line", "message"), AFTER_LOADING, ids=[line for line, _ in AFTER_LOADING])
def test_before_anything_is_drawn(words, tmp_path, capsys, line, message):
    assert message in refused(capsys, *words(line))
    assert [file.name for file in tmp_path.iterdir()] == ["FILE"]


@pytest.mark.parametrize(("out", "format"), [("new/x.jpg", "JPEG"), ("x.JPEG", "JPEG"), ("x.PNG", "PNG")])
def test_the_ending_decides(words, tmp_path, out, format):
    main(words(f"sample PLAIN --seeds 0-3 --out {out}"))
    with Image.open(tmp_path / out) as saved:
        assert (saved.format, saved.size) == (format, (16, 16))


def test_a_folder_gets_one_file_per_image(words, tmp_path):
    main(words("sample PLAIN --seeds 4294967296,0,1 --out v1.0/"))
    images = [np.asarray(Image.open(tmp_path / "v1.0" / f"{i:04d}.png")) for i in range(3)]
    assert (images[0] != images[1]).any()


def test_an_ending_in_capitals(words, tmp_path):
    main(words("interpolate PLAIN --seeds 0-1 --frames 2 --out w.GIF"))
    with Image.open(tmp_path / "w.GIF") as saved:
        assert (saved.format, saved.n_frames) == ("GIF", 4)
