"""CycleGAN: image translation learned from two sets of images without pairs.

Paper: Zhu et al. 2017, https://arxiv.org/abs/1703.10593
"""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.augment import flip
from jgan.augment.crop import random_crop
from jgan.data.settings import place
from jgan.data.source import Source
from jgan.models import patch, resnet_translation
from jgan.models.any_size import any_size
from jgan.ops.images import to_float
from jgan.ranges import Count, CountOrZero, Kimg, KimgOrZero, LayersOrZero, Several, Weight
from jgan.run.settings import changeable
from jgan.run.system import System
from jgan.systems._domains import both_ways, open_two_domains, sampling, score
from jgan.systems._translation import PatchSettings, TranslationSettings, TwoSidesSettings
from jgan.training import Player, new_player, prefixed, update
from jgan.training.pool import Pool, exchange, new_pool
from jgan.types import Array, Network, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TranslationSettings, TwoSidesSettings, PatchSettings):
    """What a run is made of."""

    data: str = place("pairs:shapes")
    """A folder or archive with the folders trainA and trainB, or pairs:SET for the two sides of a paired set."""
    kimg: Kimg = 100.0
    """Length of the run, thousands of images of each domain; over its second half the learning rate falls to 0."""
    batch: Count = 1
    """Images of each domain per step, over all devices."""
    blocks: LayersOrZero = 6
    """Residual blocks of a generator."""
    cycle_weight: Weight = 10.0
    """Weight of the cycle's L1."""
    identity_weight: Weight = 5.0
    """Weight of the L1 between images of a domain and their translations to it."""
    pool: CountOrZero = 50
    """Generated images kept for each discriminator."""
    record_kimg: Kimg = changeable(0.5)
    """Between two records of metrics, thousands of images."""
    sample_kimg: Kimg = changeable(2.0)
    """Between two grids of images, translations and ways back, thousands of images."""
    checkpoint_kimg: Kimg = changeable(5.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(5.0)
    """Between two scores, thousands of images; 0: none."""
    score_samples: Several = changeable(300)
    """Translated training images per score."""


_SMALL = Config(features=16, blocks=3, patch_layers=3, kimg=8, record_kimg=0.2, sample_kimg=1, score_kimg=4, checkpoint_kimg=4)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=32, jitter=0, kimg=6, blocks=2, flip=False, limit=1000),
    "fruit": dataclasses.replace(_SMALL, data="apples_oranges"),
    "emoji": dataclasses.replace(_SMALL, data="pairs:emoji"),
    # The paper's: 200 epochs of 939 horses, one at a time, 286 pixels cropped to 256.
    "horse2zebra": Config(
        data="horse2zebra", resolution=256, jitter=30, kimg=187.8, blocks=9, score_kimg=20, checkpoint_kimg=20, sample_kimg=10
    ),
}


class State(NamedTuple):
    """Everything that a run carries from step to step. Parameters and pools go by direction, forward from A to B and backward."""

    step: Array  # int32
    generators: Player
    discriminators: Player  # the one of forward tells images of B
    pools: dict[str, Pool]


def make_networks(config: Config) -> tuple[Network, Network]:
    """Returns a generator and a discriminator; both directions have such."""
    patch.check_size(config.resolution, config.patch_layers)
    dtype = jnp.bfloat16 if config.half else jnp.float32
    generator = resnet_translation.residual_translator(config.channels, config.features, config.blocks, dtype)
    generator = any_size(generator, resnet_translation.MULTIPLE, resnet_translation.SMALLEST)
    return generator, patch.patch_discriminator(patch.features_for(config.features, config.patch_layers), dtype=dtype)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has images of A as `input` and of B as `target`; `sample` translates those that it is
    given, and back again.
    """
    (g, d), loss = make_networks(config), losses.least_squares()
    total = max(1, round(1000 * config.kimg / config.batch))
    adam = optax.adam(optax.linear_schedule(config.learning_rate, 0.0, total - total // 2, total // 2), b1=0.5, b2=0.999)

    def translate(params, x):
        return g.apply(params, {}, x, train=True)[0]

    def discriminate(params, x):
        return d.apply(params, {}, x, train=True)[0]

    def one_way(there, back, discriminator, x, y):
        """The terms of the direction from x to y."""
        fake = translate(there, x)
        return {
            "adversarial": jnp.mean(loss.generator(None, discriminate(discriminator, fake))),
            "cycle": jnp.mean(losses.cycle_consistency(x, translate(back, fake))),
            "identity": jnp.mean(losses.identity(y, translate(there, y))) if config.identity_weight else jnp.zeros(()),
        }

    def generator_loss(params, state, examples, discriminators):
        a, b, others = examples["input"], examples["target"], discriminators.params
        forward = one_way(params["forward"], params["backward"], others["forward"], a, b)
        backward = one_way(params["backward"], params["forward"], others["backward"], b, a)
        terms = jax.tree.map(jnp.add, forward, backward)
        total = terms["adversarial"] + config.cycle_weight * terms["cycle"] + config.identity_weight * terms["identity"]
        return total, (state, prefixed("forward", forward) | prefixed("backward", backward))

    def discriminator_loss(params, state, examples):
        logits = {way: (discriminate(params[way], real), discriminate(params[way], fake)) for way, (real, fake) in examples.items()}
        forward, backward = (jnp.mean(loss.discriminator(real, fake)) for real, fake in logits.values())
        return (forward + backward) / 2, (state, {f"{way}/real_logits": jnp.mean(real) for way, (real, _) in logits.items()})

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        keys = jax.random.split(key, 4)
        generators = {"forward": g.init(keys[0], image)[0], "backward": g.init(keys[1], image)[0]}
        discriminators = {"forward": d.init(keys[2], image)[0], "backward": d.init(keys[3], image)[0]}
        pools = {way: new_pool(config.pool, image.shape[1:]) for way in generators}
        return State(jnp.zeros((), jnp.int32), new_player(generators, {}, adam), new_player(discriminators, {}, adam), pools)

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        examples = {name: augmented(config, k, batch[name]) for k, name in zip(keys, ("input", "target"), strict=False)}
        players, metrics_g = update_g(state.generators, examples, state.discriminators)
        seen, pools = {}, {}
        for k, way, source, real in ((keys[2], "forward", "input", "target"), (keys[3], "backward", "target", "input")):
            fake, pools[way] = exchange(k, state.pools[way], translate(state.generators.params[way], examples[source]))
            seen[way] = examples[real], fake
        discriminators, metrics_d = update_d(state.discriminators, seen)
        return State(state.step + 1, players, discriminators, pools), prefixed("generator", metrics_g) | prefixed(
            "discriminator", metrics_d
        )

    def sample(state, key, inputs):
        forward, backward = (partial(translate, state.generators.params[way]) for way in ("forward", "backward"))
        return both_ways(forward, backward, inputs)

    return Training(init, step, sample)


def augmented(config: Config, key: Array, images: Array) -> Array:
    """Returns images in [-1, 1], cropped and mirrored at random."""
    key_crop, key_flip = jax.random.split(key)
    images = to_float(random_crop(key_crop, images, config.resolution, config.resolution))
    return flip(key_flip, images) if config.flip else images


def training_data(config: Config) -> Source:
    """Returns the two domains larger by the jitter, to be cropped at random."""
    return open_two_domains(config, jitter=config.jitter)


SYSTEM = System(
    "cyclegan",
    Config,
    PRESETS,
    open_two_domains,
    build,
    sampling,
    score,
    training_data=training_data,
    commands=commands.DOMAINS,
    description=__doc__ or "",
)
