"""The study of augmentation in miniature: no image is in two parts, generators see their subset alone, and a run writes what it should."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiments.studies import augmentation

from jgan.run.main import study
from jgan.systems import pix2pix, stylegan
from jgan.types import Training

TINY = {"subsets": 2, "seeds": 1, "steps": 2, "batch": 4, "generated": 6, "generator_kimg": 0.008, "generator_batch": 4, "validation": 20}
CELLS = augmentation.Cells(**TINY, data="shapes", resolution=16, per_class=(4,))
PRESETS = {
    "DCGAN": CELLS,
    "StyleGAN2": dataclasses.replace(CELLS, generator="StyleGAN2"),
    "nuclei": augmentation.Nuclei(**TINY, data="shapes", resolution=16, pairs=3),
}
LABELS = np.resize(np.asarray([0, 1, 1, 1, 1, 2], np.int32), 60)


def test_parts():
    parts = augmentation.split(LABELS, 12)
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    assert [np.bincount(LABELS[part]).tolist() for part in parts] == [[3, 12, 3], [2, 8, 2], [5, 20, 5]]


@pytest.mark.parametrize("total, expected", [(30, [5, 20, 5]), (6, [2, 2, 2]), (12, [2, 8, 2]), (11, [2, 7, 2]), (32, [6, 21, 5])])
def test_classes_keep_their_shares(total, expected):
    assert augmentation.proportional(LABELS, total) == expected


def test_too_few_images_for_all_classes():
    with pytest.raises(ValueError, match="expected at least 2 images of each of 3 classes, found 5 in all"):
        augmentation.proportional(LABELS, 5)


def test_images_with_masks_are_moved_alike():
    image = jnp.zeros((5, 16, 16, 3)).at[:, 3:9, 5:8].set(1.0)
    images, masks = augmentation.changed_pairs(jax.random.key(0), image, image[..., :1])
    inside = np.asarray(masks[..., 0] > 0.9)
    assert np.asarray(images)[inside].min() > np.asarray(images)[np.asarray(masks[..., 0] < 0.1)].max()


def test_batches_are_changed_anew_in_every_step():
    seen = Training(None, lambda state, batch, key: (state, batch), None)
    changed = augmentation.learning_from(seen, lambda key, batch: {"x": batch["x"] + jax.random.normal(key, (1,))})
    state = stylegan.State(jnp.int32(0), *[None] * 6)
    first, again, later = (
        changed.step(state._replace(step=jnp.int32(step)), {"x": jnp.zeros(1)}, jax.random.key(0))[1]["x"] for step in (0, 0, 1)
    )
    assert first == again != later


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_run(tmp_path, monkeypatch, name):
    demo = dataclasses.replace(stylegan.PRESETS["shapes"], channel_base=32, channel_max=8, latent_size=64, style_size=8)
    monkeypatch.setitem(stylegan.PRESETS, "shapes", demo)
    monkeypatch.setitem(pix2pix.PRESETS, "nuclei", dataclasses.replace(pix2pix.PRESETS["nuclei"], features=2, patch_layers=2))
    monkeypatch.setattr(augmentation, "SHOWN", 3)
    with jax.numpy_dtype_promotion("standard"):
        study("augmentation", {name: PRESETS[name]}, augmentation.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    ((size, arms),) = ((size, arms) for size, arms in numbers.items() if size != "protocol")
    maker, expected = ("pix2pix", "3 pairs") if name == "nuclei" else (name, "4 per class (")
    assert f"classic + {maker}" in arms and np.shape(arms["classic"]["test"]) == (2, 1) and size.startswith(expected)
    assert {path.name for path in (tmp_path / "run").glob("*.*")} >= {"table.md", "gains.png", "results.json"}
