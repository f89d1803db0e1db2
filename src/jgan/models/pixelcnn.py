"""PixelCNN and gated PixelCNN: the pixels before a pixel seen through masked convolutions.

Sources: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", https://arxiv.org/abs/1601.06759 (masks, residual blocks, PixelCNN);
van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", https://arxiv.org/abs/1606.05328 (two stacks, gates).
`jgan.models.pixels` says what a pixel network is.
"""

from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.pixels import Place, canvas
from jgan.ops.convolution import convolution
from jgan.types import Array

OWN = (0, 0, 0)  # the reach of a 1x1 convolution
Reach = tuple[int, int, int]  # pixels above, on the left and on the right that a kernel covers beside its own


def groups(features: int, channels: int, parts: int = 1) -> np.ndarray:
    """Returns the colour channel to which each feature map belongs, int [features], the same for each of `parts` equal parts.

    >>> groups(6, 3).tolist(), groups(4, 2, parts=2).tolist()
    ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1])
    """
    if features % parts or features // parts < channels:
        raise ValueError(f"expected {parts} equal parts of at least {channels} feature maps, one per channel, found {features} in all")
    return np.tile(np.arange(features // parts) * channels // (features // parts), parts)


def mask(kind: Literal["A", "B"], reach: Reach, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Returns which weights [above + 1, left + 1 + right, I, O] a causal kernel has, as float32 ones and zeros.

    Pixels above and on the left count whole. Of the own pixel, a map sees those of earlier channels (mask A: for the image itself) or
    also those of the same channel (mask B: for feature maps); section 3.4 of the paper on PixelRNN.

    >>> mask("A", (1, 1, 1), groups(1, 1), groups(1, 1))[..., 0, 0].tolist()
    [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    above, left, right = reach
    found = np.ones((above + 1, left + 1 + right, len(inputs), len(outputs)), np.float32)
    found[above, left + 1 :] = 0
    earlier = np.less if kind == "A" else np.less_equal
    found[above, left] = earlier(inputs[:, None], outputs[None])
    return found


class MaskedConvolution(nn.Module):
    """[N, h + above, w + left + right, I] -> [N, h, w, features]; without a `mask` everything within reach is seen."""

    features: int
    channels: int
    reach: Reach = OWN
    mask: Literal["A", "B"] | None = "B"
    parts: int = 1  # equal parts of the features, in each of which all channels have their maps
    of_image: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        above, left, right = self.reach
        shape = (above + 1, left + 1 + right, x.shape[-1], self.features)
        inputs = np.arange(self.channels) if self.of_image else groups(x.shape[-1], self.channels)
        outputs = groups(self.features, self.channels, self.parts)
        seen = np.ones(shape, np.float32) if self.mask is None else mask(self.mask, self.reach, inputs, outputs)
        std = 1 / np.sqrt(max(1.0, seen.sum() / self.features))  # of the mean number of inputs that are seen
        kernel = self.param("kernel", nn.initializers.normal(std), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return convolution(x, (kernel * seen).astype(x.dtype)) + bias.astype(x.dtype)[None, None, None]


class Surroundings(nn.Module):
    """What a kernel of this reach sees of a map [N, H, W, F], zeros around it: the map with its margin; or at a place, from the rows
    that are remembered, the window that ends there, or the rows that end there."""

    reach: Reach

    @nn.compact
    def __call__(self, x: Array, place: Place | None = None) -> Array:
        above, left, right = self.reach
        if place is None:
            return jnp.pad(x, ((0, 0), (above, 0), (left, right), (0, 0)))
        n, _, _, features = x.shape
        rows, columns = above + 1, left + 1 + right
        cache = self.variable("cache", "rows", jnp.zeros, (n, rows, place.width + left + right, features), x.dtype)
        column = jnp.int32(0) if place.column is None else place.column
        cache.value = jax.lax.dynamic_update_slice(cache.value, x, (0, place.row % rows, column + left, 0))
        seen = cache.value if place.column is None else jax.lax.dynamic_slice_in_dim(cache.value, column, columns, axis=2)
        return jnp.roll(seen, -1 - place.row, axis=1)  # row r is kept in the slot r modulo rows


class ConvolutionBlock(nn.Module):
    """Residual block of PixelCNN (figure 5, left): ReLU and 1x1 to half the features, ReLU and 3x3, ReLU and 1x1 back."""

    features: int
    channels: int

    def setup(self):
        self.reduce = MaskedConvolution(self.features, self.channels)
        self.surroundings = Surroundings((1, 1, 1))
        self.convolve = MaskedConvolution(self.features, self.channels, (1, 1, 1))
        self.expand = MaskedConvolution(2 * self.features, self.channels)

    def __call__(self, x: Array, above: None = None, place: Place | None = None) -> Array:
        y = nn.relu(self.reduce(nn.relu(x)))
        y = nn.relu(self.convolve(self.surroundings(y, place)))
        return x + self.expand(y)

    def above(self, zero: Array, place: Place) -> None:
        """Does nothing: all is done pixel by pixel."""


class Head(nn.Module):
    """Twice ReLU and 1x1 convolution, to logits [N, H, W, channels, outputs] in float32."""

    features: int
    channels: int
    outputs: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = MaskedConvolution(self.features, self.channels)(nn.relu(x))
        x = MaskedConvolution(self.channels * self.outputs, self.channels)(nn.relu(x))
        return x.reshape(*x.shape[:-1], self.channels, self.outputs).astype(jnp.float32)


class BlockNetwork(nn.Module):
    """A 7x7 convolution of the image under mask A, residual blocks of 2 `features` maps, and the head: PixelCNN and the PixelRNNs.

    PixelCNN has a blind spot: with a first kernel of k x k, a pixel never sees those more than k // 2 + r - 1 columns to its right
    in the row r above its own. `GatedPixelCNN` has none.

    Args:
      block: (features, channels) -> a residual block: `ConvolutionBlock`, or one of `jgan.models.pixelrnn`.
      layers: number of blocks.
      features: h of the paper.
      head_features: of the last but one convolution.
      channels: of the image.
      outputs: logits per sub-pixel: the levels, or 1 for two of them.
      margin: k // 2 of the first kernel.
      dtype: in which it computes.

    >>> network = BlockNetwork(ConvolutionBlock, layers=2, features=4, head_features=8, channels=3, outputs=16)
    >>> inputs = jax.random.key(0), jnp.zeros((1, 8, 8, 3))
    >>> jax.eval_shape(network.init_with_output, *inputs)[0].shape
    (1, 8, 8, 3, 16)
    """

    block: Callable[[int, int], nn.Module]
    layers: int
    features: int
    head_features: int
    channels: int
    outputs: int
    margin: int = 3
    dtype: Any = jnp.float32

    def setup(self):
        self.first = MaskedConvolution(2 * self.features, self.channels, (self.margin,) * 3, "A", of_image=True)
        self.blocks = [self.block(self.features, self.channels) for _ in range(self.layers)]
        self.head = Head(self.head_features, self.channels, self.outputs)

    def __call__(self, x: Array, label: None = None) -> Array:
        return self.here(canvas(x, self.margin), [None] * self.layers)

    def above(self, canvas: Array, label: None, place: Place) -> list:
        zero = jnp.zeros((canvas.shape[0], 1, place.width, self.features), self.dtype)
        return [block.above(zero, place) for block in self.blocks]

    def here(self, canvas: Array, above: list, label: None = None, place: Place | None = None) -> Array:
        x = self.first(canvas.astype(self.dtype))
        for block, context in zip(self.blocks, above, strict=True):
            x = block(x, context, place)
        return self.head(x)


class Gate(nn.Module):
    """tanh(a) sigmoid(b) of the two halves of [N, H, W, 2 F], to which a class adds a learnt bias (equation 4)."""

    classes: int

    @nn.compact
    def __call__(self, x: Array, label: Array | None) -> Array:
        if self.classes:
            biases = self.param("classes", nn.initializers.normal(0.1), (self.classes, x.shape[-1]))
            x = x + jnp.take(biases, label, axis=0, mode="clip").astype(x.dtype)[:, None, None]
        a, b = jnp.split(x, 2, axis=-1)
        return jnp.tanh(a) * nn.sigmoid(b)


class VerticalLayer(nn.Module):
    """A gated convolution over the rows above: v -> the next v, and what the horizontal stack is given of it."""

    features: int
    channels: int
    reach: int
    classes: int

    @nn.compact
    def __call__(self, v: Array, label: Array | None, place: Place | None) -> tuple[Array, Array]:
        reach = (self.reach, self.reach, self.reach)
        wide = MaskedConvolution(2 * self.features, self.channels, reach, mask=None)(Surroundings(reach)(v, place))
        link = MaskedConvolution(2 * self.features, self.channels, mask=None)(wide)
        return Gate(self.classes)(wide, label), link


class HorizontalLayer(nn.Module):
    """A gated convolution over the pixels on the left and the vertical stack, with a residual: h -> the next h."""

    features: int
    channels: int
    reach: int
    classes: int

    @nn.compact
    def __call__(self, h: Array, link: Array, label: Array | None, place: Place | None) -> Array:
        reach = (0, self.reach, 0)
        wide = MaskedConvolution(2 * self.features, self.channels, reach, parts=2)(Surroundings(reach)(h, place))
        return h + MaskedConvolution(self.features, self.channels)(Gate(self.classes)(wide + link, label))


class GatedPixelCNN(nn.Module):
    """Two stacks of gated convolutions (1606.05328, figure 2): the vertical one sees all rows above, without a blind spot; the horizontal
    one the pixels on the left. With `classes`, class-conditional.

    Args:
      layers: gated layers in each stack.
      features: p of the paper.
      head_features, channels, outputs, margin, dtype: as in `BlockNetwork`.
      classes: number of labels; 0: unconditional.
      reach: k // 2 of the kernels of all layers but the first.

    Raises ValueError if there are classes and no label, or the reverse.
    """

    layers: int
    features: int
    head_features: int
    channels: int
    outputs: int
    classes: int = 0
    reach: int = 1
    margin: int = 3
    dtype: Any = jnp.float32

    def setup(self):
        m, each = self.margin, (self.features, self.channels, self.reach, self.classes)
        self.first_vertical = MaskedConvolution(self.features, self.channels, (m - 1, m, m), mask=None, of_image=True)
        self.first_horizontal = MaskedConvolution(self.features, self.channels, (0, m, 0), "A", of_image=True)
        self.verticals = [VerticalLayer(*each) for _ in range(self.layers)]
        self.horizontals = [HorizontalLayer(*each) for _ in range(self.layers)]
        self.head = Head(self.head_features, self.channels, self.outputs)

    def __call__(self, x: Array, label: Array | None = None) -> Array:
        x = canvas(x, self.margin)
        return self.here(x, self.above(x, label), label)

    def above(self, canvas: Array, label: Array | None = None, place: Place | None = None) -> list[Array]:
        if (label is None) != (self.classes == 0):
            raise ValueError(f"expected {'labels' if self.classes else 'no labels'} for {self.classes} classes, found {label}")
        v = self.first_vertical(canvas[:, :-1].astype(self.dtype))  # strictly above: the last row is left out
        links = []
        for layer in self.verticals:
            v, link = layer(v, label, place)
            links.append(link)
        return links

    def here(self, canvas: Array, above: list[Array], label: Array | None = None, place: Place | None = None) -> Array:
        h = self.first_horizontal(canvas[:, self.margin :, : -self.margin].astype(self.dtype))
        for layer, link in zip(self.horizontals, above, strict=True):
            h = layer(h, link, label, place)
        return self.head(h)
