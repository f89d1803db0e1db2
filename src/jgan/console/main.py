"""Where `jgan` begins: help, lists and completion are answered from the source, the rest is done by `jgan.console.dispatch`."""

import os
import sys
from collections.abc import Sequence

from jgan import __version__
from jgan.console import catalogue, completion

USAGE = """JGAN: generative adversarial networks on JAX.

usage: jgan list                                       the systems and their presets
       jgan train SYSTEM [PRESET] [--option value ...]  starts a run
       jgan train --resume RUN                          goes on with a run
       jgan COMMAND RUN [--option value ...]
       jgan data inspect PATH                           what is understood of a set
       jgan completion bash                             prints a script that completes commands: also for zsh and fish
       jgan --version"""
USAGE_OF_TRAIN = """usage: jgan train SYSTEM [PRESET] [--option value ...]
       jgan train --resume RUN"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line `jgan`; without arguments it prints its help."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    answer = quick_answer(arguments)
    if answer is not None:
        _print(answer)
        return
    try:
        from jgan.console.dispatch import dispatch  # brings JAX with it, which takes a while
    except KeyboardInterrupt:
        print("jgan: interrupted", file=sys.stderr)
        sys.exit(130)
    dispatch(arguments)


def _print(answer):
    try:
        print(answer, flush=True)
    except BrokenPipeError:  # whoever read it has seen enough; an ordinary exit would try to print the rest
        os._exit(141)


def quick_answer(arguments: Sequence[str]) -> str | None:
    """Returns what is printed for arguments that need no JAX; None for all others.

    >>> quick_answer(["--version"]).split()[0], quick_answer(["train", "gan"])
    ('jgan', None)
    """
    match list(arguments):
        case [] | ["--help" | "-h" | "help"]:
            return help_text()
        case ["--version" | "version"]:
            return f"jgan {__version__}"
        case ["list", *_]:
            return system_table()
        case ["train"] | ["train", "--help" | "-h"]:
            return f"{USAGE_OF_TRAIN}\n\n{system_table()}"
        case ["data"] | ["data", "--help" | "-h"]:
            return "\n".join(["usage: jgan data COMMAND PATH [--option value ...]", "", *map(_line, catalogue.ON_DATA)])
        case ["completion"]:
            return completion.SCRIPTS["bash"]
        case ["completion", shell] if shell in completion.SCRIPTS:
            return completion.SCRIPTS[shell]
        case ["--complete", *words]:
            return "\n".join(completion.candidates(words))
        case [command] | [command, "--help" | "-h"] if command in catalogue.commands_on_runs():
            return help_of_command(command)
    return None


def system_table() -> str:
    """Returns the systems with their presets, two lines each."""
    lines = []
    for name in catalogue.systems():
        lines += [f"{name:<10} {catalogue.description(name)}", f"{'':<10} presets: {', '.join(catalogue.presets(name))}"]
    return "\n".join(lines)


def help_text() -> str:
    """Returns what `jgan --help` prints."""
    lines = [USAGE, "", "commands on a run:", *map(_line, catalogue.commands_on_runs())]
    lines += ["", "commands on several runs:", *map(_line, catalogue.ON_RUNS)]
    lines += ["", "commands on sets of images:", *map(_line, catalogue.ON_IMAGES)]
    lines += ["", "commands on what others made:", *map(_line, catalogue.ON_FILES)]
    lines += ["", "commands on data, jgan data COMMAND:", *map(_line, catalogue.ON_DATA)]
    return "\n".join([*lines, "", "Options of each: jgan train SYSTEM [PRESET] --help, jgan COMMAND RUN --help"])


def help_of_command(command: str) -> str:
    """Returns what `jgan COMMAND --help` prints, where the options depend on the system of the run."""
    summaries = "\n".join(dict.fromkeys(catalogue.summaries(command)))
    options = " ".join(f"--{name.replace('_', '-')}" for name in catalogue.options(command))
    return f"{summaries}\n\nusage: jgan {command} RUN [--option value ...]\n\n{options}\n\nWhat they are: jgan {command} RUN --help"


def _line(command: str) -> str:
    return f"  {command:<16} {catalogue.summaries(command)[0]}"
