"""DiscoGAN: what two sets of images have in common, discovered as a one-to-one translation between them.

Paper: Kim et al. 2017, https://arxiv.org/abs/1703.05192
"""

import dataclasses
import functools
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.procedural.turned import open_turned
from jgan.data.settings import limit_of, place
from jgan.data.source import Source
from jgan.models import discogan
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Count, Kimg, KimgOrZero, Several, Size, Weight
from jgan.run.settings import changeable
from jgan.run.system import System
from jgan.systems._domains import both_ways, open_two_domains, sampling, score
from jgan.systems._translation import TranslationSettings, TwoSidesSettings
from jgan.training import Player, new_player, prefixed, update
from jgan.types import Array, Network, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TranslationSettings, TwoSidesSettings):
    """What a run is made of."""

    data: str = place("turned")
    """turned (embedded: red hearts and blue moons at angles from -75 to 75 degrees), or as of cyclegan: a folder or archive with the
    folders trainA and trainB, or pairs:SET."""
    method: Literal["discogan", "reconstruction", "gan"] = "discogan"
    """The system, or one of the paper's baselines: with a loop from A only, or two separate pairs of networks."""
    resolution: Size = 64
    """Side of the images, pixels: four times a power of two, at least 16."""
    batch: Count = 64
    """Images of each domain per step, over all devices."""
    bottleneck: Size = 100
    """Numbers in the middle of a generator."""
    reconstruction_weight: Weight = 1.0
    """Weight of the squared error after the way there and back."""
    weight_decay: Weight = 1e-5
    """Added to the gradients, times the parameters."""
    record_kimg: Kimg = changeable(2.0)
    """Between two records of metrics, thousands of images."""
    checkpoint_kimg: Kimg = changeable(25.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(25.0)
    """Between two scores, thousands of images; 0: none."""
    score_samples: Several = changeable(1000)
    """Translated training images per score."""


PRESETS = {"turned": Config(resolution=32, features=16, kimg=150), "photos": Config(data="photos", kimg=1000)}


class Terms(NamedTuple):
    """Weights of the four terms of the generators' loss."""

    forward: float  # translations from A to B look like B
    loop_a: float  # from A to B and back comes A
    backward: float
    loop_b: float


METHODS = {"discogan": Terms(1, 1, 1, 1), "reconstruction": Terms(1, 1, 0, 0), "gan": Terms(1, 0, 1, 0)}  # figure 2, c to a


class State(NamedTuple):
    """Everything that a run carries from step to step. Parameters and batch statistics go by direction: forward, A to B, and backward."""

    step: Array  # int32
    generators: Player
    discriminators: Player  # the one of forward tells images of B


def make_networks(config: Config) -> tuple[Network, Network]:
    """Returns a generator and a discriminator; both directions have such."""
    dtype, levels = jnp.bfloat16 if config.half else jnp.float32, config.resolution.bit_length() - 3
    if levels < 2 or config.resolution != discogan.LAST * 2**levels:
        raise ValueError(f"expected a resolution of 16, 32, 64 ... pixels, found {config.resolution}")
    features = tuple(config.features * min(2**i, 8) for i in range(levels))
    generator = discogan.translator(config.channels, features, config.bottleneck, dtype)
    generator = any_size(generator, config.resolution // discogan.LAST, config.resolution)
    return generator, discogan.discriminator(features, dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has images of A as `input` and of B as `target`; `sample` translates those that it is
    given, and back again.
    """
    (g, d), loss, terms = make_networks(config), losses.non_saturating(), METHODS[config.method]
    adam = optax.chain(optax.add_decayed_weights(config.weight_decay), optax.adam(config.learning_rate, b1=0.5, b2=0.999))

    def there_and_back(params, state, ways, x):
        """Translation, the way back, and the batch statistics after both."""
        first, second = ways
        fake, after = g.apply(params[first], state[first], x, train=True)
        back, after_back = g.apply(params[second], state[second], fake, train=True)
        return fake, back, {first: after, second: after_back}

    def one_way(params, state, ways, x, discriminators):
        fake, back, state = there_and_back(params, state, ways, x)
        logits, _ = d.apply(discriminators.params[ways[0]], discriminators.state[ways[0]], fake, train=True)
        return {"adversarial": jnp.mean(loss.generator(None, logits)), "loop": jnp.mean(losses.pixel_l2(x, back))}, state

    def generator_loss(params, state, examples, discriminators):
        forward, state = one_way(params, state, ("forward", "backward"), examples["input"], discriminators)
        backward, state = one_way(params, state, ("backward", "forward"), examples["target"], discriminators)
        adversarial = terms.forward * forward["adversarial"] + terms.backward * backward["adversarial"]
        loops = terms.loop_a * forward["loop"] + terms.loop_b * backward["loop"]
        return adversarial + config.reconstruction_weight * loops, (state, prefixed("forward", forward) | prefixed("backward", backward))

    def discriminator_loss(params, state, examples, translators):
        total, after, metrics = jnp.zeros(()), {}, {}
        for way, source, real in (("forward", "input", "target"), ("backward", "target", "input")):
            fake, _ = g.apply(translators.params[way], translators.state[way], examples[source], train=True)
            real_logits, between = d.apply(params[way], state[way], examples[real], train=True)
            fake_logits, after[way] = d.apply(params[way], between, fake, train=True)
            total += jnp.mean(loss.discriminator(real_logits, fake_logits))
            metrics |= {f"{way}/real_logits": jnp.mean(real_logits), f"{way}/fake_logits": jnp.mean(fake_logits)}
        return total, (after, metrics)

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        keys = dict(zip(("forward", "backward"), jax.random.split(key), strict=True))

        def both(network, number):
            made = {way: network.init(jax.random.fold_in(k, number), image) for way, k in keys.items()}
            params, state = ({way: parts[i] for way, parts in made.items()} for i in range(2))
            return new_player(params, state, adam)

        return State(jnp.zeros((), jnp.int32), both(g, 0), both(d, 1))

    def step(state, batch, key):
        examples = {name: to_float(images) for name, images in batch.items()}
        discriminators, metrics_d = update_d(state.discriminators, examples, state.generators)
        players, metrics_g = update_g(state.generators, examples, discriminators)
        return State(state.step + 1, players, discriminators), prefixed("discriminator", metrics_d) | prefixed("generator", metrics_g)

    def sample(state, key, inputs):
        players = state.generators

        def translate(way, images):
            return g.apply(players.params[way], players.state[way], images)[0]

        return both_ways(functools.partial(translate, "forward"), functools.partial(translate, "backward"), inputs)

    return Training(init, step, sample)


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the two domains of a configuration."""
    if config.data == "turned":
        return open_turned(split or "train", config.resolution, limit_of(config, split))
    return open_two_domains(config, split)


SYSTEM = System("discogan", Config, PRESETS, open_data, build, sampling, score, commands=commands.DOMAINS, description=__doc__ or "")
