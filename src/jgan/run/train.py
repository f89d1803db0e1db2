"""From a system and a configuration to a run."""

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan import outputs
from jgan.data.content import prepared
from jgan.data.describe import describe
from jgan.data.feed import check_size
from jgan.data.source import Source, by_turns, read_rows
from jgan.evaluation.provenance import provenance
from jgan.run import loop
from jgan.run.about import read_about
from jgan.run.checkpoints import Checkpoints
from jgan.run.folder import Folder, remember
from jgan.run.loggers import check_loggers
from jgan.run.progress import say, tell, waiting
from jgan.run.report import REAL
from jgan.run.system import Sampling, System, stages_of
from jgan.run.trouble import Trouble
from jgan.sharding import data_mesh, devices_for, first_devices
from jgan.training.transfer import listing, transfer


def prepare(system: System, config: Any, init_from: Path | None = None) -> Callable[[Folder], Any]:
    """Opens the data of a configuration, builds what is trained on them, and checks what can be checked before there is a folder.

    Args:
      system: what is trained.
      config: of its kind; durations are in thousands of examples.
      init_from: the folder of a run whose parameters the first state takes, as far as names and shapes fit.

    Returns:
      (folder) -> the state after the last step: trains into a folder of `jgan.run.folder.open_folder`, from its latest checkpoint if there
      is one. It raises ValueError if the data are not those of the run that is resumed, its checkpoints do not fit, or no parameter of
      `init_from` fits.

    Raises:
      ValueError: if there are fewer devices, the batch does not divide over them, or there are fewer examples than one batch.
      ModuleNotFoundError: if the package of a logger is missing.
    """
    check_loggers(config.log)
    first_devices(config.devices)  # too many are refused before data are read
    with waiting("reading the data"):
        source = system.data(config)
        _check_label(source)
        source = prepared(source)
    examples = system.training_data(config) if system.training_data else source
    stages = stages_of(system.build(config, source.spec), images=round(1000 * config.kimg), batch=config.batch, source=lambda: examples)
    check_size(examples, stages[0].batch)
    mesh = data_mesh(devices_for([stage.batch for stage in stages], config.devices))
    if config.devices is None and mesh.size < jax.device_count():
        say(f"using {mesh.size} of {jax.device_count()} devices, over which the batch divides; change --batch to use more")
    intervals = {name: round(1000 * getattr(config, f"{name}_kimg")) for name in ("record", "sample", "checkpoint", "score")}
    intervals = loop.Intervals(**intervals | {"score": intervals["score"] or sys.maxsize})
    loop.check(stages, mesh, intervals, config.steps_per_call, config.seed)
    sampling = system.sampling(config, source.spec)
    begin = None if init_from is None else partial(begin_with, init_from)

    def train(folder: Folder) -> Any:
        remember(folder, source)
        if folder.changed:
            tell(f"changed: {'; '.join(folder.changed)}")
        tell(*describe(source))
        if jax.process_index() == 0:
            write_real(folder.path, source, sampling)
        score = None
        if system.score is not None and config.score_kimg:
            with waiting("preparing the score"):
                score = system.score(config, source, folder=loop.features_folder(folder), mesh=mesh)
        state = loop.train(
            folder,
            stages,
            sampling,
            source,
            mesh=mesh,
            seed=config.seed,
            intervals=intervals,
            score=score,
            steps_per_call=config.steps_per_call,
            fsdp=config.fsdp,
            begin=begin,
            log=config.log,
            protocol={"data": source.name, "examples": source.size, "conditions": sampling.conditions, **_turns(source), **provenance()},
        )
        if jax.process_index() == 0:
            tell(*outcome(folder.path, system))
        return state

    return train


def write_real(run: Path, source: Source, sampling: Sampling) -> None:
    """Writes real examples of what is to be generated into the folder of a run, as many as are followed, for its report; those that are
    shown beside the outputs anyway are left out."""
    kinds = {name: kind for name, kind in sampling.outputs.items() if name in source.fields and name not in sampling.truth}
    if kinds:
        rows = read_rows(source, by_turns(source, sampling.followed), tuple(kinds))
        with Trouble().tolerate("real examples are not written"):
            outputs.write(run / REAL, 0, outputs.render(rows, kinds))


def _turns(source):
    """The names of the classes that take turns among the examples that are looked at."""
    labels = source.columns.get("label")
    return {} if labels is None or labels.ndim != 1 else {"classes_by_turns": [source.names["label"][i] for i in np.unique(labels)]}


def outcome(run: Path, system: System) -> list[str]:
    """Returns what is said at the end of a run: where its report and its best checkpoint are, and what to type next."""
    with Checkpoints(run / "checkpoints") as checkpoints:
        best, scores = checkpoints.best_step(), checkpoints.scores()
    score = f" (score {scores[best]:.4g})" if best in scores else ""
    lines = [f"report: {run / 'report.html'}", f"best checkpoint: {run / 'checkpoints' / f'{best:08d}'}{score}"]
    return lines + [f"next: jgan sample {shlex.quote(str(run))}"] * ("sample" in system.commands)


def _check_label(source):
    if "label" in source.fields and not source.names.get("label"):
        raise ValueError(f"expected the names of the classes of label, found none in {source.name}; give its `names` or leave label out")


def begin_with(run: Path, state: Any) -> Any:
    """Returns the first state of a run with the parameters of another one, as far as names and shapes fit; prints which do and which do
    not.

    Raises:
      ValueError: if none fits.
    """
    with Checkpoints(run / "checkpoints") as checkpoints:
        step = checkpoints.best_step()
        before = checkpoints.restore_raw(step)
    after, taken, left = transfer(before, state)
    if not taken:
        raise ValueError(f"expected parameters that fit in {run}, found none: it is a run of {read_about(run)['system']}")
    tell("\n  ".join([f"parameters of {run}, step {step}:", *listing(taken, left)]))
    return jax.tree.map(lambda new, old: jax.device_put(new, old.sharding), after, state)
