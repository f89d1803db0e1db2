"""Settings that all systems share: a system's `Config` is a frozen dataclass on them and, for images, on `ImageSettings`."""

import dataclasses
from typing import Any

from jgan.data.settings import absolute
from jgan.ranges import Count, Kimg, KimgOrZero, Seed, Several
from jgan.run import loggers

ROUNDING = "changes rounding"


def changeable(default: Any, remark: str = "") -> Any:
    """Returns a field that may differ when a run is resumed: what is trained does not depend on it, but for what the remark says."""
    return dataclasses.field(default=default, metadata={"may_change": True, "remark": remark})


def changeable_fields(config: type) -> dict[str, str]:
    """Returns the names of the fields of a configuration that may change when a run is resumed, and what is said of it then.

    >>> changeable_fields(Settings)["devices"], "seed" in changeable_fields(Settings)
    ('changes rounding', False)
    """
    return {field.name: field.metadata.get("remark", "") for field in dataclasses.fields(config) if field.metadata.get("may_change")}


def with_absolute_places(config: Any) -> Any:
    """Returns the configuration with the places of its data as absolute paths, so that they are found from any working folder."""
    places = {field: getattr(config, field.name) for field in dataclasses.fields(config) if "embedded" in field.metadata}
    given = {field.name: absolute(place, field.metadata["embedded"]) for field, place in places.items() if place is not None}
    return dataclasses.replace(config, **given)


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
    log: tuple[loggers.Name, ...] = changeable(("tensorboard",))
    """Where the run is followed besides metrics.jsonl and the report: tensorboard, csv (metrics.csv), wandb (an account, or files)."""
    steps_per_call: Count = changeable(4, ROUNDING)
    """Steps per dispatch of the compiled program."""
    devices: Count | None = changeable(None, ROUNDING)
    """Number of devices to use, the first ones."""
    fsdp: bool = changeable(False, ROUNDING)
    """Shard large parameters and moments over the devices."""
