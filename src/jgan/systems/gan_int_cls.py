"""GAN-INT-CLS: images of captions, by a discriminator that also refuses real images with a wrong caption, and captions in between.

Paper: Reed et al. 2016, https://arxiv.org/abs/1605.05396; the encoder of captions is trained as in Radford et al. 2021 (CLIP),
https://arxiv.org/abs/2103.00020, for the first part of the run, and frozen.
"""

import dataclasses
from functools import partial
from pathlib import Path

from jax.sharding import Mesh

from jgan import commands, outputs
from jgan.data.source import Source
from jgan.evaluation.score import Score, image_score
from jgan.models import gan_int_cls
from jgan.ranges import Kimg
from jgan.run.sampling import latent_inputs
from jgan.run.system import Sampling, System
from jgan.systems._captions import (
    CaptionSettings,
    Parts,
    adam_of,
    check,
    encoders_of,
    match_score,
    of_shapes,
    open_data,
    training_of_encoders,
    training_of_gan,
)
from jgan.types import Spec, Stage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(CaptionSettings):
    """What a run is made of."""

    kimg: Kimg = 600.0
    """Length of the run, with the encoder's part, thousands of images."""


_SMALL = Config(resolution=32, batch=16, generator_features=32, discriminator_features=32)
PRESETS = {
    "shapes": dataclasses.replace(_SMALL, hold_out=True, kimg=180, encoder_kimg=30),
    "shapes64": Config(hold_out=True, kimg=1_000),
    "emoji": dataclasses.replace(_SMALL, data="CAPTIONED", min_count=2, kimg=210, encoder_kimg=60),
    "emoji64": Config(data="CAPTIONED", min_count=2, kimg=1_000),
}


def build(config: Config, spec: Spec) -> list[Stage]:
    """Trains in two stages on one state: encoders, then the GAN.

    Raises:
      ValueError: if the encoders' part is as long as the run, the batch has no halves, or images cannot be halved to 4 pixels.
    """
    check(config)
    if config.encoder_kimg >= config.kimg:
        raise ValueError(f"expected encoder_kimg below kimg, {config.kimg:g}, found {config.encoder_kimg:g}; give a longer run")
    first = round(1000 * config.encoder_kimg)
    images = round(1000 * config.kimg) - first
    parts = parts_of(config, spec, images)
    source = partial(open_data, config)
    gan = training_of_gan(config, parts, first // config.batch, {})
    return [
        Stage(first, config.batch, training_of_encoders(parts), source),
        Stage(images, config.batch, gan, source, lambda key, before, fresh: before),
    ]


def parts_of(config: Config, spec: Spec, images: int) -> Parts:
    """Returns the networks of a configuration, and its optimizers for this number of images."""
    return Parts(
        **encoders_of(config, spec),
        generator=gan_int_cls.generator(config.resolution, spec.image_shape[2], config.generator_features, config.text_features),
        discriminator=gan_int_cls.discriminator(config.resolution, config.discriminator_features, config.text_features),
        adam=adam_of(config, images),
        latents=config.latent_size,
    )


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents and captions in, images out; `text`, embeddings, in place of captions."""
    return Sampling(latent_inputs(config.latent_size), {"image": outputs.image()}, conditions=("caption",), optional=("text",))


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Scores, on shapes, how often an image shows what its caption says; on others the Fréchet distance."""
    if not of_shapes(config):
        return image_score(config, source, folder=folder, mesh=mesh)
    return match_score(config, source, config.resolution, folder)


SYSTEM = System("gan_int_cls", Config, PRESETS, open_data, build, sampling, score, commands=commands.CAPTIONS, description=__doc__ or "")
