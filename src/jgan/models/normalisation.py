"""Normalisation layers. What they carry from step to step is state of the network, returned by its `apply`."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.types import Array


class BatchNorm(nn.Module):
    """scale (x - mean) / sqrt(variance + epsilon) + bias, per channel, in training with the statistics of the batch.

    Ioffe, Szegedy 2015, algorithm 1, https://arxiv.org/abs/1502.03167. The statistics are taken in float32 over all axes but the last.
    Their moving averages, m <- momentum m + (1 - momentum) statistic, are state (collection `batch_stats`) and take their place outside of
    training. Under `jax.jit` over a mesh the batch is the one of all devices.

    [N, ..., C] -> [N, ..., C], of the dtype of the input.

    >>> layer, x = BatchNorm(momentum=0.5), jnp.asarray([[0.0], [4.0]])
    >>> variables = layer.init(jax.random.key(0), x, train=False)
    >>> _, after = layer.apply(variables, x, train=True, mutable="batch_stats")
    >>> {name: value.tolist() for name, value in sorted(after["batch_stats"].items())}
    {'mean': [1.0], 'variance': [2.5]}
    """

    momentum: float = 0.9  # of the moving averages
    epsilon: float = 1e-5
    deviation: float = 0.0  # of the initial scales around 1

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        scale = self.param("scale", lambda key, shape: 1.0 + self.deviation * jax.random.normal(key, shape), x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        averages = [
            self.variable("batch_stats", name, start, x.shape[-1:]) for name, start in (("mean", jnp.zeros), ("variance", jnp.ones))
        ]
        mean, variance = (average.value for average in averages)
        if train:
            axes, exact = tuple(range(x.ndim - 1)), x.astype(jnp.float32)
            mean, variance = statistics = exact.mean(axes), exact.var(axes)
            for average, statistic in zip(averages, statistics, strict=True):
                average.value = self.momentum * average.value + (1 - self.momentum) * statistic
        gain = scale * jax.lax.rsqrt(variance + self.epsilon)
        gain, shift = (v.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,)) for v in (gain, bias - mean * gain))
        return x * gain + shift
