"""All benchmarks into one file, and files side by side.

    python benchmarks/all.py run --out results.jsonl               (an hour or more; --only step peer for some of them)
    python benchmarks/all.py show results.jsonl
    python benchmarks/all.py show before.jsonl after.jsonl         (with the ratio of the second to the first)

Every line of the file is one of a benchmark, with machine, versions and commit.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tyro

FOLDER = Path(__file__).parent
COMMANDS = {
    "step": ("--presets", "demo", "fashion_mnist", "flowers64", "--devices", "1"),
    "control_flow": (),
    "metrics": (),
    "peer": ("--resolutions", "64", "128", "256", "--channel-base", "512", "--channel-max", "32"),
    "scaling": (),
    "ahead_of_time": ("--presets", "demo", "fashion_mnist", "flowers64", "flowers128"),
    "sampling": (),
    "input": (),
    "start": (),
    "operations": ("--presets", "demo", "fashion_mnist", "flowers64"),
    "forms": (),
    "population": (),
}
PROVENANCE = "machine", "versions", "commit"
MEASURED = "trace_seconds", "init_seconds", "compile_seconds", "flops_per_step", "speedup", "difference"  # results, not settings


def run(out: Path = Path("results.jsonl"), only: tuple[str, ...] = tuple(COMMANDS)) -> None:
    """Runs benchmarks, one after another, and appends their lines to a file.

    Args:
        out: The file of JSON lines.
        only: Names of benchmarks.
    """
    unknown = [name for name in only if name not in COMMANDS]
    if unknown:
        raise SystemExit(f"expected benchmarks out of {', '.join(COMMANDS)}, found {', '.join(unknown)}")
    for name in only:
        command = [sys.executable, str(*FOLDER.rglob(f"{name}.py")), *COMMANDS[name]]
        print(" ".join(command[1:]), flush=True)
        with out.open("a") as file, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                file.write(line)
                file.flush()
        if process.returncode:
            print(f"{name} ended with status {process.returncode}: what it measured before is in {out}", file=sys.stderr)


def show(first: tyro.conf.Positional[Path], second: tyro.conf.Positional[Path | None] = None) -> None:
    """Prints the medians of a file, or of two with the ratio of the second to the first.

    Args:
        first: A file of JSON lines.
        second: Another one, of a later commit say.
    """
    before = {setting: numbers for line in lines(first) for setting, numbers in [described(line)]}
    after = {setting: numbers for line in lines(second) for setting, numbers in [described(line)]} if second else {}
    for path in (first, second) if second else (first,):
        print(f"{path}: {json.dumps({name: lines(path)[-1].get(name) for name in PROVENANCE})}")
    for setting, numbers in before.items():
        print(f"\n{setting}")
        for name, value in numbers.items():
            other = after.get(setting, {}).get(name)
            print(
                f"  {name:40} {value:12.5g}" + ("" if other is None else f" {other:12.5g} {other / value if value else float('nan'):8.3f}")
            )


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; at least one.

    Raises:
      SystemExit: if there are none.
    """
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return found or sys.exit(f"expected a file of JSON lines, found none in {path}: make it with the command run")


def described(line: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """What was measured, in words, and the numbers by name.

    >>> described({"benchmark": "b", "batch": 8, "ms": {"median": 2.0, "low": 1.0, "high": 3.0}, "machine": {}})
    ('benchmark=b batch=8', {'ms': 2.0})
    """
    line = {name: value for name, value in line.items() if name not in PROVENANCE}
    numbers = {name: float(value) for name, value in flat(line) if value is not None}
    settings = {name: value for name, value in line.items() if not isinstance(value, dict) and name not in MEASURED}
    return " ".join(f"{name}={value}" for name, value in settings.items()), numbers


def flat(line: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Names and values of all results: medians of spreads, numbers within dicts, and those of MEASURED.

    >>> list(flat({"speedup": 2.0, "phases": {"r1": {"median": 1.0, "low": 1.0, "high": 1.0}}, "batch": 8}))
    [('speedup', 2.0), ('phases.r1', 1.0)]
    """
    for name, value in line.items():
        if isinstance(value, dict):
            yield from [(prefix + name, value["median"])] if "median" in value else flat(value, f"{prefix}{name}.")
        elif name in MEASURED or (prefix and isinstance(value, (int, float))):
            yield prefix + name, value


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"run": run, "show": show}, description=__doc__)
