"""The command line of a system: `train [PRESET] --option value`, commands such as `sample RUN`, help, mistakes in one line."""

import contextlib
import dataclasses
import difflib
import inspect
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax

from jgan import ranges
from jgan.compat import quiet_xla
from jgan.evaluation.provenance import begun
from jgan.run.about import check_trainable, config_files, config_of, read_about
from jgan.run.checkpoints import quiet_orbax
from jgan.run.config import flatten, to_plain
from jgan.run.folder import WHERE, Folder, open_folder
from jgan.run.progress import forget, tell, waiting
from jgan.run.settings import changeable_fields, with_absolute_places
from jgan.run.system import AUTO, Chosen, Complete, Fit, System
from jgan.run.train import prepare
from jgan.sharding import initialize

MISTAKES = (ValueError, TypeError, OSError, ModuleNotFoundError, FloatingPointError)
HELP = ("--help", "-h")
BROKEN_PIPE = 141  # the status of programs that are stopped by SIGPIPE


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Where a run is kept, what it begins with, and on which machines it runs."""

    runs: Path = Path("runs")
    """The folder in which every run gets a folder."""
    resume: Path | None = None
    """The folder of an earlier run, which goes on from its latest checkpoint with its own configuration."""
    workdir: Path | None = None
    """The folder of this run, instead of a dated one: the same command begins the run, or goes on with it."""
    allow_change: tuple[str, ...] = ()
    """Fields that may differ from those of the run that goes on although what is trained depends on them, such as learning_rate."""
    init_from: Path | None = None
    """The folder of a run whose parameters this one begins with, as far as their names and shapes fit."""
    distributed: bool = False
    """Join the processes of a cluster that JAX detects: SLURM, Open MPI, Kubernetes, TPU pods."""
    coordinator: str | None = None
    """host:port of the first process, where no cluster is detected; every process names the same one."""
    processes: ranges.Count | None = None
    """The number of processes, with --coordinator."""
    process: ranges.CountOrZero | None = None
    """The number of this process, from 0, with --coordinator."""


def main(system: System, arguments: Sequence[str] | None = None, program: str | None = None) -> None:
    """Runs the command line of a system; call it under `if __name__ == "__main__":`.

    `train [PRESET] --option value` starts a run, and without any arguments the first preset is trained; `train --resume RUN` goes on
    with an earlier run. Every other command is a function (system, ...) whose further annotated arguments become its options. Mistakes
    are printed as one line on standard error, with status 2; with JGAN_TRACEBACK=1 in the environment they are raised. Compiled programs
    are kept in the user's cache folder, or where JAX_COMPILATION_CACHE_DIR says.

    Args:
      system: with its presets and commands.
      arguments: instead of those of the process.
      program: the name of the program in messages; by default the name of the system.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    program = program or system.name
    keep_compiled_programs()
    with mistakes_in_one_line(program):
        _dispatch(system, program, arguments)


@contextlib.contextmanager
def mistakes_in_one_line(program: str) -> Iterator[None]:
    """Ends the process with status 2 and one line on standard error where something is wrong with its input; warnings are one line too."""
    quiet_orbax()
    quiet_xla()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield
    except BrokenPipeError:  # whoever read the output has seen enough
        forget(sys.stdout)
        sys.exit(BROKEN_PIPE)
    except MISTAKES as error:
        if os.environ.get("JGAN_TRACEBACK") == "1":
            raise
        notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(WHERE)]
        print(f"{program}: {error} ({notes[0] if notes else 'JGAN_TRACEBACK=1 shows where'})", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)


def keep_compiled_programs() -> None:
    """Makes JAX keep compiled programs, and what it autotuned for GPUs, in ~/.cache/jgan/xla unless the environment says otherwise."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(cache / "jgan" / "xla"))


def study(
    name: str,
    presets: Mapping[str, Any],
    play: Callable[[Folder, Any], Any],
    *,
    description: str = "",
    arguments: Sequence[str] | None = None,
) -> None:
    """Runs the command line of a study: what is done with systems, or beside them, in a folder like a run's, at one go.

    Args:
      name: of the study, and of the folders of its runs.
      presets: configurations by name, frozen dataclasses whose fields have docstrings; the first is the default.
      play: (folder, config) -> anything.
      description: for the help.
      arguments: instead of those of the process; as of `main`, with `train` as the only command.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    keep_compiled_programs()
    with mistakes_in_one_line(name):
        if arguments[:1] and arguments[0] in HELP:
            print(f"{description.strip()}\n\nusage: {name} train [PRESET] [--option value ...]\n\npresets: {', '.join(presets)}")
            return
        if not arguments or arguments[0].startswith("-"):
            arguments = ["train", *arguments]
        known(arguments[0], ["train"], "command")
        start(name, presets, arguments[1:], f"{name} train", lambda config, options: lambda folder: play(folder, config))


def start(
    name: str,
    presets: Mapping[str, Any],
    arguments: Sequence[str],
    program: str,
    prepare: Callable[[Any, RunOptions], Callable[[Folder], Any]],
    fit: Fit | None = None,
    complete: Complete | None = None,
) -> None:
    """Begins a run, or goes on with one, with the configuration that the arguments after `train` say.

    What can be wrong is looked for before there is a folder: first with the earlier run, then in `prepare`.

    Args:
      name: of the system, and of the folders of its runs.
      presets: configurations by name; the first is the default.
      arguments: [PRESET] --option value ...
      program: for messages.
      prepare: (config, options) -> what is then called with the folder.
      fit: of the preset AUTO.
      complete: of any configuration.
    """
    given = arguments
    preset, arguments, chosen = _preset(name, presets, list(arguments), fit)
    description = f"Trains {name}. Presets: {', '.join(presets)}."
    parse = partial(_parse, arguments=arguments, program=f"{program} {chosen}".rstrip(), description=description)
    config, options = parse(preset)
    if options.init_from is not None:
        read_about(options.init_from)  # there is such a run
        check_trainable(options.init_from)
    if options.distributed or options.coordinator is not None:
        initialize(options.coordinator, options.processes, options.process)
    if chosen == AUTO and fit is not None:
        config, options = parse(_fitted(preset, config, fit))
    if complete is not None:
        config = _changed(config, complete(config), "chosen for this machine:")
    about = begun(f"{program} {shlex.join(given)}".rstrip())
    allowed = [known(field.replace("-", "_"), list(flatten(to_plain(config))), "field") for field in options.allow_change]
    may_change = changeable_fields(type(config)) | dict.fromkeys(allowed, "--allow-change")
    folder = open_folder(options.runs, name, config, about, options.resume, may_change, options.workdir)
    play = prepare(config, options)
    with folder:
        tell(str(folder.path))
        play(folder)


def _parse(preset: Any, arguments: Sequence[str], program: str, description: str) -> tuple[Any, RunOptions]:
    """The configuration that arguments make of a preset, with absolute places of its data, and the options of the run."""
    import tyro

    def parse(
        config: Annotated[type(preset), tyro.conf.arg(name="")] = preset,  # pyright: ignore[reportInvalidTypeForm]  known at run time
        options: Annotated[RunOptions, tyro.conf.arg(name="")] = RunOptions(),  # noqa: B008  frozen
    ):
        return config, options

    config, options = tyro.cli(parse, prog=program, description=description, args=arguments)
    ranges.check(config)
    ranges.check(options)
    return with_absolute_places(config), options


def _fitted(preset: Any, config: Any, fit: Fit) -> Any:
    """The preset AUTO with what suits the data and the machine."""
    before = with_absolute_places(preset)
    given = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if getattr(config, f.name) != getattr(before, f.name)}
    with waiting("looking at the data"):
        chosen = fit(config, given)
    return _changed(preset, chosen, "chosen for these data and this machine:")


def _changed(config: Any, chosen: Mapping[str, Chosen], title: str) -> Any:
    """A configuration with settings that were chosen, which are printed with their reasons."""
    if chosen and jax.process_index() == 0:
        lines = [f"  {_as_option(name, choice.value):<24} {choice.why}" for name, choice in chosen.items()]
        tell(title, *lines)
    return dataclasses.replace(config, **{name: choice.value for name, choice in chosen.items()})


def _as_option(name: str, value: Any) -> str:
    """
    >>> _as_option("r1_weight", 0.40960000001), _as_option("flip", False)
    ('--r1-weight 0.4096', '--no-flip')
    """
    name = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value:.4g}" if isinstance(value, float) else f"--{name} {value}"


def run_training(system: System, arguments: Sequence[str], program: str) -> None:
    """Trains a system, or goes on with a run of it.

    Args:
      system: what is trained.
      arguments: [PRESET] --option value ...
      program: for messages.
    """

    def play(config, options):
        return prepare(system, config, options.init_from)

    start(system.name, system.presets, arguments, program, play, system.fit, system.complete)


def run_command(system: System, name: str, arguments: Sequence[str], program: str) -> None:
    """Runs a command of a system.

    Raises:
      ValueError: if it has none of this name.
    """
    import tyro

    function = ranges.checked(system.commands[known(name, ["train", *system.commands], "command")])
    tyro.cli(partial(function, system), prog=program, description=inspect.getdoc(function), args=list(arguments))


def known(name: str, names: Sequence[str], kind: str) -> str:
    """Returns the name.

    Raises:
      ValueError: if it is none of the names; the message has the nearest.
    """
    if name not in names:
        near = difflib.get_close_matches(name, names)
        hint = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(names)}"
        raise ValueError(f"unknown {kind} {name!r}: {hint}")
    return name


def command_summary(function: Callable[..., Any]) -> str:
    """Returns the first line of what a command says of itself."""
    return (inspect.getdoc(getattr(function, "func", function)) or "").split("\n")[0]


def _dispatch(system, program, arguments):
    if arguments[:1] and arguments[0] in HELP:
        print(overview(system, program))
        return
    if not arguments or arguments[0].startswith("-"):
        arguments = ["train", *arguments]
    command, *rest = arguments
    if command == "train":
        run_training(system, rest, f"{program} train")
    else:
        run_command(system, command, rest, f"{program} {command}")


def _preset(system: str, presets: Mapping[str, Any], arguments: list[str], fit: Fit | None) -> tuple[Any, list[str], str]:
    """The configuration to start from, the arguments that change it, and its name: from an earlier run, or a preset.

    Where none is named it is the first, or AUTO of a system that has it where data are given. A run of AUTO is fitted once: in the folder
    of one, its configuration is the one to start from.
    """
    first = AUTO if fit is not None and _value_of("--data", arguments) is not None else next(iter(presets))
    run = _value_of("--resume", arguments)
    if arguments and not arguments[0].startswith("-"):
        name, arguments = known(arguments[0], list(presets), "preset"), arguments[1:]
    else:
        name = first
    folder = _value_of("--workdir", arguments)
    if run is None and name == AUTO and folder is not None and config_files(folder):
        run = folder
    if run is not None:
        return config_of(run, system, type(presets[name])), arguments, ""
    return presets[name], arguments, name


def _value_of(option, arguments):
    for argument, following in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == option:
            return following
        if argument.startswith(option + "="):
            return argument.removeprefix(option + "=")
    return None


def overview(system: System, program: str) -> str:
    """Returns the help of a system: its commands and presets."""
    lines = [
        system.description.strip(),
        "",
        f"usage: {program} train [PRESET] [--option value ...]     (without arguments: train {next(iter(system.presets))})",
    ]
    lines += [f"       {program} {name} ...     {command_summary(function)}" for name, function in system.commands.items()]
    lines += ["", f"presets: {', '.join(system.presets)}", "", f"All options with their units: {program} train [PRESET] --help"]
    return "\n".join(lines).strip()
