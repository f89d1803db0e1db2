"""jgan neighbours RUN"""

from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.seeds import parse_seeds
from jgan.evaluation import results
from jgan.ranges import Columns, CountOrZero, Truncation
from jgan.run.system import System
from jgan.run.trained import load


def neighbours(
    system: System,
    run: tyro.conf.Positional[Path],
    seeds: str = "0-7",
    count: Columns = 7,
    truncation: Truncation | None = None,
    features: results.Space = "classifier",
    weights: Path | None = None,
    step: CountOrZero | None = None,
    out: Path = Path("neighbours.png"),
) -> None:
    """Draws images, each followed by the training images nearest to it in the features: a generator that copies is found out.

    Args:
        run: The folder of the run.
        seeds: One image each, as 0-7 or 3,14,15.
        count: Training images beside each.
        truncation: 1 for the full variety, as it is if not given, towards 0 for more typical images.
        features: classifier: the one of the run's score; inception: of the FID; squeezenet: trained on photos.
        weights: File with the weights of Inception or SqueezeNet; downloaded once if not given.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    numbers, kinds = parse_seeds(seeds), {"image": outputs.image()}
    outputs.check_path(out, kinds)
    trained = load(run, step, system)
    source = trained.open_data()
    images = trained(numbers, truncation=truncation)
    found = results.nearest_images(images, source, results.feature_space(features, source, run / "features", weights), count)
    rows = np.concatenate([images[:, None], found], axis=1)
    outputs.save(out, {"image": rows.reshape(-1, *images.shape[1:])}, kinds, count + 1)
    print(out)
