"""jgan likelihood RUN"""

from pathlib import Path

import numpy as np
import tyro

from jgan.data.source import read_rows, spread
from jgan.evaluation import results
from jgan.evaluation.likelihood import filled
from jgan.evaluation.provenance import provenance
from jgan.metrics.likelihood import bits_per_dimension
from jgan.ranges import Count, CountOrZero
from jgan.run.system import System
from jgan.run.trained import load


def likelihood(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    limit: Count | None = None,
    batch: Count = 64,
    step: CountOrZero | None = None,
) -> None:
    """Measures -log p in nats per image and bits per dimension, and adds both to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        split: Part of the data.
        limit: Largest number of images, evenly spaced.
        batch: Images per evaluation of the network.
        step: The checkpoint to use; the best if not given.
    """
    trained = load(run, step, system)
    source = trained.open_data(split)
    count = min(source.size, limit or source.size)
    rows = read_rows(source, spread(source.size, count), ("image", *trained.sampling.conditions))
    found = [trained.run(filled(rows, start, batch))["nats"] for start in range(0, count, batch)]
    nats = np.concatenate([np.asarray(part) for part in found])[:count].astype(np.float64)
    about = {"features": "pixels", "images": count, "split": split, "run": run.name, "step": trained.about["step"]}
    about |= results.describe(source) | provenance()
    both = {"nats": nats, "bits_per_dimension": bits_per_dimension(nats, source.spec.shape("image"))}
    lines = [{"metric": name, "value": float(x.mean()), "std_over_images": float(x.std()), **about} for name, x in both.items()]
    results.keep(run / "evaluations.jsonl", lines)
