"""CycleGAN in miniature."""

import dataclasses

import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play

from jgan import outputs
from jgan.systems.cyclegan import SYSTEM, Config

TINY = Config(resolution=16, jitter=0, batch=2, features=2, blocks=1, patch_layers=2, pool=3, kimg=0.008, limit=20)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_half_precision():
    check_presets(SYSTEM._replace(presets={"half": dataclasses.replace(TINY, half=True)}))


def test_terms_and_pools():
    _, last, metrics = play(SYSTEM, TINY)
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert {way: int(pool.filled) for way, pool in last.pools.items()} == {"forward": 3, "backward": 3}
    weights = {"adversarial": 1, "cycle": TINY.cycle_weight, "identity": TINY.identity_weight}
    total = sum(w * metrics[f"generator/{way}/{name}"] for name, w in weights.items() for way in ("forward", "backward"))
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-4)


def test_the_length_may_not_change_since_the_learning_rate_depends_on_it():
    from jgan.run.settings import changeable_fields

    assert "kimg" not in changeable_fields(Config) and "score_kimg" in changeable_fields(Config)


@pytest.mark.slow
def test_system(tmp_path):
    image = tmp_path / "one.png"
    outputs.save(image, {"image": np.zeros((1, 13, 30, 3), np.uint8)}, {"image": outputs.image()})
    arguments = {"translate": [str(image), str(tmp_path / "translated"), "--direction", "backward"], "evaluate": [], "evaluate_pairs": []}
    trained = check_system(SYSTEM, TINY, tmp_path, arguments, skip=())
    images = np.random.default_rng(0).integers(0, 256, (2, 13, 30, 3), np.uint8)
    there, back = trained(input=images), trained(target=images)
    assert there.shape == images.shape and (there != back).any()
    with pytest.raises(ValueError, match="expected the input input, target, found none"):
        trained([1])
    with pytest.raises(ValueError, match=r"expected input as \[N, 16, 16, 3\]"):
        trained(input=images[..., :1])
