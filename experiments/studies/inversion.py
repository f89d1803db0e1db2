"""How near do the styles come that are found of an image, and can it be edited there?

Paper:    Karras et al. 2019, appendix D, https://arxiv.org/abs/1912.04958; Roich et al. 2021, https://arxiv.org/abs/2106.05744
Command:  python experiments/studies/inversion.py --run RUN --direction hat        (after `jgan directions RUN`)
Hardware: two CPU cores.
Scores:   the run writes table.md, picture.png and results.json. Of samples of the generator: how near image and styles come to those that
          they were made of. Of images that it has not seen: how near the nearest of many samples comes, and styles in w, in w+ and with a
          tuned generator; and of steps along the direction there, the share in which the attribute flips and the share of others kept.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jgan.commands.along import file_of_directions, read_directions
from jgan.commands.project import Found, beginning, found_by_steps, look, made_again, tuned_to_each
from jgan.data.attributes import known_attributes
from jgan.data.settings import place
from jgan.data.source import read_rows
from jgan.evaluation.attributes import AttributeClassifier, attribute_scores, train_attributes
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.effects import Target, flips, targets_of
from jgan.evaluation.provenance import provenance
from jgan.metrics.structure import psnr
from jgan.ops.images import to_float
from jgan.outputs.columns import labelled_columns
from jgan.outputs.files import write_atomic
from jgan.outputs.images import save_png
from jgan.ranges import Count, Several
from jgan.run.arms import table
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.run.trained import Trained, load

OWN = 1_000_000  # seeds from which samples are taken whose styles are known; others begin at 0


@dataclasses.dataclass(frozen=True)
class Config:
    """What is measured."""

    run: str = place("RUN")
    """The folder of a run of a style-based generator, on data with attributes."""
    direction: str = "hat"
    """A direction that `jgan directions` has found for an attribute."""
    images: Several = 32
    """Images whose styles are found, of each kind."""
    samples: Several = 10_000
    """Random samples, of which the nearest is the baseline."""
    steps: Count = 300
    """Of the optimisation of styles."""
    tuning_steps: Count = 350
    """Of the tuning of a generator to an image."""
    split: str = "test"
    """Part of the data that the generator has not seen."""


PRESETS = {"all": Config()}


def train(folder: Folder, config: Config) -> None:
    """Finds all styles and measures them, into the folder."""
    if (folder.path / "results.json").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    run, trained = Path(config.run), load(config.run)
    move = read_directions(trained, run, [config.direction])[config.direction]
    classifier = train_attributes(known_attributes(trained.open_data("val"), "val"), run / "features")
    target = {one.name: one for one in targets_of(classifier.values)}[config.direction]
    about = json.loads(file_of_directions(run, trained.about["step"]).with_suffix(".json").read_text())
    length = about["scores"][config.direction]["flips"]["step"]
    own = trained.outputs(range(OWN, OWN + config.images), only=None)
    rows = {"own samples": of_own(found(trained, own["image"], run, config, ("w",))["w"], trained, own)}
    unseen = trained.open_data(config.split)
    images = read_rows(unseen, np.arange(min(config.images, unseen.size)), ("image",))["image"]
    columns = {"given": images, "nearest": look(trained, images, config.samples).images}
    rows["nearest sample"] = {"psnr": float(psnr(images, columns["nearest"]).mean())}
    for name, one in found(trained, images, run, config, ("w", "w+", "pti")).items():
        again = [made_again(trained, one, step * move) for step in (-length, 0.0, length)]
        rows[name] = {"psnr": float(psnr(images, again[1]).mean())} | edited(classifier, target, again)
        columns |= {name: again[1], f"{name}, {config.direction} up": again[2], f"{name}, down": again[0]}
    held_out = {"step": length, "held_out": classifier.accuracy[config.direction.split("=")[0]], "classifier": classifier.name}
    write_atomic(folder.path / "table.md", table(rows) + "\n")
    write_atomic(folder.path / "results.json", json.dumps({**rows, **held_out, "protocol": {**to_plain(config), **provenance()}}) + "\n")
    save_png(folder.path / "picture.png", labelled_columns({name: shown[:12] for name, shown in columns.items()}, 1))
    print(f"\n{table(rows)}\n\n{folder.path / 'picture.png'}")


def found(trained: Trained, images: np.ndarray, run: Path, config: Config, spaces: tuple[str, ...]) -> dict[str, Found]:
    """The images found again, in each of these spaces."""
    network, goal = classifier_features(trained.open_data(), run / "features"), to_float(jnp.asarray(images))
    sampled = look(trained, images, config.samples)
    settings = {"spread": sampled.spread, "steps": config.steps, "seed": 0}
    all_found = {"w": found_by_steps(trained, goal, network, beginning(trained, sampled), **settings)}
    if "w+" in spaces:
        all_found["w+"] = found_by_steps(trained, goal, network, all_found["w"].projection, each_layer=True, **settings)
    if "pti" in spaces:
        all_found["pti"] = tuned_to_each(trained, goal, network, all_found["w"].projection, config.tuning_steps)
    return all_found


def of_own(one: Found, trained: Trained, own: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How near samples come to themselves: PSNR, and the share whose styles have a cosine of 0.9 or more to theirs, around the mean."""
    mean = trained.outputs(range(2_000), only="ws")["ws"][:, 0].mean(axis=0)
    a, b = (np.asarray(ws)[:, 0] - mean for ws in (one.projection.ws, own["ws"]))
    cosine = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return {"psnr": float(psnr(own["image"], made_again(trained, one)).mean()), "cosine of 0.9": float(np.mean(cosine >= 0.9))}


def edited(classifier: AttributeClassifier, target: Target, again: list[np.ndarray]) -> dict[str, float]:
    """What steps down, none and up do to images found again."""
    log_odds = np.stack([attribute_scores(classifier, images) for images in again], axis=1)
    flipped = flips(log_odds, np.asarray([-1.0, 0.0, 1.0]), classifier.values, target)
    return {"flipped": flipped.flipped, "others kept": flipped.kept}


if __name__ == "__main__":
    study("inversion", PRESETS, train, description=__doc__ or "")
