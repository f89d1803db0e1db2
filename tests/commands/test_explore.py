"""What the page offers, and what its functions draw; the page itself where Gradio is installed."""

import dataclasses
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan import outputs
from jgan.commands import STYLES
from jgan.commands.along import file_of_directions
from jgan.commands.explore import render
from jgan.commands.views import IN_TURN, views
from jgan.run.system import Sampling
from jgan.run.trained import load
from jgan.systems import stylegan
from jgan.types import Spec

CONFIG = stylegan.Config(
    resolution=8, channel_base=64, channel_max=8, latent_size=4, style_size=6, mapping_layers=1, batch=4, limit=24, conditional=True
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return random_run(stylegan.SYSTEM, CONFIG, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def trained(run):
    return load(run)


@pytest.fixture(scope="module")
def offered(run, trained):
    path = file_of_directions(run, trained.about["step"])
    path.parent.mkdir()
    layers = trained.outputs([0], only="ws")["ws"].shape[1:]
    np.savez(path, **{"smile": np.ones(layers, np.float32), "hat": np.zeros(layers, np.float32)})
    return {view.title: view for view in views(trained, run)}


def of_beginning(view, **changes):
    return view.draw(**{name: control.value for name, control in view.controls.items()} | changes)


def test_what_a_run_offers(run, trained, offered):
    assert list(offered) == ["Samples", "Directions", "Interpolation", "Mixing"]
    assert list(offered["Samples"].controls) == ["seeds", "truncation", "label"]
    assert offered["Samples"].controls["truncation"].value == 0.7  # as the system prefers
    assert offered["Samples"].controls["label"].among == (IN_TURN, *trained.spec.names["label"])
    assert list(offered["Directions"].controls)[3:] == ["smile", "hat"]
    fewer = {name: command for name, command in STYLES.items() if name not in ("mix", "directions")}
    plain = dataclasses.replace(trained, system=trained.system._replace(commands=fewer))
    assert [view.title for view in views(plain, run)] == ["Samples", "Interpolation"]


@pytest.mark.parametrize(
    ("title", "changes", "shape"),
    [
        ("Samples", {"seeds": "3, 5-6"}, (3, 8, 8, 3)),
        ("Directions", {"seeds": "0-1", "smile": 2.0}, (2, 8, 8, 3)),
        ("Interpolation", {"seeds": "0,1"}, (1, 48, 8, 8, 3)),
        ("Mixing", {"rows": "0-1", "columns": "2-4"}, (12, 8, 8, 3)),
    ],
)
def test_what_is_drawn(offered, tmp_path, title, changes, shape):
    shown = of_beginning(offered[title], **changes)
    (values,) = shown.found.values() if len(shown.kinds) == len(shown.found) else [shown.found[name] for name in shown.kinds]
    assert values.shape == shape and values.dtype == np.uint8
    html, path = render(shown, tmp_path / "0", title)
    assert html.startswith('<div class="output">') and "data:image/" in html and path.stat().st_size > 0


def test_controls_change_what_is_drawn(trained, offered):
    def image(title, **changes):
        return of_beginning(offered[title], seeds="0-3", **changes).found["image"]

    plain, label = image("Samples"), trained.spec.names["label"][1]
    np.testing.assert_array_equal(plain, trained(range(4), truncation=0.7))
    np.testing.assert_array_equal(image("Samples", label=label), trained(range(4), truncation=0.7, label=label))
    assert (image("Samples", truncation=0.2) != plain).any() and (image("Directions", smile=3.0) != plain).any()
    np.testing.assert_allclose(image("Directions").astype(int), plain.astype(int), atol=1)


@pytest.mark.parametrize(("seeds", "message"), [("0-256", "expected 256 seeds at most on this page, found 257"), ("x", "expected seeds")])
def test_what_does_not_fit_is_said(offered, seeds, message):
    with pytest.raises(ValueError, match=message):
        of_beginning(offered["Samples"], seeds=seeds)


def translator(channels, commands):
    """Something that turns images upside down."""
    sampling = Sampling(
        lambda key, n: {}, {"image": outputs.image()}, ("input", "target"), {"forward": ("input", "image"), "backward": ("target", "image")}
    )
    shape = SimpleNamespace(shape=(8, 8, channels), dtype=np.uint8)
    spec = Spec({"input": shape, "target": shape, "image": shape}, {"attributes": ("hat", "smile")})

    def turned(only, change=None, **given):
        (image,) = given.values()
        return {only: image[:, ::-1] if change is None else np.full_like(image, change.sum() + 5)}

    system = SimpleNamespace(commands=dict.fromkeys(("sample", *commands)))
    return SimpleNamespace(
        system=system, sampling=sampling, spec=spec, about={"step": 0}, direction=sampling.directions.__getitem__, outputs=turned
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_uploads_are_translated(tmp_path, channels):
    (view,) = views(translator(channels, ["translate"]), tmp_path)
    uploaded = np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)
    expected = uploaded[::-1] if channels == 3 else np.round(uploaded.mean(-1, keepdims=True)).astype(np.uint8)[::-1]
    np.testing.assert_array_equal(view.draw(image=uploaded, direction="backward").found["image"][0], expected)
    assert view.controls["direction"].among == ("forward", "backward")
    with pytest.raises(ValueError, match="expected an image, found none; choose one"):
        of_beginning(view)


def test_uploads_are_edited(tmp_path):
    (view,) = views(translator(3, ["edit"]), tmp_path)
    found = view.draw(image=np.zeros((8, 8, 3), np.uint8), add=["hat"], remove=[]).found["edited"]
    assert found.shape == (1, 8, 8, 3) and (found == 6).all()


def test_without_the_package(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "`jgan explore` needs the package gradio: pip install 'jgan[explore]'" in refused(capsys, "explore", run)


PAGE = """
import sys, pathlib, numpy as np
from gradio_client import Client
from PIL import Image
from jgan import outputs
from jgan.commands.explore import page
from jgan.commands.views import Control, Shown, View

def draw(seeds, strength, kind, names, image=None):
    if seeds == "x":
        raise ValueError("expected seeds, found x")
    return Shown({"image": np.full((1, 8, 8, 3), int(strength), np.uint8)}, {"image": outputs.image()})

controls = {"seeds": Control("Seeds", "0-3"), "strength": Control("Strength", 7.0, span=(0, 9, 1))}
controls |= {"kind": Control("Kind", "a", ("a", "b")), "names": Control("Names", (), ("hat",))}
offered = [View("Samples", controls, draw), View("Upload", controls | {"image": Control("Image", None)}, draw)]
blocks = page("a run", offered, pathlib.Path(sys.argv[1]))
_, address, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, inbrowser=False)
client = Client(address, verbose=False)
html, download = client.predict("0-3", 5, "b", [], fn_index=0)
path = download["value"] if isinstance(download, dict) else download
print("data:image/png;base64," in html, np.asarray(Image.open(path)).max())
try:
    client.predict("x", 5, "b", [], fn_index=0)
except Exception as error:
    print(error)
blocks.close()
"""


def test_the_page_answers(tmp_path):
    """In another process, since Gradio leaves sockets open."""
    pytest.importorskip("gradio", reason="needs the extra explore")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "GRADIO_ANALYTICS_ENABLED": "False"}
    run = subprocess.run([sys.executable, "-c", PAGE, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    shown, refused = run.stdout.splitlines()[:2]
    assert shown == "True 5" and "expected seeds, found x" in refused
