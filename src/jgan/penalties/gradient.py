"""Penalties on the gradient of a critic with respect to its input.

All take a critic: x [N, ...] -> logits [N], for x of any shape, and return one unweighted, unitless penalty per example, [N], in
float32; all raise ValueError at trace time where the critic returns another shape. Multiply by the paper's weight and take the mean.

Their gradients go forward over reverse: with g = dD/dx, u = df/dg held constant, the gradient of f(g) in the critic's parameters
is the gradient of the derivative of D along u, one order of reverse mode less than differentiating f(g) as it stands. It is exact to first
order, also for x; second derivatives of a penalty are not. A critic made of `jax.custom_vjp` functions needs their forward-mode rule.
For critics that mix examples (batch statistics) g is the gradient of the sum of logits, and gradients are exact for the sum or mean of a
penalty over the batch.
"""

import jax
import jax.numpy as jnp

from jgan.penalties._checks import along_rows, batched_floats, norm, one_logit_each, same_shape, sum_squares
from jgan.types import Array, Key


@jax.custom_jvp
def _gradient_alone(x) -> Array:
    """Return 0 with the derivative of x, also where x itself is beyond the range of half precision."""
    return jnp.zeros_like(x)


_gradient_alone.defjvp(lambda at, along: (jnp.zeros_like(at[0]), along[0]))


def _of_gradient(function, critic, x) -> Array:
    """Return function(dD/dx) per example, where function: [N, ...] -> [N]; forward over reverse (see the top of this file)."""
    batched_floats(x=x)
    logits, pullback = jax.vjp(critic, x)
    one_logit_each(logits, x)
    gradient = jax.lax.stop_gradient(pullback(jnp.ones_like(logits))[0])
    value, value_pullback = jax.vjp(function, gradient)
    direction = jax.lax.stop_gradient(value_pullback(jnp.ones_like(value))[0])
    along = jax.jvp(critic, (x,), (direction,))[1].astype(value.dtype)
    return jax.lax.stop_gradient(value) + _gradient_alone(along)


def r1(critic, real) -> Array:
    """Computes R1: |dD/dx|^2 at real examples, [N].

    Mescheder et al., 2018, eq. 9, https://arxiv.org/abs/1801.04406 (the paper's weight is gamma / 2).

    >>> r1(lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((2, 2)))
    Array([25., 25.], dtype=float32)
    """
    return _of_gradient(sum_squares, critic, real)


def r2(critic, fake) -> Array:
    """Computes R2: |dD/dx|^2 at generated examples, [N]. Give the fakes through stop_gradient where only the discriminator is to learn.

    Mescheder et al., 2018, eq. 10, https://arxiv.org/abs/1801.04406 (the paper's weight is gamma / 2).

    >>> r2(lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((2, 2)))
    Array([25., 25.], dtype=float32)
    """
    return _of_gradient(sum_squares, critic, fake)


def gradient_penalty_at(critic, x, target=1.0, one_sided: bool = False) -> Array:
    """Computes (|dD/dx| - target)^2 at given points x, [N]; one-sided: max(0, |dD/dx| - target)^2.

    Gulrajani et al., 2017, eq. 3, https://arxiv.org/abs/1704.00028; one-sided as in `lipschitz`.

    >>> gradient_penalty_at(lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((2, 2)))
    Array([16., 16.], dtype=float32)
    """

    def distance(gradient):
        excess = norm(gradient) - target
        return jnp.square(jax.nn.relu(excess) if one_sided else excess)

    return _of_gradient(distance, critic, x)


def gradient_penalty(key: Key, critic, real, fake, target=1.0, one_sided: bool = False) -> Array:
    """Computes WGAN-GP: (|dD/dx| - target)^2 at points between real and fake, e * real + (1 - e) * fake with e ~ U[0, 1) per example; [N].

    real and fake: floats [N, ...], TypeError otherwise, of one shape, ValueError otherwise. With target=0 the zero-centred penalty.

    Gulrajani et al., 2017, eq. 3 and algorithm 1, https://arxiv.org/abs/1704.00028 (its weight is 10); zero-centred: Thanh-Tung et
    al., 2019, https://arxiv.org/abs/1902.03984 (0-GP).

    >>> gradient_penalty(jax.random.key(0), lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((2, 2)), jnp.ones((2, 2)))
    Array([16., 16.], dtype=float32)
    """
    batched_floats(real=real, fake=fake)
    same_shape(real=real, fake=fake)
    mix = along_rows(jax.random.uniform(key, real.shape[:1], real.dtype), real)
    return gradient_penalty_at(critic, mix * real + (1.0 - mix) * fake, target, one_sided)


def lipschitz(key: Key, critic, real, fake, target=1.0) -> Array:
    """Computes WGAN-LP: max(0, |dD/dx| - target)^2 at points between real and fake, drawn as in `gradient_penalty`; [N].

    Petzka et al., 2017, https://arxiv.org/abs/1709.08894 (WGAN-LP).

    >>> lipschitz(jax.random.key(0), lambda x: 0.5 * x[:, 0], jnp.zeros((2, 2)), jnp.ones((2, 2)))
    Array([0., 0.], dtype=float32)
    """
    return gradient_penalty(key, critic, real, fake, target, one_sided=True)


def dragan(key: Key, critic, real, scale=0.5, target=1.0) -> Array:
    """Computes DRAGAN: (|dD/dx| - target)^2 at real + d, where d ~ N(0, (scale * std(real))^2) in each component; [N].

    std is over the whole batch, so scale is a fraction of the spread of the data (the paper's constant c is scale * std, squared).

    Kodali et al., 2017, eq. 1, https://arxiv.org/abs/1705.07215.

    >>> dragan(jax.random.key(0), lambda x: x @ jnp.array([3.0, 4.0]), jnp.zeros((2, 2)))
    Array([16., 16.], dtype=float32)
    """
    batched_floats(real=real)
    noise = jax.random.normal(key, real.shape, real.dtype)
    return gradient_penalty_at(critic, real + scale * jnp.std(real) * noise, target)


def max_gradient(critic, x) -> Array:
    """Computes the largest |dD/dx|^2 of the batch, the same for every example, so that the mean over [N] is the penalty.

    Zhou et al., 2019, https://arxiv.org/abs/1902.05687 (Lipschitz GANs, MaxGP), at points between real and fake.

    >>> max_gradient(lambda x: 0.5 * jnp.square(x[:, 0]), jnp.array([[1.0], [3.0]]))
    Array([9., 9.], dtype=float32)
    """

    def largest(gradient):
        squares = sum_squares(gradient)
        return jnp.broadcast_to(jnp.max(squares, axis=0, keepdims=True), squares.shape)

    return _of_gradient(largest, critic, x)
