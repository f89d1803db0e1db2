"""Do images that a GAN has made of few images help a network that learns from these few?

Blood cells: three classes, unbalanced as the publisher's, and a classifier that sees 10, 20 or 50 images per class on average; the GAN is a
class-conditional DCGAN, which learns from images changed by the classic augmentation (as in Frid-Adar et al.), or StyleGAN2 with adaptive
augmentation. Nuclei: a U-Net that learns to tell nuclei from 15 images with their masks; pix2pix learns from the same pairs to draw tissue
around a mask, and is then given masks that are turned, moved and resized anew.

Protocol: `jgan.evaluation.few`. Test, validation and the images of which subsets are drawn are apart; a generator sees its subset alone.
All arms of a pair (subset, seed) begin with the same weights and make the same number of steps with the same batch; the share of generated
images is chosen for each pair on validation images, as many as a real task keeps back, which is more than the few. What is
claimed are differences to the classic arm, pair by pair, with the 95 % interval over the subsets. That nothing is gained is a result.

Papers:   Frid-Adar et al. 2018, https://arxiv.org/abs/1801.02385; Antoniou et al. 2017, https://arxiv.org/abs/1711.04340
Command:  python experiments/studies/augmentation.py train cells --data CELLS            (the DCGAN)
          python experiments/studies/augmentation.py train cells_stylegan --data CELLS
          python experiments/studies/augmentation.py train nuclei --data NUCLEI
          python experiments/studies/augmentation.py train cells_accelerator --data CELLS
          python experiments/studies/augmentation.py train nuclei_accelerator --data NUCLEI
Hardware: two CPU cores; the last two presets are for an accelerator and have not been run.
Scores:   the run writes table.md, gains.png, generated*.png and results.json: macro F1 or Dice of every arm, and what it adds to the
          classic one. Cells, 46 minutes on one core: with 10, 20 and 50 images per class the DCGAN takes 2.8, 3.4 and 2.2 points of macro
          F1 away, with intervals below 0; drawing classes equally often adds 0.8 (not told apart), 1.2 and 1.2. StyleGAN2 with 20 per
          class, 17 minutes: -0.8 [-2.2, +0.6], not told apart. Nuclei, 20 minutes: Dice 82.0 with classic augmentation, 72.6
          without, 81.0 with pix2pix (-0.9 [-1.6, -0.3]). See docs/results.md. The crops of cells
          come from fewer pictures than there are crops, and parts of one picture may be in several parts: scores are higher than on
          pictures from elsewhere, for all arms.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import losses
from jgan.augment import random_affine, random_colour
from jgan.data import open_pairs, open_source
from jgan.data.settings import place
from jgan.data.source import read_rows
from jgan.evaluation.few import ARMS, draw_subsets, few_scores
from jgan.evaluation.few_results import Scores, differences, table, to_numbers
from jgan.evaluation.few_tasks import classification, segmentation
from jgan.evaluation.provenance import provenance
from jgan.models import dcgan
from jgan.models.conditional import of_class, seen_with_class
from jgan.ops.images import to_float, to_uint8
from jgan.outputs.files import write_atomic
from jgan.outputs.images import grid, save_png
from jgan.outputs.intervals import draw_intervals
from jgan.population import population
from jgan.ranges import Count, Kimg, Several, Size
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.sharding import seed_key
from jgan.systems import pix2pix, stylegan
from jgan.training import alternating
from jgan.types import Array, Batch, Fields, Key, Spec, Training

SHOWN = 12  # generated images of each subset in the picture


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What both parts have."""

    subsets: Several = 6
    """Subsets of the few images; a generator is trained for each."""
    seeds: Count = 2
    """Networks trained per subset and arm."""
    steps: Count = 300
    """Of the training of each network."""
    batch: Count = 32
    """Images per step of it."""
    at_once: Count = 1
    """Networks that are trained side by side: few on a CPU, all of an arm on an accelerator."""
    generated: Count = 300
    """Images that each generator makes."""
    generator_kimg: Kimg = 20.0
    """Length of the training of each generator, thousands of images."""
    generator_batch: Count = 32
    """Images per step of it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells(Config):
    """Classification."""

    data: str = place("CELLS")
    """Images with classes."""
    resolution: Size = 32
    """Side of the images, pixels."""
    per_class: tuple[Count, ...] = (10, 20, 50)
    """Images per class, on average: classes keep their shares."""
    validation: Several = 150
    """Images on which the share of generated ones is chosen."""
    generator: Literal["DCGAN", "StyleGAN2"] = "DCGAN"
    """What makes images."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nuclei(Config):
    """Segmentation."""

    data: str = place("NUCLEI")
    """Pairs of images and masks, in folders of these names, with a part named test."""
    resolution: Size = 64
    """Side of the images, pixels."""
    pairs: Several = 15
    """Pairs that are learned."""
    validation: Several = 30
    """Pairs on which the share of generated ones is chosen."""


PRESETS = {
    "cells": Cells(generator_kimg=40.0),
    "cells_stylegan": Cells(generator="StyleGAN2", per_class=(20,), generator_kimg=12.0, generator_batch=8),
    "nuclei": Nuclei(batch=8, generated=150, generator_kimg=2.0, generator_batch=2),
    "cells_accelerator": Cells(
        generator="StyleGAN2", resolution=64, subsets=10, seeds=5, at_once=50, steps=2_000, generated=2_000, generator_kimg=500.0
    ),
    "nuclei_accelerator": Nuclei(resolution=128, subsets=10, seeds=5, at_once=10, steps=2_000, generated=1_000, generator_kimg=50.0),
}


def changed_cells(key: Key, images: Array) -> Array:
    """The classic augmentation of cells, which have no up and down."""
    key_place, key_colour = jax.random.split(key)
    placed = random_affine(key_place, images, flip=0.5, turn=180.0, shift=0.1, zoom=0.2)
    return random_colour(key_colour, placed, brightness=0.1, contrast=0.2)


def changed_pairs(key: Key, images: Array, masks: Array) -> tuple[Array, Array]:
    """The classic augmentation of images [N, H, W, C] with their masks, in any range."""
    key_place, key_colour = jax.random.split(key)
    placed = random_affine(key_place, jnp.concatenate([images, masks], axis=3), flip=0.5, turn=180.0, shift=0.1, zoom=0.3, mirrored=True)
    channels = images.shape[3]
    return random_colour(key_colour, placed[..., :channels], brightness=0.1, contrast=0.2), placed[..., channels:]


def learning_from(training: Training, change: Callable[[Key, Batch], Batch]) -> Training:
    """A training whose batches are changed at random."""

    def step(state, batch, key):
        return training.step(state, change(jax.random.fold_in(key, state.step + 2**30), batch), key)

    return training._replace(step=step)


def conditional_dcgan(config: Cells, spec: Spec) -> Training:
    """DCGAN with classes, of the size of its demo, which learns from images changed by the classic augmentation."""
    plan, adam = dcgan.paper(spec.image_shape, 32), optax.adam(2e-4, b1=0.5)
    generator, discriminator = of_class(dcgan.generator(plan), spec.classes), seen_with_class(dcgan.discriminator(plan), spec.classes)
    settings = {"latent_size": 64, "condition": "label", "half_life": 1000.0}
    training = alternating(generator, discriminator, losses.non_saturating(), adam, adam, **settings)
    return learning_from(training, lambda key, batch: batch | {"image": changed_cells(key, to_float(batch["image"]))})


def conditional_stylegan(config: Cells, spec: Spec) -> Training:
    """StyleGAN2 with classes, of the size of its demo, and adaptive augmentation that can rise from 0 to 1 in half of the run."""
    of_run = {"augment": "ada", "ada_kimg": config.generator_kimg / 2, "flip": True, "average_kimg": 1.0, "batch": config.generator_batch}
    return stylegan.build(dataclasses.replace(stylegan.PRESETS["shapes"], conditional=True, **of_run), spec)


GENERATORS = {
    "DCGAN": (conditional_dcgan, 64),
    "StyleGAN2": (conditional_stylegan, stylegan.PRESETS["shapes"].latent_size),
}  # and size of z


def trained(config: Config, training: Training, examples: Fields, rows: np.ndarray) -> list[Any]:
    """The states of a generator for each subset after training, all in one program, each on its rows [subsets, n] of the examples."""
    lanes, steps = np.zeros(len(rows), np.float32), round(1000 * config.generator_kimg / config.generator_batch)
    runs = population(lambda _: training, dict(examples), range(len(rows)), config.generator_batch, rows=rows)
    states = runs.advance(runs.begin(lanes), lanes, steps)
    states = states._replace(step=jnp.broadcast_to(states.step, (len(rows),)))
    return [jax.tree.map(lambda x, lane=lane: x[lane], states) for lane in range(len(rows))]


def drawn(training: Training, states: Sequence[Any], inputs: Callable[[int, Key], Fields]) -> np.ndarray:
    """Images uint8 [subsets, N, H, W, C] that the generator of each subset makes of its inputs, (subset, key) -> N of them."""
    sample, keys = jax.jit(training.sample), [seed_key(subset) for subset in range(len(states))]
    images = [sample(state, key, inputs(subset, key))["image"] for subset, (state, key) in enumerate(zip(states, keys, strict=True))]
    return np.stack([np.asarray(to_uint8(some)) for some in images])


def cells(folder: Folder, config: Cells) -> None:
    """Scores classifiers of cells, with few images after few images."""
    source = open_source(config.data, resolution=config.resolution, channels=3, labels=True)
    examples = read_rows(source, np.arange(source.size))
    few, validation, test = split(examples["label"], config.validation)
    task, found = classification(source.spec.classes, changed_cells), {}
    make, latent_size = GENERATORS[config.generator]
    training, label = make(config, source.spec), np.arange(config.generated, dtype=np.int32) % source.spec.classes

    def inputs(subset, key):
        return {"z": jax.random.normal(key, (len(label), latent_size)), "truncation": jnp.ones(len(label)), "label": label}

    for count in config.per_class:
        counts = proportional(examples["label"], count * source.spec.classes)
        rows = few[draw_subsets(examples["label"][few], counts, config.subsets)]
        images = drawn(training, trained(config, training, examples, rows), inputs)
        save_png(folder.path / f"generated_{count}.png", grid(images[:, :SHOWN].reshape(-1, *images.shape[2:]), SHOWN))
        pools = {config.generator: {"image": images, "label": np.tile(label, (len(rows), 1))}}
        sets = [chosen(examples, some) for some in (rows, validation, test)]
        found[f"{count} per class ({', '.join(map(str, counts))})"] = few_scores(task, *sets, pools, **of_networks(config))
        write(folder, config, found, "macro F1")


def nuclei(folder: Folder, config: Nuclei) -> None:
    """Scores the segmentation of nuclei."""
    parts = [open_pairs(config.data, resolution=config.resolution, channels=3, split=part) for part in ("train", "test")]
    examples, test = (masked(read_rows(part, np.arange(part.size))) for part in parts)
    order = np.random.default_rng(0).permutation(len(examples["image"]))
    validation, few = order[: config.validation], np.zeros(len(order) - config.validation, np.int64)
    rows = order[config.validation :][draw_subsets(few, [config.pairs], config.subsets)]
    images, masks = tissue(config, examples, rows)
    side_by_side = np.concatenate([masks.repeat(3, axis=4), images], axis=3)[:, :SHOWN]
    save_png(folder.path / "generated.png", grid(side_by_side.reshape(-1, *side_by_side.shape[2:]), SHOWN))
    sets = chosen(examples, rows), chosen(examples, validation), test
    arms = {name: ARMS[name] for name in ("none", "classic")}
    pools = {"pix2pix": {"image": images, "mask": masks}}
    scores = few_scores(segmentation(changed_pairs), *sets, pools, arms=arms, **of_networks(config))
    write(folder, config, {f"{config.pairs} pairs": scores}, "Dice")


def tissue(config: Nuclei, examples: Fields, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """New images and masks, uint8 [subsets, generated, H, W, C]: masks of each subset turned, moved and resized, and drawn around."""
    turned = np.resize(np.arange(rows.shape[1]), config.generated)
    change = jax.jit(partial(random_affine, flip=0.5, turn=180.0, shift=0.2, zoom=0.5, mirrored=True))
    areas = [change(seed_key(subset), to_float(examples["mask"][some[turned]])) for subset, some in enumerate(rows)]
    masks = np.stack([np.where(np.asarray(area) > 0, 255, 0).astype(np.uint8) for area in areas])
    settings = {"resolution": config.resolution, "reverse": True, "jitter": 0, "flip": False, "batch": config.generator_batch}
    pairs = {"input": examples["mask"].repeat(3, axis=3), "target": examples["image"]}
    spec = Spec({name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in pairs.items()}, {})
    training = pix2pix.build(dataclasses.replace(pix2pix.PRESETS["nuclei"], **settings), spec)

    def change_pairs(key, batch):
        target, given = changed_pairs(key, to_float(batch["target"]), to_float(batch["input"]))
        return {"input": given, "target": target}

    training = learning_from(training, change_pairs)
    images = drawn(training, trained(config, training, pairs, rows), lambda subset, key: {"input": masks[subset].repeat(3, axis=3)})
    return images, masks


def of_networks(config: Config) -> dict[str, Any]:
    """How the networks are trained."""
    return {"seeds": range(config.seeds), "steps": config.steps, "batch": config.batch, "at_once": config.at_once}


def split(labels: np.ndarray, validation: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the images of which subsets are drawn, of those for validation, and of those for the test, half of all; classes keep
    their shares."""
    test = draw_subsets(labels, (np.bincount(labels) // 2).tolist(), 1, seed=1)[0]
    others = np.setdiff1d(np.arange(len(labels)), test)
    of_validation = others[draw_subsets(labels[others], proportional(labels, validation), 1, seed=2)[0]]
    return np.setdiff1d(others, of_validation), of_validation, test


def proportional(labels: np.ndarray, total: int) -> list[int]:
    """How many of each class are taken for a total, in the shares of the classes, but 2 or more of each.

    Raises:
      ValueError: if the total is too small for that.

    >>> proportional(np.asarray([0] * 90 + [1] * 8 + [2] * 2), 30)
    [26, 2, 2]
    """
    wanted = total * np.bincount(labels) / len(labels)
    if total < 2 * len(wanted):
        raise ValueError(f"expected at least 2 images of each of {len(wanted)} classes, found {total} in all; take more")
    counts = np.maximum(2, np.floor(wanted).astype(int))
    while counts.sum() < total:
        counts[(wanted - counts).argmax()] += 1
    while counts.sum() > total:
        counts[counts.argmax()] -= 1
    return counts.tolist()


def chosen(examples: Fields, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The examples at the rows."""
    return {name: np.asarray(values)[rows] for name, values in examples.items()}


def masked(pairs: Fields) -> dict[str, np.ndarray]:
    """Images, and their masks of one channel."""
    return {"image": np.asarray(pairs["input"]), "mask": np.asarray(pairs["target"])[..., :1]}


def write(folder: Folder, config: Config, found: Mapping[str, Mapping[str, Scores]], metric: str) -> None:
    """Writes what has been found up to now: table.md, gains.png and results.json."""
    text = "\n\n".join(f"{name}:\n\n{table(scores, metric)}" for name, scores in found.items())
    numbers: dict[str, Any] = {name: to_numbers(scores) for name, scores in found.items()}
    gains = {f"{name}: {arm}": one for name, scores in found.items() for arm, one in differences(scores).items()}
    write_atomic(folder.path / "table.md", text + "\n")
    write_atomic(folder.path / "results.json", json.dumps(numbers | {"protocol": {**to_plain(config), **provenance()}}) + "\n")
    hundredths = {name: (100 * one.mean, 100 * one.low, 100 * one.high) for name, one in gains.items()}
    save_png(folder.path / "gains.png", draw_intervals(hundredths, f"{metric}, 0 to 100, minus classic: green helps, red hurts"))
    print(f"\n{text}\n\n{folder.path / 'gains.png'}", flush=True)


def train(folder: Folder, config: Cells | Nuclei) -> None:
    """Makes all runs, inside the folder."""
    if (folder.path / "results.json").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    if isinstance(config, Cells):
        cells(folder, config)
    else:
        nuclei(folder, config)


if __name__ == "__main__":
    study("augmentation", PRESETS, train, description=__doc__ or "")
