"""StarGAN with a copy mask: attributes of images put on and taken off, learned without pairs.

Papers: Choi et al. 2017, https://arxiv.org/abs/1711.09020; He et al. 2017 (AttGAN), https://arxiv.org/abs/1711.10678; Liu et al. 2019
(STGAN), https://arxiv.org/abs/1904.09709; the mask: Pumarola et al. 2018 (GANimation), https://arxiv.org/abs/1807.09251.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import commands, losses, outputs, penalties
from jgan.data.presence import open_presence
from jgan.data.settings import limit_of, place
from jgan.data.source import Source
from jgan.evaluation.editing import edit_score as score
from jgan.models import stargan
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Layers, LayersOrZero, Rate, Several, Share, Size, Weight
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, new_player, prefixed, update
from jgan.training.averages import follow_average
from jgan.types import Array, Key, Network, Params, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """What a run is made of."""

    data: str = place("faces")
    """Images with attributes: faces or faces:correlated (embedded), or a folder or zip with a table attributes.csv."""
    attributes: tuple[str, ...] = ("glasses", "hat", "smile")
    """Attributes that are learned, each there or not: names of columns, or COLUMN=VALUE; folder=VALUE for a folder of images."""
    limit: Count | None = None
    """Maximum number of images."""
    resolution: Size = 64
    """Side of the images, pixels: a multiple of 2^layers."""
    channels: Channels = 3
    """Colour channels."""
    kimg: Kimg = 200.0
    """Length of the run, thousands of images; over its second half the learning rate falls to 0."""
    batch: Count = 16
    """Images per step, over all devices."""
    features: Size = 64
    """Of the first layer of both networks."""
    blocks: LayersOrZero = 6
    """Residual blocks of the generator."""
    layers: Layers = 5
    """Layers of the discriminator, each of which halves the image."""
    flips: Share = 0.4
    """Probability with which each attribute of an image is changed in training."""
    attribute_weight: Weight = 0.1
    """Weight of the cross-entropy of attributes, summed over them, for the generator; it is 1 for the discriminator."""
    reconstruction_weight: Weight = 10.0
    """Weight of the L1 between an image and what is left of it after a change and its undoing."""
    mask_weight: Weight = 0.3
    """Weight of the mean of the mask: of how much is painted anew."""
    r1_weight: Weight = 0.2
    """Weight of the discriminator's squared gradient at real images."""
    learning_rate: Rate = 2e-4
    """Of Adam (beta 0.5 and 0.999), for both players."""
    average_kimg: KimgOrZero = 2.0
    """Half-life of the generator's average, thousands of images."""
    half: bool = False
    """Compute in bfloat16."""
    sample_kimg: Kimg = changeable(10.0)
    """Between two grids of images, with and without every attribute, thousands of images."""
    checkpoint_kimg: Kimg = changeable(20.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(20.0)
    """Between two scores, thousands of images; 0: none."""
    score_samples: Several = changeable(500)
    """Training images that are edited per score."""


_SMALL = Config(features=24, blocks=4, batch=8, learning_rate=5e-4, kimg=60)
PRESETS = {
    "faces": _SMALL,
    "cartoon": dataclasses.replace(_SMALL, data="CARTOON_FACES", attributes=("folder=glasses", "hat")),
    "faces128": Config(resolution=128, attributes=("glasses", "hat", "smile", "moustache"), layers=6, kimg=2_000, half=True),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    discriminator: Player
    average: Params  # of the generator's parameters


class Request(NamedTuple):
    """What a generator is asked for: 1 with, -1 without, 0 as it is; all [N, A]."""

    change: Array
    back: Array  # the change that undoes it
    target: Array  # the attributes after the change: 1 there, 0 not there


def ask(key: Key, attributes: Array, flips: Share) -> Request:
    """Draws changes of images with these attributes [N, A]: each flips with probability `flips`, and half of the others are asked to stay
    what they are. So a generator learns to do nothing where an image is already as it shall be.

    >>> request = ask(jax.random.key(0), jnp.asarray([[1.0, 0.0, 1.0]]), flips=1.0)
    >>> request.change.tolist(), request.back.tolist(), request.target.tolist()
    ([[-1.0, 1.0, -1.0]], [[1.0, -1.0, 1.0]], [[0.0, 1.0, 0.0]])
    """
    key_flip, key_stay = jax.random.split(key)
    flipped = jax.random.bernoulli(key_flip, flips, attributes.shape)
    named = (flipped | jax.random.bernoulli(key_stay, 0.5, attributes.shape)).astype(attributes.dtype)
    target = jnp.where(flipped, 1 - attributes, attributes)
    return Request(named * (2 * target - 1), named * (2 * attributes - 1), target)


def make_networks(config: Config, spec: Spec) -> tuple[Network, Network]:
    """Returns a generator, whose images are `stargan.blend` of its output, and a discriminator.

    Raises:
      ValueError: for data without attributes, or images that the discriminator cannot halve so often.
    """
    dtype, multiple = jnp.bfloat16 if config.half else jnp.float32, 2**config.layers
    (height, width, _), _ = spec.image_shape, spec.shape("attributes")
    if height % multiple or width % multiple:
        raise ValueError(
            f"expected images with sides that are multiples of {multiple} pixels for {config.layers} layers of the discriminator, found"
            f" {height} x {width}; give another resolution or fewer layers"
        )
    if config.layers < 3:
        raise ValueError(f"expected 3 layers or more of the discriminator, found {config.layers}")
    generator = any_size(stargan.editor(config.features, config.blocks, dtype), stargan.MULTIPLE)
    return generator, stargan.discriminator(config.features, config.layers, dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `image` and `attributes`; `sample` edits images as `change` says, and puts every
    attribute on and takes it off.
    """
    (g, d), loss = make_networks(config, spec), losses.non_saturating()
    total = max(1, round(1000 * config.kimg / config.batch))
    adam = optax.adam(optax.linear_schedule(config.learning_rate, 0.0, total - total // 2, total // 2), b1=0.5, b2=0.999)

    def edit(params, images, changes):
        return stargan.blend(images, g.apply(params, {}, images, changes, train=True)[0])

    def discriminate(params, images, attributes):
        return d.apply(params, {}, images, attributes, train=True)[0]

    def generator_loss(params, state, examples, discriminator):
        images, request = examples
        edited, mask = edit(params, images, request.change)
        logits, named = discriminate(discriminator.params, edited, request.target)
        terms = {
            "adversarial": _mean(loss.generator(None, some) for some in logits),
            "attributes": cross_entropy(named, request.target),
            "reconstruction": jnp.mean(losses.pixel_l1(images, edit(params, edited, request.back)[0])),
            "mask": jnp.mean(mask),
        }
        weights = {"attributes": config.attribute_weight, "reconstruction": config.reconstruction_weight, "mask": config.mask_weight}
        return terms["adversarial"] + sum(weight * terms[name] for name, weight in weights.items()), (state, terms)

    def discriminator_loss(params, state, examples):
        images, edited, attributes, target = examples
        real_logits, named = discriminate(params, images, attributes)
        fake_logits, _ = discriminate(params, edited, target)
        terms = {
            "adversarial": _mean(map(loss.discriminator, real_logits, fake_logits)),
            "attributes": cross_entropy(named, attributes),
            "r1": jnp.mean(penalties.r1(lambda x: _mean(discriminate(params, x, attributes)[0], axis=(1, 2, 3)), images)),
        }
        value = terms["adversarial"] + terms["attributes"] + config.r1_weight * terms["r1"]
        return value, (state, terms | {"real_logits": _mean(real_logits), "fake_logits": _mean(fake_logits)})

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        images, changes = to_float(batch["image"]), batch["attributes"].astype(jnp.float32)
        generator = new_player(*g.init(key_g, images, changes), adam)
        return State(jnp.zeros((), jnp.int32), generator, new_player(*d.init(key_d, images, changes), adam), generator.params)

    def step(state, batch, key):
        images, attributes = to_float(batch["image"]), batch["attributes"].astype(jnp.float32)
        request = ask(jax.random.fold_in(key, state.step), attributes, config.flips)
        edited, _ = edit(state.generator.params, images, request.change)
        discriminator, metrics_d = update_d(state.discriminator, (images, edited, attributes, request.target))
        generator, metrics_g = update_g(state.generator, (images, request), discriminator)
        mean = follow_average(state.average, generator.params, state.step, len(images), 1000 * config.average_kimg)
        return State(state.step + 1, generator, discriminator, mean), prefixed("discriminator", metrics_d) | prefixed(
            "generator", metrics_g
        )

    def sample(state, key, inputs):
        images = to_float(inputs["image"])
        every = {name: jnp.broadcast_to(change, inputs["change"].shape) for name, change in single_changes(spec).items()}
        return {name: edit(state.average, images, change)[0] for name, change in ({"edited": inputs["change"]} | every).items()}

    return Training(init, step, sample)


def cross_entropy(logits: Array, attributes: Array) -> Array:
    """Returns the mean over images of the cross-entropy of attributes [N, A], summed over them (Choi et al. 2017, equations 2 and 3)."""
    return jnp.mean(jnp.sum(optax.sigmoid_binary_cross_entropy(logits, attributes), axis=1))


def _mean(patches, axis=None):
    """The mean of two arrays, which count alike whatever their sizes."""
    small, large = (jnp.mean(one, axis=axis) for one in patches)
    return (small + large) / 2


def single_changes(spec: Spec) -> dict[str, np.ndarray]:
    """Returns the changes [A] that put an attribute on or take it off, by the name of the output that shows it."""
    names = spec.names["attributes"]
    one = np.eye(len(names), dtype=np.float32)
    return {f"{word}_{name}": sign * one[i] for i, name in enumerate(names) for word, sign in (("with", 1), ("without", -1))}


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the images of a configuration with the attributes that are learned, or another part of them."""
    return open_presence(
        config.data,
        config.attributes,
        resolution=config.resolution,
        channels=config.channels,
        split=split or "train",
        limit=limit_of(config, split),
    )


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: images and changes in; the images so changed, and with and without every attribute, out."""
    shown = dict.fromkeys(("edited", *single_changes(spec)), outputs.image())
    count = len(spec.names["attributes"])
    return Sampling(lambda key, n: {"change": jnp.zeros((n, count))}, shown, conditions=("image",), followed=8)


SYSTEM = System("stargan", Config, PRESETS, open_data, build, sampling, score, commands=commands.EDITS, description=__doc__ or "")
