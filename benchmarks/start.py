"""How long does a run take from the command to its first step, and how long does the library take to import?

    python benchmarks/start.py --presets demo --repeats 3

prints one line of JSON per preset, and one for the import. Every run is a new process. `cold` is a run with an empty cache of
compiled programs, `warm` the next one with what it left there; the cache is where the command line itself puts it. Spreads are medians and
quartiles over the repeats.

cold, warm      seconds from the start of the process until there is `folder`, the run's: everything is imported; `sample`, the first
                grid: data are read, and initialisation and the sampler compiled; `record`, the first metrics: the step is compiled and
                one call of it is done
cached          programs that the cold run left in the cache
import_seconds  of `import jgan.losses` after `import jax`
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

ROOT = Path(__file__).parents[1]
MARKS = {"folder": "config.json", "sample": "samples/*.png", "record": "metrics.jsonl"}  # what in the folder of a run shows how far it is
IMPORT = "import time, jax; begun = time.perf_counter(); import jgan.losses; print(time.perf_counter() - begun)"


def main(presets: tuple[str, ...] = ("demo",), options: tuple[str, ...] = (), repeats: int = 3) -> None:
    """Measures how runs of StyleGAN2 begin; one line of JSON per preset, and one for the import.

    Args:
        presets: Names of presets of StyleGAN2.
        options: Further options of the command train, each as name=value, say resolution=64.
        repeats: Of every measurement.
    """
    lines = [{"preset": preset, **started(preset, options, repeats)} for preset in presets]
    lines.append({"import_seconds": measure.spread([import_seconds() for _ in range(repeats)])})
    for line in lines:  # only now, since provenance takes hold of the accelerator
        print(json.dumps({"benchmark": "start", **line, **measure.provenance()}), flush=True)


def started(preset: str, options: tuple[str, ...], repeats: int) -> dict[str, Any]:
    """Spreads of seconds to each mark, cold and warm, and the number of programs in the cache."""
    config = measure.configuration(preset, None, None)
    kimg = config.batch * config.steps_per_call / 1000
    chosen = [f"--{option}" for option in (f"kimg={kimg}", f"record-kimg={kimg}", "score-kimg=0", *options)]
    runs = [cold_and_warm([preset, *chosen]) for _ in range(repeats)]
    spreads = {kind: {mark: measure.spread([run[kind][mark] for run in runs]) for mark in MARKS} for kind in ("cold", "warm")}
    return spreads | {"cached": measure.spread([run["cached"] for run in runs])}


def cold_and_warm(arguments: list[str]) -> dict[str, Any]:
    """Seconds to each mark of one run with an empty cache and of one that finds it filled."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cold = seconds(arguments, folder / "cold", folder / "cache")
        cached = sum(path.name.endswith("-cache") for path in (folder / "cache").rglob("*"))
        return {"cold": cold, "cached": cached, "warm": seconds(arguments, folder / "warm", folder / "cache")}


def seconds(arguments: list[str], run: Path, cache: Path) -> dict[str, float]:
    """Seconds from the start of training until each mark is there.

    Raises:
      RuntimeError: if the run fails.
    """
    command = [sys.executable, str(ROOT / "experiments" / "stylegan.py"), "train", *arguments, f"--workdir={run}"]
    begun, reached = time.perf_counter(), {}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, env=environment(cache), stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            new = [mark for mark, name in MARKS.items() if mark not in reached and any(file_size(p) for p in run.glob(name))]
            reached |= dict.fromkeys(new, time.perf_counter() - begun)
            time.sleep(0.01)
        output.seek(0)
        if process.returncode or reached.keys() != MARKS.keys():
            raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{output.read()}")
    return reached


def file_size(path: Path) -> int:
    """Bytes; 0 if the file has gone."""
    return path.stat().st_size if path.exists() else 0


def environment(cache: Path) -> dict[str, str]:
    """The environment of this process, but for compiled programs: the user's cache folder is `cache`, and its settings are the usual."""
    kept = {name: value for name, value in os.environ.items() if "COMPILATION_CACHE" not in name and "PERSISTENT_CACHE" not in name}
    return kept | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def import_seconds() -> float:
    """Seconds that a fresh process takes for `import jgan.losses`, after `import jax`."""
    command = [sys.executable, "-c", IMPORT]
    return float(subprocess.run(command, env=environment(Path()), stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    tyro.cli(main)
