"""From examples of the data to inputs of `Training.sample`, and to its outputs, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import outputs
from jgan.data.source import Source, by_turns, read_rows, spread
from jgan.data.vocabulary import END, separator
from jgan.outputs import Kind
from jgan.run.system import Sampling
from jgan.sharding import Sampler, seed_key
from jgan.types import Array, Fields, Inputs, Key, Spec


def latent_inputs(size: int) -> Callable[[Key, int], Inputs]:
    """Makes (key, n) -> standard normal z [n, size], and truncation 1 for each."""

    def draw(key, n):
        return {"z": jax.random.normal(key, (n, size)), "truncation": jnp.ones((n,))}

    return draw


def image_sampling(config: Any, spec: Spec) -> Sampling:
    """Describes what `sample` of a plain generator takes and gives: `config.latent_size` latents in, images out."""
    return Sampling(latent_inputs(config.latent_size), {"image": outputs.image()})


def text_kind(names: Sequence[str]) -> Kind:
    """Returns the kind of tokens of a vocabulary of `jgan.data.vocabulary`.

    >>> kind = text_kind(("<end>", "a", "moon"))
    >>> kind.files(kind.check("tokens", [[1, 2, 0, 0]]), None)
    {'.txt': b'a moon\\n'}
    """
    return outputs.tokens(names, separator(names), END if names[0] == END else None)


def inputs_for(sampling: Sampling, source: Source, key: Key, indices: np.ndarray) -> dict[str, Array | np.ndarray]:
    """Returns inputs of `sample` for the examples of a source at `indices`: what is drawn, and their conditions; of a translator those that
    the source has.
    """
    return {**sampling.inputs(key, len(indices)), **read_rows(source, indices, conditions_in(sampling, source))}


def conditions_in(sampling: Sampling, source: Source) -> tuple[str, ...]:
    """Returns the conditions that the examples of a source give; a translator needs one of its conditions, any other system all."""
    if not sampling.directions:
        return sampling.conditions
    return tuple(name for name in sampling.conditions if name in source.fields)


def followed(sampling: Sampling, source: Source, seed: int) -> tuple[Fields, dict[str, np.ndarray]]:
    """Returns inputs of the examples that are followed through time, and what is shown beside their outputs: conditions and truth that are
    pictures, text or sound.
    """
    indices = by_turns(source, sampling.followed)
    beside = tuple(dict.fromkeys((*sampling.conditions, *sampling.truth)))
    return inputs_for(sampling, source, seed_key(seed), indices), read_rows(source, indices, beside)


def outputs_of(
    sample: Sampler, state: Any, sampling: Sampling, source: Source, n: int, *, seed: int = 0, batch: int = 64, **changes: Any
) -> Iterator[Fields]:
    """Yields outputs and conditions, batch by batch, for n examples evenly spaced over a source.

    All batches have one size, so the last may hold more than is asked for.

    Args:
      sample: of `jgan.sharding.sampler`.
      state: its first argument.
      sampling: of the system.
      source: whose conditions are given; without conditions only its name matters.
      n: number of examples.
      seed: of what is drawn.
      batch: examples at a time.
      **changes: inputs that replace the defaults, numbers that hold for all examples: truncation=0.7. None: as it is.

    Raises:
      ValueError: for the change of an input that the system has not, or fewer examples than one.
    """
    if n < 1:
        raise ValueError(f"expected to draw one example or more, found {n}")
    batch, changes = min(batch, n), {name: value for name, value in changes.items() if value is not None}
    indices = np.resize(spread(source.size, n), -(-n // batch) * batch)
    for number, start in enumerate(range(0, len(indices), batch)):
        key_inputs, key_noise = jax.random.split(jax.random.fold_in(seed_key(seed), number))
        inputs = inputs_for(sampling, source, key_inputs, indices[start : start + batch])
        _check_known(changes, inputs)
        inputs |= {name: np.full_like(np.asarray(inputs[name]), value) for name, value in changes.items()}
        yield {**{name: inputs[name] for name in conditions_in(sampling, source)}, **sample(state, key_noise, inputs)}


def _check_known(changes, inputs):
    unknown = [name for name in changes if name not in inputs]
    if unknown:
        raise ValueError(f"expected changes of the inputs {', '.join(inputs) or '(none)'}, found {', '.join(unknown)}; leave that out")
