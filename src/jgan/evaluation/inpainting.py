"""How good completed images are, and what is had without learning: the mean of the ring around a hole, and a harmonic fill."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jgan.data.source import Source
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, extractor
from jgan.evaluation.paired import features_of, take
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn, in_bytes
from jgan.metrics.frechet import frechet
from jgan.metrics.structure import MOST_PSNR, psnr
from jgan.ops.images import to_float, to_uint8
from jgan.types import Array


def inpainting_score(images: Source, examples: Source, samples: int, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns the Fréchet distance of completed images to the true ones in the features of a classifier of the images, and PSNR and L1 in
    the holes.

    `compute` raises ValueError if the completed images hold NaN.

    Args:
      images: that the classifier learns from.
      examples: of the fields `image` and `mask`.
      samples: maximum number of examples, evenly spread over the source.
      folder: where the classifier is kept; made if absent.
      mesh: over which images are spread; None: one device.
    """
    samples = min(samples, examples.size)
    features = classifier_features(images, folder)
    extract, truth, holes = extractor(features, mesh), take(examples, samples), take(examples, samples, "mask") > 127
    criterion = f"score/frechet_distance/{features.name}"
    protocol = {"metric": "frechet_distance of completed images to the same images", "features": features.name, "samples": samples}
    protocol |= {"feature_network": features.protocol, **describe(examples)}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        completed = drawn(snapshot, examples, samples, "image", ready=in_bytes)["image"]
        found = completion_numbers(completed, truth, holes, extract)
        return {criterion: found.pop("frechet_distance")} | {f"hole/{name}": number for name, number in found.items()}

    return Score(criterion, protocol, compute)


def completion_numbers(images: np.ndarray, truth: np.ndarray, holes: np.ndarray, extract: Extract) -> dict[str, float]:
    """Measures completed uint8 images [N, H, W, C] with holes, bool [N, H, W, 1]: `frechet_distance` of the images to the true ones; in the
    holes `psnr` (dB, mean over images) and `l1` (of images in [-1, 1]); `outside`, the largest difference from the truth elsewhere, in
    255ths.
    """
    distance = frechet(*(features_of(extract, x)["features"] for x in (truth, images)))
    differences = np.abs(images.astype(np.float32) - truth.astype(np.float32))
    in_hole = np.mean(differences[np.broadcast_to(holes, images.shape)]) / 127.5
    outside = np.max(differences, where=~holes, initial=0.0)
    ratio = np.mean(np.minimum(psnr(images, truth, mask=holes), MOST_PSNR))
    return {"frechet_distance": float(distance), "psnr": float(ratio), "l1": float(in_hole), "outside": float(outside)}


def ring_mean(images: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Fills every hole with the mean of the known pixels that touch it: uint8 [N, H, W, C] and bool [N, H, W, 1].

    An image without known pixels stays as it is.

    >>> image = np.asarray([10, 7, 30], np.uint8).reshape(1, 1, 3, 1)
    >>> ring_mean(image, np.asarray([False, True, False]).reshape(1, 1, 3, 1)).ravel().tolist()
    [10, 20, 30]
    """
    padded = np.pad(holes, ((0, 0), (1, 1), (1, 1), (0, 0)))
    near = np.any([padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]], axis=0)
    ring = near & ~holes
    counts = np.maximum(ring.sum(axis=(1, 2), keepdims=True), 1)
    mean = np.where(ring, images, 0).sum(axis=(1, 2), keepdims=True) / counts
    return np.where(holes & ring.any(axis=(1, 2), keepdims=True), np.round(mean).astype(np.uint8), images)


def diffusion_fill(images: np.ndarray, holes: np.ndarray, batch: int = 64) -> np.ndarray:
    """Fills holes by the harmonic function that has the known pixels as its border: uint8 [N, H, W, C] and bool [N, H, W, 1].

    Every pixel of a hole is the mean of its four neighbours, of fewer at the border of the image. The system is symmetric and positive
    definite, and is solved by conjugate gradients.

    Args:
      images: of any content in the holes.
      holes: true in the holes.
      batch: images that are solved at a time.
    """
    filled = [_harmonic(to_float(images[i : i + batch]), holes[i : i + batch]) for i in range(0, len(images), batch)]
    return np.where(holes, to_uint8(np.concatenate(filled)), images)


@jax.jit
def _harmonic(images: Array, holes: Array) -> Array:
    known = jnp.where(holes, 0.0, images)
    neighbours = _sum_of_neighbours(jnp.ones_like(images))

    def laplacian(x):
        return jnp.where(holes, neighbours * x - _sum_of_neighbours(x), 0.0)

    border = jnp.where(holes, _sum_of_neighbours(known), 0.0)
    return known + jax.scipy.sparse.linalg.cg(laplacian, border, tol=1e-5, maxiter=2000)[0]


def _sum_of_neighbours(x):
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:] + padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]
