"""Adversarial losses: values, gradients, invariances, the sign of the generator's gradient, precision and errors, over one table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jgan import losses

LOG2 = np.log(2.0)
DIVERGENCES = ["kullback_leibler", "reverse_kullback_leibler", "pearson", "squared_hellinger", "jensen_shannon", "total_variation"]


def softplus(x):
    return np.logaddexp(0.0, x)


def relu(x):
    return np.maximum(x, 0.0)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def average_least_squares(r, f):
    return (r - f.mean() - 1.0) ** 2 + (f - r.mean()) ** 2


def contrast(r, f):
    above, below = np.exp(f[None, :] - r[:, None]).sum(axis=1), np.exp(f[:, None] - r[None, :]).sum(axis=1)
    return np.log1p(above) + np.log1p(below)


# name -> (loss, discriminator in numpy, generator in numpy)
TABLE = {
    "minimax": (losses.minimax(), lambda r, f: softplus(-r) + softplus(f), lambda r, f: np.log(1.0 - sigmoid(f))),
    "non_saturating": (losses.non_saturating(), lambda r, f: softplus(-r) + softplus(f), lambda r, f: -np.log(sigmoid(f))),
    "least_squares": (losses.least_squares(), lambda r, f: (r - 1.0) ** 2 + f**2, lambda r, f: (f - 1.0) ** 2),
    "least_squares_abc": (
        losses.least_squares(-1.0, 1.0, 0.5, scale=0.5),
        lambda r, f: 0.5 * (r - 1.0) ** 2 + 0.5 * (f + 1.0) ** 2,
        lambda r, f: 0.5 * (f - 0.5) ** 2,
    ),
    "wasserstein": (losses.wasserstein(), lambda r, f: f - r, lambda r, f: -f),
    "hinge": (losses.hinge(), lambda r, f: relu(1.0 - r) + relu(1.0 + f), lambda r, f: -f),
    "relativistic": (losses.relativistic(), lambda r, f: softplus(f - r), lambda r, f: softplus(r - f)),
    "relativistic_average": (
        losses.relativistic_average(losses.least_squares()),
        average_least_squares,
        lambda r, f: average_least_squares(f, r),
    ),
    "dual_contrastive": (losses.dual_contrastive(), contrast, lambda r, f: -contrast(r, f)),
    "kullback_leibler": (losses.f_divergence("kullback_leibler"), lambda r, f: -r + np.exp(f - 1.0), lambda r, f: -f),
    "reverse_kullback_leibler": (
        losses.f_divergence("reverse_kullback_leibler"),
        lambda r, f: np.exp(-r) - 1.0 - np.log(np.exp(-f)),
        lambda r, f: np.exp(-f),
    ),
    "pearson": (losses.f_divergence("pearson"), lambda r, f: -r + 0.25 * f**2 + f, lambda r, f: -f),
    "squared_hellinger": (
        losses.f_divergence("squared_hellinger"),
        lambda r, f: np.exp(-r) - 1.0 + (1.0 - np.exp(-f)) / np.exp(-f),
        lambda r, f: np.exp(-f) - 1.0,
    ),
    "jensen_shannon": (
        losses.f_divergence("jensen_shannon"),
        lambda r, f: softplus(-r) - LOG2 - np.log(2.0 - 2.0 * sigmoid(f)),
        lambda r, f: softplus(-f) - LOG2,
    ),
    "total_variation": (
        losses.f_divergence("total_variation"),
        lambda r, f: 0.5 * np.tanh(f) - 0.5 * np.tanh(r),
        lambda r, f: -0.5 * np.tanh(f),
    ),
    "energy_based": (losses.energy_based(margin=1.5), lambda r, f: r + relu(1.5 - f), lambda r, f: f),
    "boundary_equilibrium": (losses.boundary_equilibrium().loss(0.3), lambda r, f: r - 0.3 * f, lambda r, f: f),
    "smoothed": (
        losses.one_sided_label_smoothing(losses.non_saturating(), 0.1),
        lambda r, f: 0.9 * softplus(-r) + 0.1 * softplus(r) + softplus(f),
        lambda r, f: softplus(-f),
    ),
    "weighted": (
        losses.instance_weights(losses.wasserstein(), jnp.linspace(0.5, 2.0, 6)),
        lambda r, f: np.linspace(0.5, 2.0, 6) * (f - r),
        lambda r, f: np.linspace(0.5, 2.0, 6) * -f,
    ),
    "top_k": (
        losses.top_k(losses.non_saturating(), 2),
        lambda r, f: softplus(-r) + softplus(f),
        lambda r, f: 3.0 * softplus(-f) * (f >= np.sort(f)[-2]),
    ),
}
COMPARING = {"relativistic", "relativistic_average", "dual_contrastive"}
ENERGIES = {"energy_based", "boundary_equilibrium"}
SHIFT_INVARIANT = ["relativistic", "relativistic_average", "dual_contrastive", "wasserstein"]

every_loss = pytest.mark.parametrize("name", TABLE)


def draw_logits(shape=(6,), dtype=np.float32):
    random = np.random.default_rng(0)
    return random.normal(size=shape).astype(dtype), random.normal(size=shape).astype(dtype)


def both_sides(loss):
    """Of the discriminator and of the generator, as one program."""
    return jax.jit(lambda real, fake: (loss.discriminator(real, fake), loss.generator(real, fake)))


@every_loss
def test_values_follow_the_formula(name):
    loss, discriminator, generator = TABLE[name]
    real, fake = draw_logits(dtype=np.float64)
    single = jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32)
    of_discriminator, of_generator = both_sides(loss)(*single)
    np.testing.assert_allclose(of_discriminator, discriminator(real, fake), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(of_generator, generator(real, fake), rtol=2e-5, atol=1e-6)


@every_loss
def test_derivatives(name, double_precision):
    loss = TABLE[name][0]
    logits = tuple(map(jnp.asarray, draw_logits(dtype=np.float64)))
    check_grads(both_sides(loss), logits, order=1, modes=["fwd", "rev"], rtol=1e-5, atol=1e-5)


@every_loss
def test_generator_is_pulled_towards_what_the_discriminator_takes_for_real(name):
    loss = TABLE[name][0]
    real, fake = draw_logits()
    real, fake = np.abs(real) + 1.0, -np.abs(fake)  # fakes are found out
    slope = np.asarray(jax.jit(jax.grad(lambda fake, real: jnp.sum(loss.generator(real, fake))))(fake, real))
    signs = np.sign(slope)[slope != 0]
    assert len(signs) >= 2 and np.all(signs == (1 if name in ENERGIES else -1))


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_common_shift_changes_nothing(name):
    loss = TABLE[name][0]
    real, fake = map(jnp.asarray, draw_logits())
    np.testing.assert_allclose(loss.discriminator(real + 5.0, fake + 5.0), loss.discriminator(real, fake), atol=2e-5)
    difference = loss.generator(real + 5.0, fake + 5.0) - loss.generator(real, fake)
    expected = -5.0 if name == "wasserstein" else 0.0  # a constant of the generator's side
    np.testing.assert_allclose(difference, expected, atol=2e-5)


@every_loss
@pytest.mark.parametrize("shape", [(6,), (6, 3, 5, 1)])
def test_half_precision_logits_of_any_shape_give_float32(name, shape):
    loss = TABLE[name][0]
    real, fake = (jnp.asarray(logits, jnp.bfloat16) for logits in draw_logits(shape))
    results, exact = both_sides(loss)(real, fake), both_sides(loss)(real.astype(jnp.float32), fake.astype(jnp.float32))
    for result, expected in zip(results, exact, strict=True):
        assert result.shape == shape and result.dtype == jnp.float32
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@every_loss
def test_extreme_logits_stay_finite(name):
    loss = TABLE[name][0]
    big = np.full((6,), 60.0, np.float32)
    values_and_slopes = jax.jit(
        lambda real, fake: [jax.value_and_grad(lambda x, side=side: jnp.sum(side(real, x)))(fake) for side in loss[:2]]
    )
    for real, fake in [(big, -big), (-big, big)]:
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(values_and_slopes(real, fake)))


@every_loss
def test_real_logits_may_be_none_where_the_generator_ignores_them(name):
    loss = TABLE[name][0]
    real, fake = map(jnp.asarray, draw_logits())
    if name in COMPARING:
        with pytest.raises(ValueError, match="found None"):
            loss.generator(None, fake)
    else:
        np.testing.assert_array_equal(loss.generator(None, fake), loss.generator(real, fake))


@every_loss
def test_unequal_shapes_are_refused(name):
    loss = TABLE[name][0]
    for side in loss[:2]:
        with pytest.raises(ValueError, match=r"one shape, found .*\(6,\).*\(6, 1\)"):
            jax.eval_shape(side, jnp.zeros((6,)), jnp.zeros((6, 1)))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_f_divergence_bound_is_tight_at_the_optimum(name, double_precision):
    """Minus the least discriminator loss is the divergence: between two categorical distributions, against the closed form."""
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.25, 0.35])
    closed = {
        "kullback_leibler": np.sum(p * np.log(p / q)),
        "reverse_kullback_leibler": np.sum(q * np.log(q / p)),
        "pearson": np.sum((p - q) ** 2 / q),
        "squared_hellinger": np.sum((np.sqrt(p) - np.sqrt(q)) ** 2),
        "jensen_shannon": np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))),
        "total_variation": 0.5 * np.sum(np.abs(p - q)),
    }[name]
    loss = losses.f_divergence(name)

    def objective(v):
        return jnp.sum(p * loss.discriminator(v, jnp.zeros(3)) + q * loss.discriminator(jnp.zeros(3), v))

    @jax.jit
    def bound():
        offset = loss.discriminator(jnp.zeros(1), jnp.zeros(1))[0]  # counted once too often in the objective
        rate = 4.0 if name == "total_variation" else 0.5
        v = jax.lax.fori_loop(0, 3000, lambda _, v: v - rate * jax.grad(objective)(v), jnp.ones(3))
        return offset - objective(v)

    np.testing.assert_allclose(bound(), closed, atol=2e-3)


def test_unknown_divergence_is_refused():
    with pytest.raises(ValueError, match="found 'js'"):
        losses.f_divergence("js")


def test_boundary_equilibrium_keeps_the_ratio_of_energies():
    game = losses.boundary_equilibrium(gamma=0.5, rate=0.1)
    k, convergence = game.update(game.init(), jnp.array([2.0, 4.0]), jnp.array([1.0, 0.0]))
    np.testing.assert_allclose([k, convergence], [0.1, 4.0], rtol=1e-6)
    assert game.update(k, jnp.zeros(2), jnp.full(2, 100.0))[0] == 0.0
    with pytest.raises(ValueError, match=r"gamma in \[0, 1\], found 2"):
        losses.boundary_equilibrium(gamma=2.0)
