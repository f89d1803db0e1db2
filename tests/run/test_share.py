import dataclasses
import json
import shutil

import numpy as np
import pytest
from tests.commands.mistakes import refused
from tests.systems.untrained import random_run

from jgan.console.main import main
from jgan.data.settings import bare
from jgan.run.card import task
from jgan.run.share import FILES, without_places
from jgan.run.trained import load
from jgan.systems import gan, superresolution
from jgan.tensors import read_safetensors, safetensors

CONFIG = gan.Config(resolution=8, latent_size=3, hidden=4, units=2, pieces=2, batch=4, limit=8)
RECORD = {"step": 1, "images": 4000, "seconds": 1.0, "score/x": 12.25, "loss": 1.0}
RESULT = {"metric": "fid", "value": 3.5, "step": 1, "source": "/home/me/photos", "samples": 500}
RESULT |= {"feature_network": {"source": "/home/me/classes", "held_out_accuracy": 0.9}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = random_run(gan.SYSTEM, CONFIG, tmp_path_factory.mktemp("runs") / "run")
    (folder / "metrics.jsonl").write_text(json.dumps(RECORD) + "\n")
    (folder / "score.json").write_text(json.dumps({"protocol": {"samples": 5000, "features": "a classifier"}}))
    (folder / "evaluations.jsonl").write_text(json.dumps(RESULT) + "\n" + json.dumps(RESULT | {"step": 9, "value": 99.5}) + "\n")
    return folder


@pytest.fixture(scope="module")
def shared(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("shared") / "folder"
    main(["export", str(run), "--format", "safetensors", "--out", str(out)])
    return out


@pytest.fixture
def copy(shared, tmp_path):
    return shutil.copytree(shared, tmp_path / "copy")


def test_what_is_shared_is_loaded_and_drawn(run, shared, tmp_path):
    assert sorted(path.name for path in shared.iterdir()) == sorted(FILES)
    before, after = load(run), load(shared)
    np.testing.assert_array_equal(after(range(3)), before(range(3)))
    assert after.about == before.about and after.config == before.config and after.spec == before.spec
    main(["sample", str(shared), "--seeds", "0-3", "--out", str(tmp_path / "x.png")])
    assert (tmp_path / "x.png").stat().st_size > 0
    main(["export", str(shared), "--format", "safetensors", "--out", str(tmp_path / "again")])
    for name in FILES:
        assert name == "README.md" or (tmp_path / "again" / name).read_bytes() == (shared / name).read_bytes()


def test_the_card_says_what_it_is_and_how_good_by_which_protocol(shared):
    text = (shared / "README.md").read_text()
    header, page = text.removeprefix("---\n").split("\n---\n", 1)
    lines = dict(line.split(": ", 1) for line in header.splitlines())
    found = {name: json.loads(value) for name, value in lines.items()}
    assert found == {
        "library_name": "jgan",
        "license": "unknown",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["jax", "gan", "gan"],
    }
    for part in (
        "| images seen | 4000 |",
        "| score/x | 12.25 |",
        '"samples": 5000',
        "| fid | 3.5 |",
        '"source": "photos"',
        '"source": "classes"',
        "samples.png",
    ):
        assert part in page
    assert "99.5" not in page and "/home/me" not in page and 'jgan.load("run")' in page


def test_places_of_data_stay_at_home(tmp_path):
    config = dataclasses.replace(CONFIG, data=str(tmp_path / "secret" / "photos"))
    run = random_run(gan.SYSTEM._replace(data=lambda config, split=None: gan.SYSTEM.data(CONFIG, split)), config, tmp_path / "run")
    main(["export", str(run), "--format", "safetensors", "--out", str(tmp_path / "out")])
    for path in (tmp_path / "out").iterdir():
        assert b"secret" not in path.read_bytes()
    assert load(tmp_path / "out").config.data == "photos" == bare("/a/photos/")


def test_places_of_weights_stay_at_home():
    config = superresolution.Config(weights="/home/me/squeezenet.npz")
    assert without_places(config).weights == "squeezenet.npz" and without_places(superresolution.Config()).weights is None


def test_tasks(run):
    trained = load(run)
    for conditions, expected in [((), "unconditional-image-generation"), (("label",), "unconditional-image-generation")]:
        trained.__dict__["sampling"] = trained.sampling._replace(conditions=conditions)
        assert task(trained) == expected
    for conditions, expected in [(("caption",), "text-to-image"), (("input",), "image-to-image")]:
        trained.__dict__["sampling"] = trained.sampling._replace(conditions=conditions)
        assert task(trained) == expected


def damaged(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: damaged(c, "model.safetensors", b"\x80\x04cos\nsystem\n"), "no readable .safetensors file"),
        (lambda c: damaged(c, "config.json", b'{"system": "../../x", "config": {}}'), "unknown system '../../x'"),
        (
            lambda c: damaged(c, "config.json", b'{"system": "gan", "config": {"kind": "os"}}'),
            "expected a configuration of kind",
        ),
        (lambda c: damaged(c, "data.json", b"[]"), "data.json is damaged"),
        (lambda c: damaged(c, "model.safetensors", safetensors({"x": np.zeros(3)})), "does not hold the numbers of this gan"),
    ],
)
def test_foreign_files_that_do_not_fit_are_refused(copy, change, message):
    with pytest.raises(ValueError, match=message):
        load(change(copy))


def test_no_step(copy):
    about = json.loads((copy / "config.json").read_text())
    del about["step"]
    (copy / "config.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="model.safetensors"):
        load(copy)
    with pytest.raises(FileNotFoundError, match="was shared without its checkpoints"):
        load(copy, step=8)


def test_half_precision_stays(run, tmp_path):
    trained = load(run)
    trained = dataclasses.replace(trained, weights={name: x.astype("bfloat16") for name, x in trained.weights.items()})
    (tmp_path / "x.safetensors").write_bytes(safetensors(trained.weights))
    assert {x.dtype.name for x in read_safetensors(tmp_path / "x.safetensors").values()} == {"float32"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --resume SHARED", "was shared without the state of its training"),
        ("train gan --init-from SHARED", "was shared without the state of its training"),
        ("export RUN --format safetensors --out x.zip", "expected a folder to write, found x.zip"),
        ("export RUN --format safetensors --out RUN", "expected a new or an empty folder, found"),
        ("export RUN --format onnx --out x.jaxexp", "expected a path that ends in .onnx"),
    ],
)
def test_refused(run, shared, tmp_path, monkeypatch, capsys, line, message):
    monkeypatch.chdir(tmp_path)
    words = [{"RUN": str(run), "SHARED": str(shared)}.get(word, word) for word in line.split()]
    assert message in refused(capsys, *words)
    assert not list(tmp_path.iterdir())
