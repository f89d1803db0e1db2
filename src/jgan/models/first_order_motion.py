"""First Order Motion Model: a flow made of one affine motion for each keypoint, and a generator that bends a source image by it.

Source: Siarohin et al. 2019, "First Order Motion Model for Image Animation", sections 3.1 and 3.2 and appendix
(https://arxiv.org/abs/2003.00196). Places are as in `jgan.ops.sampling`.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.models.adapters import from_linen
from jgan.models.convolutions import Convolution
from jgan.models.instance_norm import InstanceNorm
from jgan.models.keypoints import Block, Hourglass, Keypoints, averaged, doubled, gaussians, inverse
from jgan.models.normalisation import BatchNorm
from jgan.ops.sampling import enlarge, pixel_places, sample_at
from jgan.types import Array, Network


def dense_motion(reduction: int = 4, width: int = 16, levels: int = 3, occluded: bool = True, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (images [N, H, W, C], their `Keypoints`, those of the result) -> flow [N, h, w, 2] and occlusion [N, h, w, 1],
    float32.

    The flow says for every place of the result which place of the image is seen there, less the place itself. It is a mean of K + 1
    motions, one of them none, whose shares a network chooses at every place: it sees where the points were and are, and the image moved
    by each of the motions. Occlusion is the share from 0 to 1 of what is seen there that the image has at all.

    Args:
      reduction: h = H / reduction.
      width, levels: of its `Hourglass`.
      occluded: whether there is an occlusion; without, it is 1.
      dtype: of activations.
    """
    return from_linen(DenseMotion(reduction, width, levels, occluded, dtype))


def motions(source: Keypoints, driver: Keypoints, height: int, width: int) -> Array:
    """Returns where each place z of the result comes from by each motion, [N, K + 1, height, width, 2]: z itself, and p_S + J_S J_D^-1 (z -
    p_D).

    >>> points = Keypoints(jnp.zeros((1, 1, 2)), jnp.eye(2)[None, None])
    >>> motions(points._replace(place=jnp.ones((1, 1, 2))), points, 1, 1).tolist()
    [[[[[0.0, 0.0]]], [[[1.0, 1.0]]]]]
    """
    n, count, _ = source.place.shape
    grid = pixel_places(height, width)[None, None]
    away = grid - driver.place[:, :, None, None]
    moved = jnp.einsum("nkij,nkhwj->nkhwi", source.jacobian @ inverse(driver.jacobian), away) + source.place[:, :, None, None]
    return jnp.concatenate([jnp.broadcast_to(grid, (n, 1, height, width, 2)), moved], axis=1)


def generator(channels: int = 3, width: int = 16, halvings: int = 1, blocks: int = 6, most: int = 512, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (images [N, H, W, C], flow [N, h, w, 2], occlusion [N, h, w, 1]) -> images [N, H, W, channels] in [-1, 1],
    float32.

    Features of the image are halved, looked up along the flow, multiplied by the occlusion, changed by residual blocks, and doubled. The
    result is a mixture of what they become and of the image itself looked up along the flow, in shares that they become, too; the paper
    has the first alone.

    Args:
      channels: of the result.
      width: features at full size; doubled with every halving.
      halvings: of the image, until its features are bent; the paper's are 2, at 256 pixels.
      blocks: residual ones.
      most: features.
      dtype: of activations.
    """
    return from_linen(Generator(channels, width, halvings, blocks, most, dtype))


def discriminator(width: int = 16, layers: int = 4, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (images [N, H, W, C], places [N, K, 2] of their points) -> logits of patches [N, h, w, 1], float32, and a list of
    activations.

    Appendix of Siarohin et al. 2018 (https://arxiv.org/abs/1812.08861): convolutions of 4 x 4 with instance norm, of which
    all but the last have stride 2; it sees the points as Gaussians beside the image.
    """
    return from_linen(Discriminator(width, layers, dtype))


class DenseMotion(nn.Module):
    """Maps images and two sets of `Keypoints` to a flow and an occlusion."""

    reduction: int
    width: int
    levels: int
    occluded: bool
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, source: Keypoints, driver: Keypoints, train: bool) -> tuple[Array, Array]:
        small = averaged(images, self.reduction)
        n, height, width, c = small.shape
        ways = motions(source, driver, height, width)
        count = ways.shape[1]
        places = ways.swapaxes(0, 1).reshape(count * n, height, width, 2)
        seen = sample_at(jnp.tile(small, (count, 1, 1, 1)), places).reshape(count, n, height, width, c)
        change = gaussians(driver.place, height, width) - gaussians(source.place, height, width)
        shown = [jnp.zeros((n, height, width, 1)), change, *seen]
        x = Hourglass(self.width, self.levels, name="hourglass")(jnp.concatenate(shown, axis=3).astype(self.dtype), train)
        shares = jax.nn.softmax(Convolution(count, 3, padding=1, name="shares")(x).astype(jnp.float32), axis=3)
        flow = jnp.einsum("nhwk,nkhwi->nhwi", shares, ways) - pixel_places(height, width)[None]
        if not self.occluded:
            return flow, jnp.ones((n, height, width, 1))
        return flow, jax.nn.sigmoid(Convolution(1, 3, padding=1, name="occlusion")(x).astype(jnp.float32))


class Generator(nn.Module):
    """Maps images, a flow and an occlusion to images."""

    channels: int
    width: int
    halvings: int
    blocks: int
    most: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, flow: Array, occlusion: Array, train: bool) -> Array:
        widths = [min(self.width * 2**level, self.most) for level in range(self.halvings + 1)]
        x = Block(widths[0], 7, name="first")(images.astype(self.dtype), train)
        for level, features in enumerate(widths[1:]):
            x = Block(features, 4, 2, name=f"down_{level}")(x, train)
        x = bent(x, flow) * enlarge(occlusion, *x.shape[1:3]).astype(x.dtype)
        for number in range(self.blocks):
            x = x + Residual(name=f"block_{number}")(x, train)
        for level, features in reversed(list(enumerate(widths[:-1]))):
            x = Block(features, name=f"up_{level}")(doubled(x), train)
        new = jnp.tanh(Convolution(self.channels, 3, padding=1, name="image")(x).astype(jnp.float32))
        kept = jax.nn.sigmoid(Convolution(1, 3, padding=1, name="kept")(x).astype(jnp.float32))
        return kept * bent(images, flow) + (1 - kept) * new


class Residual(nn.Module):
    """Batch norm, rectifier, convolution, twice: what is added to the input."""

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        for name in ("first", "second"):
            x = nn.relu(BatchNorm(name=f"{name}_norm")(x, train))
            x = Convolution(x.shape[3], 3, padding=1, name=name)(x)
        return x


class Discriminator(nn.Module):
    """Maps images and places to logits of patches, and activations."""

    width: int
    layers: int
    dtype: Any

    @nn.compact
    def __call__(self, images: Array, place: Array) -> tuple[Array, list[Array]]:
        x = jnp.concatenate([images, gaussians(place, *images.shape[1:3])], axis=3).astype(self.dtype)
        found = []
        for layer in range(self.layers):
            last = layer == self.layers - 1
            x = Convolution(self.width * 2**layer, 4, 1 if last else 2, 1, name=f"convolution_{layer}")(x)
            x = nn.leaky_relu(InstanceNorm(name=f"norm_{layer}")(x) if layer else x, 0.2)
            found.append(x.astype(jnp.float32))
        return Convolution(1, 1, name="logits")(x).astype(jnp.float32), found


def bent(x: Array, flow: Array) -> Array:
    """Returns images or features [N, H, W, C] looked up along a flow [N, h, w, 2], which is enlarged to their size."""
    height, width = x.shape[1:3]
    places = pixel_places(height, width)[None] + enlarge(flow, height, width)
    return sample_at(x, places)
