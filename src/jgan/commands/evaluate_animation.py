"""jgan evaluate RUN, of a system that animates images"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jgan.data.procedural.talking import open_reenacted
from jgan.data.source import read_rows, spread
from jgan.evaluation import animation, results
from jgan.evaluation.attributes import AttributeClassifier
from jgan.ops.frames import fold
from jgan.ranges import CountOrZero, Several
from jgan.run.system import System, stages_of
from jgan.run.trained import Trained, load
from jgan.sharding import seed_key

AT_ONCE = 16  # clips


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    samples: Several = 100,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures animated images against true frames, beside the source as it stands, and adds the numbers to evaluations.jsonl in the run.

    Clips are made again of their first frames: reconstruction is their L1 as a share of the first frame's. Of the embedded talking faces
    more is known: landmarks is how far a linear map of the points misses the true ones, in distances of the eyes, and of an untrained
    network, untrained/landmarks; flat/... and painting/... are faces that do what another one does.

    Args:
        run: The folder of the run.
        split: Part of the data to compare with.
        samples: Clips of each kind.
        step: The checkpoint to use; the best if not given.
        features: Folder with the network that reads who a face is; the run's if not given.
    """
    trained = load(run, step, system)
    source = trained.open_data(split)
    samples = min(samples, source.size)
    rows = read_rows(source, spread(source.size, samples))
    found = animation.reconstruction_numbers(moved(trained, rows), rows["video"])
    network, settings = "pixels", {"split": split, "samples": samples, "step": trained.about["step"], "run": run.name}
    if "landmarks" in source.fields:
        found |= landmark_numbers(trained, rows, samples)
    if trained.config.data == "talking":
        height, width, _ = trained.spec.shape("source")
        reader = animation.identity_reader((height, width), features or run / "features")
        network, settings = reader.name, settings | {"held_out_accuracy": dict(reader.accuracy)}
        found |= reenactment_numbers(trained, split, samples, reader)
    results.keep(run / "evaluations.jsonl", results.plain_results(found, network, source, settings))


def moved(trained: Trained, rows: dict[str, np.ndarray]) -> np.ndarray:
    """Returns what the system makes of sources and the clips that drive them, uint8 [N, T, H, W, C]."""
    given: dict[str, Any] = {name: rows[name] for name in ("source", "video")}
    return trained.outputs(only="video", **given)["video"]


def landmark_numbers(trained: Trained, rows: dict[str, np.ndarray], samples: int) -> dict[str, float]:
    """Returns the errors of landmarks by a linear map of the points, fitted on clips of the training, and the same of an
    untrained network.
    """
    source = trained.open_data()
    known = read_rows(source, spread(source.size, min(samples, source.size)))
    finders = {
        "landmarks": lambda given: trained.outputs(only="points", **given)["points"],
        "untrained/landmarks": untrained(trained, known),
    }
    errors = {}
    for name, find in finders.items():
        (fitted, other), marks = ([points(find, one) for one in (known, rows)], [fold(one["landmarks"]) for one in (known, rows)])
        errors[name] = animation.landmark_error(fitted, marks[0], other, marks[1])
    return errors


def untrained(trained: Trained, rows: dict[str, np.ndarray]) -> Callable[[dict[str, Any]], Any]:
    """Returns what finds points before the first step."""
    built = trained.system.build(trained.config, trained.spec)
    training = stages_of(built, images=1, batch=1, source=trained.open_data)[0].training
    state = training.init(seed_key(1), {name: jnp.asarray(values[:1]) for name, values in rows.items()})
    return jax.jit(lambda given: training.sample(state, None, {**given, "relative": jnp.ones(len(given["video"]))})["points"])


def points(find: Callable[[dict[str, Any]], Any], rows: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the points of all frames of clips, [N T, 2 K]."""
    parts = [{name: rows[name][i : i + AT_ONCE] for name in ("source", "video")} for i in range(0, len(rows["video"]), AT_ONCE)]
    return fold(np.concatenate([find(part) for part in parts]))


def reenactment_numbers(trained: Trained, split: str, samples: int, reader: AttributeClassifier) -> dict[str, float]:
    """Returns the numbers of faces that do what others do, flat and painted, and how many of their attributes the flat ones keep."""
    (height, width, _), found = trained.spec.shape("source"), {}
    for style in ("flat", "painting"):
        clips = open_reenacted(style, split=split, frames=trained.config.frames, resolution=(height, width), limit=samples)
        rows = read_rows(clips, np.arange(samples))
        videos = moved(trained, rows)
        numbers = animation.animation_numbers(videos, rows["target"])
        if style == "flat":
            seen = rows["attributes"], rows["visible"]
            numbers |= {"identity": animation.identity_kept(reader, videos, *seen)}
            numbers |= {"real/identity": animation.identity_kept(reader, rows["target"], *seen)}
        found |= {f"{style}/{name}": value for name, value in numbers.items()}
    return found
