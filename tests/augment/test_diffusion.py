"""Noise of a diffusion: its steps, its variance, its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.augment import diffusion
from jgan.augment.diffusion import KEPT, apply_noising, draw_noising, draw_steps


def share_up_to(t, longest, chances):
    return t / longest if chances == "uniform" else t * (t + 1) / (longest * (longest + 1))


@pytest.mark.parametrize("chances", ["priority", "uniform"])
@pytest.mark.parametrize("strength, longest", [(0.0, 10), (0.25, 258), (1.0, 1000)])
def test_steps(chances, strength, longest):
    """Half are 0, the others as likely as the paper says, up to a length that follows the strength."""
    t = np.asarray(jax.jit(draw_steps, static_argnums=(1, 3))(jax.random.key(0), 20_000, jnp.float32(strength), chances))
    assert t.dtype == np.int32 and t.max() <= longest and abs(np.mean(t == 0) - 0.5) < 0.02
    drawn = t[t > 0]
    for part in (longest // 5, longest // 2, longest):
        assert np.mean(drawn <= part) == pytest.approx(share_up_to(part, longest, chances), abs=0.02)


def test_variance_of_the_schedule():
    """The products of 1 - beta, with beta from 1e-4 to 2e-2, as of Ho et al. 2020."""
    assert KEPT.shape == (1001,) and KEPT[0] == 1
    assert KEPT[1] == pytest.approx(1 - 1e-4) and KEPT[2] == pytest.approx((1 - 1e-4) * (1 - 1e-4 - 1.99e-2 / 999))
    assert KEPT[1000] == pytest.approx(4e-5, rel=0.05)


def test_noised_images_have_the_mean_and_the_deviation_of_their_step():
    images = jnp.full((256, 16, 16, 1), 0.5)
    drawn = draw_noising(jax.random.key(1), images.shape, 1.0, sigma=0.2)
    noised, scale = apply_noising(images, drawn), np.asarray(drawn.scale)
    np.testing.assert_allclose(noised.mean((1, 2, 3)), 0.5 * scale, atol=0.06)
    np.testing.assert_allclose(noised.std((1, 2, 3)), 0.2 * np.sqrt(1 - scale**2), atol=0.03)
    assert bool((noised == images).all((1, 2, 3))[scale == 1].all())


def test_gradients_flow_through():
    images, key = jnp.ones((8, 4, 4, 3)), jax.random.key(2)
    scale = draw_noising(key, images.shape, 1.0).scale
    gradient = jax.grad(lambda x: diffusion(key, x, 1.0).sum())(images)
    np.testing.assert_array_equal(gradient, jnp.broadcast_to(scale[:, None, None, None], images.shape))
    assert float(scale.min()) < 0.9


def test_integers_are_refused():
    with pytest.raises(ValueError, match=r"expected floating-point images .* found uint8\[2, 4, 4, 3\]"):
        diffusion(jax.random.key(0), jnp.ones((2, 4, 4, 3), jnp.uint8), 1.0)


def test_dtype_is_kept():
    assert diffusion(jax.random.key(0), jnp.ones((2, 4, 4, 3), jnp.bfloat16), 1.0).dtype == jnp.bfloat16
