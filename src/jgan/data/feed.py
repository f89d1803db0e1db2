"""From a source to the batches of a run: from the device, or streamed; both yield the same batches for the same seed.

Both are addressed by step: the order is a function of (seed, step), so a run resumes at any step without saved iterator state, and the
processes of a run, each taking its block of rows, see together the batch that one process would see.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.data.content import fits, held
from jgan.data.order import batch_indices
from jgan.data.source import Source, read_rows
from jgan.types import Batch

LAST_STEP = 1 << 40


class Feed(NamedTuple):
    """How a run gets its batches: the fields of the source, [N_local, ...]."""

    constants: Any  # host arrays that live on the device for the whole run; {} when streaming
    lookup: Callable[[Any, Any], Batch]  # (constants, one step of an item) -> batch; runs inside the compiled program
    # (start_step, steps_per_item) -> endless iterator of host pytrees, leaves [steps_per_item, N_local, ...]
    items: Callable[[int, int], Iterator[Any]]


def make_feed(source: Source, batch: int, seed: int) -> Feed:
    """Returns the batches of this process: of sets that fit in memory from the device, streamed otherwise. Unpaired parts have orders
    apart.
    """
    if source.parts:
        return combined([make_feed(part, batch, seed + number) for number, part in enumerate(source.parts)])
    place = resident if fits(source) else stream
    return place(source, batch=batch, seed=seed, process_index=jax.process_index(), process_count=jax.process_count())


def combined(feeds: Sequence[Feed]) -> Feed:
    """Returns several feeds as one, whose batches have the fields of all. Give each its own seed: equal orders would pair them."""

    def lookup(constants, item):
        parts = [feed.lookup(*arguments) for feed, *arguments in zip(feeds, constants, item, strict=True)]
        return {name: values for part in parts for name, values in part.items()}

    def items(start_step, steps_per_item):
        return zip(*(feed.items(start_step, steps_per_item) for feed in feeds), strict=True)

    return Feed([feed.constants for feed in feeds], lookup, items)


def resident(source: Source, *, batch: int, seed: int, process_index: int = 0, process_count: int = 1) -> Feed:
    """Returns the whole set on the device; what travels is {"index": int32 [steps, N_local]}. For sets that fit into device memory.

    Args:
      source: an open source; all of it is read now.
      batch: images per step over all processes.
      seed: of the order, >= 0.
      process_index, process_count: which block of the rows of each batch is this process's.

    Raises:
      ValueError: fewer images than one batch, or a batch that does not divide over the processes.

    >>> from jgan.data import open_source
    >>> feed = resident(open_source("shapes", resolution=16, limit=10), batch=4, seed=0)
    >>> item = next(feed.items(0, 2))
    >>> item["index"].shape, feed.lookup(feed.constants, {"index": item["index"][0]})["image"].shape
    ((2, 4), (4, 16, 16, 3))
    """
    rows = _local_rows(source, batch, seed, process_index, process_count)

    def items(start_step: int, steps_per_item: int) -> Iterator:
        step = start_step
        while True:
            yield {"index": np.stack([rows(step + offset) for offset in range(steps_per_item)])}
            step += steps_per_item

    columns = held(source).columns
    return Feed({name: columns[name] for name in source.fields}, _take, items)


def stream(
    source: Source, *, batch: int, seed: int, process_index: int = 0, process_count: int = 1, threads: int | None = None, prefetch: int = 16
) -> Feed:
    """Returns images read as they are needed, by `threads` threads (None: one per core), `prefetch` steps ahead. For sets of any size.

    The other arguments and errors are those of `resident`; ImportError without the package grain.

    >>> from jgan.data import open_source
    >>> feed = stream(open_source("shapes", resolution=16, limit=10), batch=4, seed=0)
    >>> next(feed.items(0, 2))["image"].shape
    (2, 4, 16, 16, 3)
    """
    rows = _local_rows(source, batch, seed, process_index, process_count)
    try:
        import grain
    except ImportError as error:
        raise ImportError("streaming needs the package grain: install grain, or keep the set on the device with resident()") from error
    options = grain.ReadOptions(num_threads=threads or os.cpu_count() or 1, prefetch_buffer_size=prefetch)

    def items(start_step: int, steps_per_item: int) -> Iterator:
        steps = grain.MapDataset.range(start_step, LAST_STEP).map(lambda step: read_rows(source, rows(int(step))))
        return iter(steps.to_iter_dataset(options).batch(steps_per_item))

    return Feed({}, _given, items)


def check_size(source: Source, batch: int) -> None:
    """Raises ValueError if a source, or a part of it, has fewer examples than one batch."""
    for part in source.parts or (source,):
        if part.size < batch:
            raise ValueError(
                f"fewer images than one batch: {part.name} has {part.size}, batch={batch}; take a smaller batch or more images"
            )


def _local_rows(source, batch, seed, process_index, process_count):
    if batch < 1 or batch % process_count:
        raise ValueError(f"batch={batch} for {process_count} processes: expected a positive multiple of the number of processes")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index={process_index}: expected 0 to {process_count - 1}")
    if seed < 0:
        raise ValueError(f"seed={seed}: expected 0 or more")
    check_size(source, batch)
    local = batch // process_count
    return lambda step: batch_indices(source.size, seed, step, batch)[process_index * local : (process_index + 1) * local]


def _take(constants, item):
    return {name: jnp.take(values, item["index"], axis=0, mode="clip") for name, values in constants.items()}


def _given(constants, item):
    return item
