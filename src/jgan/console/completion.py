"""Completion of `jgan ...` in a shell."""

from collections.abc import Sequence

from jgan.console import catalogue

SCRIPTS = {
    "bash": """_jgan() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(compgen -W "$(jgan --complete "${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "$word"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _jgan jgan""",
    "zsh": """_jgan() {
    compadd -- $(jgan --complete ${words[2,CURRENT-1]})
    _files
}
compdef _jgan jgan""",
    "fish": "complete -c jgan -a '(jgan --complete (commandline -opc)[2..])'",
}


def candidates(words: Sequence[str]) -> list[str]:
    """Returns what may follow the words after `jgan`.

    >>> "sample" in candidates([]), "demo" in candidates(["train", "stylegan"]), "--seeds" in candidates(["sample", "runs/x"])
    (True, True, True)
    """
    match list(words):
        case []:
            return ["list", "train", *catalogue.commands_on_runs(), *_others(), "data", "completion"]
        case ["train"]:
            return [*catalogue.systems(), "--resume"]
        case ["train", system, *others] if system in catalogue.systems():
            return [*([] if others else catalogue.presets(system)), *_options_of_training(system)]
        case ["data"]:
            return list(catalogue.ON_DATA)
        case ["data", command, *_] if command in catalogue.ON_DATA:
            return _as_options(catalogue.options(command))
        case ["completion"]:
            return list(SCRIPTS)
        case [command, *_] if command in (*catalogue.commands_on_runs(), *_others()):
            return _as_options(catalogue.options(command))
    return []


def _others() -> list[str]:
    return [*catalogue.ON_RUNS, *catalogue.ON_IMAGES, *catalogue.ON_FILES]


def _options_of_training(system: str) -> list[str]:
    return _as_options([*catalogue.fields(f"jgan.systems.{system}", "Config"), *catalogue.fields("jgan.run.main", "RunOptions")])


def _as_options(names: Sequence[str]) -> list[str]:
    return [f"--{name.replace('_', '-')}" for name in names]
