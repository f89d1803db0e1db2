"""jgan project RUN IMAGES"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jgan import outputs
from jgan.commands.along import parse_amounts, read_directions, styles_of, total
from jgan.commands.translate import read_images
from jgan.control.projection import Projection, tune
from jgan.control.projection import project as find_styles
from jgan.data.settings import reading_of
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import npz_of
from jgan.metrics.neighbours import nearest
from jgan.metrics.structure import MOST_PSNR, psnr
from jgan.ops.images import to_float, to_uint8
from jgan.outputs.columns import labelled_columns
from jgan.outputs.files import write_atomic
from jgan.outputs.images import save_png
from jgan.ranges import Count, CountOrZero, Seed, Several
from jgan.run.system import System
from jgan.run.trained import Trained, load
from jgan.sharding import seed_key
from jgan.types import Array, Features

Space = Literal["w", "w+", "pti"]
CHUNK = 64  # samples that are held at once


class Samples(NamedTuple):
    """What random samples of a generator say of its styles, and which of them are nearest to given images."""

    images: np.ndarray  # uint8 [N, H, W, C], the nearest
    mean: np.ndarray  # [style_size]
    spread: float  # the root of the mean square of |w - mean w|


class Found(NamedTuple):
    """How images are made again, in one space of styles."""

    projection: Projection
    tuned: Sequence[Mapping[str, np.ndarray]] = ()  # for each image the weights that were changed; none where they are those of the run


def project(
    system: System,
    run: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path] = Path("projected"),
    space: Space = "w",
    direction: tuple[str, ...] = (),
    steps: Count = 1000,
    tuning_steps: Count = 350,
    samples: Several = 10_000,
    features: Literal["classifier", "none"] = "classifier",
    split: str = "train",
    seed: Seed = 0,
    step: CountOrZero | None = None,
) -> None:
    """Finds the styles of given images, so that they can be edited as samples can.

    Writes the images found again (images/), their styles and noise (latents.npz), their PSNR beside the PSNR of the nearest random sample
    (scores.json), a picture of all (comparison.png), and with --direction the edited ones (edited/). w: one style per image; w+: one for
    each layer, which is nearer and edits less well; pti: w, and a generator tuned to each image (tuned/, for jgan.load).

    Args:
        run: The folder of the run.
        images: A folder, zip or tar of images, or one image; cropped and resized to the size of the run. All are held at once.
        out: The folder to write.
        space: w, w+ or pti.
        direction: Steps along directions that `jgan directions` has found, as smile=2 hat=-1.5, in sigma.
        steps: Of the optimisation of styles, for each of w and w+.
        tuning_steps: Of the tuning.
        samples: Random samples, of which the mean style is taken and the nearest to each image.
        features: What images are compared by, beside their pixels: classifier, the one of the run's score, or none.
        split: If there are folders such as train, val and test: which of them.
        seed: Of the noise on styles.
        step: The checkpoint to use; the best if not given.
    """
    amounts = parse_amounts(direction)
    outputs.check_place(out / "images" / "0000.png")
    trained = load(run, step, system)
    styles_of(trained)
    move = total(read_directions(trained, run, list(amounts)), amounts) if amounts else None
    height, width, channels = trained.spec.image_shape
    given = dict(read_images(images, channels, split, reading_of(trained.config), (height, width)))
    if not given:
        raise ValueError(f"expected images that can be read in {images}, found none")
    targets = np.stack(list(given.values()))
    network = classifier_features(trained.open_data(), run / "features") if features == "classifier" else None
    sampled = look(trained, targets, samples)
    find = partial(found_by_steps, trained, to_float(jnp.asarray(targets)), network, spread=sampled.spread, steps=steps, seed=seed)
    found = {"w": find(beginning(trained, sampled))}
    if space == "w+":
        found["w+"] = find(found["w"].projection, each_layer=True)
    if space == "pti":
        found["pti"] = tuned_to_each(trained, to_float(jnp.asarray(targets)), network, found["w"].projection, tuning_steps)
    columns = {"given": targets, "nearest": sampled.images} | {name: made_again(trained, one) for name, one in found.items()}
    columns |= {} if move is None else {"edited": made_again(trained, found[space], move)}
    about = {"run": run.name, "step": trained.about["step"], "steps": steps, "tuning_steps": tuning_steps, "samples": samples, "seed": seed}
    about |= {"space": space, "features": network.name if network else None}
    write(out, list(given), columns, space, found[space].projection, about)
    for name, weights in zip(given, found[space].tuned, strict=False):
        changed = dataclasses.replace(trained, weights={**trained.weights, **weights})
        changed.save((out / "tuned" / name).with_suffix(".npz"))
    print(out)


def write(
    out: Path, names: Sequence[str], columns: Mapping[str, np.ndarray], space: Space, last: Projection, about: Mapping[str, Any]
) -> None:
    """Writes what was found of images of these names: columns of images as they are shown, the styles of the last space, and scores."""
    for folder, made in {"images": columns[space], "edited": columns.get("edited", ())}.items():
        for name, image in zip(names, made, strict=False):
            outputs.save(out / folder / name, {"image": image[None]}, {"image": outputs.image()})
    likenesses = {name: images for name, images in columns.items() if name not in ("given", "edited")}
    decibels = {name: np.minimum(psnr(columns["given"], images), MOST_PSNR) for name, images in likenesses.items()}
    scores = {name: {column: float(values[row]) for column, values in decibels.items()} for row, name in enumerate(names)}
    write_atomic(out / "scores.json", json.dumps({**about, "psnr": scores}, indent=2) + "\n")
    kept = {"ws": last.ws} | {f"noise/{level}": noise for level, noise in enumerate(last.noise)}
    write_atomic(out / "latents.npz", npz_of({name: np.asarray(value) for name, value in kept.items()}))
    save_png(out / "comparison.png", labelled_columns(columns, 1))
    print(*(f"{column} {np.mean(values):.2f} dB" for column, values in decibels.items()), sep=", ")


def look(trained: Trained, targets: np.ndarray, samples: int) -> Samples:
    """Draws samples of seeds 0, 1, ... and looks which are nearest to the targets, by their pixels."""
    count, pixels = len(targets), targets.reshape(len(targets), -1).astype(np.float32)
    best, images, styles = np.full(count, np.inf), np.empty_like(targets), []
    for start in range(0, samples, CHUNK):
        made = trained.outputs(range(start, min(start + CHUNK, samples)))
        styles.append(made["ws"][:, 0])
        index, distance = (found[:, 0] for found in nearest(made["image"].reshape(len(made["image"]), -1).astype(np.float32), pixels))
        for row in np.flatnonzero(distance < best):
            best[row], images[row] = distance[row], made["image"][index[row]]
    w = np.concatenate(styles)
    mean = w.mean(axis=0)
    return Samples(images, mean, float(np.sqrt(np.mean(np.sum((w - mean) ** 2, axis=1)))))


def beginning(trained: Trained, sampled: Samples) -> Projection:
    """Returns where the search for styles begins: the mean style, and the noise of the generator."""
    styles, count = styles_of(trained), len(sampled.images)
    maps = tuple(jnp.repeat(jnp.asarray(trained.weights[path]), count, axis=0) for path in styles.noise)
    return Projection(jnp.broadcast_to(jnp.asarray(sampled.mean), (count, len(styles.affine), len(sampled.mean))), maps)


def found_by_steps(
    trained: Trained,
    goal: Array,
    network: Features | None,
    start: Projection,
    *,
    each_layer: bool = False,
    spread: float,
    steps: int,
    seed: int,
) -> Found:
    """Finds the styles and noise maps of images [N, H, W, C] in [-1, 1] by one compiled program."""

    @jax.jit
    def find(weights, params, goal, start):
        generate, distance = partial(generated, trained, weights), partial(difference, network, params)
        return find_styles(seed_key(seed), goal, start, generate, distance, spread=spread, each_layer=each_layer, steps=steps)

    return Found(find(dict(trained.weights), network.params if network else None, goal, start))


def tuned_to_each(trained: Trained, goal: Array, network: Features | None, found: Projection, steps: int) -> Found:
    """Tunes the generator to each image by itself; what is tuned has the noise of its image."""
    styles = styles_of(trained)
    free = {path: value for path, value in trained.weights.items() if path.startswith(styles.synthesis)}

    @jax.jit
    def optimise(free, fixed, params, goal, pivot):
        def generate(free, ws, noise):
            return generated(trained, fixed | free, ws, noise)

        return tune(free, goal, pivot, generate, partial(difference, network, params), steps=steps)

    tuned = []
    for row in range(len(goal)):
        pivot = one_of(found, row)
        after = optimise(free, dict(trained.weights), network.params if network else None, goal[row][None], pivot)
        changed = after | dict(zip(styles.noise, pivot.noise, strict=True))
        tuned.append({path: np.asarray(value) for path, value in changed.items()})
    return Found(found, tuned)


def one_of(found: Projection, row: int) -> Projection:
    """Takes the styles and noise maps of one image, [1, ...]."""
    return Projection(found.ws[row][None], tuple(noise[row][None] for noise in found.noise))


def made_again(trained: Trained, found: Found, move: np.ndarray | float = 0.0) -> np.ndarray:
    """Returns the images, uint8 [N, H, W, C], after a change of their styles."""
    make, moved = jax.jit(partial(generated, trained)), found.projection._replace(ws=np.asarray(found.projection.ws) + move)
    if not found.tuned:
        return np.asarray(to_uint8(make(dict(trained.weights), *moved)))
    each = [make({**trained.weights, **weights}, *one_of(moved, row)) for row, weights in enumerate(found.tuned)]
    return np.concatenate([np.asarray(to_uint8(images)) for images in each])


def generated(trained: Trained, weights: dict[str, Any], ws: Array, noise: tuple[Array, ...]) -> Array:
    """Returns images [N, H, W, C] of styles and noise maps, by these weights."""
    return trained.apply(weights | dict(zip(styles_of(trained).noise, noise, strict=True)), {"ws": ws})["image"]


def difference(network: Features | None, params: Any, images: Array, targets: Array) -> Array:
    """Returns how far images are from targets [N]: the mean square of the difference of their pixels and, if there is a network, the square
    of the difference of their features, relative to those of the targets.
    """
    pixels = jnp.mean(jnp.square(images - targets), axis=(1, 2, 3))
    if network is None:
        return pixels
    a, b = (network.apply(params, x)["features"] for x in (images, targets))
    return pixels + jnp.sum(jnp.square(a - b), axis=1) / (jnp.sum(jnp.square(b), axis=1) + 1e-8)
