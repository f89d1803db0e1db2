"""What systems that translate images share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.systems._translation import augmented

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 18, 18, 3), np.uint8)


@pytest.mark.parametrize(("scale", "size"), [(1, 16), (2, 32), (4, 64)])
def test_both_images_are_cropped_and_mirrored_alike(scale, size):
    batch = {"input": jnp.asarray(IMAGES), "target": jnp.asarray(255 - IMAGES.repeat(scale, axis=1).repeat(scale, axis=2))}
    found = jax.jit(lambda key: augmented(key, batch, size, True))(jax.random.key(0))
    assert found["input"].shape == (8, 16, 16, 3) and found["target"].shape == (8, size, size, 3)
    np.testing.assert_allclose(found["input"], -found["target"][:, ::scale, ::scale], atol=1e-6)
    corners = {tuple(row) for row in np.asarray(found["input"][:, 0, 0]).tolist()}
    assert len(corners) == len(IMAGES)


def test_images_are_not_mirrored_unless_wanted():
    batch = {"input": IMAGES, "target": IMAGES}
    found = augmented(jax.random.key(0), batch, 18, False)["input"]
    np.testing.assert_allclose(found, IMAGES / 127.5 - 1, atol=1e-6)
