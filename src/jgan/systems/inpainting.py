"""Inpainting: missing parts of images, filled by gated convolutions and contextual attention.

Papers: Yu et al. 2018, https://arxiv.org/abs/1806.03589 (the system); Yu et al. 2018, https://arxiv.org/abs/1801.07892 (the attention)
"""

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from jgan import commands, losses, outputs
from jgan.data.combine import zip_sources
from jgan.data.procedural import masks
from jgan.data.settings import ImageSettings, open_images, size_of
from jgan.data.source import Source
from jgan.evaluation.inpainting import inpainting_score
from jgan.evaluation.score import Score
from jgan.models import gated, spectral_patch
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Count, KimgOrZero, Layers, Rate, Several, Share, Size, Weight
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, follow_average, new_player, prefixed, update
from jgan.types import Array, Key, Network, Params, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    resolution: Size = 256
    """Height of the images, pixels."""
    batch: Count = 16
    """Images per step, over all devices."""
    least_hole: Share = 0.15
    """Share of the image that the smallest holes take."""
    largest_hole: Share = 0.4
    """Share of the image that the largest holes take."""
    features: Size = 24
    """Features of the generator at full size; doubled with every halving."""
    levels: Layers = 2
    """Halvings of the image in the generator."""
    dilations: tuple[Size, ...] = gated.DILATIONS
    """Of the generator's layers at the smallest size."""
    discriminator_features: Size = 64
    """Features of the discriminator's first layer; up to four times as many further on."""
    discriminator_layers: Layers = 6
    """Layers of the discriminator, each of which halves the image."""
    adversarial_weight: Weight = 1.0
    """Weight of the adversarial loss; 0: the discriminator is not trained."""
    l1_weight: Weight = 1.0
    """Weight of the L1 distances of the coarse and of the fine image to the true one."""
    learning_rate: Rate = 1e-4
    """Of Adam (beta 0.5 and 0.999), for both players."""
    average_kimg: KimgOrZero = 10.0
    """Half-life of the generator's average, thousands of images; the paper has none."""
    half: bool = False
    """Compute in bfloat16."""
    score_samples: Several = changeable(1000)
    """Images per score."""


_SHAPES = Config(
    resolution=64,
    features=8,
    discriminator_features=16,
    discriminator_layers=4,
    adversarial_weight=0.1,
    learning_rate=1e-3,
    average_kimg=1.0,
    batch=8,
    kimg=30,
    record_kimg=0.4,
    sample_kimg=5,
    score_kimg=10,
    checkpoint_kimg=10,
    score_samples=256,
)
PRESETS = {
    "shapes": _SHAPES,
    "shapes_l1": dataclasses.replace(_SHAPES, adversarial_weight=0.0),
    # For an accelerator: a few minutes at 128 pixels, and the paper's settings. --data says where the images are.
    "flowers": Config(
        data="FLOWERS",
        resolution=128,
        features=32,
        discriminator_layers=5,
        adversarial_weight=0.1,
        learning_rate=2e-4,
        half=True,
        kimg=150,
        sample_kimg=25,
        score_kimg=50,
        checkpoint_kimg=50,
    ),
    "photos": Config(data="PHOTOS", kimg=16_000, score_kimg=400, checkpoint_kimg=400, sample_kimg=100, half=True),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    average: Params  # of the generator
    discriminator: Player


def make_networks(config: Config, channels: int) -> tuple[Network, Network]:
    """Returns the generator of coarse and fine images, and the discriminator of images with their masks."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    generator = gated.inpainter(channels, config.features, config.levels, config.dilations, dtype)
    widths = spectral_patch.features_for(config.discriminator_features, config.discriminator_layers)
    unit = gated.multiple(config.levels)
    return any_size(generator, unit), spectral_patch.spectral_patch_discriminator(widths, dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `image`; `sample` fills `image` [N, H, W, C] where `mask` [N, H, W, 1]
    is 128 and more.
    """
    g, d = make_networks(config, spec.image_shape[2])
    loss, adam = losses.hinge(), optax.adam(config.learning_rate, b1=0.5, b2=0.999)

    def fill(params, state, image, hole, train=False):
        """What the coarse and the fine network make of the known pixels, and the next state."""
        masked = jnp.concatenate([jnp.where(hole, 0.0, image), hole.astype(image.dtype)], axis=3)
        found, state = g.apply(params, state, masked, train=train)
        return *jnp.split(found, 2, axis=3), state

    def logits_of(params, state, image, hole):
        return d.apply(params, state, jnp.concatenate([image, hole.astype(image.dtype)], axis=3), train=True)

    def generator_loss(params, state, examples, other):
        image, hole = examples["image"], examples["hole"]
        coarse, fine, state = fill(params, state, image, hole, train=True)
        l1 = {"coarse_l1": jnp.mean(losses.pixel_l1(image, coarse)), "fine_l1": jnp.mean(losses.pixel_l1(image, fine))}
        total, completed = config.l1_weight * (l1["coarse_l1"] + l1["fine_l1"]), jnp.where(hole, fine, image)
        if not config.adversarial_weight:
            return total, (state, l1)
        adversarial = jnp.mean(loss.generator(None, logits_of(other.params, other.state, completed, hole)[0]))
        return total + config.adversarial_weight * adversarial, (state, l1 | {"adversarial": adversarial, "completed": completed})

    def discriminator_loss(params, state, examples):
        fake_logits, state = logits_of(params, state, examples["completed"], examples["hole"])
        real_logits, state = logits_of(params, state, examples["image"], examples["hole"])
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        return jnp.mean(loss.discriminator(real_logits, fake_logits)), (state, metrics)

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        masked = jnp.zeros((1, *spec.image_shape[:2], spec.image_shape[2] + 1))
        generator, discriminator = new_player(*g.init(key_g, masked), adam), new_player(*d.init(key_d, masked), adam)
        return State(jnp.zeros((), jnp.int32), generator, generator.params, discriminator)

    def step(state, batch, key):
        image = to_float(batch["image"])
        examples = {"image": image, "hole": holes(config, jax.random.fold_in(key, state.step), image.shape)}
        generator, metrics = update_g(state.generator, examples, state.discriminator)
        discriminator, of_discriminator = state.discriminator, {}
        if config.adversarial_weight:  # both players learn from the same completed images, which are made once
            examples["completed"] = jax.lax.stop_gradient(metrics.pop("completed"))
            discriminator, of_discriminator = update_d(discriminator, examples)
        metrics = prefixed("generator", metrics) | prefixed("discriminator", of_discriminator)
        average = follow_average(state.average, generator.params, state.step, len(image), 1000 * config.average_kimg)
        return State(state.step + 1, generator, average, discriminator), metrics

    def sample(state, key, inputs):
        image, mask = to_float(inputs["image"]), to_float(inputs["mask"])
        check_sizes(image.shape, mask.shape, gated.multiple(config.levels))
        coarse, fine, _ = fill(state.average, state.generator.state, image, mask > 0)
        return {"image": jnp.where(mask > 0, fine, image), "coarse": jnp.where(mask > 0, coarse, image)}

    return Training(init, step, sample)


def holes(config: Config, key: Key, shape: tuple[int, ...]) -> Array:
    """Returns free-form holes, bool [N, H, W, 1], for images of a shape [N, H, W, C]."""
    n, height, width, _ = shape
    draw = functools.partial(masks.free_form, height=height, width=width, area=(config.least_hole, config.largest_hole))
    return jax.vmap(draw)(jax.random.uniform(key, (n, masks.DRAWS)))[..., None]


def check_sizes(image: tuple[int, ...], mask: tuple[int, ...], smallest: int) -> None:
    """Raises ValueError for a mask [N, H, W, 1] of another size than the image [N, H, W, C], or sides under `smallest` pixels."""
    if image[:3] != mask[:3]:
        raise ValueError(f"expected a mask of the size of the image, {image[1]} x {image[2]}, found {mask[1]} x {mask[2]}; resize it")
    if min(image[1:3]) < smallest:
        raise ValueError(f"expected images of at least {smallest} x {smallest} pixels, found {image[1]} x {image[2]}; enlarge it")


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the images of a configuration, each with a mask."""
    images, area = open_images(config, split), (config.least_hole, config.largest_hole)
    return zip_sources(images, masks.open_masks(images.size, *size_of(config), area))


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns how far completed images are from the true ones."""
    return inpainting_score(open_images(config), source, config.score_samples, folder, mesh)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: images with holes in, completed images out."""
    kinds = {"image": outputs.image(), "coarse": outputs.image()}
    return Sampling(lambda key, n: {}, kinds, conditions=("image", "mask"), followed=16)


SYSTEM = System(
    "inpainting",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    score,
    training_data=open_images,
    commands=commands.INPAINTING,
    description=__doc__ or "",
)
