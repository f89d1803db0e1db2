"""DiscoGAN: what two sets of images have in common, discovered as a one-to-one translation between them.

Paper:    Kim et al. 2017, https://arxiv.org/abs/1703.05192
Command:  python experiments/discogan.py                                     (the preset turned: two kinds of shapes at random angles)
          python experiments/discogan.py compare --kimg 60                   (the system and the paper's baselines)
          python experiments/discogan.py angles RUN                          (is the angle kept, in both directions, one to one?)
          python experiments/discogan.py train photos --data SET.zip         (with the folders trainA, trainB, testA, testB)
          python experiments/discogan.py translate RUN FOLDER OUT --direction backward
Hardware: two CPU cores, 12 minutes for 150,000 images.
Scores:   1,000 test images each way, two seeds; ambiguity, the standard deviation of the angles of what comes out at one angle, forward and
          backward: DiscoGAN 3.0 and 1.4 degrees, 1.4 and 3.3; two separate GANs 1.5 and 5.5, 19.7 and 3.1; GAN with reconstruction 1.1 and
          1.1, 4.8 and 2.9. By the worse direction DiscoGAN is nearer to one to one than the GANs with both seeds; this task does not
          tell it from the baseline with one loop.
Pictures: docs/discogan.png: hearts, moons made of them, hearts again; and the other way.
"""

import dataclasses
from pathlib import Path

import numpy as np
import tyro

from jgan.data.procedural import shapes, turned
from jgan.evaluation.paired import take
from jgan.ranges import CountOrZero
from jgan.run import System, load, main
from jgan.run.arms import Arm, compare
from jgan.systems.discogan import PRESETS, SYSTEM

ARMS = {
    "DiscoGAN": Arm(SYSTEM, PRESETS["turned"]),
    "GAN with reconstruction": Arm(SYSTEM, dataclasses.replace(PRESETS["turned"], method="reconstruction")),
    "two separate GANs": Arm(SYSTEM, dataclasses.replace(PRESETS["turned"], method="gan")),
}


def measured(images: np.ndarray, domain: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees, and root mean squared differences from the image of the domain at that angle in [0, 1], of uint8 [N, H, W, 3].

    The angle is the one of the nearest of 360 images of the domain, one per degree.
    """
    degrees = np.arange(-180, 180)
    drawn = [turned.at(np.deg2rad(d), domain) for d in degrees]
    known = np.stack([shapes.render(s, *images.shape[1:3]) for s in drawn]).reshape(360, -1).astype(np.float32) / 255
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    squares = np.square(rows).sum(1)[:, None] + np.square(known).sum(1)[None] - 2 * rows @ known.T
    return degrees[squares.argmin(axis=1)], np.sqrt(np.maximum(squares.min(axis=1), 0) / rows.shape[1])


def angle_numbers(angles: np.ndarray, images: np.ndarray, domain: int) -> dict[str, float]:
    """Of translations into a domain, and the angles in degrees of what was translated: the correlation with the angles that are seen in
    them, `ambiguity`, the standard deviation in degrees of the angles of what shows one angle (give or take one degree), the share of ten
    equal parts of -75 to 75 degrees that are reached, and how far from the domain's images they are.

    One to one is an ambiguity of a few degrees with all parts reached. A correlation of 1 or -1 shows that, one between them does not
    refute it: angles may also change places in pieces. The way back says little, since translations can hide in faint dots what they show.
    """
    seen, far = measured(images, domain)
    parts = np.histogram(seen, bins=10, range=(-75, 75))[0]
    correlation = float(np.corrcoef(angles, seen)[0, 1]) if seen.std() > 0 else 0.0
    same = np.abs(seen[:, None] - seen[None]) <= 1
    means, squares = (same @ power / same.sum(1) for power in (angles, angles**2))
    ambiguity = float(np.sqrt(np.mean(np.maximum(squares - means**2, 0.0))))
    reached = float(np.mean(parts >= len(seen) / 100))
    return {"angle_correlation": correlation, "ambiguity": ambiguity, "parts_reached": reached, "far": float(far.mean())}


def angles(system: System, run: tyro.conf.Positional[Path], split: str = "test", step: CountOrZero | None = None) -> None:
    """Prints, for a run on turned shapes and for both directions, whether the angle is kept, one to one.

    Args:
        run: The folder of the run.
        split: Part of the data.
        step: The checkpoint to use; the best by score if not given.
    """
    trained = load(run, step, system)
    if trained.config.data != "turned":
        raise ValueError(f"expected a run on turned, whose angles are known, found one on {trained.config.data}")
    source = trained.open_data(split)
    for domain, (direction, (field, output)) in enumerate(trained.sampling.directions.items()):
        images = take(source, source.size, field)
        true = np.array([np.rad2deg(turned.scene(split, domain, i).shapes[0].angle) for i in range(len(images))])
        found = angle_numbers(true, trained.outputs(only=output, **{field: images})[output], 1 - domain)
        print(direction, *(f"{name} {number:.3f}" for name, number in found.items()))


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "angles": angles, "compare": compare(ARMS)}))
