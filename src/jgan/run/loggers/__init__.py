"""Loggers: where a run is followed besides its own files. The default, TensorBoard, needs no account."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from jgan.outputs.kind import Rendered

Name = Literal["tensorboard", "csv", "wandb"]


class Logger(Protocol):
    """Shows the records and the samples of a run. An OSError is warned of, and training goes on; any other error ends the run."""

    def scalars(self, record: Mapping[str, float | None]) -> None:
        """Shows a record, which is in metrics.jsonl already: step, images, seconds and values, None for those that are not finite."""
        ...

    def samples(self, step: int, rendered: Rendered) -> None:
        """Shows what `jgan.outputs.render` returned."""
        ...

    def close(self) -> None: ...


def check_loggers(names: Sequence[str]) -> None:
    """Checks that the packages of loggers are there, before there is a run.

    Raises:
      ModuleNotFoundError: if one is missing; the message says how it is installed.
    """
    if "wandb" in names and importlib.util.find_spec("wandb") is None:
        raise ModuleNotFoundError("--log wandb needs the package wandb: pip install 'jgan[wandb]', or log to tensorboard or csv")


def open_loggers(names: Sequence[str], folder: Path, config: Mapping[str, Any]) -> dict[str, Logger]:
    """Opens loggers by name.

    Args:
      names: of the loggers, see `Name`.
      folder: of the run.
      config: of the run, plain.

    Raises:
      ValueError: if W&B refuses the run.
    """
    return {name: _open(name, folder, config) for name in names}


def _open(name, folder, config):
    if name == "tensorboard":
        from jgan.run.loggers.tensorboard import TensorBoard

        return TensorBoard(folder)
    if name == "csv":
        from jgan.run.loggers.table import Table

        return Table(folder)
    from jgan.run.loggers.weights_and_biases import WeightsAndBiases

    return WeightsAndBiases(folder, config)
