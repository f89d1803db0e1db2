"""Language model: the generator of ScratchGAN trained by likelihood, what text GANs are to be compared with.

What such comparisons found: Caccia et al. 2018, https://arxiv.org/abs/1811.02549; Semeniuta et al. 2018, https://arxiv.org/abs/1806.04936
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import optax

from jgan import commands
from jgan.data.settings import open_sentences
from jgan.models import sentences
from jgan.ranges import Kimg, KimgOrZero, Rate
from jgan.run.settings import changeable
from jgan.run.system import System
from jgan.systems._sentences import SentenceSettings, generator_of, outputs_of, sampling, score
from jgan.training import Player, new_player, prefixed, update
from jgan.types import Array, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(SentenceSettings):
    """What a run is made of."""

    kimg: Kimg = changeable(1_000.0)
    """Length of the run, thousands of sentences seen."""
    learning_rate: Rate = 3e-3
    """Of Adam."""
    clip: Rate = 1.0
    """Largest norm of the gradient."""
    record_kimg: Kimg = changeable(20.0)
    """Between two records of metrics, thousands of sentences."""
    sample_kimg: Kimg = changeable(200.0)
    """Between two lists of samples, thousands of sentences."""
    checkpoint_kimg: Kimg = changeable(200.0)
    """Between two checkpoints, thousands of sentences."""
    score_kimg: KimgOrZero = changeable(200.0)
    """Between two scores, thousands of sentences; 0: none."""


PRESETS = {
    "grammar": Config(),
    "names": Config(data="NAMES_TXT", unit="characters", features=128, score_samples=10_000),
    "captions": Config(data="TEXT", min_count=2, embedding=300, features=512, layers=2, score_samples=10_000),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player


def build(config: Config, spec: Spec) -> Training:
    """Trains one player alone: the mean of -log p per token, by Adam with clipped gradients."""
    generator = generator_of(config, spec)
    optimizer = optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(config.learning_rate))

    def loss(params, state, batch):
        chosen = sentences.log_probabilities(generator, params, batch["tokens"])
        tokens = jnp.sum(sentences.until_end(batch["tokens"]).astype(chosen.dtype))
        return -jnp.sum(chosen) / tokens, (state, {"nats": -jnp.mean(jnp.sum(chosen, axis=1))})

    learn = update(loss, optimizer)

    def init(key, batch):
        return State(jnp.zeros((), jnp.int32), new_player(sentences.init(generator, key), {}, optimizer))

    def step(state, batch, key):
        player, metrics = learn(state.generator, batch)
        return State(state.step + 1, player), prefixed("generator", metrics)

    def sample(state, key, inputs):
        return outputs_of(generator, state.generator.params, inputs)

    return Training(init, step, sample)


SYSTEM = System(
    "language_model", Config, PRESETS, open_sentences, build, sampling, score, commands=commands.SENTENCES, description=__doc__ or ""
)
