"""The recurrent blocks of PixelRNN, for `jgan.models.pixelcnn.BlockNetwork`: Row LSTM and Diagonal BiLSTM.

Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", sections 3.1 to 3.3, https://arxiv.org/abs/1601.06759. In both,
a masked convolution makes the input part of the gates of all pixels at once, and the recurrence adds the part of the state:

    [o, f, i, g] = [sigmoid, sigmoid, sigmoid, tanh](K_ss * h_before + K_is * x),   c = f c_before + i g,   h = o tanh(c)
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.pixelcnn import MaskedConvolution, Surroundings
from jgan.models.pixels import Place
from jgan.types import Array


def lstm(gates: Array, c: Array) -> tuple[Array, Array]:
    """Returns the next (h, c), each [..., F], of gates [..., 4 F] before their nonlinearities and the cell c.

    >>> h, c = lstm(jnp.zeros((1, 4)), jnp.ones((1, 1)))
    >>> float(c[0, 0])
    0.5
    """
    o, f, i, g = jnp.split(gates, 4, axis=-1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    return nn.sigmoid(o) * jnp.tanh(c), c


def skew(x: Array) -> Array:
    """Returns [N, H, W, F] -> [N, H, W + H - 1, F]: row i moved right by i, zeros around it, so that diagonals become columns.

    >>> skew(jnp.arange(1, 5).reshape(1, 2, 2, 1))[0, ..., 0].tolist()
    [[1, 2, 0], [0, 3, 4]]
    """
    n, height, width, features = x.shape
    x = jnp.pad(x, ((0, 0), (0, 0), (0, height), (0, 0))).reshape(n, height * (width + height), features)
    return x[:, : height * (width + height - 1)].reshape(n, height, width + height - 1, features)


def unskew(x: Array) -> Array:
    """Returns the inverse of `skew`.

    >>> unskew(skew(jnp.ones((1, 3, 2, 1)))).shape
    (1, 3, 2, 1)
    """
    n, height, columns, features = x.shape
    x = jnp.pad(x.reshape(n, height * columns, features), ((0, 0), (0, height), (0, 0)))
    return x.reshape(n, height, columns + 1, features)[:, :, : columns + 1 - height]


class RowLSTM(nn.Module):
    """Residual block with a Row LSTM: the state of a row is computed at once, from the three nearest states of the row before.

    Its context is a triangle: with a first kernel of k x k, a pixel never sees those more than k // 2 + r - 1 columns to its right in the
    row r above its own, nor, in L layers, those more than k // 2 + r + L to its left.
    """

    features: int
    channels: int

    def setup(self):
        self.surroundings = Surroundings((0, 1, 0))
        self.gates = MaskedConvolution(4 * self.features, self.channels, (0, 1, 0), parts=4)
        self.kernel = self.param("kernel", nn.initializers.lecun_normal(), (3 * self.features, 4 * self.features))
        self.expand = MaskedConvolution(2 * self.features, self.channels)

    def __call__(self, x: Array, above: None = None, place: Place | None = None) -> Array:
        gates = self.gates(self.surroundings(x, place))
        h = self._rows(gates) if place is None else self._pixel(gates, place)
        return x + self.expand(h)

    def above(self, zero: Array, place: Place) -> None:
        """Does nothing: all is done pixel by pixel."""

    def _rows(self, gates):
        zero = jnp.zeros((gates.shape[0], gates.shape[2], self.features), gates.dtype)

        def row(before, gates):
            h = jnp.pad(before[0], ((0, 0), (1, 1), (0, 0)))
            near = jnp.concatenate([h[:, :-2], h[:, 1:-1], h[:, 2:]], -1)
            after = lstm(gates + near @ self.kernel.astype(gates.dtype), before[1])
            return after, after[0]

        return jnp.moveaxis(jax.lax.scan(row, (zero, zero), jnp.moveaxis(gates, 1, 0))[1], 0, 1)

    def _pixel(self, gates, place):
        n, features, column = gates.shape[0], self.features, place.column
        empty = jnp.zeros((n, 2, place.width + 2, features), gates.dtype)  # even and odd rows
        hs, cs = (self.get_variable("cache", name, empty) for name in ("h", "c"))
        before, now = (place.row + 1) % 2, place.row % 2
        near = jax.lax.dynamic_slice(hs, (0, before, column, 0), (n, 1, 3, features)).reshape(n, 1, 1, 3 * features)
        c = jax.lax.dynamic_slice(cs, (0, before, column + 1, 0), (n, 1, 1, features))
        h, c = lstm(gates + near @ self.kernel.astype(gates.dtype), c)
        for name, kept, new in (("h", hs, h), ("c", cs, c)):
            self.put_variable("cache", name, jax.lax.dynamic_update_slice(kept, new, (0, now, column + 1, 0)))
        return h


class DiagonalBiLSTM(nn.Module):
    """Residual block with two LSTMs that go along the diagonals, from the upper left and from the upper right corner; the second one's
    output is moved down by a row, so that it shows no later pixel.

    All earlier pixels are seen but one: the last of the row before, whose value no map to its left may hold, is seen by the k // 2 pixels
    nearest to it through the first kernel of k x k, and by all others only from the next row on.
    """

    features: int
    channels: int

    def setup(self):
        self.left_gates, self.right_gates = (MaskedConvolution(4 * self.features, self.channels, parts=4) for _ in range(2))
        shape = (2 * self.features, 4 * self.features)
        self.left_kernel, self.right_kernel = (self.param(name, nn.initializers.lecun_normal(), shape) for name in ("left", "right"))
        self.expand = MaskedConvolution(2 * self.features, self.channels)

    def __call__(self, x: Array, above: Array | None = None, place: Place | None = None) -> Array:
        if place is None:
            left = _along_diagonals(self.left_gates(x), self.left_kernel)
            right = _along_diagonals(self.right_gates(x)[:, :, ::-1], self.right_kernel)[:, :, ::-1]
            above = jnp.pad(right[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))
        else:
            inputs = self.get_variable("cache", "inputs")
            self.put_variable("cache", "inputs", jax.lax.dynamic_update_slice(inputs, x, (0, 0, place.column, 0)))
            left = self._pixel(self.left_gates(x), place)
        return x + self.expand(left + above)

    def above(self, zero: Array, place: Place) -> Array:
        """Returns the second LSTM's states [N, 1, W, F] in the row before, now that the inputs of that row are known; `zero` before the
        first.
        """
        inputs = self.get_variable("cache", "inputs", jnp.concatenate([zero, zero], -1))
        states = self.get_variable("cache", "right", zero)
        gates = jnp.where(place.row > 0, self.right_gates(inputs)[:, 0], jnp.zeros((), zero.dtype))
        start = (zero[:, 0, 0], zero[:, 0, 0])

        def column(before, inputs):
            gates, higher = inputs
            after = lstm(gates + jnp.concatenate([before[0], higher], -1) @ self.right_kernel.astype(gates.dtype), before[1])
            return after, after[0]

        sequence = jnp.moveaxis(gates, 1, 0), jnp.moveaxis(states[:, 0], 1, 0)
        states = jnp.moveaxis(jax.lax.scan(column, start, sequence, reverse=True)[1], 0, 1)[:, None]
        self.put_variable("cache", "inputs", inputs)
        self.put_variable("cache", "right", states)
        return states

    def _pixel(self, gates, place):
        row, column, one = place.row % 2, place.column, (gates.shape[0], 1, 1, self.features)
        empty = jnp.zeros((gates.shape[0], 2, place.width + 1, self.features), gates.dtype)  # even and odd rows
        hs, cs = self.get_variable("cache", "h", empty), self.get_variable("cache", "c", empty[:, :1])
        beside = jax.lax.dynamic_slice(hs, (0, row, column, 0), one)
        higher = jax.lax.dynamic_slice(hs, (0, 1 - row, column + 1, 0), one)
        c = jax.lax.dynamic_slice(cs, (0, 0, column, 0), one)
        h, c = lstm(gates + jnp.concatenate([beside, higher], -1) @ self.left_kernel.astype(gates.dtype), c)
        self.put_variable("cache", "h", jax.lax.dynamic_update_slice(hs, h, (0, row, column + 1, 0)))
        self.put_variable("cache", "c", jax.lax.dynamic_update_slice(cs, c, (0, 0, column + 1, 0)))
        return h


def _along_diagonals(gates, kernel):
    """States [N, H, W, F] of an LSTM whose state at a pixel comes from those on the left and above, from gates [N, H, W, 4 F]."""
    columns = jnp.moveaxis(skew(gates), 2, 0)  # beside the image gates are zero, and so are the states
    zero = jnp.zeros((*columns.shape[1:3], gates.shape[-1] // 4), gates.dtype)

    def column(before, gates):
        higher = jnp.pad(before[0][:, :-1], ((0, 0), (1, 0), (0, 0)))
        after = lstm(gates + jnp.concatenate([before[0], higher], -1) @ kernel.astype(gates.dtype), before[1])
        return after, after[0]

    return unskew(jnp.moveaxis(jax.lax.scan(column, (zero, zero), columns)[1], 0, 2))
