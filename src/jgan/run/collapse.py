"""Collapse of a generator: numbers of the run that fell and did not come back."""

from collections.abc import Mapping, Sequence
from typing import Any

TIMES = 2  # a drop counts when it has been seen so often in a row
FLOOR = 0.05  # a number that never was above this is not watched: its changes are noise


def collapse_warnings(records: Sequence[Mapping[str, Any]], watched: Mapping[str, float]) -> list[str]:
    """Returns one sentence for each watched number that has stayed below its share of its best, in the last `TIMES` records that have it.

    Args:
      records: of `jgan.run.metrics_log.read_records`.
      watched: number: the share of its best that it should keep.

    >>> values = [0.2, 0.4, 0.15, 0.1]
    >>> collapse_warnings([{"images": 1000 * i, "recall": value} for i, value in enumerate(values)], {"recall": 0.5})
    ['recall fell from 0.4 at 1,000 images to 0.1 and stayed below half of it: the generator may be losing variety']
    """
    return [message for name, share in watched.items() if (message := _warning(name, share, records))]


def _warning(name, share, records):
    seen = [(record[name], record["images"]) for record in records if record.get(name) is not None]
    before, last = seen[:-TIMES], seen[-TIMES:]
    if not before:
        return None
    best, at = max(before, key=lambda pair: pair[0])
    if best < FLOOR or any(value >= share * best for value, _ in last):
        return None
    kept = "half" if share == 0.5 else f"{share:.0%}"
    fell = f"{name} fell from {best:.3g} at {at:,} images to {last[-1][0]:.3g} and stayed below {kept} of it"
    return f"{fell}: the generator may be losing variety"
