"""jgan path_length RUN"""

from pathlib import Path
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import tyro

from jgan.evaluation import results
from jgan.evaluation.classifier import classifier_features
from jgan.metrics import paths
from jgan.models.pretrained import load_weights, perceptual_distance
from jgan.models.pretrained.lpips import Distance
from jgan.ranges import Count, CountOrZero, Seed, Several, numbers
from jgan.run.system import System
from jgan.run.trained import Trained, load
from jgan.sharding import seed_key

POSITIONS = {"full": paths.full, "end": paths.end}
CROPS = {"whole": paths.whole, "face": paths.face}


def path_length(
    system: System,
    run: tyro.conf.Positional[Path],
    space: Literal["w", "z"] = "w",
    position: Literal["full", "end"] = "end",
    crop: Literal["whole", "face"] = "whole",
    distance: Literal["lpips", "classifier"] = "lpips",
    samples: Several = 10_000,
    epsilon: Annotated[float, numbers(float, 1e-8, 1)] = 1e-4,
    seed: Seed = 0,
    batch: Count = 16,
    trunk: Path | None = None,
    heads: Path | None = None,
    step: CountOrZero | None = None,
) -> None:
    """Measures the perceptual path length: how abruptly images change along paths between random styles or latents.

    Results are printed and appended to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        space: w: lines between styles; z: arcs between latents.
        position: end: at the ends of the paths; full: anywhere on them.
        crop: face: only the face of aligned portraits; whole: all of the image.
        distance: Of two images: lpips on VGG16, as in the published lengths; or the mean square of the difference of the features of
            the classifier of the run's score.
        samples: Paths.
        epsilon: Step along a path of length 1.
        seed: Of the paths.
        batch: Images at a time.
        trunk: File with the weights of VGG16; downloaded once if not given.
        heads: File with the weights of the LPIPS heads; downloaded once if not given.
        step: The checkpoint to use; the best if not given.
    """
    weights = (load_weights("vgg16", trunk), load_weights("vgg16-lpips", heads)) if distance == "lpips" else None
    trained = load(run, step, system)
    between = by_classifier(trained, run) if weights is None else perceptual_distance(*weights)
    measured, channels = jax.jit(between.apply), (lambda images: images) if weights is None else _as_rgb
    found = paths.perceptual_path_length(
        seed_key(seed),
        distance=lambda a, b: measured(between.params, a, b),
        n=samples,
        position=POSITIONS[position],
        crop=lambda images: paths.shrunk(CROPS[crop](channels(images))),
        epsilon=epsilon,
        batch=batch,
        **walks(trained, space),
    )
    settings = {"run": run.name, "step": trained.about["step"], "space": space, "position": position, "crop": crop, "epsilon": epsilon}
    settings |= {"samples": samples, "seed": seed, "truncation": 1.0, "feature_network": between.protocol}
    length = results.plain_results({"perceptual_path_length": found}, between.name, trained.open_data(), settings)
    results.keep(run / "evaluations.jsonl", length)


def by_classifier(trained: Trained, run: Path) -> Distance:
    """Makes the distance of images in the features of the classifier of a run's score."""
    network = classifier_features(trained.open_data(), run / "features")

    def apply(params, a, b):
        first, second = (network.apply(params, images)["features"] for images in (a, b))
        return jnp.mean(jnp.square(first - second), axis=1)

    return Distance(network.name, apply, network.params, network.protocol)


def walks(trained: Trained, space: Literal["w", "z"]) -> dict:
    """Returns the arguments `generate`, `draw` and `interpolate` of `jgan.metrics.paths.path_distances`, in the space of styles or of
    latents: without truncation, with the network's constant noise; of a conditional generator classes take turns.
    """
    size = len(trained.latents([0])[0])
    classes = trained.spec.classes if "label" in trained.sampling.conditions else 0

    def latents_of(key, count):
        return jax.random.normal(key, (count, size))

    def of_latents(z):
        label = {"label": jnp.arange(len(z), dtype=jnp.int32) % classes} if classes else {}
        return trained.run({"z": z, "truncation": jnp.ones(len(z)), **label})

    if space == "z":
        return {"generate": lambda z: of_latents(z)["image"], "draw": latents_of, "interpolate": paths.slerp}
    layers = of_latents(latents_of(jax.random.key(0), 2))["ws"].shape[1]

    def images(w):
        return trained.run({"ws": jnp.repeat(w[:, None], layers, axis=1)})["image"]

    return {"generate": images, "draw": lambda key, count: of_latents(latents_of(key, count))["ws"][:, 0], "interpolate": paths.lerp}


def _as_rgb(images):
    """Float images [N, H, W, 1 or 3], grey ones repeated."""
    return jnp.repeat(images, 3 if images.shape[3] == 1 else 1, axis=3)
