"""Values that follow the training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses, penalties
from jgan.augment import adaptive_strength
from jgan.training import adaptive

PARTS = {
    "loss": losses.adaptive_boundary_equilibrium(rate=0.1),
    "penalties": {"lecam": penalties.adaptive_lecam(decay=0.5)},
    "augment": adaptive_strength(lambda key, x, strength: strength * x, length=10, interval=1),
    "plain": losses.hinge(),
}


def metrics(real, fake, signs):
    names = ("discriminator/real_logits", "discriminator/fake_logits", "discriminator/real_signs")
    return {name: jnp.float32(x) for name, x in zip(names, (real, fake, signs), strict=True)}


def test_parts_follow_the_metrics():
    values = adaptive.begin(PARTS)
    assert sorted(values) == ["augment", "lecam", "loss"]
    values, record = adaptive.follow(PARTS, values, metrics(4.0, 1.0, 1.0), 2)
    expected = {"loss/balance": 0.1, "loss/convergence": 5.0, "lecam/real": 2.0, "lecam/fake": 0.5, "augment/strength": 0.2}
    assert record.keys() == expected.keys()
    assert {name: float(x) for name, x in record.items()} == pytest.approx(expected)
    now = adaptive.current(PARTS, values)
    np.testing.assert_allclose(now["loss"].discriminator(jnp.ones(1), jnp.ones(1)), 0.9, rtol=1e-6)
    np.testing.assert_allclose(now["augment"](None, jnp.ones(1)), 0.2, rtol=1e-6)
    found = now["penalties"]["lecam"].function(None, lambda x: x, jnp.full(1, 2.0), jnp.full(1, 1.0))
    np.testing.assert_allclose(found, 1.5**2 + 1.0**2, rtol=1e-6)
    assert now["plain"] is PARTS["plain"] or now["plain"] == PARTS["plain"]


def test_values_keep_their_precision(double_precision):
    values = adaptive.begin(PARTS)
    wider = {name: x.astype(jnp.float64) for name, x in metrics(4.0, 1.0, 1.0).items()}
    with jax.numpy_dtype_promotion("standard"):
        after, _ = adaptive.follow(PARTS, values, wider, 2)
    assert jax.tree.map(lambda x: x.dtype, after) == jax.tree.map(lambda x: x.dtype, values)


def test_a_value_is_kept_where_its_next_one_is_not_finite():
    values, _ = adaptive.follow(PARTS, adaptive.begin(PARTS), metrics(4.0, 1.0, 1.0), 2)
    after, _ = adaptive.follow(PARTS, values, metrics(np.nan, 1.0, np.nan), 2)
    assert float(after["loss"]) == float(values["loss"]) and after["lecam"] == values["lecam"] and after["augment"] == values["augment"]
