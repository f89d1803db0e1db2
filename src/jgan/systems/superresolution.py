"""Super-resolution: images with four times as many pixels a side, sharp by an adversarial and a perceptual loss.

Papers: Ledig et al. 2016 (SRResNet, SRGAN), https://arxiv.org/abs/1609.04802; relativistic: Wang et al. 2018 (ESRGAN),
https://arxiv.org/abs/1809.00219
"""

import dataclasses
import functools
from functools import partial
from typing import Literal

import jax.numpy as jnp
import numpy as np
import optax

from jgan import commands, losses
from jgan.data.corrupt import corrupted, reduced, whole_parts
from jgan.data.settings import ImageSettings, open_images, place_of_weights
from jgan.data.source import Source
from jgan.evaluation.restoration import Restoration, detail_numbers
from jgan.models import srresnet
from jgan.models.pretrained import feature_maps, load_weights
from jgan.models.pretrained.squeezenet import SMALLEST
from jgan.ops.images import to_float, to_uint8
from jgan.ranges import Channels, Count, Kimg, LayersOrZero, Size, Weight
from jgan.run.system import System
from jgan.systems._translation import PairedSettings, TranslationSettings, augmented, sampling, score
from jgan.training.paired import paired
from jgan.types import Network, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TranslationSettings, ImageSettings, PairedSettings):
    """What a run is made of."""

    resolution: Size = 128
    """Side of the images as they are opened, pixels."""
    channels: Channels | None = 3
    """Colour channels."""
    scale: Literal[2, 4, 8] = 4
    """How many times as many pixels a side."""
    crop: Size = 96
    """Side of the random parts of the images that are trained on, pixels."""
    flip: bool = True
    """Mirror half of the images."""
    batch: Count = 16
    """Images per step, over all devices."""
    kimg: Kimg = 100.0
    """Length of the run, thousands of images, over which the learning rate falls to 0 along a cosine."""
    blocks: LayersOrZero = 16
    """Residual blocks of the generator."""
    discriminator_features: Size = 64
    """Of the first layer of the discriminator."""
    adversarial: Literal["vanilla", "relativistic"] = "vanilla"
    """The adversarial loss: vanilla, as in GANs, or whether real images look more real than generated ones on average."""
    perceptual_weight: Weight = 0.0
    """Weight of the squared distance of the features of SqueezeNet; 0: they are not needed."""
    weights: str | None = place_of_weights()
    """File with the weights of SqueezeNet 1.1; downloaded once if not given."""


_STAGE_1 = {"adversarial_weight": 0.0, "l1_weight": 1.0}
# With the usual weights for VGG, 0.01 and 1, the features of SqueezeNet outweigh everything and print a regular texture.
_STAGE_2 = {"adversarial_weight": 5e-3, "l1_weight": 1.0, "perceptual_weight": 0.2}
_SMALL = Config(
    features=32, blocks=6, discriminator_features=16, kimg=32, record_kimg=0.8, sample_kimg=8, score_kimg=16, checkpoint_kimg=16
)
_LARGE = Config(kimg=16000, learning_rate=1e-4, record_kimg=10, sample_kimg=500, score_kimg=500, checkpoint_kimg=500)
PRESETS = {
    "srresnet": dataclasses.replace(_SMALL, learning_rate=5e-4, **_STAGE_1),
    "srgan": dataclasses.replace(_SMALL, learning_rate=1e-4, kimg=10, **_STAGE_2),
    # The papers' networks, for an accelerator: 10^6 steps and 2 10^5.
    "srresnet_large": dataclasses.replace(_LARGE, learning_rate=2e-4, **_STAGE_1),
    "srgan_large": dataclasses.replace(_LARGE, kimg=3200, **_STAGE_2),
}


def make_networks(config: Config) -> tuple[Network, Network]:
    """Returns the generator and the discriminator."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    generator = srresnet.generator(3, config.features, config.blocks, config.scale, dtype)
    return generator, srresnet.discriminator(config.discriminator_features, dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `target`, and `input`, `scale` times smaller; `sample` enlarges `input` of any size."""
    steps = max(1, round(1000 * config.kimg / config.batch))
    adam = optax.adam(optax.cosine_decay_schedule(config.learning_rate, steps))
    loss = losses.non_saturating()
    return paired(
        *make_networks(config),
        losses.relativistic_average(loss) if config.adversarial == "relativistic" else loss,
        adam,
        adam,
        prepare=lambda key, batch: augmented(key, batch, config.crop, config.flip),
        sample=lambda translate, inputs: {"image": translate(to_float(inputs["input"]))},
        distances={"l1": (config.l1_weight, losses.pixel_l1), "perceptual": (config.perceptual_weight, perceptual(config))},
        adversarial_weight=config.adversarial_weight,
        conditional=False,
    )


def perceptual(config: Config):
    """Returns the perceptual distance of a configuration, of activations divided by 255; the weights are read when it is first used, so
    that images are enlarged without them.
    """
    weights = functools.cache(partial(load_weights, "squeezenet-1.1", config.weights))
    return losses.perceptual(lambda images: [found / 255 for found in feature_maps(weights())(images)])


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns pairs of small images and those that they were made of.

    Raises:
      ValueError: if the sizes do not fit together.
    """
    check_sizes(config)
    return corrupted(open_images(config, split), partial(reduced, factor=config.scale))


def check_sizes(config: Config) -> None:
    """Raises ValueError unless parts of images can be reduced, enlarged and compared."""
    if config.channels != 3:
        raise ValueError(f"expected images in colour, which grey ones become by --channels 3, found {config.channels} channels")
    if config.width not in (None, config.resolution):
        raise ValueError(f"expected square images, found a width of {config.width} and a resolution of {config.resolution} pixels")
    if config.resolution % config.scale or config.crop % config.scale or not 16 <= config.crop <= config.resolution:
        raise ValueError(
            f"expected a crop from 16 pixels to the resolution, both multiples of the scale {config.scale}, found a crop of {config.crop}"
            f" of {config.resolution} pixels; change --crop or --resolution"
        )
    if config.perceptual_weight and config.crop < SMALLEST:
        raise ValueError(f"expected a crop of {SMALLEST} pixels or more for the perceptual loss, found {config.crop}; change --crop")


def pair(config: Config, image: np.ndarray) -> dict[str, np.ndarray]:
    """Returns a whole image, without the last pixels that are no multiple of the scale, and what it is reduced."""
    target = whole_parts(image, config.scale)
    return {"input": reduced(target, config.scale), "target": target}


def bicubic(config: Config, images: np.ndarray) -> np.ndarray:
    """Returns small images [N, h, w, C] enlarged without learning."""
    return np.asarray(to_uint8(srresnet.enlarged(jnp.asarray(to_float(images)), config.scale)))


RESTORATION = Restoration(
    pair=pair,
    baseline=bicubic,
    measure=lambda config, restored, inputs, targets: detail_numbers(restored, inputs, targets, config.scale),
    tile=lambda config: 48,
)
SYSTEM = System(
    "superresolution",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    score,
    commands=commands.RESTORED,
    description=__doc__ or "",
    restoration=RESTORATION,
)
