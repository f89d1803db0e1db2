"""Bias, activation, gain and clamp in one function, so that they compile to one pass over memory."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.channels import per_channel
from jgan.types import Array


def _times_gain(function):
    """gain function(x)."""
    return lambda x, gain: function(x) if gain == 1 else function(x) * np.asarray(gain, x.dtype)


def _leaky_relu(x, gain, slope=0.2):
    """gain leaky_relu(x), with the gain in both slopes: XLA for CPUs would write a factor behind it to another array."""
    return jnp.where(x >= 0, x * np.asarray(gain, x.dtype), x * np.asarray(slope * gain, x.dtype))


# Name: ((x, gain) -> gain a(x), the gain that keeps the variance of a standard normal input about 1).
ACTIVATIONS = {
    "linear": (_times_gain(lambda x: x), 1.0),
    "relu": (_times_gain(jax.nn.relu), np.sqrt(2)),
    "leaky_relu": (_leaky_relu, np.sqrt(2)),
    "tanh": (_times_gain(jnp.tanh), 1.0),
    "sigmoid": (_times_gain(jax.nn.sigmoid), 1.0),
    "elu": (_times_gain(jax.nn.elu), 1.0),
    "selu": (_times_gain(jax.nn.selu), 1.0),
    "softplus": (_times_gain(jax.nn.softplus), 1.0),
    "swish": (_times_gain(jax.nn.silu), np.sqrt(2)),
}


def bias_activation(
    x: Array, bias: Array | None = None, activation: str = "leaky_relu", gain: float = 1.0, clamp: float | None = None
) -> Array:
    """Computes clip(g gain a(x + bias), -clamp, clamp), with g the activation's own gain of `ACTIVATIONS`.

    Args:
      x: [..., C].
      bias: [C] or None.
      activation: a name in `ACTIVATIONS`.
      gain: a further gain, for example sqrt(1/2) where two paths are added.
      clamp: largest absolute value of the result, which keeps half precision in range (Karras et al. 2020, appendix D.1,
        https://arxiv.org/abs/2006.06676); it scales with `gain`. None: no limit.

    Raises:
      ValueError: if the activation has no such name.

    >>> bias_activation(jnp.asarray([[-1.0, 2.0]]), jnp.zeros(2), "relu", gain=0.5 ** 0.5).tolist()
    [[0.0, 2.0]]
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"expected an activation of {sorted(ACTIVATIONS)}, found {activation!r}")
    function, own_gain = ACTIVATIONS[activation]
    if bias is not None:
        x = x + per_channel(bias.astype(x.dtype), x.shape)
    y = function(x, own_gain * gain)
    return y if clamp is None else jnp.clip(y, -clamp * gain, clamp * gain)
