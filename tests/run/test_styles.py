"""What is done with a trained style-based generator, shown on one that is not trained."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan.data import Source
from jgan.metrics.perceptual import Distance
from jgan.models import stylegan2
from jgan.run import style_commands, styles
from jgan.run.export import load_exported
from jgan.run.images import to_uint8
from jgan.run.style_commands import commands
from jgan.run.styles import Trained

HEIGHT, WIDTH, CLASSES = 8, 12, 3


@pytest.fixture(scope="module")
def trained():
    plan = stylegan2.plan((HEIGHT, WIDTH), 64, 8)
    g = stylegan2.generator(plan, latent_size=4, style_size=6, label_size=CLASSES, mapping_layers=1)

    def init(key):
        mapping = g.mapping.init(key, jnp.zeros((1, 4)), jnp.zeros((1,), jnp.int32))
        return mapping, g.synthesis.init(key, jnp.zeros((1, g.layers, 6)))

    def numbers(path, x):
        scale = 100 if "dense_" in jax.tree_util.keystr(path) else 1  # layers with a learning rate of 0.01
        return jnp.asarray(random.normal(size=x.shape) * scale, x.dtype)

    random = np.random.default_rng(0)
    mapping, synthesis = jax.tree_util.tree_map_with_path(numbers, jax.eval_shape(init, jax.random.key(0)))
    params, state = ({"mapping": mapping[i], "synthesis": synthesis[i]} for i in range(2))
    return Trained(g, params, state, (HEIGHT, WIDTH, 3), ("circle", "square", "star"))


@pytest.fixture(scope="module")
def command(trained):
    return commands(lambda run, step: trained, lambda run, split: pytest.fail("drawing needs no data"))


def assert_same_images(actual, expected):
    """To one level, since programs round differently."""
    np.testing.assert_allclose(np.asarray(actual, int), np.asarray(expected, int), rtol=0, atol=1)


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_seed_has_its_image_whatever_is_drawn_beside_it(trained):
    images = trained([5, 3, 4])
    assert images.shape == (3, HEIGHT, WIDTH, 3) and images.dtype == np.uint8
    assert_same_images(trained([3]), images[1:2])
    assert_same_images(trained.render(trained.styles([5, 3, 4], truncation=0.7), batch=2), images)
    assert np.ptp(images.astype(int), axis=0).max() > 10


def test_classes_take_turns_unless_one_is_given(trained):
    ws = trained.styles(range(2 * CLASSES))
    for label in range(CLASSES):
        chosen = trained.styles(range(2 * CLASSES), label=label)
        same = [np.allclose(a, b, atol=1e-6) for a, b in zip(ws, chosen, strict=True)]
        assert same == [seed % CLASSES == label for seed in range(2 * CLASSES)]


@pytest.mark.parametrize("label", [-1, CLASSES])
def test_no_such_class(trained, label):
    with pytest.raises(ValueError, match=f"expected a label from 0 to 2, found {label}"):
        trained.styles([0], label)


def test_truncation_and_cutoff(trained):
    full, none, low = (trained.styles([0, 1], truncation=t, cutoff=c) for t, c in ((1.0, None), (0.0, None), (0.0, 1)))
    assert full.shape == (2, trained.generator.layers, 6)
    np.testing.assert_array_equal(none, jnp.broadcast_to(trained.state["mapping"]["average"]["w"], full.shape))
    np.testing.assert_array_equal(low[:, :1], none[:, :1])
    np.testing.assert_allclose(low[:, 1:], full[:, 1:], rtol=1e-5)


def test_truncation_and_cutoff_compile_nothing_anew(trained):
    def draw(truncation, cutoff):
        trained([0, 1], truncation=truncation, cutoff=cutoff)
        trained.sampler(np.arange(CLASSES), truncation, 2)(jax.random.key(0))

    draw(1.0, None)
    programs = styles._styles, styles._draw, styles._synthesize
    before = [program._cache_size() for program in programs]
    draw(0.5, 2)
    draw(0, 1)
    assert [program._cache_size() for program in programs] == before


def test_images_to_be_measured(trained):
    labels = np.array([1, 2, 2, 2])
    draw = trained.sampler(labels, batch=32)
    drawn, again, other = (draw(jax.random.key(seed)) for seed in (0, 0, 1))
    assert drawn["image"].shape == (32, HEIGHT, WIDTH, 3) and drawn["image"].dtype == jnp.float32
    assert set(drawn["label"].tolist()) == {1, 2}
    jax.tree.map(np.testing.assert_array_equal, drawn, again)
    assert jnp.abs(drawn["image"] - other["image"]).max() > 0.1
    flat = trained.sampler(labels, truncation=0.0, batch=32)(jax.random.key(0))["image"]
    assert jnp.std(flat, axis=0).mean() < jnp.std(drawn["image"], axis=0).mean()


def test_sample(trained, command, tmp_path, capsys):
    out = tmp_path / "grid.png"
    command["sample"](tmp_path, seeds="0-2,7", columns=2, truncation=0.5, out=out)
    expected = trained([0, 1, 2, 7], truncation=0.5).reshape(2, 2, HEIGHT, WIDTH, 3)
    assert_same_images(read(out), expected.swapaxes(1, 2).reshape(2 * HEIGHT, 2 * WIDTH, 3))
    assert capsys.readouterr().out == f"{out}\n"


def test_interpolate(trained, command, tmp_path):
    out = tmp_path / "walk.webp"
    command["interpolate"](tmp_path, seeds="0-2", frames=4, fps=10, label=1, out=out)
    with Image.open(out) as animation:
        assert (animation.n_frames, animation.size) == (12, (WIDTH, HEIGHT))
        for seed in range(3):
            animation.seek(4 * seed)
            assert_same_images(animation.convert("RGB"), trained([seed], label=1)[0])


def test_mix(trained, command, tmp_path):
    out = tmp_path / "mix.png"
    command["mix"](tmp_path, rows="0-1", columns="5-7", layer=2, out=out)
    cells = read(out).reshape(3, HEIGHT, 4, WIDTH, 3).swapaxes(1, 2)
    assert (cells[0, 0] == 255).all()
    assert_same_images(cells[0, 1:], trained([5, 6, 7]))
    assert_same_images(cells[1:, 0], trained([0, 1]))
    coarse, fine = trained.styles([1], truncation=0.7), trained.styles([6], truncation=0.7)
    assert_same_images(cells[2, 2], trained.render(jnp.concatenate([coarse[:, :2], fine[:, 2:]], axis=1))[0])


def test_export(trained, command, tmp_path):
    out = tmp_path / "generator.jaxexp"
    command["export"](Path("run"), out=out)
    seeds = [3, 4, 5, 9]
    z = jnp.stack([jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (4,)) for seed in seeds])
    images = load_exported(out)(z, jnp.full((4,), 0.7), jnp.asarray(seeds, jnp.int32) % CLASSES)
    assert images.dtype == jnp.float32
    assert_same_images(to_uint8(images), trained(seeds))


@pytest.mark.parametrize(("space", "position"), [("w", "end"), ("z", "full")])
def test_path_lengths_are_measured_by_the_published_distance(trained, space, position, monkeypatch, tmp_path, capsys):
    def squares(params, a, b):
        assert a.shape == (4, HEIGHT, WIDTH, 3)
        return params * jnp.mean((a - b) ** 2, axis=(1, 2, 3))

    asked = []
    monkeypatch.setattr(style_commands, "load_weights", lambda name, path: asked.append((name, path)))
    monkeypatch.setattr(
        style_commands, "perceptual_distance", lambda *_: Distance("squares", squares, jnp.float32(1.0), {"network": "none"})
    )
    source = Source("shapes", trained.shape, 3, lambda i: np.full(trained.shape, i, np.uint8), None)
    command = style_commands.commands(lambda run, step: trained, lambda run, split: source)["path_length"]
    command(tmp_path, space=space, position=position, samples=8, batch=4, epsilon=1e-2, heads="heads.pth")
    result = json.loads((tmp_path / "evaluations.jsonl").read_text())
    assert result["metric"] == "perceptual_path_length" and result["value"] > 0 and result["space"] == space
    assert asked == [("vgg16", None), ("vgg16-lpips", "heads.pth")]
