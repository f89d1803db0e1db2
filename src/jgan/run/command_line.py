"""What experiments share at the edge: `train [PRESET] --option value`, commands such as `sample RUN`, help, errors in one line."""

import contextlib
import dataclasses
import difflib
import inspect
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax

from jgan.run.config import from_plain
from jgan.run.folder import Folder, open_folder, read_config
from jgan.sharding import initialize

MISTAKES = (ValueError, TypeError, OSError, ModuleNotFoundError, FloatingPointError)
HELP = ("--help", "-h")


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Where a run is kept, and on which machines it runs."""

    runs: Path = Path("runs")
    """The folder in which every run gets a folder of its own."""
    resume: Path | None = None
    """The folder of an earlier run, which goes on from its latest checkpoint with its own configuration."""
    workdir: Path | None = None
    """The folder of this run, instead of a dated one: the same command begins the run, or goes on with it."""
    distributed: bool = False
    """Join the processes of a cluster that JAX detects: SLURM, Open MPI, Kubernetes, TPU pods."""
    coordinator: str | None = None
    """host:port of the first process, where no cluster is detected; every process names the same one."""
    processes: int | None = None
    """The number of processes, with --coordinator."""
    process: int | None = None
    """The number of this process, from 0, with --coordinator."""


def main(
    experiment: str,
    presets: Mapping[str, Any],
    train: Callable[[Folder, Any], Any],
    *,
    description: str = "",
    may_change: Sequence[str] = ("total_images",),
    arguments: Sequence[str] | None = None,
    **commands: Callable,
) -> None:
    """The command line of an experiment; call it under `if __name__ == "__main__":`.

    `train [PRESET] --option value` starts a run, and without any arguments the first preset is trained; `train --resume RUN` goes on
    with an earlier run. Every other command is a function whose annotated arguments become its options. Mistakes are printed as one
    line on standard error, with status 2; with JGAN_TRACEBACK=1 in the environment they are raised. Compiled programs are kept in the
    user's cache folder, or where JAX_COMPILATION_CACHE_DIR says.

    Args:
      experiment: its name, that of the folders of its runs.
      presets: configurations by name, frozen dataclasses whose fields have docstrings, which are the help, one of them `batch`; the first
        is the default.
      train: (folder, config) -> anything.
      description: for the help.
      may_change: fields of the configuration that may change when a run is resumed.
      arguments: instead of those of the process.
      **commands: further commands by name.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    keep_compiled_programs()
    logging.getLogger("absl").addFilter(_not_from_orbax)
    with mistakes_in_one_line(experiment):
        _dispatch(experiment, presets, train, description, tuple(may_change), arguments, commands)


@contextlib.contextmanager
def mistakes_in_one_line(program: str) -> Iterator[None]:
    """Ends the process with status 2 and one line on standard error where something is wrong with its input; warnings are one line too."""
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        yield
    except MISTAKES as error:
        if os.environ.get("JGAN_TRACEBACK") == "1":
            raise
        print(f"{program}: {error} (JGAN_TRACEBACK=1 shows where)", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def keep_compiled_programs() -> None:
    """Has JAX keep compiled programs from run to run, in ~/.cache/jgan/xla unless the environment says otherwise."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(cache / "jgan" / "xla"))


def _dispatch(experiment, presets, train, description, may_change, arguments, commands):
    if arguments[:1] and arguments[0] in HELP:
        print(_overview(experiment, presets, description, commands))
        return
    if not arguments or arguments[0].startswith("-"):
        arguments = ["train", *arguments]
    command, *rest = arguments
    if command == "train":
        _train(experiment, presets, train, may_change, rest)
    else:
        import tyro

        function = commands[_known(command, ["train", *commands], "command")]
        tyro.cli(function, prog=f"{experiment} {command}", args=rest)


def _train(experiment, presets, train, may_change, arguments):
    import tyro

    preset, arguments, name = _preset(presets, arguments)

    def parse(
        config: Annotated[type(preset), tyro.conf.arg(name="")] = preset,
        options: Annotated[RunOptions, tyro.conf.arg(name="")] = RunOptions(),  # noqa: B008  frozen
    ):
        return config, options

    config, options = tyro.cli(parse, prog=f"{experiment} train {name}".rstrip(), description=f"Trains {experiment}.", args=arguments)
    if options.distributed or options.coordinator is not None:
        initialize(options.coordinator, options.processes, options.process)
    with open_folder(options.runs, experiment, config, options.resume, may_change, options.workdir) as folder:
        print(folder.path, flush=True)
        train(folder, config)


def _preset(presets, arguments):
    """The configuration to start from, the arguments that change it, and its name: that of an earlier run, or a preset."""
    first = next(iter(presets))
    run = _value_of("--resume", arguments)
    if arguments and not arguments[0].startswith("-"):
        name, arguments = _known(arguments[0], list(presets), "preset"), arguments[1:]
    else:
        name = first
    if run is not None:
        return from_plain(type(presets[name]), read_config(run)), arguments, ""
    return presets[name], arguments, name


def _value_of(option, arguments):
    for argument, following in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == option:
            return following
        if argument.startswith(option + "="):
            return argument.removeprefix(option + "=")
    return None


def _known(name, names, kind):
    if name not in names:
        near = difflib.get_close_matches(name, names)
        hint = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(names)}"
        raise ValueError(f"unknown {kind} {name!r}: {hint}")
    return name


def _overview(experiment, presets, description, commands):
    lines = [
        description.strip(),
        "",
        f"usage: {experiment} train [PRESET] [--option value ...]     (without arguments: train {next(iter(presets))})",
    ]
    for name, function in commands.items():
        summary = (inspect.getdoc(getattr(function, "func", function)) or "").split("\n")[0]
        lines.append(f"       {experiment} {name} ...     {summary}")
    lines += ["", f"presets: {', '.join(presets)}", "", f"All options with their units: {experiment} train [PRESET] --help"]
    return "\n".join(lines).strip()


def _not_from_orbax(record):
    return "orbax" not in record.pathname  # whose errors are reported by jgan.run.checkpoints, in one line
