"""What systems that translate between two domains, `input` and `target`, share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from jgan import outputs
from jgan.data import open_domains
from jgan.data.settings import limit_of
from jgan.data.source import Source
from jgan.evaluation.paired import domain_score
from jgan.evaluation.score import Score
from jgan.ops.images import to_float
from jgan.run.system import Sampling
from jgan.types import Array, Fields, Outputs, Spec

Translate = Callable[[Array], Array]


def both_ways(forward: Translate, backward: Translate, inputs: Fields) -> Outputs:
    """Translates images of either domain, as far as they are given, and back again."""
    found: Outputs = {}
    if "input" in inputs:
        found["forward"] = forward(to_float(inputs["input"]))
        found["forward_back"] = backward(found["forward"])
    if "target" in inputs:
        found["backward"] = backward(to_float(inputs["target"]))
        found["backward_back"] = forward(found["backward"])
    return found


def open_two_domains(config: Any, split: str | None = None, jitter: int = 0) -> Source:
    """Returns the two domains of a configuration, or another part of them, images larger by `jitter` pixels."""
    return open_domains(
        config.data,
        resolution=config.resolution + jitter,
        channels=config.channels,
        split=split or "train",
        limit=limit_of(config, split),
        bit_depth=config.bit_depth,
        max_unpacked=config.max_unpacked,
    )


def sampling(config: Any, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: images of either domain in, translations and the ways back out."""
    kinds = {name: outputs.image() for name in ("forward", "forward_back", "backward", "backward_back")}
    directions = {"forward": ("input", "forward"), "backward": ("target", "backward")}
    return Sampling(lambda key, n: {}, kinds, conditions=("input", "target"), directions=directions, followed=8)


def score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns how far translations of the first domain are from the second."""
    return domain_score(source, config.score_samples, folder, mesh, output="forward")
