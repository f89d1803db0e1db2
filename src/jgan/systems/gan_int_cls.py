"""GAN-INT-CLS: images of captions, by a discriminator that also refuses real images with a wrong caption, and captions in between.

Paper: Reed et al. 2016, https://arxiv.org/abs/1605.05396; the encoder of captions is trained as in Radford et al. 2021 (CLIP),
https://arxiv.org/abs/2103.00020, for the first part of the run, and frozen.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jgan import commands, losses, outputs
from jgan.data.captions import open_captions
from jgan.data.combine import subset
from jgan.data.procedural import grammar
from jgan.data.settings import place
from jgan.data.source import Source
from jgan.data.vocabulary import decode
from jgan.evaluation.captions import caption_reader, caption_score
from jgan.evaluation.score import Score, image_score
from jgan.models import caption_encoders, gan_int_cls
from jgan.ops.images import to_float
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Rate, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, average, average_decay, new_player, prefixed, update
from jgan.types import Array, Batch, Inputs, Key, Network, Outputs, Params, Spec, Stage, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """What a run is made of."""

    data: str = place("shapes")
    """Images with captions: shapes or shapes:equal-luma (embedded), or a folder or zip with captions.jsonl or captions.csv."""
    split: str = "train"
    """Part of the data to train on."""
    limit: Count | None = None
    """Maximum number of images."""
    resolution: Size = 64
    """Side of the images, pixels: 16, 32, 64, ..."""
    channels: Channels = 3
    """Colour channels; transparent images are put on white."""
    length: Size | None = None
    """Most words of a caption; as the data if not given."""
    min_count: Count = 1
    """Words that occur less often in the training split are <unknown>."""
    hold_out: bool = False
    """Leave out of the training, of shapes, all captions with one of six pairs of a colour and a kind."""
    kimg: Kimg = 600.0
    """Length of the run, with the encoder's part, thousands of images; each sixth halves the learning rate of the GAN."""
    encoder_kimg: Kimg = 100.0
    """Length of the first part of the run, in which only the encoders of captions and images are trained, thousands of images."""
    batch: Count = 64
    """Images per step, over all devices."""
    encoder_features: Size = 128
    """Numbers in the embedding of a caption."""
    encoder_rate: Rate = 1e-3
    """Of the encoders' Adam."""
    generator_features: Size = 128
    """Of the generator at half the resolution; doubled with each halving, at most thrice."""
    discriminator_features: Size = 64
    """Of the discriminator, likewise."""
    text_features: Size = 128
    """Numbers to which both networks reduce an embedding."""
    latent_size: Size = 100
    """Numbers in z."""
    wrong_captions: bool = True
    """Show the discriminator real images with the caption of another image, as generated ones (CLS)."""
    between_weight: Weight = 0.5
    """Weight of images of captions half way between two, which the generator makes for half a batch (INT); 0: none."""
    learning_rate: Rate = 2e-4
    """Of Adam, for both players."""
    beta1: ShareBelowOne = 0.5
    """Of Adam."""
    average_kimg: KimgOrZero = 2.0
    """Half-life of the generator's average, thousands of images."""
    sample_kimg: Kimg = changeable(20.0)
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: Kimg = changeable(50.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(50.0)
    """Between two scores, thousands of images; 0: none."""
    score_samples: Count = changeable(1_000)
    """Generated images per score."""


PRESETS = {
    "shapes": Config(resolution=32, hold_out=True, kimg=200, encoder_kimg=50, generator_features=32, discriminator_features=32),
    "shapes64": Config(hold_out=True, kimg=1_000),
    "emoji": Config(data="CAPTIONED", min_count=2, kimg=1_000),
}


class Encoders(NamedTuple):
    """Parameters of both encoders, and the logarithm of the inverse temperature."""

    caption: Params
    image: Params
    log_scale: Array


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    encoder: Player  # of Encoders; after the first stage it stays
    generator: Player
    discriminator: Player
    average: Params  # of the generator's parameters


def build(config: Config, spec: Spec) -> list[Stage]:
    """Two stages on one state: encoders, then the GAN.

    Raises:
      ValueError: if the encoders' part is as long as the run, the batch has no halves, or images cannot be halved to 4 pixels.
    """
    if config.batch % 2:
        raise ValueError(f"expected an even batch, whose captions are mixed in pairs, found {config.batch}")
    if config.encoder_kimg >= config.kimg:
        raise ValueError(f"expected encoder_kimg below kimg, {config.kimg:g}, found {config.encoder_kimg:g}; give a longer run")
    first = round(1000 * config.encoder_kimg)
    images = first, round(1000 * config.kimg) - first
    trainings = training_of_encoders(config, spec), training_of_gan(config, spec)
    source = partial(open_data, config)
    return [
        Stage(images[0], config.batch, trainings[0], source),
        Stage(images[1], config.batch, trainings[1], source, lambda key, before, fresh: before),
    ]


class Parts(NamedTuple):
    """Networks and optimizers."""

    caption: Network
    image: Network
    generator: Network
    discriminator: Network
    adam_encoder: optax.GradientTransformation
    adam: optax.GradientTransformation


def parts_of(config: Config, spec: Spec) -> Parts:
    """The networks of a configuration, and its optimizers."""
    steps = max(1, round(1000 * (config.kimg - config.encoder_kimg) / config.batch))
    rate = optax.exponential_decay(config.learning_rate, max(1, steps // 6), 0.5, staircase=True)
    return Parts(
        caption_encoders.caption_encoder(len(spec.names["caption"]), config.encoder_features),
        caption_encoders.image_encoder(config.encoder_features),
        gan_int_cls.generator(config.resolution, spec.image_shape[2], config.generator_features, config.text_features),
        gan_int_cls.discriminator(config.resolution, config.discriminator_features, config.text_features),
        optax.adam(config.encoder_rate),
        optax.adam(rate, b1=config.beta1),
    )


def init_of(config: Config, parts: Parts, key: Key, batch: Batch) -> State:
    """The first state, of both stages."""
    keys, images = jax.random.split(key, 4), to_float(batch["image"])
    encoders = Encoders(parts.caption.init(keys[0], batch["caption"])[0], parts.image.init(keys[1], images)[0], jnp.log(jnp.float32(10)))
    z, text = jnp.zeros((len(images), config.latent_size)), jnp.zeros((len(images), config.encoder_features))
    generator = new_player(*parts.generator.init(keys[2], z, text), parts.adam)
    discriminator = new_player(*parts.discriminator.init(keys[3], images, text), parts.adam)
    encoder = new_player(encoders, {}, parts.adam_encoder)
    return State(jnp.zeros((), jnp.int32), encoder, generator, discriminator, generator.params)


def embed(parts: Parts, encoders: Encoders, captions: Array) -> Array:
    """Embeddings of captions [N, T], of length sqrt(F): [N, F]."""
    found = parts.caption.apply(encoders.caption, {}, captions)[0]
    return found * jax.lax.rsqrt(jnp.mean(jnp.square(found), axis=1, keepdims=True) + 1e-8)


def sample_of(parts: Parts, state: State, key: Key | None, inputs: Inputs) -> Outputs:
    """Images of captions, or of their embeddings `text`, and these."""
    text = inputs["text"] if "text" in inputs else embed(parts, state.encoder.params, inputs["caption"])
    z = inputs["z"] * inputs["truncation"][:, None]
    return {"image": parts.generator.apply(state.average, state.generator.state, z, text)[0], "text": text}


def training_of_encoders(config: Config, spec: Spec) -> Training:
    """The first stage: encoders learn which caption is of which image."""
    parts = parts_of(config, spec)

    def loss(params, state, examples):
        images, captions = examples
        same = jnp.all(captions[:, None] == captions[None], axis=2)
        pair = parts.image.apply(params.image, {}, images)[0], embed(parts, params, captions)
        each = losses.image_text_contrastive(*pair, jnp.exp(jnp.minimum(params.log_scale, jnp.log(100.0))), same)
        return jnp.mean(each), (state, {"scale": jnp.exp(params.log_scale)})

    learn = update(loss, parts.adam_encoder)

    def step(state, batch, key):
        encoder, metrics = learn(state.encoder, (to_float(batch["image"]), batch["caption"]))
        return state._replace(step=state.step + 1, encoder=encoder), prefixed("encoder", metrics)

    return Training(partial(init_of, config, parts), step, partial(sample_of, parts))


def training_of_gan(config: Config, spec: Spec) -> Training:
    """The second stage: algorithm 1 of the paper. A wrong caption is the one of the image before in the batch."""
    parts, plain = parts_of(config, spec), losses.non_saturating()
    loss = losses.matching_aware(plain) if config.wrong_captions else plain
    g, d = parts.generator.apply, parts.discriminator.apply

    def discriminator_loss(params, state, examples):
        real, fake, text = examples
        real_logits, after = d(params, state, real, text, train=True)
        fake_logits, after = d(params, after, fake, text, train=True)
        logits = [real_logits, fake_logits]
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        if config.wrong_captions:
            wrong, after = d(params, after, real, jnp.roll(text, 1, axis=0), train=True)
            logits.append(wrong)
            metrics["wrong_logits"] = jnp.mean(wrong)
        return jnp.mean(loss.discriminator(*logits)), (after, metrics)

    def generator_loss(params, state, examples, other):
        z, text = examples
        fake, after = g(params, state, z, text, train=True)
        value = jnp.mean(loss.generator(None, d(other.params, other.state, fake, text, train=True)[0]))
        if config.between_weight:
            half = (text[::2] + text[1::2]) / 2
            between, after = g(params, after, z[::2], half, train=True)
            logits = d(other.params, other.state, between, half, train=True)[0]
            value = value + config.between_weight * jnp.mean(loss.generator(None, logits))
        return value, (after, {})

    update_g, update_d = update(generator_loss, parts.adam), update(discriminator_loss, parts.adam)

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 2)
        real, text = to_float(batch["image"]), embed(parts, state.encoder.params, batch["caption"])
        latents = [jax.random.normal(one, (len(real), config.latent_size)) for one in keys]
        fake, _ = g(state.generator.params, state.generator.state, latents[0], text, train=True)
        discriminator, of_d = update_d(state.discriminator, (real, fake, text))
        generator, of_g = update_g(state.generator, (latents[1], text), discriminator)
        seen = (state.step - round(1000 * config.encoder_kimg) // config.batch) * config.batch
        mean = average(state.average, generator.params, average_decay(config.batch, seen, 1000 * config.average_kimg, ramp_up=0.05))
        metrics = prefixed("discriminator", of_d) | prefixed("generator", of_g)
        return State(state.step + 1, state.encoder, generator, discriminator, mean), metrics

    return Training(partial(init_of, config, parts), step, partial(sample_of, parts))


def open_data(config: Config, split: str | None = None) -> Source:
    """The captioned images of a configuration, or another part of them.

    Raises:
      ValueError: if pairs are to be held out of data that are no shapes.
    """
    trained_on = split in (None, config.split)
    source = open_captions(
        config.data,
        resolution=config.resolution,
        channels=config.channels,
        split=split or config.split,
        limit=config.limit if trained_on else None,
        length=config.length,
        min_count=config.min_count,
    )
    if not config.hold_out:
        return source
    if config.data.split(":")[0] != "shapes":
        raise ValueError(f"expected shapes to hold out pairs of colour and kind, found {config.data}; give --no-hold-out")
    texts = decode(source.columns["caption"], source.names["caption"])
    return subset(source, np.flatnonzero([not grammar.says_held_out(text) for text in texts]))


def sampling(config: Config, spec: Spec) -> Sampling:
    """Latents and captions in, images out; `text`, embeddings, in place of captions."""
    return Sampling(latent_inputs(config.latent_size), {"image": outputs.image()}, conditions=("caption",), optional=("text",))


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """On shapes how often an image shows what its caption says; on others the Fréchet distance."""
    if config.data.split(":")[0] != "shapes":
        return image_score(config, source, folder=folder, mesh=mesh)
    reader = caption_reader(config.data, config.resolution, config.channels, folder)
    return caption_score(source, open_data(config, "test"), reader, config.score_samples)


SYSTEM = System("gan_int_cls", Config, PRESETS, open_data, build, sampling, score, commands=commands.CAPTIONS, description=__doc__ or "")
