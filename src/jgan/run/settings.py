"""Settings that all systems share: a system's `Config` is a frozen dataclass on them and, for images, on `ImageSettings`."""

import dataclasses
from typing import Any

from jgan.ranges import Count, Kimg, KimgOrZero, Seed, Several


def changeable(default: Any) -> Any:
    """A field that may differ when a run is resumed: what is trained does not depend on it."""
    return dataclasses.field(default=default, metadata={"may_change": True})


def changeable_fields(config: type) -> tuple[str, ...]:
    """The names of the fields of a configuration that may change when a run is resumed.

    >>> "devices" in changeable_fields(Settings), "seed" in changeable_fields(Settings)
    (True, False)
    """
    return tuple(field.name for field in dataclasses.fields(config) if field.metadata.get("may_change"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How long a run is, what it records when, and on what it runs."""

    kimg: Kimg = changeable(100.0)
    """Length of the run, thousands of real examples seen."""
    batch: Count = 32
    """Real examples per step, over all devices."""
    seed: Seed = 0
    """Seed of initialisation, data order and everything drawn."""
    record_kimg: Kimg = changeable(1.0)
    """Between two records of metrics, thousands of examples."""
    sample_kimg: Kimg = changeable(10.0)
    """Between two grids of samples, thousands of examples."""
    checkpoint_kimg: Kimg = changeable(20.0)
    """Between two checkpoints, thousands of examples."""
    score_kimg: KimgOrZero = changeable(20.0)
    """Between two scores, thousands of examples; 0: none."""
    score_samples: Several = changeable(5000)
    """Generated examples per score."""
    steps_per_call: Count = changeable(4)
    """Steps per dispatch of the compiled program."""
    devices: Count | None = changeable(None)
    """Use only the first so many devices."""
    fsdp: bool = changeable(False)
    """Shard large parameters and moments over the devices."""
