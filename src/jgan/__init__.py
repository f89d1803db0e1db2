"""JGAN: a functional GAN framework on JAX."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

PARTS = (
    "augment",
    "control",
    "data",
    "evaluation",
    "losses",
    "metrics",
    "models",
    "ops",
    "outputs",
    "penalties",
    "population",
    "run",
    "sharding",
    "systems",
    "tensors",
    "training",
    "types",
)

if TYPE_CHECKING:
    from jgan import augment as augment
    from jgan import control as control
    from jgan import data as data
    from jgan import evaluation as evaluation
    from jgan import losses as losses
    from jgan import metrics as metrics
    from jgan import models as models
    from jgan import ops as ops
    from jgan import outputs as outputs
    from jgan import penalties as penalties
    from jgan import population as population
    from jgan import run as run
    from jgan import sharding as sharding
    from jgan import systems as systems
    from jgan import tensors as tensors
    from jgan import training as training
    from jgan import types as types
    from jgan.run.trained import load as load


def __getattr__(name: str) -> Any:
    """Imports a part of the library when it is first used: `import jgan; jgan.losses` needs no other."""
    if name == "load":
        return importlib.import_module("jgan.run.trained").load
    if name in PARTS:
        return importlib.import_module(f"jgan.{name}")
    raise AttributeError(f"module 'jgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *PARTS, "load"])
