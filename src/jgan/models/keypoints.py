"""Keypoints that a network finds by itself: where they are in an image, and how its surroundings are turned and stretched there.

Source: Siarohin et al. 2019, "First Order Motion Model for Image Animation", section 3.1 and appendix (https://arxiv.org/abs/2003.00196).
Places are as in `jgan.ops.sampling`.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution
from jgan.models.normalisation import BatchNorm
from jgan.ops.convolution import convolution
from jgan.ops.sampling import pixel_places
from jgan.types import Array, Network

TEMPERATURE = 0.1  # of the softmax over places
SPREAD = 0.01  # variance of the Gaussians by which points are shown to networks
SMALLEST = 0.1  # magnitude of a determinant that is divided by


class Keypoints(NamedTuple):
    """K points of each image."""

    place: Array  # [N, K, 2]
    jacobian: Array  # [N, K, 2, 2], d place / d place in a reference frame that is never computed


def keypoint_detector(count: int, reduction: int = 4, width: int = 16, levels: int = 3, dtype: Any = jnp.float32) -> Network:
    """Makes the network: images [N, H, W, C] in [-1, 1] -> `Keypoints`, float32.

    An hourglass sees the images `reduction` times smaller. Of its features, one convolution makes a map for each point, whose softmax over
    all places is its distribution, and their mean under it the point; another makes four maps, whose means under the same are its Jacobian.
    Untrained, all Jacobians are the identity.

    Args:
      count: of points, K.
      reduction: of the images, a divisor of their sides.
      width: half the features at the size that the network sees; see `Hourglass`.
      levels: halvings from there.
      dtype: of activations.

    >>> network = keypoint_detector(5, width=2)
    >>> params, state = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    >>> points, _ = jax.eval_shape(network.apply, params, state, jnp.zeros((2, 32, 32, 3)))
    >>> points.place.shape, points.jacobian.shape
    ((2, 5, 2), (2, 5, 2, 2))
    """
    return from_linen(KeypointDetector(count, reduction, width, levels, dtype))


class KeypointDetector(nn.Module):
    """Maps images [N, H, W, C] to `Keypoints`."""

    count: int
    reduction: int
    width: int
    levels: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, train: bool) -> Keypoints:
        x = Hourglass(self.width, self.levels, name="hourglass")(averaged(images.astype(self.dtype), self.reduction), train)
        n, height, width, _ = x.shape
        logits = Convolution(self.count, 3, padding=1, name="maps")(x).astype(jnp.float32)
        share = jax.nn.softmax(logits.reshape(n, -1, self.count) / TEMPERATURE, axis=1)
        place = jnp.einsum("npk,pi->nki", share, pixel_places(height, width).reshape(-1, 2))
        maps = Still(4 * self.count, name="jacobians")(x).astype(jnp.float32).reshape(n, -1, self.count, 4)
        change = jnp.einsum("npk,npkj->nkj", share, maps).reshape(n, self.count, 2, 2)
        return Keypoints(place, change + jnp.eye(2)[None, None])


class Hourglass(nn.Module):
    """[N, H, W, C] -> [N, H, W, 2 width + C]: `levels` halvings, of 2, 4, ... times `width` features, and back, joined to what was there.

    Newell et al. 2016, https://arxiv.org/abs/1603.06937, with one convolution at every size, as the paper has it.
    """

    width: int
    levels: int
    most: int = 1024  # features

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        if any(side % 2**self.levels for side in x.shape[1:3]):
            found = f"{x.shape[1]} x {x.shape[2]}"
            raise ValueError(f"expected sides of {2**self.levels} pixels or a multiple where keypoints are found, found {found}")
        widths, sizes = [min(self.width * 2**level, self.most) for level in range(1, self.levels + 1)], [x]
        for level, features in enumerate(widths):
            x = averaged(Block(features, name=f"down_{level}")(x, train), 2)
            sizes.append(x)
        sizes.pop()
        for level, features in reversed(list(enumerate([2 * self.width, *widths[:-1]]))):
            x = Block(features, name=f"up_{level}")(doubled(x), train)
            x = jnp.concatenate([x, sizes.pop()], axis=3)
        return x


class Block(nn.Module):
    """Convolution, batch norm, rectifier: [N, H, W, I] -> [N, H / stride, W / stride, features]."""

    features: int
    size: int = 3
    stride: int = 1

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        x = Convolution(self.features, self.size, self.stride, (self.size - 1) // 2, use_bias=False, name="convolution")(x)
        return nn.relu(BatchNorm(name="norm")(x, train))


class Still(nn.Module):
    """A convolution of 3 x 3 that begins as 0: [N, H, W, I] -> [N, H, W, features]."""

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return convolution(x, self.param("kernel", nn.initializers.zeros, (3, 3, x.shape[3], self.features)).astype(x.dtype), padding=1)


def averaged(x: Array, factor: int) -> Array:
    """Returns [N, factor H, factor W, C] -> [N, H, W, C], means of squares.

    Raises:
      ValueError: for other sides.
    """
    n, height, width, c = x.shape
    if height % factor or width % factor:
        raise ValueError(f"expected sides that are multiples of {factor} pixels, found {height} x {width}")
    return x.reshape(n, height // factor, factor, width // factor, factor, c).mean(axis=(2, 4))


def doubled(x: Array) -> Array:
    """Returns [N, H, W, C] -> [N, 2 H, 2 W, C], every pixel four times."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def gaussians(place: Array, height: int, width: int) -> Array:
    """Shows points [N, K, 2] as maps [N, height, width, K]: exp(-|z - p|^2 / (2 SPREAD)).

    >>> gaussians(jnp.zeros((1, 1, 2)), 1, 3).round(4).ravel().tolist()
    [0.0, 1.0, 0.0]
    """
    away = pixel_places(height, width)[None, :, :, None] - place[:, None, None]
    return jnp.exp(-jnp.square(away).sum(axis=-1) / (2 * SPREAD))


def inverse(matrices: Array) -> Array:
    """Returns the inverse of matrices [..., 2, 2]; determinants are kept SMALLEST away from 0, where it would explode.

    >>> inverse(jnp.asarray([[1.0, 1.0], [1.0, 2.0]])).tolist(), bool(jnp.isfinite(inverse(jnp.zeros((2, 2)))).all())
    ([[2.0, -1.0], [-1.0, 1.0]], True)
    """
    a, b, c, d = (matrices[..., i, j] for i in (0, 1) for j in (0, 1))
    determinant = a * d - b * c
    side = jnp.where(determinant < 0, -SMALLEST, SMALLEST)
    determinant = jnp.where(jnp.abs(determinant) < SMALLEST, side, determinant)
    return jnp.stack([jnp.stack([d, -b], axis=-1), jnp.stack([-c, a], axis=-1)], axis=-2) / determinant[..., None, None]


def relative(source: Keypoints, driver: Keypoints, first: Keypoints) -> Keypoints:
    """Moves the source's points as the driver's have moved since its first frame: p_S + p_D - p_1, and J_D J_1^-1 J_S.

    Section 3.3. The source then keeps its shape, and is moved well if it and the first frame have like poses.

    >>> still = Keypoints(jnp.zeros((1, 1, 2)), jnp.eye(2)[None, None])
    >>> moved = Keypoints(jnp.ones((1, 1, 2)), 2 * jnp.eye(2)[None, None])
    >>> relative(still, moved, moved).place.tolist(), relative(still, moved, still).jacobian[0, 0].tolist()
    ([[[0.0, 0.0]]], [[2.0, 0.0], [0.0, 2.0]])
    """
    return Keypoints(source.place + driver.place - first.place, driver.jacobian @ inverse(first.jacobian) @ source.jacobian)
