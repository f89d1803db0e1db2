"""jgan sample RUN"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.along import along, parse_amounts
from jgan.commands.seeds import parse_seeds
from jgan.data.source import by_turns, read_rows
from jgan.ranges import Columns, CountOrZero, LayersOrZero, Truncation
from jgan.run.system import System
from jgan.run.trained import Trained, load, sampling_of
from jgan.run.writer import as_shown, kinds_shown


def sample(
    system: System,
    run: tyro.conf.Positional[Path],
    seeds: str = "0-63",
    truncation: Truncation | None = None,
    cutoff: LayersOrZero | None = None,
    label: str | None = None,
    caption: str | None = None,
    direction: tuple[str, ...] = (),
    columns: Columns | None = None,
    split: str | None = None,
    step: CountOrZero | None = None,
    out: str | None = None,
) -> None:
    """Draws samples, one of each seed.

    Args:
        run: The folder of the run.
        seeds: One example each: numbers and ranges, as 0-63 or 3,14,15-20.
        truncation: 1 for the full variety, towards 0 for more typical examples; as the system prefers if not given.
        cutoff: Number of layers of a style-based generator to truncate, from the lowest; all if not given.
        label: Class of all examples, by name or number; if not given classes take turns.
        caption: Text of all examples, in words of the data, for a system that draws by captions; those of the data if not given.
        direction: Steps along directions that `jgan directions` has found, of a style-based generator, as smile=2 hat=-1.5, in sigma.
        columns: Examples per row.
        split: Part of the data whose inputs are taken, by a system that needs some; the training part if not given.
        step: The checkpoint to use; the best if not given.
        out: The file to write; its ending says what, a folder gets one file per example. samples.png, .webp, .wav, .txt if not given.
    """
    numbers, amounts, (sampling, spec) = parse_seeds(seeds), parse_amounts(direction), sampling_of(run, system)
    kinds = kinds_shown(sampling, spec)
    out = out or f"samples{outputs.endings(sampling.outputs)[0]}"
    if Path(out).suffix.lower() not in outputs.endings(kinds):
        kinds = dict(sampling.outputs)  # a file that cannot hold what is shown beside the outputs holds them alone
    outputs.check_path(out, kinds)
    trained = load(run, step, system)
    inputs = {"truncation": preferred(trained, "truncation", truncation), "cutoff": cutoff, "label": label, "caption": caption}
    inputs = {name: value for name, value in inputs.items() if value is not None}
    shown = drawn(trained, run, numbers, amounts, inputs, split)
    outputs.save(out, shown, {name: kind for name, kind in kinds.items() if name in shown}, columns)
    print(out)


def drawn(
    trained: Trained, run: Path, seeds: list[int], amounts: Mapping[str, float], inputs: Mapping[str, Any], split: str | None = None
) -> dict[str, Any]:
    """Returns outputs of seeds, after steps along directions by their names if there are any, and what is shown beside them."""
    given, beside = conditions(trained, len(seeds), split, tuple(inputs))
    found = along(trained, run, amounts, seeds, **given, **inputs) if amounts else trained.outputs(seeds, **given, **inputs)
    return as_shown(trained.sampling, beside, found)


def conditions(
    trained: Trained, n: int, split: str | None, given: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns inputs that are data, of n examples, but those given, and what is shown beside the outputs; none where labels are all that is
    needed.

    Raises:
      ValueError: for a split that nothing would be read of.
    """
    needed = tuple(name for name in trained.sampling.conditions if name not in ("label", *given))
    if not needed and split is not None:
        raise ValueError(f"expected no --split, since {trained.system.name} is given nothing of the data here, found {split}; leave it out")
    if not needed:
        return {}, {}
    source = trained.open_data(split)
    rows = read_rows(source, by_turns(source, n), tuple(dict.fromkeys((*needed, *trained.sampling.truth))))
    return {name: rows[name] for name in needed}, rows


def preferred(trained: Trained, name: str, value: Any) -> Any:
    """Returns a value of an input, or the one that the system prefers for pictures."""
    return trained.sampling.preferred.get(name) if value is None else value
