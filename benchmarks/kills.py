"""Is a run that is killed again and again, at any moment, the same run as one that was not?

    python benchmarks/kills.py --kills 100

trains a tiny GAN twice: at one go, and in a process that gets SIGKILL at random moments and is then started anew with the same command. It
prints one line of JSON and ends with status 1 if anything differs.

kills        by moment: `starting`, before the first step; `training`, some time after a new checkpoint; `saving`, while one is written
equal        1 if the last state (every bit of every array), the samples (every byte) and the records (but for times) are the same
unreadable   checkpoints that could not be read when the run went on
minutes      of all lives together
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402
from benchmarks.start import environment  # noqa: E402

from jgan.run.checkpoints import UNFINISHED, Checkpoints, quiet_orbax  # noqa: E402
from jgan.run.metrics_log import read_records  # noqa: E402

MOMENTS = ("starting", "training", "saving")
CHECKPOINTS = 3  # of the run, for each kill: a life that is not killed while it starts makes one or two
EVERY_KIMG = 0.32  # between two checkpoints
OPTIONS = "--resolution 8 --limit 64 --batch 16 --hidden 16 --units 8 --devices 1 --score-kimg 0 --record-kimg 0.16 --sample-kimg 3.2"
TIMES = ("seconds", "images_per_second", "memory_gib")


def main(kills: int = 100, seed: int = 0) -> None:
    """Compares a run that is killed with one that is not; prints one line of JSON.

    Args:
        kills: How often the run is killed before it may come to its end.
        seed: Of the moments.
    """
    quiet_orbax()
    with tempfile.TemporaryDirectory() as place:
        line = compared(Path(place), kills, random.Random(seed))
    line = {"benchmark": "kills", "seed": seed, **line, **measure.provenance()}
    print(json.dumps(line), flush=True)
    if line["kills"]["all"] != kills or not all(line["equal"].values()):
        sys.exit(f"expected the same run after {kills} kills, found {line['kills']} kills and {line['equal']}")


def compared(folder: Path, kills: int, chance: random.Random) -> dict[str, Any]:
    """What happened to the run that was killed, and which parts of it equal those of the one that was not."""
    finish(begin(folder, "first", kills))  # fills the cache
    begun = time.monotonic()
    whole = begin(folder, "whole", kills)
    wait(whole, lambda: newest(folder / "whole") > 0)
    saved = time.monotonic()
    finish(whole)
    times = Times(saved - begun, (time.monotonic() - saved) / (CHECKPOINTS * kills))
    begun, done = time.monotonic(), Counter({moment: 0 for moment in MOMENTS})
    while done.total() < kills:
        moment = chance.choice(MOMENTS)
        if not killed(begin(folder, "killed", kills), folder / "killed", moment, chance, times):
            break
        done[moment] += 1
        print(f"{done.total()} kills, step {newest(folder / 'killed')}", file=sys.stderr, flush=True)
    finish(begin(folder, "killed", kills))
    minutes = (time.monotonic() - begun) / 60
    one, other = outcome(folder / "whole"), outcome(folder / "killed")
    equal = {name: int(one[name] == other[name]) for name in one}
    unreadable = len(list((folder / "killed" / "checkpoints").glob("*unreadable*")))
    return {"kills": {"all": done.total(), **done}, "equal": equal, "unreadable": unreadable, "minutes": measure.digits(minutes)}


class Times(NamedTuple):
    """Of the run that is not killed, seconds."""

    until_saved: float  # from the start to the first checkpoint
    interval: float  # from one checkpoint to the next


def begin(folder: Path, name: str, kills: int) -> subprocess.Popen:
    """Starts a run in another process, or goes on with it.

    Args:
      folder: of the runs, of the cache of compiled programs and of what they print.
      name: of the run.
      kills: for which it is to be long enough.
    """
    kimg = f"--kimg={CHECKPOINTS * kills * EVERY_KIMG} --checkpoint-kimg={EVERY_KIMG}"
    command = [sys.executable, "-m", "jgan", "train", "gan", "demo", *f"{OPTIONS} {kimg}".split(), f"--workdir={folder / name}"]
    settings = environment(folder / "cache") | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    with (folder / "output").open("a") as output:
        return subprocess.Popen(command, env=settings, stdout=output, stderr=subprocess.STDOUT)


def killed(process: subprocess.Popen, run: Path, moment: str, chance: random.Random, times: Times) -> bool:
    """Kills a run at a moment; returns whether it was still there."""
    before = newest(run)
    if moment == "starting":
        time.sleep(chance.uniform(0, times.until_saved))
    else:
        wait(process, lambda: newest(run) > before)
    if moment == "training":
        time.sleep(chance.uniform(0, 2 * times.interval))
    if moment == "saving":
        wait(process, lambda: any((run / "checkpoints").glob(f"*{UNFINISHED}")))
        time.sleep(chance.uniform(0, times.interval / 4))
    process.kill()
    return process.wait() != 0


def wait(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    """Returns when the condition holds, or the process has ended."""
    while process.poll() is None and not condition():
        time.sleep(0.001)


def finish(process: subprocess.Popen) -> None:
    """Waits for the end of a run.

    Raises:
      RuntimeError: if it fails.
    """
    if process.wait():
        raise RuntimeError(f"expected a run that ends with status 0, found {process.returncode}")


def newest(run: Path) -> int:
    """The step of the newest complete checkpoint; 0 if there is none."""
    folder = run / "checkpoints"
    return max((int(path.name) for path in folder.glob("*") if path.name.isdigit()), default=0)


def outcome(run: Path) -> dict[str, Any]:
    """The last state, the samples and the records of a run."""
    with Checkpoints(run / "checkpoints") as checkpoints:
        state = checkpoints.restore_raw(checkpoints.steps()[-1])
    records = [{name: value for name, value in record.items() if name not in TIMES} for record in read_records(run / "metrics.jsonl")]
    samples = {path.name: path.read_bytes() for path in (run / "samples").glob("[!.]*")}
    return {"state": {name: (x.dtype, x.shape, x.tobytes()) for name, x in state.items()}, "samples": samples, "records": records}


if __name__ == "__main__":
    tyro.cli(main)
