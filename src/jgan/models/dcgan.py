"""Convolutional generators and discriminators without residual paths: DCGAN's, those of TensorFlow's tutorial, and LSGAN's.

Sources: Radford et al. 2015, figure 1 and section 3 (https://arxiv.org/abs/1511.06434); TensorFlow, "Deep Convolutional Generative
Adversarial Network" (https://www.tensorflow.org/tutorials/generative/dcgan); Mao et al. 2016, figure 3 (https://arxiv.org/abs/1611.04076).
All three are one stack of (transposed) convolutions each way, so each is a table, a `Plan`.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from jgan.models.adapters import from_linen
from jgan.models.latents import uniform
from jgan.models.normalisation import BatchNorm
from jgan.ops.convolution import convolution, transposed_convolution
from jgan.types import Array, Network

SMALLEST, LARGEST = 8, 16  # images of up to 7 pixels are not halved, and those of more than 16 are too many for a dense layer


class Layer(NamedTuple):
    """A convolution, or a transposed one."""

    features: int
    size: int  # of the kernel, pixels
    stride: int


class Plan(NamedTuple):
    """A generator and a discriminator for images of one shape."""

    start: tuple[int, int, int]  # height, width and channels of the generator's first image
    up: tuple[Layer, ...]  # its transposed convolutions, the last to the image
    down: tuple[Layer, ...]  # the convolutions of the discriminator
    generator_slope: float = 0.0  # of the generator's rectifiers below zero
    discriminator_slope: float = 0.2
    dropout: float = 0.0  # after every convolution of the discriminator
    normalise: tuple[bool, bool] = (True, True)  # batch norm in the generator, in the discriminator
    momentum: float = 0.9  # of the averages of batch statistics
    epsilon: float = 1e-5  # added to variances
    deviation: float | None = 0.02  # of initial kernels; None: Glorot's uniform ones


def halvings(shape: tuple[int, ...]) -> int:
    """Returns how often images of a shape (H, W, ...) are halved on the way to the generator's first: while both sides are even and over 7
    pixels.

    Raises:
      ValueError: if over 16 pixels are left, or the images are not halved at all.

    >>> halvings((64, 64)), halvings((28, 28)), halvings((112, 112))
    (4, 2, 4)
    """
    height, width, levels = shape[0], shape[1], 0
    while height % 2 == width % 2 == 0 and min(height, width) >= SMALLEST:
        height, width, levels = height // 2, width // 2, levels + 1
    if max(height, width) > LARGEST or not levels:
        raise ValueError(
            f"images of {shape[0]} x {shape[1]} pixels can be halved {levels} times only, to {height} x {width}: expected sides that are a "
            f"number up to {LARGEST} times a power of two; crop or resize the images"
        )
    return levels


def paper(shape: tuple[int, ...], width: int = 128) -> Plan:
    """Returns the network of Radford et al. 2015 for images (H, W, C); theirs are 64 x 64, with 128 features at the largest convolution,
    twice as many with every halving, up to 1024.

    >>> paper((64, 64, 3)).start, [layer.features for layer in paper((64, 64, 3)).up]
    ((4, 4, 1024), [512, 256, 128, 3])
    """
    levels = halvings(shape)
    features = [width * 2 ** min(level, 3) for level in range(levels)]
    up = [*reversed(features[:-1]), shape[2]]
    return Plan((*_first(shape, levels), features[-1]), tuple(Layer(n, 5, 2) for n in up), tuple(Layer(n, 5, 2) for n in features))


def tutorial(shape: tuple[int, int, int], width: int = 64) -> Plan:
    """Returns the network of TensorFlow's tutorial for images (H, W, C); theirs are 28 x 28 x 1, with 64 features at the largest
    convolution.

    >>> tutorial((28, 28, 1)).start, tutorial((28, 28, 1)).up[0]
    ((7, 7, 256), Layer(features=128, size=5, stride=1))
    """
    levels = halvings(shape)
    features = [width * 2**level for level in range(levels)]
    up = [Layer(features[-1], 5, 1), *(Layer(n, 5, 2) for n in reversed(features[:-1])), Layer(shape[2], 5, 2)]
    down = tuple(Layer(n, 5, 2) for n in features)
    keras = {"generator_slope": 0.3, "discriminator_slope": 0.3, "momentum": 0.99, "epsilon": 1e-3, "deviation": None}
    return Plan((*_first(shape, levels), 2 * features[-1]), tuple(up), down, dropout=0.3, normalise=(True, False), **keras)


def least_squares(shape: tuple[int, int, int], width: int = 64, normalise: tuple[bool, bool] = (True, True)) -> Plan:
    """Returns the network of Mao et al. 2016 for images (H, W, C); theirs are 112 x 112, with 64 features at the largest convolution.

    >>> [(layer.features, layer.stride) for layer in least_squares((112, 112, 3)).up]
    [(256, 2), (256, 1), (256, 2), (256, 1), (128, 2), (64, 2), (3, 1)]
    """
    levels = halvings(shape)
    features = [width * 2 ** min(level, 2) for level in range(levels)]
    up = []
    for level in reversed(range(levels)):
        up += [Layer(features[level], 3, 2)] + [Layer(features[level], 3, 1)] * (level > 1)
    down = tuple(Layer(width * 2 ** min(level, 3), 5, 2) for level in range(levels))
    return Plan((*_first(shape, levels), 4 * width), (*up, Layer(shape[2], 3, 1)), down, normalise=normalise)


def generator(plan: Plan, uniform: bool = True, dtype: Any = jnp.float32) -> Network:
    """Makes the network: z [N, latent_size], standard normal, -> images [N, H, W, C] in [-1, 1], float32.

    Args:
      plan: of `paper`, `tutorial` or `least_squares`.
      uniform: z is made uniform on [-1, 1] first, by the distribution function of the normal one, as in the papers.
      dtype: of activations; bfloat16 halves memory.

    >>> import jax
    >>> params, state = jax.eval_shape(generator(paper((32, 32, 3), 8)).init, jax.random.key(0), jnp.zeros((1, 100)))
    >>> params["first"]["kernel"].shape, sorted(state)
    ((100, 512), ['batch_stats'])
    """
    return from_linen(Generator(plan, uniform, dtype))


def discriminator(plan: Plan, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] in [-1, 1] -> logits [N], float32; draws dropout, if the plan has any.

    >>> import jax
    >>> network = discriminator(tutorial((28, 28, 1), 4))
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    >>> sorted(params), state
    (['convolution_0', 'convolution_1', 'last'], {})
    """
    return from_linen(Discriminator(plan, dtype))


class Generator(nn.Module):
    """Maps z [N, Z] to images [N, H, W, C] in [-1, 1], as its plan says."""

    plan: Plan
    uniform: bool
    dtype: Any

    @nn.compact
    def __call__(self, z: Array, train: bool) -> Array:
        plan, normalise = self.plan, self.plan.normalise[0]

        def finish(x):
            x = BatchNorm(plan.momentum, plan.epsilon, plan.deviation or 0.0)(x, train) if normalise else x
            return nn.leaky_relu(x, plan.generator_slope)

        z = uniform(z) if self.uniform else z
        x = nn.Dense(int(np.prod(plan.start)), not normalise, self.dtype, kernel_init=_initializer(plan), name="first")(z)
        x = finish(x).reshape(-1, *plan.start)
        for i, layer in enumerate(plan.up[:-1]):
            x = finish(Up(layer, not normalise, _initializer(plan), name=f"up_{i}")(x))
        return jnp.tanh(Up(plan.up[-1], True, _initializer(plan), name="image")(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Maps images [N, H, W, C] to logits [N], as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Array:
        plan, x = self.plan, images.astype(self.dtype)
        for i, layer in enumerate(plan.down):
            normalise = plan.normalise[1] and i > 0  # never on the images themselves
            x = Down(layer, not normalise, _initializer(plan), name=f"convolution_{i}")(x)
            x = BatchNorm(plan.momentum, plan.epsilon, plan.deviation or 0.0)(x, train) if normalise else x
            x = nn.leaky_relu(x, plan.discriminator_slope)
            x = nn.Dropout(plan.dropout, deterministic=not train)(x) if plan.dropout else x
        logits = nn.Dense(1, dtype=self.dtype, kernel_init=_initializer(plan), name="last")(x.reshape(x.shape[0], -1))
        return logits[:, 0].astype(jnp.float32)


class Up(nn.Module):
    """Transposed convolution [N, H, W, I] -> [N, stride H, stride W, features]."""

    layer: Layer
    use_bias: bool
    initializer: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        features, size, stride = self.layer
        kernel = self.param("kernel", self.initializer, (size, size, features, x.shape[3]))
        y = transposed_convolution(x, kernel.astype(x.dtype), stride)
        (top, _), (left, _) = (same_padding(stride * n, size, stride) for n in x.shape[1:3])
        y = y[:, top : top + stride * x.shape[1], left : left + stride * x.shape[2]]
        return y + self.param("bias", nn.initializers.zeros, (features,)).astype(y.dtype)[None, None, None] if self.use_bias else y


class Down(nn.Module):
    """Convolution [N, H, W, I] -> [N, H / stride, W / stride, features], sizes rounded up."""

    layer: Layer
    use_bias: bool
    initializer: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        features, size, stride = self.layer
        kernel = self.param("kernel", self.initializer, (size, size, x.shape[3], features))
        y = convolution(x, kernel.astype(x.dtype), stride, tuple(same_padding(n, size, stride) for n in x.shape[1:3]))
        return y + self.param("bias", nn.initializers.zeros, (features,)).astype(y.dtype)[None, None, None] if self.use_bias else y


def same_padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """Returns zeros before and after, so that a convolution with a kernel of `size` makes ceil(length / stride) of `length`.

    >>> same_padding(28, 5, 2), same_padding(7, 5, 2), same_padding(28, 3, 1)
    ((1, 2), (2, 2), (1, 1))
    """
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def _first(shape, levels):
    return shape[0] >> levels, shape[1] >> levels


def _initializer(plan):
    if plan.deviation is None:
        return nn.initializers.glorot_uniform()
    return nn.initializers.normal(plan.deviation)
