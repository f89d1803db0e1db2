"""The likelihood of held-out examples as the score of a run that learns by it."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan.data.source import Source, read_rows
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot
from jgan.metrics.likelihood import bits_per_dimension
from jgan.sharding import data_mesh, first_devices
from jgan.types import Array, Batch


def likelihood_score(
    nats: Callable[[Any, Batch], Array],
    source: Source,
    split: str,
    fields: tuple[str, ...],
    batch: int,
    mesh: Mesh | None = None,
) -> Score:
    """Returns the mean -log p of the examples of a source, in nats, and the same as bits per dimension of `image`.

    Args:
      nats: (state of the run, batch of examples) -> -log p [N], in nats.
      source: held-out examples, all of which are scored.
      split: its name.
      fields: what the model is given of an example.
      batch: examples per evaluation, over all devices of the mesh.
      mesh: over which they are spread; None: one device.
    """
    criterion = f"score/nats/{split}"
    protocol = {"metric": "nats per image", "images": source.size, "split": split, **describe(source)}
    mesh = data_mesh(first_devices(1)) if mesh is None else mesh
    whole, spread = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("data",)))
    examples = read_rows(source, np.arange(source.size), fields)

    @jax.jit
    def likelihood(state, rows):
        rows = jax.tree.map(lambda x: jax.lax.with_sharding_constraint(x, spread), rows)
        return jax.lax.with_sharding_constraint(nats(state, rows), whole)

    def compute(snapshot: Snapshot) -> dict[str, float]:
        starts = range(0, source.size, batch)
        found = [np.asarray(likelihood(snapshot.state, filled(examples, start, batch))) for start in starts]
        mean = float(np.mean(np.concatenate(found)[: source.size], dtype=np.float64))
        return {criterion: mean, f"bits_per_dimension/{split}": float(bits_per_dimension(mean, source.spec.shape("image")))}

    return Score(criterion, protocol, compute)


def filled(examples: dict[str, np.ndarray], start: int, batch: int) -> dict[str, np.ndarray]:
    """Returns `batch` rows from `start` on, the last ones repeated where there are fewer, so that one compiled program serves all."""
    size = len(next(iter(examples.values())))
    rows = np.minimum(np.arange(start, start + batch), size - 1)
    return {name: values[rows] for name, values in examples.items()}
