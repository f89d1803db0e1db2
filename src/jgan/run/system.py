"""What the shell needs of a system: the record by which it is trained, sampled, scored and loaded."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from jax.sharding import Mesh

from jgan.data.source import Source
from jgan.evaluation.restoration import Restoration
from jgan.evaluation.score import Score
from jgan.outputs import Kind
from jgan.run.about import read_about
from jgan.types import Inputs, Key, Spec, Stage, Training

AUTO = "auto"  # the preset that is fitted to data and machine


class OpenData(Protocol):
    """Opens the examples of a configuration; a split of None is the part that is trained on."""

    def __call__(self, config: Any, split: str | None = None, /) -> Source: ...


class Build(Protocol):
    """Makes the training algorithm for data of this shape, or the stages of a run."""

    def __call__(self, config: Any, spec: Spec, /) -> Training | list[Stage]: ...


class MakeScore(Protocol):
    """Makes the score of a run. Features and what was gathered of the real examples are kept in `folder`."""

    def __call__(self, config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score: ...


class Styles(NamedTuple):
    """Where a style-based generator keeps what directions and projections need: paths of leaves of its state.

    Its `sample` takes styles `ws` [N, layers, style_size] in place of `z`, and gives those that were used.
    """

    affine: tuple[str, ...]  # of every layer of `ws`: the kernel [style_size, C] by which its style is read
    noise: tuple[str, ...]  # the maps [1, H, W, channels] of its constant noise; [N, H, W, channels] in their place: one for each image
    synthesis: str  # how the paths of the parameters begin that make images of styles


class Sampling(NamedTuple):
    """What `Training.sample` is given, and what it gives."""

    inputs: Callable[[Key, int], Inputs]  # (key, n) -> what is drawn for n examples, such as `z`, and defaults, such as `truncation`
    outputs: Mapping[str, Kind]  # the kind (`jgan.outputs`) of every output that is shown; the first is the main one
    conditions: tuple[str, ...] = ()  # fields of the data that are inputs as they are: label, input, caption, mask, ...
    directions: Mapping[str, tuple[str, str]] = {}  # of a translator: name -> (the condition that it translates, the output that it makes)
    optional: tuple[str, ...] = ()  # further inputs that `sample` takes where they are given, such as `ws` in place of `z`
    truth: tuple[str, ...] = ()  # fields of the data that outputs should equal, shown beside them
    styles: Styles | None = None  # of a style-based generator
    content: int = 0  # of clips: the first numbers of `z`, which say what they show; the others, and all other inputs, say how it moves
    preferred: Mapping[str, float] = {}  # values of inputs for pictures that please, such as {"truncation": 0.7}
    followed: int = 64  # examples that are followed through time


class Command(Protocol):
    """What is done with a run: (system, run, ...), further annotated parameters are options of the command line."""

    def __call__(self, system: Any, /, *arguments: Any, **options: Any) -> Any: ...


class Chosen(NamedTuple):
    """A setting that suits data and machine."""

    value: Any
    why: str


class Fit(Protocol):
    """Chooses settings by field; `given` are those of the configuration that are not the preset's."""

    def __call__(self, config: Any, given: Mapping[str, Any], /) -> Mapping[str, Chosen]: ...


class Complete(Protocol):
    """Chooses settings, by field, that a configuration leaves to the machine."""

    def __call__(self, config: Any, /) -> Mapping[str, Chosen]: ...


class Published(NamedTuple):
    """Networks that others published: the settings that they were built with, and what puts their numbers into a state."""

    config: Any
    spec: Spec  # of data like those that they were trained on; classes have their numbers as names
    place: Callable[[Any], Any]  # first state -> the state with these networks


class System(NamedTuple):
    """A system: an algorithm, its settings, its data, and what can be done with what it has learned.

    What is kept of a training state is what `sample` depends on; the shell finds that by tracing it.
    """

    name: str
    config: type  # a frozen dataclass on `jgan.run.Settings`
    presets: Mapping[str, Any]  # configurations by name; the first is the default
    data: OpenData
    build: Build
    sampling: Callable[[Any, Spec], Sampling]
    score: MakeScore | None = None
    training_data: Callable[[Any], Source] | None = None  # config -> what is trained on, where it is not `data(config)`
    commands: Mapping[str, Command] = {}  # by name
    description: str = ""
    published: Callable[[Mapping[str, np.ndarray]], Published] | None = None  # arrays by their published names -> what they are
    fit: Fit | None = None  # of the preset AUTO, which is the default where --data is given
    complete: Complete | None = None  # of any configuration, before its run begins or goes on
    restoration: Restoration | None = None  # of a system that gives images back what they lost: how it is evaluated


def find_system(name: str) -> System:
    """Returns the system of this name in `jgan.systems`.

    Raises:
      ValueError: if there is none; it names those that there are.
    """
    if name not in system_names():
        raise ValueError(f"unknown system {name!r}: expected one of {', '.join(system_names())}")
    return importlib.import_module(f"jgan.systems.{name}").SYSTEM


def system_names() -> list[str]:
    """Returns the names of all systems of the package.

    >>> "stylegan" in system_names()
    True
    """
    package = importlib.import_module("jgan.systems")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def system_of(run: str | Path) -> System:
    """Returns the system that a run is of.

    Raises:
      FileNotFoundError: if there is no run in this folder.
      ValueError: if it was made by a system that is not of this package, or its files are damaged.
    """
    return find_system(read_about(run)["system"])


def stages_of(training: Training | list[Stage], *, images: int, batch: int, source: Callable[[], Source]) -> list[Stage]:
    """Returns the stages of a run: those given, or the only one that a training algorithm makes."""
    if isinstance(training, Training):
        return [Stage(images, batch, training, source)]
    return list(training)
