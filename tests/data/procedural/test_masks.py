"""Free-form masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.data.procedural import masks


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 80)])
@pytest.mark.parametrize("area", [(0.15, 0.4), (0.3, 0.3), (0.05, 0.9)])
def test_the_share_of_the_area_is_kept(height, width, area):
    found = np.stack([masks.free_form(masks.draws(i), height, width, area) for i in range(20)])
    shares = found.mean(axis=(1, 2))
    assert found.dtype == bool and (shares > area[0] - 0.01).all() and (shares < area[1] + 0.01).all()
    assert shares.std() > (area[1] - area[0]) / 8
    assert found.any(axis=0).mean() > 0.9  # holes are everywhere


def test_jax_draws_what_numpy_draws():
    uniforms = np.stack([masks.draws(i) for i in range(10)])
    drawn = jax.jit(jax.vmap(lambda u: masks.free_form(u, 40, 32)))(jnp.asarray(uniforms))
    expected = np.stack([masks.free_form(u, 40, 32) for u in uniforms])
    assert (np.asarray(drawn) != expected).mean() < 1e-3  # but for pixels whose centre lies on an edge


def test_a_mask_is_a_function_of_index_and_seed():
    source, again, other = (masks.open_masks(9, 24, 16, seed=seed) for seed in (0, 0, 1))
    first = source.read(4)["mask"]
    assert first.shape == (24, 16, 1) and first.dtype == np.uint8 and set(np.unique(first)) == {0, 255}
    np.testing.assert_array_equal(first, again.read(4)["mask"])
    assert (first != source.read(5)["mask"]).any() and (first != other.read(4)["mask"]).any()
    with pytest.raises(IndexError):
        source.read(9)


def test_raw_draws_are_kept():
    np.testing.assert_allclose(masks.draws(3)[:3], [0.4751591, 0.4879217, 0.5552486], atol=1e-7)


def test_scale_changes_the_grain_and_not_the_form():
    small, large = (masks.free_form(masks.draws(2), side, side) for side in (32, 128))
    blocks = large.reshape(32, 4, 32, 4).mean(axis=(1, 3))
    assert np.abs(blocks - small).mean() < 0.05


@pytest.mark.parametrize("area", [(0.0, 0.4), (0.4, 0.2), (0.5, 1.0)])
def test_wrong_shares(area):
    with pytest.raises(ValueError, match="expected two shares of the area"):
        masks.open_masks(3, 16, 16, area)
