"""What `jgan` does beside printing help: training, commands on runs, commands on sets of images."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tyro

from jgan.commands import compare, features, import_published, inspect, pull, report
from jgan.console import catalogue, completion
from jgan.ranges import checked
from jgan.run.about import CONFIG_FILE
from jgan.run.main import keep_compiled_programs, known, mistakes_in_one_line, run_command, run_training
from jgan.run.system import find_system, system_of

ON_IMAGES: Mapping[str, Callable[..., None]] = {
    "fid": compare.fid,
    "kid": compare.kid,
    "compare": compare.compare,
    "features": features.features,
}
ON_FILES: Mapping[str, Callable[..., None]] = {"import": import_published.import_, "pull": pull.pull}
ON_RUNS: Mapping[str, Callable[..., None]] = {"report": report.report}
FUNCTIONS = {**ON_IMAGES, **ON_FILES, **ON_RUNS}
ON_DATA: Mapping[str, Callable] = {"inspect": inspect.inspect}


def dispatch(arguments: Sequence[str]) -> None:
    """Runs a command; what is wrong with the arguments is said in one line, with status 2."""
    with mistakes_in_one_line("jgan"):
        keep_compiled_programs()
        command, *rest = arguments
        if command == "train":
            _train(rest)
        elif command in FUNCTIONS:
            tyro.cli(checked(FUNCTIONS[command]), prog=f"jgan {command}", args=rest)
        elif command == "data":
            name = known(rest[0], list(ON_DATA), "command on data")
            tyro.cli(checked(ON_DATA[name]), prog=f"jgan data {name}", args=rest[1:])
        elif command == "completion":
            known(rest[0], list(completion.SCRIPTS), "shell")
        else:
            known(command, completion.candidates([]), "command")
            _on_run(command, rest)


def _train(arguments):
    """SYSTEM [PRESET] --option value ..., or --resume RUN, which says what system it is of."""
    if arguments[0] == "--resume" and len(arguments) > 1:
        system = system_of(arguments[1])
        run_training(system, arguments, f"jgan train {system.name}")
    else:
        system = find_system(known(arguments[0], catalogue.systems(), "system"))
        run_training(system, arguments[1:], f"jgan train {system.name}")


def _on_run(command, arguments):
    """A command of the system of a run, which is the first argument that is the folder of one."""
    run = next((argument for argument in arguments if (Path(argument) / CONFIG_FILE).is_file()), arguments[0])
    system = system_of(run)
    if command not in system.commands:
        raise ValueError(f"runs of {system.name} have no command {command}: expected one of {', '.join(system.commands)}")
    run_command(system, command, arguments, f"jgan {command}")
