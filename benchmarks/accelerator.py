"""What does an accelerator do with JGAN? One command for whoever has one for a few minutes; it goes on where it was interrupted.

    python benchmarks/accelerator.py --budget-minutes 8
    python benchmarks/accelerator.py --parts rates step:demo warm:demo --batch 4 --steps 4 --repeats 1     (in miniature, on any machine)

appends one line of JSON per part to a file, in the order of worth. Each part is a process with a time limit: one that runs out of memory
or hangs loses nothing but itself, and its line says why and keeps what was found before. Parts that the file has already, from the same
machine, versions, commit and settings, are left out. Needed are numpy, jax, flax, optax, orbax-checkpoint, tyro, pillow, filelock,
flatbuffers and, for the peers, PyTorch.

rates            `tflop_per_second` of large matrix products, `copied_gb_per_second` of large copies: read and written
step:PRESET      `seconds` until the first step: `trace` (init and one step), `init`, `lower` (all steps of a call), `compile`, with
                 `cached` programs in the cache before: 0 is cold; `images_per_second`, `step_ms`: as trained; `memory_gib`, as of
                 `benchmarks/step.py`; `profile`: kernels per step, `busy_ms`, `kinds_ms`, the share `unexplained` and the ten
                 `longest`, see `benchmarks/compiler/kinds.py`; `estimate`, as of `benchmarks/compiler/ahead_of_time.py`:
                 `as_trained`, each part of the program as often as it was seen to run, to be held beside `step_ms`, and `all_due`, as it
                 is made without a device
warm:PRESET      `seconds` once more, with the cache that step:PRESET left
sampling:PRESET  `images_per_second` from seeds to uint8 on the host, by images per call; `first_seconds`: of the first call
peer:PRESET      `images_per_second` and their `ratio` beside eager PyTorch, in float32, without augmentation, classes and style mixing
peer_compiled    the same, with what torch.compile can compile
outcome          done; failed, with its `error`; cut, where the budget was over, or skipped, with the reason: these two are tried again
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402
from benchmarks.start import environment  # noqa: E402

SCRIPT = Path(__file__).with_name("parts.py")
ORDER = (
    "rates",
    "step:ffhq256",
    "step:cifar10",
    "warm:ffhq256",
    "sampling:ffhq256",
    "peer:cifar10",
    "peer_compiled:cifar10",
    "step:ffhq1024",
    "warm:cifar10",
    "peer:ffhq256",
)
LIMITS = {"rates": 60, "step": 330, "warm": 120, "sampling": 120, "peer": 150, "peer_compiled": 200}  # seconds of a part of each kind
STARTING = 60  # seconds in which a process must have told what machine it is on
AGAIN = "cut", "skipped"  # outcomes of parts that are tried again
SAME = "part", "settings", "machine", "versions", "commit"


def main(
    out: Path = Path("runs/accelerator.jsonl"),
    parts: tuple[str, ...] = ORDER,
    batch: int | None = None,
    resolution: int | None = None,
    steps: int = 16,
    repeats: int = 3,
    budget_minutes: float = 8.0,
) -> None:
    """Measures an accelerator part by part, each in a process, into a file of JSON lines.

    Args:
        out: The file. Compiled programs are kept in the folder beside it that has its name without the ending.
        parts: rates, or KIND:PRESET with a kind out of step, warm, sampling, peer and peer_compiled, and a preset of StyleGAN2.
        batch: Images per step, instead of the presets'.
        resolution: Height and width in pixels, instead of the presets'.
        steps: Steps per repeat, rounded up to whole cycles of the lazy penalties.
        repeats: Of every measurement.
        budget_minutes: When they are over, the part that runs is stopped and no other begins.
    """
    for part in parts:
        check(part)
    begun = time.monotonic()
    settings = {"batch": batch, "resolution": resolution, "steps": steps, "repeats": repeats}
    provenance, error = told("machine", settings, STARTING, out.with_suffix(""))
    if error:
        raise SystemExit(f"expected a process that tells its machine, found: {error}")
    for part in parts:
        new = {"benchmark": "accelerator", "part": part, "settings": settings, **provenance}
        earlier = [line["outcome"] for line in lines(out) if all(line[name] == new[name] for name in SAME)]
        left = 60 * budget_minutes - (time.monotonic() - begun)
        if earlier and earlier[-1] not in AGAIN:
            print(f"{part} is in {out} already", file=sys.stderr)
        elif left <= 0:
            print(f"{part} is left for the next time: the budget of {budget_minutes:g} minutes is over", file=sys.stderr)
        else:
            append(out, measured(new, left, out.with_suffix(""), again="cut" in earlier[-1:]))


def check(part: str) -> None:
    """Refuses a part that there is not.

    Raises:
      ValueError: if there is no such kind or preset.
    """
    kind, _, preset = part.partition(":")
    if kind not in LIMITS or bool(preset) == (kind == "rates"):
        kinds = ", ".join(f"{name}:PRESET" for name in LIMITS if name != "rates")
        raise ValueError(f"expected parts out of rates, {kinds}, found {part!r}")
    if preset:
        measure.configuration(preset, None, None)


def measured(new: dict[str, Any], left: float, caches: Path, again: bool) -> dict[str, Any]:
    """The line of a part that has `left` seconds. Steps begin without a cache, unless they were cut the time before."""
    kind, _, preset = new["part"].partition(":")
    cache, begun = caches / (preset or kind), time.monotonic()
    if kind == "step" and not again:
        shutil.rmtree(cache, ignore_errors=True)
    limit = min(LIMITS[kind], left)
    found, error = told(kind, new["settings"] | ({"preset": preset} if preset else {}), limit, cache)
    taken = time.monotonic() - begun
    outcome = "skipped" if "skipped" in found else "done" if not error else "cut" if taken >= left else "failed"
    return new | found | ({"error": error} if error else {}) | {"outcome": outcome, "part_seconds": measure.digits(taken)}


def told(kind: str, options: dict[str, Any], limit: float, cache: Path) -> tuple[dict[str, Any], str]:
    """What a process tells of a part within `limit` seconds, and what went wrong, "" if nothing."""
    command = [sys.executable, str(SCRIPT), kind, *(f"--{name}={value}" for name, value in options.items() if value is not None)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment(cache), stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        output, late = finished(process, limit)
        log.seek(0)
        last = log.read().splitlines()[-1:]
    found = {}
    for line in output.splitlines():
        found |= json.loads(line) if line.startswith("{") else {}
    if late:
        return found, f"stopped after {limit:.0f} s"
    error = found.pop("error", f"ended with status {process.returncode}: {' '.join(last)}")
    return found, error if process.returncode else ""


def finished(process: subprocess.Popen, limit: float) -> tuple[str, bool]:
    """What a process prints, and whether it had to be stopped after `limit` seconds, with all that it had started."""
    try:
        return process.communicate(timeout=limit)[0], False
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
        os.killpg(process.pid, signal.SIGKILL)
        if isinstance(reason, KeyboardInterrupt):
            raise
        return process.communicate()[0], True


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file, none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(path: Path, line: dict[str, Any]) -> None:
    """Adds a line to a file, and prints it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        print(json.dumps(line), file=file)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    tyro.cli(main)
