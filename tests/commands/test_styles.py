"""Commands of a style-based generator, on one whose numbers are random."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.systems.untrained import random_run

from jgan.models.pretrained.lpips import Distance
from jgan.ops.images import to_uint8
from jgan.run.export import load_exported
from jgan.run.main import main
from jgan.run.trained import load
from jgan.systems.stylegan import SYSTEM, Config

SIZE = 8
CONFIG = Config(
    resolution=SIZE,
    channel_base=64,
    channel_max=8,
    latent_size=4,
    style_size=6,
    mapping_layers=1,
    batch=4,
    limit=24,
    conditional=True,
    path_every=0,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return random_run(SYSTEM, CONFIG, tmp_path_factory.mktemp("styles") / "run")


@pytest.fixture(scope="module")
def trained(run):
    return load(run)


def call(*arguments):
    main(SYSTEM, [str(argument) for argument in arguments])


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def assert_same_images(actual, expected):
    """To one level, since programs round differently."""
    np.testing.assert_allclose(np.asarray(actual, int), np.asarray(expected, int), rtol=0, atol=1)


def test_export_first_and_draw_afterwards(run, tmp_path):
    """What is first asked for inside of a trace must not be kept as a tracer."""
    fresh = load(run)
    function, names, shapes = fresh.exportable()
    jax.eval_shape(function, *(jax.ShapeDtypeStruct((2, *shape.shape), shape.dtype) for shape in shapes))
    assert names == ("z", "truncation", "label") and fresh(range(2)).shape == (2, SIZE, SIZE, 3)


def test_a_seed_has_its_image_whatever_is_drawn_beside_it(trained):
    images = trained([5, 3, 4])
    assert images.shape == (3, SIZE, SIZE, 3) and images.dtype == np.uint8
    assert_same_images(trained([3]), images[1:2])
    assert_same_images(trained(ws=trained.outputs([5, 3, 4])["ws"], batch=2), images)
    assert np.ptp(images.astype(int), axis=0).max() > 10


def test_classes_take_turns_unless_one_is_given(trained):
    classes = trained.spec.classes
    ws = trained.outputs(range(classes), only="ws")["ws"]
    for label in (0, classes - 1):
        chosen = trained.outputs(range(classes), only="ws", label=label)["ws"]
        assert [np.allclose(a, b, atol=1e-6) for a, b in zip(ws, chosen, strict=True)] == [i == label for i in range(classes)]
    named = trained.outputs([0, 1], only="ws", label=["moon", "circle"])["ws"]
    numbers = [trained.spec.names["label"].index(name) for name in ("moon", "circle")]
    np.testing.assert_array_equal(named, trained.outputs([0, 1], only="ws", label=numbers)["ws"])


MISTAKES = {
    "no such number": ({"label": 99}, "unknown class 99: expected a name or a number of 0 circle, 1 square"),
    "no such name": ({"label": "mon"}, "unknown class 'mon': expected a name or a number of 0 circle, 1 square"),
    "no such input": ({"colour": 1}, "stylegan takes no input 'colour': expected some of z, truncation, label, ws, cutoff"),
    "lengths": ({"label": [0, 1, 2]}, r"expected inputs of one length, one example or more, found lengths \[2, 3\]"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(trained, name):
    inputs, message = MISTAKES[name]
    with pytest.raises(ValueError, match=message):
        trained([0, 1], **inputs)


def test_truncation_and_cutoff(trained):
    settings = ({"truncation": 1.0}, {"truncation": 0.0}, {"truncation": 0.0, "cutoff": 1})
    full, none, low = (trained.outputs([0, 1], only="ws", **setting)["ws"] for setting in settings)
    average = trained.state().generator.state["mapping"]["average"]["w"]
    np.testing.assert_array_equal(none, np.broadcast_to(average, full.shape))
    np.testing.assert_array_equal(low[:, :1], none[:, :1])
    np.testing.assert_allclose(low[:, 1:], full[:, 1:], rtol=1e-5)


def test_noise_by_seed(trained):
    one, again, other = (trained([0, 1], noise=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any() and (one != trained([0, 1])).any()


def test_sample(run, trained, tmp_path, capsys):
    out = tmp_path / "grid.png"
    call("sample", run, "--seeds", "0-2,7", "--columns", 2, "--truncation", 0.5, "--out", out)
    expected = trained([0, 1, 2, 7], truncation=0.5).reshape(2, 2, SIZE, SIZE, 3)
    assert_same_images(read(out), expected.swapaxes(1, 2).reshape(2 * SIZE, 2 * SIZE, 3))
    assert capsys.readouterr().out == f"{out}\n"
    call("sample", run, "--seeds", "0-1", "--out", tmp_path / "each")
    assert_same_images(read(tmp_path / "each" / "0001.png"), trained([1], truncation=0.7)[0])  # as the system prefers


def test_interpolate(run, trained, tmp_path):
    out = tmp_path / "walk.webp"
    call("interpolate", run, "--seeds", "0-2", "--frames", 4, "--fps", 10, "--label", "square", "--out", out)
    with Image.open(out) as animation:
        assert (animation.n_frames, animation.size) == (12, (SIZE, SIZE))
        for seed in range(3):
            animation.seek(4 * seed)
            assert_same_images(animation.convert("RGB"), trained([seed], label=1, truncation=0.7)[0])


def test_mix(run, trained, tmp_path):
    out = tmp_path / "mix.png"
    call("mix", run, "--rows", "0-1", "--columns", "5-7", "--layer", 2, "--out", out)
    cells = read(out).reshape(3, SIZE, 4, SIZE, 3).swapaxes(1, 2)
    assert (cells[0, 0] == 255).all()
    assert_same_images(cells[0, 1:], trained([5, 6, 7], truncation=0.7))
    assert_same_images(cells[1:, 0], trained([0, 1], truncation=0.7))
    coarse, fine = (trained.outputs([seed], only="ws", truncation=0.7)["ws"] for seed in (1, 6))
    assert_same_images(cells[2, 2], trained(ws=np.concatenate([coarse[:, :2], fine[:, 2:]], axis=1))[0])


def test_export(run, trained, tmp_path):
    out = tmp_path / "generator.jaxexp"
    call("export", run, "--out", out)
    seeds = [3, 4, 5, 9]
    labels = jnp.asarray(seeds, jnp.int32) % trained.spec.classes
    images = load_exported(out)(jnp.asarray(trained.latents(seeds)), jnp.full((4,), 0.7), labels)
    assert images.dtype == jnp.float32
    assert_same_images(to_uint8(np.asarray(images)), trained(seeds, truncation=0.7))


@pytest.mark.parametrize(("space", "position"), [("w", "end"), ("z", "full")])
def test_path_lengths_are_measured_by_the_published_distance(run, space, position, monkeypatch):
    def squares(params, a, b):
        assert a.shape == (4, SIZE, SIZE, 3)
        return params * jnp.mean((a - b) ** 2, axis=(1, 2, 3))

    asked, path_length_file = [], sys.modules["jgan.commands.path_length"]
    monkeypatch.setattr(path_length_file, "load_weights", lambda name, path: asked.append((name, path and path.name)))
    monkeypatch.setattr(
        path_length_file, "perceptual_distance", lambda *_: Distance("squares", squares, jnp.float32(1.0), {"network": "none"})
    )
    given = ["--space", space, "--position", position, "--samples", 8, "--batch", 4, "--epsilon", 1e-2, "--heads", "heads.pth"]
    call("path_length", run, *given)
    result = json.loads((run / "evaluations.jsonl").read_text().splitlines()[-1])
    assert result["metric"] == "perceptual_path_length" and result["value"] > 0 and result["space"] == space
    assert asked == [("vgg16", None), ("vgg16-lpips", "heads.pth")]
