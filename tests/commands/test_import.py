"""Published networks become a run: files are written with the published names, of networks that this project made up."""

import json
import pathlib

import numpy as np
import pytest
from tests.commands.mistakes import refused

from jgan.console.main import main
from jgan.models.stylegan2_weights import settings_of
from jgan.run.checkpoints import Checkpoints
from jgan.run.trained import load

FOLDER = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity"
FILES = {"stylegan2_uncond_32": None, "stylegan2_cond_64": [0, 3]}


@pytest.fixture(scope="module")
def parity():
    if not FOLDER.exists():
        pytest.skip("needs ../shared/parity")
    found = {}
    for name in FILES:
        with np.load(FOLDER / f"{name}.npz") as file:
            found[name] = dict(file)
    return found


def networks(arrays):
    return {name: value for name, value in arrays.items() if name.startswith(("G.", "D."))}


@pytest.mark.parametrize("name", FILES)
def test_settings(parity, name):
    arrays = parity[name]
    known = json.loads(bytes(arrays["meta.json"]))
    parts = [{n.removeprefix(p): v for n, v in arrays.items() if n.startswith(p)} for p in ("G.", "D.")]
    found = settings_of(*parts)
    assert (found["resolution"], found["channels"], found["label_size"]) == (known["resolution"], known["img_channels"], known["c_dim"])
    assert (found["latent_size"], found["style_size"], found["mapping_layers"]) == (known["z_dim"], known["w_dim"], known["mapping_layers"])
    assert (found["channel_base"], found["channel_max"]) == (known["channel_base"], known["channel_max"])
    assert (found["generator_architecture"], found["discriminator_architecture"]) == ("skip", "residual")


@pytest.mark.parametrize("name", FILES)
def test_an_imported_run_draws_the_published_images(parity, tmp_path, name):
    arrays = parity[name]
    np.savez(tmp_path / "weights.npz", **networks(arrays))
    main(["import", str(tmp_path / "weights.npz"), str(tmp_path / "run")])
    trained = load(tmp_path / "run")
    label = {"label": arrays["in.c"].argmax(1)} if arrays["in.c"].size else {}
    for truncation, image in ((1.0, "out.img_const"), (0.7, "out.img_psi0.7_const")):
        found = trained(z=arrays["in.z"], truncation=truncation, **label)
        expected = np.clip(np.round(127.5 * arrays[image].transpose(0, 2, 3, 1) + 127.5), 0, 255)
        np.testing.assert_allclose(found.astype(int), expected, atol=1)


def test_it_goes_on_with_data(parity, tmp_path):
    arrays = networks(parity["stylegan2_uncond_32"])
    np.savez(tmp_path / "weights.npz", **{n.replace("G.", "G_ema."): v for n, v in arrays.items()})
    run = tmp_path / "run"
    main(["import", str(tmp_path / "weights.npz"), str(run), "--data", "shapes"])
    with Checkpoints(run / "checkpoints") as checkpoints:
        assert checkpoints.steps() == [0]
        before = checkpoints.restore_raw(0)
    np.testing.assert_array_equal(before["discriminator/params/conv/bias"], arrays["D.b4.conv.bias"])
    np.testing.assert_array_equal(before["generator/params/mapping/dense_0/bias"], before["average/mapping/dense_0/bias"])


def test_mistakes(parity, tmp_path, capsys):
    arrays = networks(parity["stylegan2_cond_64"])
    np.savez(tmp_path / "weights.npz", **arrays)
    np.savez(tmp_path / "other.npz", fc=np.zeros(3))
    assert "expected an array named 'synthesis.b4.const'" in refused(capsys, "import", tmp_path / "other.npz", tmp_path / "run")
    assert "expected a system with published networks" in refused(
        capsys, "import", tmp_path / "other.npz", tmp_path / "run", "--system", "gan"
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert "expected a new or an empty folder" in refused(capsys, "import", tmp_path / "weights.npz", tmp_path / "full")
    assert not (tmp_path / "run").exists()
