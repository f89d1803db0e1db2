"""Every adversarial loss with every penalty for two steps, all in one program: the loss by number, the penalty by its weight."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import losses, penalties
from jgan.penalties import around_fake, around_real, between, on_fake, on_real, on_real_logits
from jgan.training import alternating
from jgan.training.two_players import named
from jgan.types import Adaptive, AdversarialLoss, Network, Penalty

N, LATENT, SHAPE, HIDDEN = 4, 2, (2, 2, 1), 5
EQUILIBRIUM = losses.adaptive_boundary_equilibrium()
DIVERGENCES = ["kullback_leibler", "reverse_kullback_leibler", "pearson", "squared_hellinger", "jensen_shannon", "total_variation"]
LOSSES = {
    "minimax": losses.minimax(),
    "non_saturating": losses.non_saturating(),
    "least_squares": losses.least_squares(),
    "wasserstein": losses.wasserstein(),
    "hinge": losses.hinge(),
    "relativistic": losses.relativistic(),
    "relativistic_average": losses.relativistic_average(losses.hinge()),
    "dual_contrastive": losses.dual_contrastive(),
    **{f"f_divergence {name}": losses.f_divergence(name) for name in DIVERGENCES},
    "energy_based": losses.energy_based(),
    "adaptive_boundary_equilibrium": EQUILIBRIUM,
    "one_sided_label_smoothing": losses.one_sided_label_smoothing(losses.hinge()),
    "instance_weights": losses.instance_weights(losses.hinge(), np.arange(1.0, N + 1, dtype=np.float32)),
    "top_k": losses.top_k(losses.relativistic(), 2),
}


def flip(key, x):
    return x[:, ::-1]


PENALTIES = {  # name: weight -> a penalty of the discriminator
    "r1": lambda w: on_real(penalties.r1, w),
    "r2": lambda w: on_fake(penalties.r2, w),
    "gradient_penalty": lambda w: Penalty(penalties.gradient_penalty, w),
    "gradient_penalty_at": lambda w: between(penalties.gradient_penalty_at, w),
    "lipschitz": lambda w: Penalty(functools.partial(penalties.lipschitz, target=0.01), w),
    "dragan": lambda w: around_real(penalties.dragan, w),
    "max_gradient": lambda w: between(penalties.max_gradient, w),
    "consistency": lambda w: around_real(functools.partial(penalties.consistency, augment=flip), w),
    "consistency_2": lambda w: around_fake(functools.partial(penalties.consistency, augment=flip), w),
    "balanced_consistency": lambda w: Penalty(functools.partial(penalties.balanced_consistency, augment=flip), w),
    "epsilon_drift": lambda w: on_real_logits(penalties.epsilon_drift, w),
    "lecam": penalties.adaptive_lecam,
}
LATENT_PENALTIES = {"latent_consistency": lambda w: Penalty(functools.partial(penalties.latent_consistency, scale=1.0), w)}
GENERATOR_PENALTIES = {
    "latent_diversity": lambda w: Penalty(penalties.latent_diversity, w),
    "jacobian_clamp": lambda w: Penalty(penalties.jacobian_clamp, w),
    "mode_seeking": lambda w: Penalty(penalties.mode_seeking, w),
    "diversity_sensitive": lambda w: Penalty(functools.partial(penalties.diversity_sensitive, bound=1.0), w),
    "path_length": lambda w: penalties.adaptive_path_length(w, every=1),
}
GROUPS = (PENALTIES, LATENT_PENALTIES, GENERATOR_PENALTIES)
ALL = [name for group in GROUPS for name in group]
CONSTRUCTORS = {"adaptive_lecam", "adaptive_path_length", "around_fake", "around_real", "between", "on_fake", "on_real", "on_real_logits"}
OF_WEIGHTS = {"add_orthogonal", "clip_spectral_norm", "clip_weights", "orthogonal", "spectral_normalization", "spectrally_normalized"}
OF_OTHERS = {"LecamAnchors", "SpectralNormalization", "lecam_anchors", "update_lecam_anchors"}
OF_OTHERS |= {"path_lengths", "path_lengths_along", "alikeness"}
INSIDE_NETWORKS = {"kl_to_normal"}


def perceptron(sizes, shape, spectrum=0.7) -> Network:
    def init(key, x):
        pairs = zip(jax.random.split(key, len(sizes) - 1), sizes[:-1], sizes[1:], strict=True)
        return [spectrum * jax.random.normal(k, (n, m)) for k, n, m in pairs], {}

    def apply(params, state, x, key=None, train=False):
        x = x.reshape(N, -1)
        for matrix in params[:-1]:
            x = jnp.tanh(x @ matrix)
        return (x @ params[-1]).reshape(N, *shape), state

    return Network(init, apply)


GENERATOR, DISCRIMINATOR = perceptron((LATENT, HIDDEN, 4), SHAPE), perceptron((4, HIDDEN, 1), ())


def pick(number) -> Adaptive:
    """The loss of this number, a traced integer."""

    def at(balance):
        chosen = [loss.at(balance) if isinstance(loss, Adaptive) else loss for loss in LOSSES.values()]
        sides = [loss.discriminator for loss in chosen], [loss.generator for loss in chosen]
        return AdversarialLoss(*(functools.partial(jax.lax.switch, number, side) for side in sides), relativistic=True)

    return EQUILIBRIUM._replace(at=at)


@functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
def play_all(numbers, weights):
    """Two steps for every pair of a number of a loss and weights of all penalties: parameters of both players, and metrics."""

    def play(pair):
        number, weights = pair
        weight = dict(zip(ALL, weights, strict=True))
        of_groups = [[make(weight[name]) for name, make in group.items()] for group in GROUPS]
        sgd = optax.sgd(0.05)
        settings = dict(zip(("penalties", "latent_penalties", "generator_penalties"), of_groups, strict=True))
        training = alternating(GENERATOR, DISCRIMINATOR, pick(number), sgd, sgd, latent_size=LATENT, **settings)
        key, batch = jax.random.key(1), {"image": jax.random.uniform(jax.random.key(0), (N, *SHAPE), minval=-1.0)}
        first = training.init(key, batch)
        state, before = training.step(first, batch, key)
        state, after = training.step(state, batch, key)
        flat = [jnp.concatenate([x.ravel() for x in jax.tree.leaves(player.params)]) for player in (state.discriminator, state.generator)]
        started = [jnp.concatenate([x.ravel() for x in jax.tree.leaves(p.params)]) for p in (first.discriminator, first.generator)]
        return started, flat, jax.tree.map(lambda *x: jnp.stack(x), before, after)

    return jax.lax.map(play, (numbers, weights))


@functools.cache
def table():
    """(loss, penalty or None) -> parameters before and after and metrics."""
    rows = [(loss, penalty) for loss in LOSSES for penalty in (None, *ALL)]
    numbers = jnp.asarray([list(LOSSES).index(loss) for loss, _ in rows])
    weights = jnp.asarray([[float(name == penalty) for name in ALL] for _, penalty in rows])
    found = jax.device_get(play_all(numbers, weights))
    return {row: jax.tree.map(lambda x, i=i: x[i], found) for i, row in enumerate(rows)}


@pytest.mark.parametrize("penalty", ALL)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_every_penalty(loss, penalty):
    started, params, metrics = table()[loss, penalty]
    assert all(np.isfinite(x).all() for x in (*params, *metrics.values()))
    assert metrics["discriminator/skipped"].max() == metrics["generator/skipped"].max() == 0
    assert all(np.any(a != b) for a, b in zip(started, params, strict=True))
    player = "generator" if penalty in GENERATOR_PENALTIES else "discriminator"
    without = table()[loss, None]
    assert f"{player}/{penalty}" in metrics
    which = int(penalty in GENERATOR_PENALTIES)
    assert np.any(params[which] != without[1][which])  # the penalty moves the player it is of


def test_the_table_is_complete():
    parts = {"adversarial", "comparing", "divergence", "energy", "wrappers"}
    made = {name for name in losses.__all__ if getattr(losses, name).__module__.rpartition(".")[2] in parts}
    # The last three are in test_alternating and in the system that they belong to.
    elsewhere = {"BoundaryEquilibrium", "boundary_equilibrium", "multi_scale", "matching_aware", "informed"}
    assert {name.split()[0] for name in LOSSES} == made - elsewhere
    assert set(penalties.__all__) - CONSTRUCTORS - OF_WEIGHTS - OF_OTHERS - INSIDE_NETWORKS == set(ALL) - {"consistency_2"}


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_say_whether_the_generator_needs_real_logits(loss):
    chosen, logits = LOSSES[loss], jnp.ones((N,))
    chosen = chosen.at(chosen.init()) if isinstance(chosen, Adaptive) else chosen
    if chosen.relativistic:
        with pytest.raises(ValueError, match="found None"):
            chosen.generator(None, logits)
    else:
        assert chosen.generator(None, logits).shape == (N,)


def test_names_are_those_of_the_functions():
    def skipped(key, critic, real, fake):
        return real

    groups = [on_real(penalties.r1), on_fake(penalties.r1), Penalty(lambda *_: 0.0), Penalty(skipped)], [penalties.adaptive_lecam()]
    assert [list(group) for group in named(*groups)] == [["r1", "r1_2", "penalty", "skipped_2"], ["lecam"]]
