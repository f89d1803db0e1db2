"""ScratchGAN: sentences learned by a discriminator's reward for every token, without training by likelihood.

Paper: de Masson d'Autume et al. 2019, https://arxiv.org/abs/1905.09922
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import commands, losses
from jgan.data.settings import open_sentences
from jgan.models import sentences
from jgan.ranges import Kimg, KimgOrZero, Rate, Share, ShareBelowOne, Size, Weight
from jgan.run.settings import changeable
from jgan.run.system import System
from jgan.systems._sentences import SentenceSettings, generator_of, outputs_of, sampling, score
from jgan.training import Player, new_player, prefixed, update
from jgan.types import Array, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(SentenceSettings):
    """What a run is made of."""

    kimg: Kimg = changeable(100_000.0)
    """Length of the run, thousands of real sentences seen."""
    generator_rate: Rate = 9.59e-5
    """Of the generator's Adam."""
    discriminator_rate: Rate = 9.38e-3
    """Of the discriminator's Adam; much more than the generator's."""
    beta1: ShareBelowOne = 0.5
    """Of both."""
    discount: Share = 0.23
    """Of rewards of later tokens, per token."""
    reward_at_end: bool = False
    """Only the last token of a sentence is rewarded, not every one."""
    baseline_renewal: Share = 0.92
    """Share of the mean return of a batch in the running mean that is subtracted from returns; 0: nothing is subtracted."""
    dropout: ShareBelowOne = 0.1
    """Share of the embeddings that the discriminator leaves out in training."""
    positions: Size = 8
    """Numbers that tell the discriminator where a token stands, even."""
    weight_penalty: Weight = 1e-6
    """Weight of the sum of squares of the discriminator's parameters."""
    record_kimg: Kimg = changeable(1_000.0)
    """Between two records of metrics, thousands of sentences."""
    sample_kimg: Kimg = changeable(5_000.0)
    """Between two lists of samples, thousands of sentences."""
    checkpoint_kimg: Kimg = changeable(10_000.0)
    """Between two checkpoints, thousands of sentences."""
    score_kimg: KimgOrZero = changeable(5_000.0)
    """Between two scores, thousands of sentences; 0: none."""


_SMALL = Config(kimg=8_000, generator_rate=1e-3, record_kimg=50, sample_kimg=400, checkpoint_kimg=800, score_kimg=400)
PRESETS = {
    "grammar": _SMALL,
    "names": dataclasses.replace(_SMALL, data="NAMES_TXT", unit="characters", features=128, score_samples=10_000),
    # The sizes of the paper; its word vectors, learned on other text, are left out.
    "captions": Config(data="TEXT", min_count=2, embedding=300, features=512, layers=2, score_samples=10_000),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    discriminator: Player
    baseline: Array  # the running mean of returns


def build(config: Config, spec: Spec) -> Training:
    """Trains by one step of the discriminator by cross-entropy at every token, and one of the generator by the policy gradient of its
    rewards.
    """
    generator, (length,) = generator_of(config, spec), spec.shape("tokens")
    discriminator = sentences.discriminator(generator.vocabulary, config.embedding, config.features, config.positions, config.dropout)
    adam_g, adam_d = (optax.adam(rate, b1=config.beta1) for rate in (config.generator_rate, config.discriminator_rate))

    def discriminator_loss(params, state, examples, key):
        tokens, n = jnp.concatenate([examples["real"], examples["fake"]]), len(examples["real"])
        logits, state = discriminator.apply(params, state, tokens, key=key, train=True)
        real, fake = ((logits[part], sentences.until_end(tokens[part])) for part in (slice(n), slice(n, None)))
        terms = {"real": mean_of_tokens(jax.nn.softplus(-real[0]), real[1]), "fake": mean_of_tokens(jax.nn.softplus(fake[0]), fake[1])}
        squares = sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(params))
        metrics = {"real_logits": mean_of_tokens(*real), "fake_logits": mean_of_tokens(*fake)}
        return terms["real"] + terms["fake"] + config.weight_penalty * squares, (state, metrics)

    def generator_loss(params, state, examples):
        tokens, advantages = examples
        chosen = sentences.log_probabilities(generator, params, tokens)
        value = mean_of_tokens(losses.policy_gradient(chosen, advantages), sentences.until_end(tokens))
        return value, (state, {"nats": -jnp.mean(jnp.sum(chosen, axis=1))})

    update_g, update_d = update(generator_loss, adam_g), update(discriminator_loss, adam_d)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        players = new_player(sentences.init(generator, key_g), {}, adam_g), new_player(*discriminator.init(key_d, batch["tokens"]), adam_d)
        return State(jnp.zeros((), jnp.int32), *players, jnp.zeros(()))

    def step(state, batch, key):
        key_draw, key_drop = jax.random.split(jax.random.fold_in(key, state.step))
        fake = sentences.draw(generator, state.generator.params, jax.random.uniform(key_draw, (len(batch["tokens"]), length)))
        player_d, of_d = update_d(state.discriminator, {"real": batch["tokens"], "fake": fake}, key_drop)
        logits, _ = discriminator.apply(player_d.params, player_d.state, fake)
        returns = losses.discounted_returns(rewards(logits, fake, config.reward_at_end), config.discount)
        mean = mean_of_tokens(returns, sentences.until_end(fake))
        player_g, of_g = update_g(state.generator, (fake, returns - state.baseline))
        baseline = state.baseline + config.baseline_renewal * (mean - state.baseline)
        metrics = {"return": mean, "length": jnp.mean(jnp.sum(sentences.until_end(fake), axis=1).astype(jnp.float32))}
        return State(state.step + 1, player_g, player_d, baseline), prefixed("discriminator", of_d) | prefixed("generator", of_g | metrics)

    def sample(state, key, inputs):
        return outputs_of(generator, state.generator.params, inputs)

    return Training(init, step, sample)


def rewards(logits: Array, tokens: Array, at_end: bool) -> Array:
    """Returns the 2 sigmoid(logits) - 1 [N, T] of the tokens of sentences, or of their last ones only; 0 elsewhere.

    >>> rewards(jnp.full((1, 3), 1e9), jnp.asarray([[5, 0, 0]]), False).tolist()
    [[1.0, 1.0, 0.0]]
    >>> rewards(jnp.full((1, 3), 1e9), jnp.asarray([[5, 0, 0]]), True).tolist()
    [[0.0, 1.0, 0.0]]
    """
    inside = sentences.until_end(tokens)
    later = jnp.concatenate([inside[:, 1:], jnp.zeros_like(inside[:, :1])], axis=1)
    return jnp.where(inside & ~later if at_end else inside, 2 * jax.nn.sigmoid(logits) - 1, 0.0)


def mean_of_tokens(values: Array, inside: Array) -> Array:
    """Returns the mean of values [N, T] of tokens that belong to sentences.

    >>> float(mean_of_tokens(jnp.asarray([[1.0, 3.0, 9.0]]), jnp.asarray([[True, True, False]])))
    2.0
    """
    return jnp.sum(jnp.where(inside, values, 0.0)) / jnp.sum(inside.astype(values.dtype))


SYSTEM = System(
    "scratchgan", Config, PRESETS, open_sentences, build, sampling, score, commands=commands.SENTENCES, description=__doc__ or ""
)
