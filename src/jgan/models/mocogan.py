"""MoCoGAN: frames of one content code and a path of motion codes, and discriminators of frames and of clips.

Source: Tulyakov, Liu, Yang, Kautz 2017, "MoCoGAN: Decomposing Motion and Content for Video Generation", section 3
(https://arxiv.org/abs/1707.04993). Frames are made and told apart by the networks of `jgan.models.dcgan`. The discriminator of clips has
convolutions of 4 x 4 x 4 with strides 1, 2, 2 and no padding in time. The discriminators have no batch norm, since R1 holds them. A label
enters the generator beside the motion. The discriminator of clips is given it as a projection (Miyato and Koyama 2018,
https://arxiv.org/abs/1802.05637), or has to find it, as in the paper (section 3.2).
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.losses import mutual_information_categorical
from jgan.models import dcgan
from jgan.models.adapters import from_linen
from jgan.ops.convolution import convolution
from jgan.ops.frames import fold, successive, unfold
from jgan.types import Array, Network

SIZE = 4  # of the kernels of the discriminator of clips, frames and pixels
SLOPE = 0.2  # of the discriminators' rectifiers below zero


class Plan(NamedTuple):
    """A generator and discriminators for clips of one shape."""

    frames: int
    image: dcgan.Plan  # of a frame
    features: tuple[int, ...]  # of the layers of the discriminator of clips
    content: int  # numbers in z for the whole clip
    motion: int  # numbers in z for each frame, and in the state of the recurrent network
    classes: int  # 0: without labels
    found: bool = False  # whether the discriminator of clips finds the label; it is given it otherwise

    @property
    def latent_size(self) -> int:
        """Numbers in z: content, the first state, and what drives each frame."""
        return self.content + self.motion * (1 + self.frames)


def plan_of(shape: tuple[int, ...], width: int = 64, content: int = 50, motion: int = 10, classes: int = 0, found: bool = False) -> Plan:
    """Returns the network for clips (T, H, W, C), with `width` features at half the resolution, twice as many with every halving, at most
    thrice.

    Raises:
      ValueError: for frames whose sides do not fit, as `dcgan.halvings`, or fewer frames than the discriminator of clips spans.

    >>> plan = plan_of((16, 32, 32, 3), 24)
    >>> plan.features, plan.latent_size, plan.image.start
    ((24, 48, 96), 220, (4, 4, 96))
    """
    image = dcgan.paper(shape[1:], width)
    features = tuple(layer.features for layer in image.down)
    least = 1 + (SIZE - 1) * len(features)
    if shape[0] < least:
        expected = f"expected at least {least} frames for {len(features)} convolutions in time"
        raise ValueError(f"{expected}, found {shape[0]}; take longer clips, or smaller frames")
    return Plan(shape[0], image, features, content, motion, classes, found)


def frame_plan(image: dcgan.Plan) -> dcgan.Plan:
    """Returns the networks of frames as the discriminator of frames has them: without batch norm there, with Glorot's initial kernels.

    >>> frame_plan(dcgan.paper((32, 32, 3), 24)).normalise
    (True, False)
    """
    return image._replace(normalise=(True, False), deviation=None)


def generator(plan: Plan, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (z [N, latent_size], standard normal, label [N] if there are classes) -> clips [N, T, H, W, C] in [-1, 1],
    float32.

    >>> plan = plan_of((10, 16, 16, 3), 4)
    >>> params, _ = jax.eval_shape(generator(plan).init, jax.random.key(0), jnp.zeros((1, plan.latent_size)))
    >>> params["image"]["first"]["kernel"].shape
    (60, 128)
    """
    return from_linen(Generator(plan, dtype))


def discriminator(plan: Plan, dtype: Any = jnp.float32) -> Network:
    """Makes the network: (clips [N, T, H, W, C], label [N] if there are classes) -> logits of a frame and of the clip, [[N], [N]], float32.

    Where the label is found, its log-probability [N] given the clip follows. With a key the frame of each clip is drawn, without one it is
    the first.

    >>> plan = plan_of((10, 16, 16, 3), 4)
    >>> params, _ = jax.eval_shape(discriminator(plan).init, jax.random.key(0), jnp.zeros((1, 10, 16, 16, 3)))
    >>> sorted(params), params["video"]["down_1"]["kernel"].shape
    (['image', 'video'], (4, 4, 16, 8))
    """
    return from_linen(Discriminator(plan, dtype))


class Generator(nn.Module):
    """Maps z [N, Z] and labels to clips, as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, z: Array, *label: Array, train: bool) -> Array:
        plan = self.plan
        content, start, noise = jnp.split(z, [plan.content, plan.content + plan.motion], axis=1)
        motion = nn.RNN(nn.GRUCell(plan.motion, name="motion"))(unfold(noise.reshape(-1, plan.motion), z.shape[0]), initial_carry=start)
        constant = [content, jax.nn.one_hot(label[0], plan.classes, dtype=z.dtype)] if plan.classes else [content]
        constant = jnp.repeat(jnp.concatenate(constant, axis=1)[:, None], plan.frames, axis=1)
        codes = jnp.concatenate([constant, motion], axis=2)
        return unfold(dcgan.Generator(plan.image, False, self.dtype, name="image")(fold(codes), train), z.shape[0])


class Discriminator(nn.Module):
    """Maps clips and labels to the logits [N] of a frame of each and of the whole, as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, clips: Array, *label: Array, train: bool) -> list[Array]:
        one = jnp.zeros(len(clips), jnp.int32)
        if self.has_rng("noise"):
            one = jax.random.randint(self.make_rng("noise"), (len(clips),), 0, self.plan.frames)
        chosen = jax.nn.one_hot(one, self.plan.frames, dtype=clips.dtype)
        frame = jnp.einsum("nt,nthwc->nhwc", chosen, clips)  # a gather is slow in reverse
        of_frame = dcgan.Discriminator(frame_plan(self.plan.image), self.dtype, name="image")(frame, train)
        return [of_frame, *VideoDiscriminator(self.plan, self.dtype, name="video")(clips, *label)]


class VideoDiscriminator(nn.Module):
    """Maps clips and labels to logits [N], and log-probabilities of the labels [N] where they are found, as its plan says."""

    plan: Plan
    dtype: Any

    @nn.compact
    def __call__(self, clips: Array, *label: Array) -> list[Array]:
        x = clips.astype(self.dtype)
        for level, features in enumerate(self.plan.features):
            x = nn.leaky_relu(Down(features, name=f"down_{level}")(x), SLOPE)
        found = nn.Dense(1 + self.plan.classes, dtype=self.dtype, name="last")(x.reshape(len(x), -1)).astype(jnp.float32)
        if not self.plan.classes:
            return [found[:, 0]]
        if self.plan.found:
            return [found[:, 0], -mutual_information_categorical(found[:, 1:], label[0])]
        return [found[:, 0] + jnp.take_along_axis(found[:, 1:], label[0][:, None], axis=1)[:, 0]]


class Down(nn.Module):
    """Convolution in three dimensions: [N, T, H, W, I] -> [N, T - 3, H / 2, W / 2, features], sizes rounded up."""

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (SIZE, SIZE, SIZE * x.shape[4], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        padding = tuple(dcgan.same_padding(side, SIZE, 2) for side in x.shape[2:4])
        y = convolution(fold(successive(x, SIZE)), kernel.astype(x.dtype), 2, padding) + bias.astype(x.dtype)[None, None, None]
        return unfold(y, len(x))
