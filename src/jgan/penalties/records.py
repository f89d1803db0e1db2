"""Penalties as records that `jgan.training.alternating` plays: each function of this package with a weight and an interval.

A function of (key, critic, real, fake), such as `gradient_penalty`, `lipschitz` or `partial(balanced_consistency, augment=...)`, is one
as it stands: `Penalty(gradient_penalty, 10.0)`. The constructors here take the others, and keep their names, under which they are recorded:

    on_real(r1, 5.0, every=16), on_real(max_gradient), on_fake(r2, 5.0)     functions of (critic, x)
    between(max_gradient), between(gradient_penalty_at, 10.0)              the same, at points between real and generated examples
    around_real(dragan, 10.0), around_fake(partial(consistency, ...))      functions of (key, critic, x)
    on_real_logits(epsilon_drift, 1e-3)                                    functions of logits
    adaptive_lecam(0.3)                                                    with its moving averages

Penalties that move latents are records as they stand, too: `Penalty(latent_consistency)` among alternating's `latent_penalties`,
`Penalty(latent_diversity)`, `Penalty(jacobian_clamp)` and `adaptive_path_length()` among its `generator_penalties`. Constraints on weights
are optax transforms (`clip_weights`, `clip_spectral_norm`, `add_orthogonal`) or wrap a network (`spectrally_normalized`).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jgan.checks import along_rows
from jgan.penalties.outputs import lecam, lecam_anchors, update_lecam_anchors
from jgan.penalties.path import path_lengths
from jgan.types import Adaptive, Array, Penalty


def name_of(function: Callable) -> str:
    """Returns the name under which a penalty is recorded: the function's, the name of what a `functools.partial` calls, or "penalty".

    >>> from functools import partial
    >>> name_of(partial(lecam, anchors=None)), name_of(lambda critic, x: x)
    ('lecam', 'penalty')
    """
    name = getattr(getattr(function, "func", function), "__name__", "penalty")
    return name if name.isidentifier() else "penalty"


def _record(function, called, weight, every) -> Penalty:
    called.__name__ = name_of(function)
    return Penalty(called, weight, every)


def on_real(function: Callable, weight: float | Array = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function (critic, x) -> [N], taken at real examples.

    >>> from jgan.penalties import r1
    >>> penalty = on_real(r1, 5.0, every=16)
    >>> penalty.function(None, lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((1, 2)), jnp.ones((1, 2)))
    Array([25.], dtype=float32)
    """
    return _record(function, lambda key, critic, real, fake: function(critic, real), weight, every)


def on_fake(function: Callable, weight: float | Array = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function (critic, x) -> [N], taken at generated examples.

    >>> on_fake(lambda critic, x: critic(x)).function(None, lambda x: x[:, 0], jnp.zeros((1, 2)), jnp.ones((1, 2)))
    Array([1.], dtype=float32)
    """
    return _record(function, lambda key, critic, real, fake: function(critic, fake), weight, every)


def between(function: Callable, weight: float = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function (critic, x) -> [N], taken at e real + (1 - e) fake with e ~ U[0, 1) per example.

    Gulrajani et al., 2017, algorithm 1, https://arxiv.org/abs/1704.00028.

    >>> between(lambda critic, x: critic(x)).function(jax.random.key(0), lambda x: x[:, 0], jnp.ones((1, 2)), jnp.ones((1, 2)))
    Array([1.], dtype=float32)
    """

    def called(key, critic, real, fake):
        mix = along_rows(jax.random.uniform(key, real.shape[:1], real.dtype), real)
        return function(critic, mix * real + (1.0 - mix) * fake)

    return _record(function, called, weight, every)


def around_real(function: Callable, weight: float = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function (key, critic, x) -> [N], which draws its points around real examples.

    >>> from jgan.penalties import dragan
    >>> penalty = around_real(dragan, 10.0)
    >>> penalty.function(jax.random.key(0), lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((1, 2)), jnp.ones((1, 2)))
    Array([16.], dtype=float32)
    """
    return _record(function, lambda key, critic, real, fake: function(key, critic, real), weight, every)


def around_fake(function: Callable, weight: float = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function (key, critic, x) -> [N], which draws its points around generated examples.

    >>> from functools import partial
    >>> from jgan.penalties import consistency
    >>> penalty = around_fake(partial(consistency, augment=lambda key, x: -x), 10.0)
    >>> penalty.function(jax.random.key(0), lambda x: x[:, 0], jnp.zeros((1, 2)), jnp.ones((1, 2)))
    Array([4.], dtype=float32)
    """
    return _record(function, lambda key, critic, real, fake: function(key, critic, fake), weight, every)


def on_real_logits(function: Callable, weight: float = 1.0, every: int = 1) -> Penalty:
    """Makes a penalty of a function of logits [N] -> [N], taken at those of real examples.

    >>> from jgan.penalties import epsilon_drift
    >>> on_real_logits(epsilon_drift, 1e-3).function(None, lambda x: x[:, 0], jnp.full((1, 2), 3.0), jnp.zeros((1, 2)))
    Array([9.], dtype=float32)
    """
    return _record(function, lambda key, critic, real, fake: function(critic(real)), weight, every)


def adaptive_lecam(weight: float = 1.0, every: int = 1, decay: float = 0.99) -> Adaptive:
    """Makes a penalty of `lecam`, whose anchors alternating carries: they move once per step, by `decay`.

    >>> penalty = adaptive_lecam(0.3)
    >>> logits = {"discriminator/real_logits": jnp.asarray(1.0), "discriminator/fake_logits": jnp.asarray(0.0)}
    >>> penalty.update(penalty.init(), logits, 32)[0].real.round(2)
    Array(0.01, dtype=float32)
    """

    def at(anchors):
        return _record(lecam, lambda key, critic, real, fake: lecam(critic(real), critic(fake), anchors), weight, every)

    def update(anchors, metrics, examples):
        logits = metrics["discriminator/real_logits"], metrics["discriminator/fake_logits"]
        anchors = update_lecam_anchors(anchors, *logits, decay)
        return anchors, {"real": anchors.real, "fake": anchors.fake}

    return Adaptive(lecam_anchors, at, update)


def adaptive_path_length(weight: float = 2.0, every: int = 4, rate: float = 0.01) -> Adaptive:
    """Makes a penalty on a generator z -> images of `path_length`, whose moving average alternating carries: mean + rate (length - mean).

    Karras et al., 2020, section 3.2, https://arxiv.org/abs/1912.04958, whose generator is one of w instead of z.

    >>> penalty = adaptive_path_length()
    >>> float(penalty.update(penalty.init(), {"generator/path_length/length": jnp.asarray(2.0)}, 32)[0])
    0.019999999552965164
    """

    def at(mean):
        def path_length(key, generate, z):
            lengths = path_lengths(key, generate, z)
            return jnp.square(lengths - jax.lax.stop_gradient(mean)), {"length": jnp.mean(lengths)}

        return Penalty(path_length, weight, every)

    def update(mean, metrics, examples):
        mean = mean + rate * (metrics["generator/path_length/length"] - mean)
        return mean, {"mean": mean}

    return Adaptive(lambda: jnp.zeros((), jnp.float32), at, update)
