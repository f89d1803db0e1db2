"""The training of a generator on pairs, with networks of one number."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import losses
from jgan.training.paired import paired
from jgan.types import Network

BATCH = {"input": jnp.ones((4, 2, 2, 1)), "target": jnp.full((4, 2, 2, 1), 3.0)}
RATE = 0.125


def scaling(factor):
    """x -> w x, with w = factor at first."""
    return Network(lambda key, x: (jnp.asarray(factor), {}), lambda w, state, x, key=None, train=False: (w * x, state))


def mean(start):
    """Images [N, H, W, C] -> logits [N], w times the mean of each; it counts its calls in training, and keeps how many channels it saw."""

    def apply(w, state, x, key=None, train=False):
        return w * x.mean(axis=(1, 2, 3)), {"calls": state["calls"] + int(train), "channels": jnp.asarray(x.shape[3])}

    return Network(lambda key, x: (jnp.asarray(start), {"calls": jnp.asarray(0), "channels": jnp.asarray(x.shape[3])}), apply)


def noisy(factor):
    """x -> w (x + noise), with noise of the key, +1 or -1 for an image as a whole and as much for single pixels."""

    def apply(w, state, x, key=None, train=False):
        whole, single = jax.random.rademacher(key, (len(x), 1, 1, 1), x.dtype), jnp.asarray([1.0, -1.0]).reshape(1, 1, 2, 1)
        return w * (x + whole + single * jax.random.rademacher(jax.random.fold_in(key, 1), (), x.dtype)), state

    return Network(lambda key, x: (jnp.asarray(factor), {}), apply)


def played(loss=None, distances=None, generator=None, **settings):
    """The training, its first state and the one after a step, and the metrics."""
    sgd = optax.sgd(RATE)
    training = paired(
        generator or scaling(2.0),
        mean(1.0),
        loss or losses.wasserstein(),
        sgd,
        sgd,
        prepare=lambda key, batch: batch,
        sample=lambda translate, inputs: {"image": translate(inputs["input"])},
        distances={"l1": (1.0, losses.pixel_l1)} if distances is None else distances,
        **settings,
    )
    first = training.init(jax.random.key(0), BATCH)
    return training, first, *jax.jit(training.step)(first, BATCH, jax.random.key(1))


def test_distances_alone_leave_the_discriminator_as_it_is():
    training, first, after, metrics = played(adversarial_weight=0.0)
    assert float(after.generator.params) == 2.0 + RATE  # the gradient of |3 - w| is -1
    jax.tree.map(np.testing.assert_array_equal, after.discriminator, first.discriminator)
    assert {name for name in metrics if "skipped" not in name} == {"generator/loss", "generator/l1", "generator/gradient_norm"}
    assert after.step == 1 and float(training.sample(after, None, BATCH)["image"][0, 0, 0, 0]) == 2.0 + RATE


@pytest.mark.parametrize(("conditional", "channels"), [(True, 2), (False, 1)])
def test_both_players(conditional, channels):
    _, _, after, metrics = played(distances={}, adversarial_weight=0.5, conditional=conditional)
    # The critic gains the difference of the means of target and fake, halved; the generator then follows the new one.
    critic = 1.0 + RATE * (3.0 - 2.0) / channels / 2
    assert float(after.discriminator.params) == critic
    assert float(after.generator.params) == pytest.approx(2.0 + RATE * 0.5 * critic / channels)
    assert after.discriminator.state == {"calls": 2, "channels": channels}
    assert float(metrics["discriminator/real_logits"]) == (2.0 if conditional else 3.0)  # with the input, 1, beside the target


def test_a_weight_of_0_leaves_a_distance_out():
    _, _, _, metrics = played(distances={"l1": (1.0, losses.pixel_l1), "l2": (0.0, losses.pixel_l2)})
    assert "generator/l1" in metrics and "generator/l2" not in metrics


def test_relativistic_losses_get_the_real_logits():
    _, _, _, metrics = played(losses.relativistic_average(losses.non_saturating()), conditional=False)
    assert np.isfinite(float(metrics["generator/adversarial"]))


def test_diversity_is_between_mean_colours_and_raised():
    _, _, after, metrics = played(distances={}, generator=noisy(2.0), adversarial_weight=0.0, diversity_weight=0.5)
    found = float(metrics["generator/diversity"])
    assert found in (0.0, 1.0, 2.0, 3.0, 4.0) and found > 0  # 2 w for each of four images whose noises differ; single pixels cancel
    assert float(after.generator.params) == pytest.approx(2.0 + RATE * 0.5 * found / 2.0)
    assert float(metrics["generator/loss"]) == -0.5 * found
