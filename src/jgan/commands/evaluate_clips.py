"""jgan evaluate RUN, of a generator of clips"""

from pathlib import Path

import tyro

from jgan.commands.mix_clips import mixed
from jgan.data.content import prepared
from jgan.data.source import Source
from jgan.evaluation import clips, results
from jgan.ops.frames import fold
from jgan.ranges import CountOrZero, Several
from jgan.run.system import System
from jgan.run.trained import Trained, load

CONTENTS, MOTIONS = 64, 8  # that are put together


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    split: str = "test",
    samples: Several = 2_000,
    step: CountOrZero | None = None,
    features: Path | None = None,
) -> None:
    """Measures generated clips against real clips that were not trained on, and adds the numbers to evaluations.jsonl in the run.

    Beside them are those of the training clips, as real/..., and of the real clips themselves with the first frame throughout, as
    frozen/..., and with their frames in a random order, as shuffled/.... Where content and motion have latents apart, 64 contents in 8
    motions each show what the same content, and the same motion, have in common: same_content/... and same_motion/....

    Args:
        run: The folder of the run.
        split: Part of the data to compare with.
        samples: Generated clips.
        step: The checkpoint to use; the best if not given.
        features: Folder with the networks that look at clips; the run's if not given.
    """
    trained = load(run, step, system)
    train, other = prepared(trained.open_data()), prepared(trained.open_data(split))
    networks = clips.watching(train, features or run / "features")
    real, count = clips.watch_source(networks, other), min(clips.REAL, other.size)
    watched = {
        "": clips.watch(networks, trained.draw(other, samples), samples),
        "real/": clips.watch_source(networks, train),
        "frozen/": clips.watch(networks, map(clips.frozen, clips.real_batches(other, count)), count),
        "shuffled/": clips.watch(networks, map(clips.shuffled, clips.real_batches(other, count)), count),
    }
    numbers = {f"{kind}{name}": value for kind, one in watched.items() for name, value in clips.clip_numbers(one, real, train).items()}
    if trained.sampling.content:
        numbers |= mixed_numbers(trained, networks, train)
    about = {"samples": samples, "real_samples": count, "split": split, "step": trained.about["step"], "run": run.name}
    about |= results.describe(other) | clips.content_protocol(networks)
    results.keep(run / "evaluations.jsonl", results.results([{"clip": numbers}], [], networks.motion, about))


def mixed_numbers(trained: Trained, networks: clips.Watching, source: Source) -> dict[str, float]:
    """Returns `jgan.evaluation.clips.mixed_numbers` of CONTENTS x MOTIONS generated clips."""
    found = mixed(trained, range(CONTENTS), range(MOTIONS))
    watched = clips.watch(networks, ({"video": row} for row in found), CONTENTS * MOTIONS)
    return clips.mixed_numbers(watched, clips.shown_sizes(fold(found)), MOTIONS, source)
