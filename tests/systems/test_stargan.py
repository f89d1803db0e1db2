"""StarGAN with a copy mask in miniature."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play

from jgan import outputs
from jgan.systems.stargan import SYSTEM, Config, ask

TINY = Config(attributes=("glasses", "hat"), resolution=16, batch=4, features=4, blocks=1, layers=3, limit=24, kimg=0.016)


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    of_embedded = dataclasses.replace(SYSTEM.presets[name], attributes=TINY.attributes)
    check_presets(SYSTEM._replace(presets={"tiny": TINY, name: of_embedded}), [name])


def test_half_precision():
    check_presets(SYSTEM._replace(presets={"half": dataclasses.replace(TINY, half=True)}))


def test_what_is_asked_for_and_how_it_is_undone():
    attributes = jnp.asarray(np.random.default_rng(0).integers(0, 2, (2000, 3)), jnp.float32)
    request = ask(jax.random.key(0), attributes, 0.4)
    flipped, named = request.target != attributes, request.change != 0
    np.testing.assert_allclose(jnp.mean(flipped, axis=0), 0.4, atol=0.05)
    np.testing.assert_allclose(jnp.mean(named), 0.4 + 0.6 * 0.5, atol=0.03)
    assert named[flipped].all() and (request.back != 0).tolist() == named.tolist()
    np.testing.assert_array_equal(request.change[named], 2 * request.target[named] - 1)
    np.testing.assert_array_equal(request.back[named], 2 * attributes[named] - 1)


def test_terms():
    _, last, metrics = play(SYSTEM, TINY)
    assert all(np.isfinite(values).all() for values in metrics.values()) and int(last.step) == 3
    weights = {
        "adversarial": 1,
        "attributes": TINY.attribute_weight,
        "reconstruction": TINY.reconstruction_weight,
        "mask": TINY.mask_weight,
    }
    total = sum(weight * metrics[f"generator/{name}"] for name, weight in weights.items())
    np.testing.assert_allclose(metrics["generator/loss"], total, rtol=1e-4)


def test_a_resolution_that_the_discriminator_cannot_halve():
    with pytest.raises(ValueError, match="multiples of 32 pixels for 5 layers of the discriminator, found 16 x 16"):
        play(SYSTEM, dataclasses.replace(TINY, layers=5))


@pytest.mark.slow
def test_system(tmp_path):
    image = tmp_path / "one.png"
    outputs.save(image, {"image": np.zeros((1, 13, 30, 3), np.uint8)}, {"image": outputs.image()})
    arguments = {"edit": [str(image), str(tmp_path / "edited"), "--remove", "glasses", "--add", "hat"]}
    trained = check_system(SYSTEM, TINY, tmp_path, arguments)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = trained.outputs(image=images, change=np.asarray([[-1, 0], [0, 1]], np.float32))
    assert set(found) == {"edited", "with_glasses", "without_glasses", "with_hat", "without_hat"}
    np.testing.assert_array_equal(found["edited"], [found["without_glasses"][0], found["with_hat"][1]])
    np.testing.assert_array_equal(trained(image=images), trained(image=images, change=np.zeros((2, 2), np.float32)))
    assert (tmp_path / "edited" / "one.png").exists()
