"""What systems share that draw sentences token by token: their settings, their generator, how it is sampled and scored."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jgan.data.settings import TextSettings, open_sentences
from jgan.data.source import Source
from jgan.evaluation.score import Score
from jgan.evaluation.texts import grammar_score, text_score
from jgan.models import sentences
from jgan.ranges import Count, Layers, Size
from jgan.run.sampling import text_kind
from jgan.run.settings import Settings
from jgan.run.system import Sampling
from jgan.types import Array, Inputs, Outputs, Params, Spec


@dataclasses.dataclass(frozen=True, kw_only=True)
class SentenceSettings(Settings, TextSettings):
    """What is trained on, and the generator."""

    batch: Count = 512
    """Sentences per step, over all devices."""
    embedding: Size = 32
    """Numbers per token."""
    features: Size = 64
    """Of each LSTM."""
    layers: Layers = 1
    """LSTMs of the generator."""


def generator_of(config: SentenceSettings, spec: Spec) -> sentences.Generator:
    """Returns the generator for sentences of this vocabulary."""
    return sentences.Generator(len(spec.names["tokens"]), config.embedding, config.features, config.layers)


def outputs_of(generator: sentences.Generator, params: Params, inputs: Inputs) -> Outputs:
    """Returns drawn `tokens` [N, T]; of given `tokens` the likelihood, `nats` [N]."""
    if "tokens" in inputs:
        found = sentences.log_probabilities(generator, params, inputs["tokens"], inputs["truncation"])
        return {"nats": -jnp.sum(found, axis=1)}
    return {"tokens": sentences.draw(generator, params, inputs["uniforms"], inputs["truncation"])}


def sampling(config: SentenceSettings, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: uniform numbers in, sentences out; `truncation` is the temperature. Of `tokens` the output
    is the likelihood, `nats` [N].
    """
    (length,) = spec.shape("tokens")

    def inputs(key, n):
        return {"uniforms": jax.random.uniform(key, (n, length)), "truncation": jnp.ones((n,))}

    return Sampling(inputs, {"tokens": text_kind(spec.names["tokens"])}, optional=("tokens",))


def score(config: SentenceSettings, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Scores exactly on the captions of shapes, whose language is known; by n-gram models of drawn and of held-out sentences on others.

    Raises:
      ValueError: if there are no held-out sentences in the same words.
    """
    if config.data != "shapes":
        return text_score(source, _held_out(config), config.score_samples)
    generator = generator_of(config, source.spec)

    def nats(state, tokens: Array) -> Array:
        return -jnp.sum(sentences.log_probabilities(generator, state.generator.params, tokens), axis=1)

    return grammar_score(nats, source)


def _held_out(config):
    try:
        return open_sentences(config, "test")
    except ValueError as error:
        raise ValueError(f"{error}; or train without a score, with --score-kimg 0") from error
