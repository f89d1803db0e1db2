"""The strength of an augmentation."""

import jax.numpy as jnp
import pytest

from jgan.augment import adaptive_strength

AUGMENT = adaptive_strength(lambda key, x, strength: strength * x, target=0.5, length=100, interval=2)


def steer(signs, value=None):
    value, strengths = AUGMENT.init() if value is None else value, []
    for sign in signs:
        value, record = AUGMENT.update(value, {"discriminator/real_signs": jnp.float32(sign)}, 5)
        strengths.append(float(record["strength"]))
    return value, strengths


def test_it_changes_by_the_mean_sign_of_an_interval():
    assert steer([1, 1, 1, 0.2, 0, 0.9, 0])[1] == pytest.approx([0, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1])  # up, up (0.6), down (0.45)


def test_it_is_what_images_are_augmented_with():
    value, strengths = steer([1, 1])
    assert float(AUGMENT.at(value)(None, jnp.ones(()))) == pytest.approx(strengths[-1]) == pytest.approx(0.1)
