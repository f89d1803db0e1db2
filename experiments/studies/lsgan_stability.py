"""Is training with least squares more stable than with cross-entropy? The comparison of the LSGAN paper: without batch norm, many times.

Paper:    Mao et al. 2016, section 4, https://arxiv.org/abs/1611.04076
Command:  python experiments/studies/lsgan_stability.py                    (the preset demo: embedded data)
          python experiments/studies/lsgan_stability.py train fashion_mnist --data FOLDER
Hardware: two CPU cores; two minutes per line of the table.
Scores:   docs/results.md
"""

import dataclasses
import itertools
import json
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import losses, outputs
from jgan.data import Source, open_source, resident
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor, kept, real_statistics
from jgan.evaluation.provenance import provenance
from jgan.metrics.classes import class_histogram
from jgan.metrics.frechet import Moments, empty, frechet, frechet_distance, update
from jgan.metrics.intervals import wilson
from jgan.models import dcgan
from jgan.models.pretrained.layers import as_rgb
from jgan.ops.images import to_uint8
from jgan.outputs.files import write_atomic
from jgan.outputs.images import grid
from jgan.population import population
from jgan.ranges import Channels, Count, Rate, Several, Size
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.sharding import device_per_core
from jgan.training import alternating
from jgan.types import AdversarialLoss, Array


@dataclasses.dataclass(frozen=True)
class Config:
    """The comparison of stability, section 4 of the paper: both losses without batch norm, with either optimizer, many times over; and at
    rising learning rates, since training that is stable bears large steps.

    A run succeeds if at its end (1) the Fréchet distance of its images, in the features of a classifier, is below the one of real images of
    a single class, of whichever class is nearest to the whole, and (2) of the classes of the data at least 80 % have 1 % of its images
    each. So a run that found one mode only has failed, however good its images are.
    """

    data: str = "shapes"
    """Images with classes, as for `train`."""
    limit: Count | None = 20_000
    """The maximum number of images."""
    resolution: Size = 28
    """Side of the images, pixels."""
    channels: Channels | None = None
    """Colour channels; as the data if not given."""
    seeds: Count = 8
    """Runs per line of the table; they are one program, over as many devices as share them evenly."""
    steps: Count = 1000
    """Updates of each network."""
    batch: Count = 32
    """Real images per step and run."""
    width: Size = 8
    """Features of the convolutions at half the resolution."""
    latent_size: Size = 100
    """Numbers in z."""
    optimizers: tuple[Literal["Adam", "RMSProp"], ...] = ("Adam", "RMSProp")
    """Adam has beta 0.5 and 0.999, RMSProp decay 0.9."""
    learning_rates: tuple[Rate, ...] = (1e-3, 4e-3, 1.6e-2)
    """For both networks; each is tried."""
    batch_norm: tuple[Literal["in neither", "in the discriminator"], ...] = ("in neither", "in the discriminator")
    """Which of the networks have it; each is tried."""
    samples: Several = 1000
    """Generated images by which a run is measured."""
    checks: Count = 4
    """How often it is measured, the last time at its end."""


PRESETS = {"demo": Config(), "fashion_mnist": Config(data="tfds:fashion_mnist")}
NORMALISED = {"in neither": (False, False), "in the discriminator": (False, True)}  # batch norm in the generator, in the discriminator
OPTIMIZERS = {"Adam": lambda rate: optax.adam(rate, b1=0.5), "RMSProp": lambda rate: optax.rmsprop(rate, decay=0.9)}
LOSSES = {"least squares": losses.least_squares(scale=0.5), "cross-entropy": losses.non_saturating()}


class Reference(NamedTuple):
    """What a run is measured against."""

    extract: Callable  # images -> features and logits
    real: Moments  # of the features of the real images
    threshold: float  # the Fréchet distance below which a run succeeds
    classes: int


def train(folder: Folder, config: Config) -> None:
    """Trains all runs, and leaves results.jsonl, table.md and runs.png in the folder."""
    if (folder.path / "results.jsonl").exists():
        raise ValueError(f"{folder.path} holds a comparison, which cannot be resumed; start a new one")
    source = open_source(config.data, resolution=config.resolution, channels=config.channels, limit=config.limit, labels=True)
    reference, results, shown = make_reference(source, folder), [], []
    images = jnp.asarray(resident(source, batch=config.batch, seed=0).constants["image"])
    for optimizer, place in itertools.product(config.optimizers, config.batch_norm):
        train_with = trained_together(config, images, reference, NORMALISED[place], OPTIMIZERS[optimizer])
        for rate, loss in itertools.product(config.learning_rates, LOSSES):
            verdicts, drawn, seconds = train_with(loss, rate)
            about = {"batch_norm": place, "optimizer": optimizer, "learning_rate": rate, "loss": loss}
            about |= {"seconds": seconds, "threshold": reference.threshold}
            results.append({**about, "checks": verdicts, "config": to_plain(config), **provenance()})
            shown.append((drawn, [verdict["success"] for verdict in verdicts[-1]]))
            write_atomic(folder.path / "results.jsonl", "".join(json.dumps(result) + "\n" for result in results))
            write_atomic(folder.path / "table.md", table(results) + "\n")
            outputs.save(folder.path / "runs.png", {"image": picture(shown)[None]}, {"image": outputs.image()})
            print(table(results).splitlines()[-1], flush=True)
    print(f"\n{table(results)}\n\n{folder.path / 'runs.png'}")


def trained_together(config: Config, images: Array, reference: Reference, normalise: tuple[bool, bool], optimizer: Callable):
    """(name of a loss, learning rate) -> the verdicts on the runs of all seeds, check by check, their last images uint8
    [seeds, samples, H, W, C], and the seconds that it took. One program trains them all; `optimizer` makes one from a learning rate."""
    plan, size = dcgan.least_squares(images.shape[1:], config.width, normalise), config.latent_size
    networks = dcgan.generator(plan), dcgan.discriminator(plan)

    def make(setting):
        loss, rate = setting
        return alternating(*networks, chosen(loss), optimizer(rate), optimizer(rate), latent_size=size, half_life=0)

    runs = population(make, {"image": images}, range(config.seeds), config.batch)
    z = jax.random.normal(jax.random.key(0), (config.samples, size))

    def train_with(loss, rate):
        begun, verdicts = time.perf_counter(), []
        settings = jnp.full(config.seeds, list(LOSSES).index(loss)), jnp.full(config.seeds, rate)
        states = runs.begin(settings)
        for _ in range(config.checks):
            states = runs.advance(states, settings, config.steps // config.checks)
            drawn = np.asarray(to_uint8(runs.sample(states, settings, None, {"z": z})["image"]))
            verdicts.append([verdict(reference, images) for images in drawn])
        return verdicts, drawn, time.perf_counter() - begun

    return train_with


def chosen(number: Array) -> AdversarialLoss:
    """The loss of this number in LOSSES, a traced integer."""

    def side(name):
        def loss(real, fake):
            values = jnp.stack([getattr(other, name)(real, fake) for other in LOSSES.values()])
            return jnp.take(values, number, axis=0)

        return loss

    return AdversarialLoss(side("discriminator"), side("generator"))


def make_reference(source: Source, folder: Folder) -> Reference:
    """A classifier of the real images, and the distances in its features."""
    features = classifier_features(source, folder.path / "features")
    extract, kinds, n = extractor(features), [kept("features"), kept("label")], min(source.size, 10_000)
    real = real_statistics(extract, source, kinds, features, n, 64, folder.path / "features")
    rows, labels = real["features"]["features"], real["label"]["label"]
    threshold = min(frechet(rows, rows[labels == label]) for label in range(len(source.names["label"])))
    return Reference(extract, update(empty(rows.shape[1]), rows), threshold, len(source.names["label"]))


def verdict(reference: Reference, images: np.ndarray) -> dict[str, Any]:
    """Distance, number of classes with 1 % of the images, and success of a run, from its images uint8."""
    found = reference.extract(images)
    distance = frechet_distance(reference.real, update(empty(found["features"].shape[1]), found["features"]))
    classes = int(np.sum(class_histogram(found["logits"]) >= 0.01))
    success = bool(distance < reference.threshold and classes >= 0.8 * reference.classes)
    return {"distance": distance, "classes": classes, "success": success}


def table(results: list[dict]) -> str:
    """Results as Markdown: successes with their rate's 95 % interval by Wilson, mean ± standard deviation over the runs."""
    head = ["batch norm", "optimizer", "learning rate", "loss", "success", "95 %", "distance", "classes", "successes on the way"]
    lines = [head, ["---"] * len(head)]
    for result in results:
        counts = [sum(run["success"] for run in check) for check in result["checks"]]
        runs = result["checks"][-1]
        low, high = wilson(counts[-1], len(runs))
        values = [[run[name] for run in runs] for name in ("distance", "classes")]
        spread = [f"{np.mean(v):.1f} ± {np.std(v):.1f}" for v in values]
        found = [f"{counts[-1]} of {len(runs)}", f"{low:.0%} to {high:.0%}", *spread, " ".join(map(str, counts[:-1]))]
        lines.append([result["batch_norm"], result["optimizer"], f"{result['learning_rate']:g}", result["loss"], *found])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def picture(shown: list[tuple[np.ndarray, list[bool]]], side: int = 4, frame: int = 3) -> np.ndarray:
    """A row per line of the table, a block of images per run, framed in green where it succeeded and else in red."""
    blocks = []
    for drawn, successes in shown:
        for images, success in zip(drawn, successes, strict=True):
            colour = np.array([0, 160, 60] if success else [200, 40, 30], np.uint8)
            inner = as_rgb(grid(images[: side * side], side)[None])[0]
            block = np.broadcast_to(colour, (inner.shape[0] + 2 * frame, inner.shape[1] + 2 * frame, 3)).copy()
            block[frame:-frame, frame:-frame] = inner
            blocks.append(block)
    return grid(np.stack(blocks), len(shown[0][1]))


if __name__ == "__main__":
    device_per_core()
    study("lsgan_stability", PRESETS, train, description=__doc__ or "")
