"""What systems share that draw images of captions: settings, the encoders that a run trains first, the adversarial steps, and the score.

Sources: Reed et al. 2016 (GAN-INT-CLS), https://arxiv.org/abs/1605.05396; the encoders are trained as in Radford et al. 2021 (CLIP),
https://arxiv.org/abs/2103.00020.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jgan import losses, penalties
from jgan.data.captions import open_captions
from jgan.data.combine import subset
from jgan.data.open import open_source
from jgan.data.procedural import grammar
from jgan.data.settings import limit_of, place
from jgan.data.source import Source
from jgan.data.vocabulary import decode
from jgan.evaluation.captions import caption_reader, caption_score
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.score import Score, frechet_score
from jgan.models import caption_encoders
from jgan.ops.images import to_float
from jgan.ranges import Channels, Count, Kimg, KimgOrZero, Rate, ShareBelowOne, Size, Weight
from jgan.run.settings import Settings, changeable
from jgan.training import Player, follow_average, new_player, prefixed, update
from jgan.types import Array, Batch, Inputs, Key, Metrics, Network, Outputs, Params, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionSettings(Settings):
    """What is trained on, the encoders, both networks and how they are trained."""

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
    r1_weight: Weight = 1.0
    """Of R1 of the discriminator, at real images with their captions."""
    learning_rate: Rate = 2e-4
    """Of Adam, for both players; it falls to 0 over the second half of their part of the run."""
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


class Parts(NamedTuple):
    """Networks and optimizers. The generator takes (z, embeddings of captions), the discriminator (images, embeddings)."""

    caption: Network
    image: Network
    generator: Network
    discriminator: Network
    adam_encoder: optax.GradientTransformation
    adam: optax.GradientTransformation
    latents: int  # numbers in z


class Players(NamedTuple):
    """Who plays in the adversarial steps."""

    generator: Player
    discriminator: Player
    average: Params  # of the generator's parameters


Terms = Mapping[str, tuple[float, Callable[[Params, Array], Array]]]  # name: weight, (generator's params, embeddings) -> [N]


def encoders_of(config: CaptionSettings, spec: Spec) -> dict[str, Any]:
    """Returns the fields of `Parts` that make up the encoders."""
    return {
        "caption": caption_encoders.caption_encoder(len(spec.names["caption"]), config.encoder_features),
        "image": caption_encoders.image_encoder(config.encoder_features),
        "adam_encoder": optax.adam(config.encoder_rate),
    }


def adam_of(config: CaptionSettings, images: int) -> optax.GradientTransformation:
    """Returns the optimizer of both players; its rate falls to 0 over the second half of the images."""
    steps = max(1, images // config.batch)
    return optax.adam(optax.linear_schedule(config.learning_rate, 0.0, max(1, steps // 2), steps - steps // 2), b1=config.beta1)


def check(config: CaptionSettings) -> None:
    """Raises ValueError if a batch has no halves where captions are mixed."""
    if config.between_weight and config.batch % 2:
        raise ValueError(f"expected an even batch, whose captions are mixed in pairs, found {config.batch}")


def init_of(parts: Parts, key: Key, batch: Batch) -> State:
    """Returns the first state, of encoders and players."""
    keys, images = jax.random.split(key, 4), to_float(batch["image"])
    encoders = Encoders(parts.caption.init(keys[0], batch["caption"])[0], parts.image.init(keys[1], images)[0], jnp.log(jnp.float32(10)))
    text = embed(parts.caption, encoders.caption, batch["caption"])
    z = jnp.zeros((len(images), parts.latents))
    generator = new_player(*parts.generator.init(keys[2], z, text), parts.adam)
    discriminator = new_player(*parts.discriminator.init(keys[3], images, text), parts.adam)
    encoder = new_player(encoders, {}, parts.adam_encoder)
    return State(jnp.zeros((), jnp.int32), encoder, generator, discriminator, generator.params)


def embed(network: Network, params: Params, captions: Array) -> Array:
    """Returns embeddings of captions [N, T], of length sqrt(F): [N, F]."""
    found = network.apply(params, {}, captions)[0]
    return found * jax.lax.rsqrt(jnp.mean(jnp.square(found), axis=1, keepdims=True) + 1e-8)


def text_of(network: Network, params: Params, inputs: Inputs) -> Array:
    """Returns the given embeddings `text`, or those of the captions."""
    return inputs["text"] if "text" in inputs else embed(network, params, inputs["caption"])


def sample_of(parts: Parts, state: State, key: Key | None, inputs: Inputs) -> Outputs:
    """Returns images of captions, or of their embeddings `text`, and these."""
    text = text_of(parts.caption, state.encoder.params.caption, inputs)
    z = inputs["z"] * inputs["truncation"][:, None]
    return {"image": parts.generator.apply(state.average, state.generator.state, z, text)[0], "text": text}


def training_of_encoders(parts: Parts) -> Training:
    """Returns the training in which encoders learn which caption is of which image."""

    def loss(params, state, examples):
        images, captions = examples
        same = jnp.all(captions[:, None] == captions[None], axis=2)
        pair = parts.image.apply(params.image, {}, images)[0], embed(parts.caption, params.caption, captions)
        each = losses.image_text_contrastive(*pair, jnp.exp(jnp.minimum(params.log_scale, jnp.log(100.0))), same)
        return jnp.mean(each), (state, {"scale": jnp.exp(params.log_scale)})

    learn = update(loss, parts.adam_encoder)

    def step(state, batch, key):
        encoder, metrics = learn(state.encoder, (to_float(batch["image"]), batch["caption"]))
        return state._replace(step=state.step + 1, encoder=encoder), prefixed("encoder", metrics)

    return Training(partial(init_of, parts), step, partial(sample_of, parts))


def training_of_gan(config: CaptionSettings, parts: Parts, first: int, terms: Terms) -> Training:
    """Trains both players while the encoders stay.

    Args:
      config: how they learn.
      parts: networks and optimizers.
      first: the step with which this begins.
      terms: further ones of the generator's loss.
    """
    play = adversaries(config, parts, terms)

    def step(state, batch, key):
        real, text = to_float(batch["image"]), embed(parts.caption, state.encoder.params.caption, batch["caption"])
        players = Players(state.generator, state.discriminator, state.average)
        players, metrics = play(players, real, text, jax.random.fold_in(key, state.step), state.step - first)
        return State(state.step + 1, state.encoder, *players), metrics

    return Training(partial(init_of, parts), step, partial(sample_of, parts))


def adversaries(config: CaptionSettings, parts: Parts, terms: Terms) -> Callable[..., tuple[Players, Metrics]]:
    """Makes one step of algorithm 1 of Reed et al., with R1. A wrong caption is the one of the image before in the batch.

    Returns:
      (players, real images, embeddings, key, steps done) -> (players, metrics)
    """
    plain = losses.non_saturating()
    loss = losses.matching_aware(plain) if config.wrong_captions else plain
    g, d = parts.generator.apply, parts.discriminator.apply

    def discriminator_loss(params, state, examples):
        real, fake, text = examples
        real_logits, after = d(params, state, real, text, train=True)
        fake_logits, after = d(params, after, fake, text, train=True)
        logits = [real_logits, fake_logits]
        r1 = jnp.mean(penalties.r1(lambda images: d(params, state, images, text, train=True)[0], real))
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits), "r1": r1}
        if config.wrong_captions:
            wrong, after = d(params, after, real, jnp.roll(text, 1, axis=0), train=True)
            logits.append(wrong)
            metrics["wrong_logits"] = jnp.mean(wrong)
        return jnp.mean(loss.discriminator(*logits)) + config.r1_weight * r1, (after, metrics)

    def generator_loss(params, state, examples, other):
        z, text = examples
        fake, after = g(params, state, z, text, train=True)
        value = jnp.mean(loss.generator(None, d(other.params, other.state, fake, text, train=True)[0]))
        if config.between_weight:
            half = (text[::2] + text[1::2]) / 2
            between, after = g(params, after, z[::2], half, train=True)
            logits = d(other.params, other.state, between, half, train=True)[0]
            value = value + config.between_weight * jnp.mean(loss.generator(None, logits))
        found = {name: jnp.mean(term(params, text)) for name, (_, term) in terms.items()}
        return value + sum(terms[name][0] * mean for name, mean in found.items()), (after, found)

    update_g, update_d = update(generator_loss, parts.adam), update(discriminator_loss, parts.adam)

    def play(players: Players, real: Array, text: Array, key: Key, steps: Array) -> tuple[Players, Metrics]:
        latents = [jax.random.normal(one, (len(real), parts.latents)) for one in jax.random.split(key, 2)]
        fake, _ = g(players.generator.params, players.generator.state, latents[0], text, train=True)
        discriminator, of_d = update_d(players.discriminator, (real, fake, text))
        generator, of_g = update_g(players.generator, (latents[1], text), discriminator)
        mean = follow_average(players.average, generator.params, steps, config.batch, 1000 * config.average_kimg)
        return Players(generator, discriminator, mean), prefixed("discriminator", of_d) | prefixed("generator", of_g)

    return play


def open_data(config: CaptionSettings, split: str | None = None) -> Source:
    """Returns the captioned images of a configuration, or another part of them.

    Raises:
      ValueError: if pairs are to be held out of data that are no shapes.
    """
    source = open_captions(
        config.data,
        resolution=config.resolution,
        channels=config.channels,
        split=split or config.split,
        limit=limit_of(config, split),
        length=config.length,
        min_count=config.min_count,
    )
    if not config.hold_out:
        return source
    if not of_shapes(config):
        raise ValueError(f"expected shapes to hold out pairs of colour and kind, found {config.data}; give --no-hold-out")
    texts = decode(source.columns["caption"], source.names["caption"])
    return subset(source, np.flatnonzero([not grammar.says_held_out(text) for text in texts]))


def of_shapes(config: CaptionSettings) -> bool:
    """Tells whether what the captions say can be read of the images."""
    return config.data.split(":")[0] == "shapes"


def distance_score(config: CaptionSettings, source: Source, folder: Path, samples: int, mesh: Mesh | None = None) -> Score:
    """Returns the Fréchet distance of images to those of a source; of shapes in the features of a classifier of their kinds."""
    labelled = source
    if of_shapes(config):
        labelled = open_source(config.data, resolution=config.resolution, channels=config.channels, labels=True)
    return frechet_score(classifier_features(labelled, folder), source, folder, samples=samples, mesh=mesh)


def match_score(config: CaptionSettings, source: Source, resolution: int, folder: Path) -> Score:
    """Returns how often an image of shapes shows what its caption says, as a network sees it in images of this side in pixels."""
    reader = caption_reader(config.data, resolution, config.channels, folder)
    return caption_score(source, open_data(config, "test"), reader, config.score_samples)
