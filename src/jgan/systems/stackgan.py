"""StackGAN: small images of captions, as by GAN-INT-CLS but of conditions drawn around what a caption says, and of these larger ones.

Paper: Zhang et al. 2016, https://arxiv.org/abs/1612.03242. A run has three parts: the encoders of captions and images (as in
`gan_int_cls`), stage I, and stage II over the frozen stage I. Both stages have the adversarial steps of `gan_int_cls`; conditions
drawn at random take the place of captions in between.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from jgan import commands, outputs
from jgan.data.source import Source
from jgan.evaluation.score import Score, joined
from jgan.models import gan_int_cls, stackgan
from jgan.models.progan import shrunk
from jgan.ops.images import to_float
from jgan.ranges import Kimg, LayersOrZero, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.system import Sampling, System
from jgan.systems._captions import (
    CaptionSettings,
    Parts,
    State,
    adam_of,
    check,
    distance_score,
    encoders_of,
    match_score,
    of_shapes,
    open_data,
    sample_of,
    training_of_encoders,
    training_of_gan,
)
from jgan.types import Array, Batch, Inputs, Key, Network, Outputs, Spec, Stage, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(CaptionSettings):
    """What a run is made of. `resolution` is the one of stage II; stage I and the encoders see images half as large."""

    kimg: Kimg = 1_100.0
    """Length of the run, thousands of images; what is left after both other parts is for stage II."""
    stage1_kimg: Kimg = 500.0
    """Length of the part for stage I."""
    between_weight: Weight = 0.0
    """Weight of images of captions half way between two, as in `gan_int_cls`, in both stages; 0, as in the paper: none."""
    stage2_generator_features: Size = 128
    """Of the generator of stage II at the size of the images of stage I; twice and four times as many below."""
    stage2_discriminator_features: Size = 64
    """Of the discriminator of stage II at half the resolution; doubled with each halving, at most thrice."""
    blocks: LayersOrZero = 4
    """Residual blocks of the generator of stage II."""
    divergence_weight: Weight = 2.0
    """Weight of the divergence of the conditions from the standard normal distribution, a mean over their numbers, in both stages."""


PRESETS = {
    "shapes": Config(
        hold_out=True,
        batch=16,
        kimg=200,
        encoder_kimg=40,
        stage1_kimg=100,
        generator_features=32,
        discriminator_features=32,
        stage2_generator_features=16,
        stage2_discriminator_features=16,
        blocks=2,
        sample_kimg=20,
        score_kimg=40,
        checkpoint_kimg=40,
    ),
    "accelerator": Config(hold_out=True, resolution=128),
}


def build(config: Config, spec: Spec) -> list[Stage]:
    """Trains in three stages: encoders, stage I, stage II.

    Raises:
      ValueError: if nothing of the run is left for stage II, the batch has no halves, or half the images cannot be halved to 4 pixels.
    """
    check(config)
    if config.encoder_kimg + config.stage1_kimg >= config.kimg:
        found = f"{config.encoder_kimg:g} and {config.stage1_kimg:g}"
        raise ValueError(f"expected encoder_kimg and stage1_kimg below kimg, {config.kimg:g}, together, found {found}; give a longer run")
    ends = [round(1000 * kimg) for kimg in (config.encoder_kimg, config.encoder_kimg + config.stage1_kimg, config.kimg)]
    small, large = small_parts(config, spec, ends[1] - ends[0]), large_parts(config, spec, ends[2] - ends[1])
    terms = {"divergence": (config.divergence_weight, stackgan.divergence)}
    source = partial(open_data, config)
    stage1 = training_of_gan(config, small, ends[0] // config.batch, terms)
    stage2 = training_of_gan(config, large, ends[1] // config.batch, terms)
    stage2 = stage2._replace(sample=partial(sample_of_both, small, large))
    return [
        Stage(ends[0], config.batch, halved(training_of_encoders(small), small), source),
        Stage(ends[1] - ends[0], config.batch, halved(stage1, small), source, lambda key, before, fresh: before),
        Stage(ends[2] - ends[1], config.batch, stage2, source, stacked),
    ]


def small_parts(config: Config, spec: Spec, images: int) -> Parts:
    """Returns the networks of stage I, and their optimizer for this number of images."""
    side = config.resolution // 2
    return Parts(
        **encoders_of(config, spec),
        generator=stackgan.generator(side, spec.image_shape[2], config.generator_features, config.text_features),
        discriminator=gan_int_cls.discriminator(side, config.discriminator_features, config.text_features),
        adam=adam_of(config, images),
        latents=config.latent_size + config.text_features,
    )


def large_parts(config: Config, spec: Spec, images: int) -> Parts:
    """Returns the networks of stage II. What the state of its generator carries holds the generator of stage I, which it never changes."""
    small = small_parts(config, spec, images)
    large = stackgan.enlarger(spec.image_shape[2], config.stage2_generator_features, config.text_features, config.blocks)
    discriminator = gan_int_cls.discriminator(config.resolution, config.stage2_discriminator_features, config.text_features)
    image = Network(lambda key, images: small.image.init(key, shrunk(images)), small.image.apply)  # as it was trained
    return small._replace(
        image=image, generator=over(small, large), discriminator=discriminator, latents=small.latents + config.text_features
    )


def over(small: Parts, large: Network) -> Network:
    """Returns both generators as one: (z, embeddings) -> large images. Its state is {"small": of stage I, parameters and state, "large":
    ...}.

    Stage I works as in sampling, in training too, so that stage II never sees other images than those.
    """

    def images_of(state: Any, z: Array, text: Array) -> Array:
        return small.generator.apply(*state["small"], z[:, : small.latents], text)[0]

    def init(key: Key, z: Array, text: Array):
        keys = jax.random.split(key)
        state = {"small": small.generator.init(keys[0], z[:, : small.latents], text)}
        params, state["large"] = large.init(keys[1], z[:, small.latents :], text, images_of(state, z, text))
        return params, state

    def apply(params, state, z, text, *, key=None, train=False):
        images, after = large.apply(params, state["large"], z[:, small.latents :], text, images_of(state, z, text), train=train)
        return images, {**state, "large": after}

    return Network(init, apply)


def stacked(key: Key, before: State, fresh: State) -> State:
    """Returns the first state of stage II: on the encoders and on the average of stage I."""
    below = {**fresh.generator.state, "small": (before.average, before.generator.state)}
    return fresh._replace(step=before.step, encoder=before.encoder, generator=fresh.generator._replace(state=below))


def halved(training: Training, small: Parts) -> Training:
    """Gives a training on images half as large, whose samples are enlarged (bilinear), those of the data."""

    def seen(batch: Batch) -> Batch:
        return {**batch, "image": shrunk(to_float(batch["image"]))}

    def sample(state, key, inputs):
        found = training.sample(state, key, {**inputs, "z": inputs["z"][:, : small.latents]})
        return {**found, "image": bilinear(found["image"]), "small": found["image"]}

    return Training(
        lambda key, batch: training.init(key, seen(batch)), lambda state, batch, key: training.step(state, seen(batch), key), sample
    )


def sample_of_both(small: Parts, large: Parts, state: State, key: Key | None, inputs: Inputs) -> Outputs:
    """Returns large images of captions, the small ones that they are made of, and the embeddings."""
    found = sample_of(large, state, key, inputs)
    z = inputs["z"][:, : small.latents] * inputs["truncation"][:, None]
    return {**found, "small": small.generator.apply(*state.generator.state["small"], z, found["text"])[0]}


def bilinear(images: Any) -> Array:
    """Returns images [N, H, W, C] twice as large, without learning."""
    n, height, width, channels = images.shape
    return jax.image.resize(images, (n, 2 * height, 2 * width, channels), "bilinear")


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents and captions in, images and the small ones of stage I out; `text`, embeddings, in
    place of captions.
    """
    images = {"image": outputs.image(), "small": outputs.image()}
    latents = config.latent_size + 2 * config.text_features
    return Sampling(latent_inputs(latents), images, conditions=("caption",), optional=("text",))


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns the Fréchet distance; on shapes also how often an image, half as large, shows what its caption says."""
    distance = distance_score(config, source, folder, config.score_samples, mesh)
    return joined(distance, match_score(config, source, config.resolution // 2, folder)) if of_shapes(config) else distance


SYSTEM = System("stackgan", Config, PRESETS, open_data, build, sampling, score, commands=commands.CAPTIONS, description=__doc__ or "")
