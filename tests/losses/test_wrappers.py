"""Wrappers of adversarial losses."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses


def draw(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_smoothing_gives_the_gradients_of_smoothed_targets():
    real, fake = draw((5,)), draw((5,), 1)
    smoothed = losses.one_sided_label_smoothing(losses.least_squares(), 0.2)
    target = losses.least_squares(b=0.8)  # 0.8 (r - 1)^2 + 0.2 r^2 is (r - 0.8)^2 up to a constant
    for argument in (0, 1):
        slopes = [
            jax.grad(lambda r, f, loss=loss: jnp.sum(loss.discriminator(r, f)), argnums=argument)(real, fake) for loss in (smoothed, target)
        ]
        np.testing.assert_allclose(*slopes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_is_a_fraction(smoothing):
    with pytest.raises(ValueError, match=f"found {smoothing}"):
        losses.one_sided_label_smoothing(losses.hinge(), smoothing)


def test_weights_scale_whole_examples():
    weights = jnp.array([0.0, 1.0, 3.0])
    fake = draw((3, 2, 2, 1))
    weighted = losses.instance_weights(losses.hinge(), weights).generator(None, fake)
    np.testing.assert_allclose(weighted, np.array([0.0, 1.0, 3.0]).reshape(3, 1, 1, 1) * -np.asarray(fake), rtol=1e-6)
    with pytest.raises(ValueError, match=r"weights of shape \(4,\), found \(3,\)"):
        losses.instance_weights(losses.hinge(), weights).generator(None, draw((4,)))


def test_scales_are_averaged_over_patches_and_added():
    real, fake = [draw((3, 4, 4, 1)), draw((3, 2, 2, 1))], [draw((3, 4, 4, 1), 1), draw((3, 2, 2, 1), 1)]
    loss = losses.hinge()
    expected = sum(np.mean(loss.discriminator(r, f), axis=(1, 2, 3)) for r, f in zip(real, fake, strict=True))
    np.testing.assert_allclose(losses.multi_scale(loss).discriminator(real, fake), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="1 real and 2 fake"):
        losses.multi_scale(loss).discriminator(real[:1], fake)


def test_information_is_of_generated_examples_alone():
    loss, real, fake, log_q = losses.multi_scale(losses.hinge()), [draw((3,))], [draw((3,), 1)], -jnp.abs(draw((3,), 2))
    for bound in (draw((3,), 3), draw((3,), 4)):
        found = losses.informed(loss, 0.5).discriminator([*real, bound], [*fake, log_q])
        np.testing.assert_allclose(found, loss.discriminator(real, fake) - 0.5 * log_q, rtol=1e-6)
    np.testing.assert_allclose(losses.informed(loss).generator(None, [*fake, log_q]), loss.generator(None, fake) - log_q, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_mean_is_that_of_the_best(k):
    fake = draw((5,))
    for bound in (k, jnp.int32(k)):  # a traced k may be annealed
        result = jax.jit(lambda fake, bound=bound: losses.top_k(losses.non_saturating(), bound).generator(None, fake))(fake)
        best = np.sort(np.asarray(fake))[-k:]
        np.testing.assert_allclose(np.mean(result), np.mean(np.logaddexp(0.0, -best)), rtol=1e-5)


def test_top_k_ranks_patches_by_their_mean_and_ties_count_once():
    fake = jnp.stack([jnp.full((2, 2, 1), value) for value in (1.0, 1.0, -2.0)])
    kept = losses.top_k(losses.wasserstein(), 1).generator(None, fake)
    assert np.count_nonzero(np.asarray(kept).any(axis=(1, 2, 3))) == 1
    for k in (4, np.int64(4), jnp.int32(4)):
        with pytest.raises(ValueError, match=r"k in 1\.\.3 .* found 4"):
            losses.top_k(losses.wasserstein(), k).generator(None, fake)


def test_matching_aware_counts_mismatched_pairs_as_fake():
    real, fake, mismatched = draw((4,)), draw((4,), 1), draw((4,), 2)
    result = losses.matching_aware(losses.non_saturating()).discriminator(real, fake, mismatched)
    r, f, m = map(np.asarray, (real, fake, mismatched))
    np.testing.assert_allclose(result, np.logaddexp(0, -r) + 0.5 * (np.logaddexp(0, f) + np.logaddexp(0, m)), rtol=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        losses.matching_aware(losses.hinge()).discriminator(real, fake, mismatched[:2])


WRAPPERS = {
    "one_sided_label_smoothing": losses.one_sided_label_smoothing,
    "instance_weights": lambda loss: losses.instance_weights(loss, jnp.ones(4)),
    "multi_scale": losses.multi_scale,
    "informed": losses.informed,
    "top_k": lambda loss: losses.top_k(loss, 2),
    "matching_aware": losses.matching_aware,
    "relativistic_average": losses.relativistic_average,
}
KINDS = {  # name: (the loss, what wraps it)
    "relativistic loss": (losses.relativistic(), {"instance_weights", "multi_scale", "informed", "top_k", "matching_aware"}),
    "matching-aware loss": (losses.matching_aware(losses.hinge()), {"top_k"}),
    "loss of lists": (losses.multi_scale(losses.hinge()), {"instance_weights", "multi_scale", "informed"}),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_nest_is_refused_when_it_is_made(kind, wrapper):
    loss, wrapped_by = KINDS[kind]
    refused = pytest.raises(ValueError, match=f"that {wrapper} can wrap, found a {kind}")
    with contextlib.nullcontext() if wrapper in wrapped_by else refused:
        WRAPPERS[wrapper](loss)


def test_wrappers_nest():
    loss = losses.instance_weights(losses.top_k(losses.one_sided_label_smoothing(losses.hinge()), 2), jnp.ones(4))
    result = losses.multi_scale(loss).generator(None, [draw((4, 2, 2, 1)), draw((4,))])
    assert result.shape == (4,) and jnp.all(jnp.isfinite(result))
