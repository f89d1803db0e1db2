"""How good translations are: of pairs against the true targets, of unpaired sets against the set that they should belong to.

Feature spaces are those of `jgan.run.features`. Every number of an evaluation stands beside that of the input, left as it is: what a
translator must beat.
"""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import tyro
from jax.sharding import Mesh

from jgan.data import Source
from jgan.data.pairs import Pairs, together
from jgan.metrics import structure
from jgan.metrics.evaluation import extractor
from jgan.metrics.frechet import frechet
from jgan.run import evaluation
from jgan.run.features import classifier_features
from jgan.run.images import to_uint8
from jgan.run.score import Score, frechet_score
from jgan.run.translation import Load, take

MOST = 10_000  # real images in a Fréchet distance


def paired_score(pairs: Pairs, samples: int, mesh: Mesh | None, folder: Path) -> Score:
    """Distance of translations to their targets in the features of a classifier of the targets, and in pixels, over `samples` pairs.

    The samples it is given are the translations of `scored(pairs.image, samples)`, in order.
    """
    features = classifier_features(pairs.target, folder)
    extract, targets = extractor(features, mesh), take(pairs.target, samples)
    name = f"score/feature_distance/{features.name}"
    protocol = {"metric": "feature_distance", "features": features.name, "feature_network": features.protocol, "pairs": len(targets)}
    protocol |= evaluation.describe(pairs.target)

    def compute(sample: Callable) -> dict[str, float]:
        found = pair_numbers(to_uint8(np.asarray(sample(jax.random.key(0)))), targets, extract)
        return {name: found.pop("feature_distance")} | {f"pairs/{other}": number for other, number in found.items()}

    return Score(name, protocol, compute)


def domain_score(first: Source, second: Source, samples: int, mesh: Mesh | None, folder: Path) -> Score:
    """Fréchet distance of translations of the first domain to the second, in the features of a classifier that tells the two apart."""
    features = classifier_features(together(first, second), folder)
    return frechet_score(features, second, folder, samples=min(samples, first.size), mesh=mesh)


def scored(source: Source, samples: int) -> dict[str, np.ndarray]:
    """The inputs of `training.sample` that a score is taken of: always the same images, in [-1, 1]."""
    return {"image": in_range(take(source, samples))}


def in_range(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 in [-1, 1].

    >>> in_range(np.asarray([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    """
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def pair_numbers(images: np.ndarray, targets: np.ndarray, extract: Callable) -> dict[str, float]:
    """Means over pairs of uint8 images [N, H, W, C]: `psnr` (dB), `l1` (of images in [-1, 1]), `ssim` (from 11 pixels on), and
    `feature_distance`, the root of the mean squared difference of features."""
    distances = _features(extract, images)["features"] - _features(extract, targets)["features"]
    found = {"feature_distance": np.mean(np.sqrt(np.mean(np.square(distances), axis=1)))}
    found |= {"psnr": np.mean(structure.psnr(images, targets)), "l1": np.mean(np.abs(in_range(images) - in_range(targets)))}
    if min(images.shape[1:3]) >= structure.WINDOW:
        found["ssim"] = np.mean(structure.ssim(images, targets))
    return {name: float(number) for name, number in found.items()}


def domain_numbers(images: np.ndarray, real: np.ndarray, extract: Callable) -> dict[str, float]:
    """Of uint8 images [N, H, W, C], features and logits of `together`: `frechet_distance` to the real ones of a domain, and the shares that
    the classifier takes for domain `A` and `B`."""
    outputs = _features(extract, images)
    shares = np.bincount(outputs["logits"].argmax(axis=1), minlength=2) / len(images)
    distance = frechet(_features(extract, real)["features"], outputs["features"])
    return {"frechet_distance": distance, "share_a": float(shares[0]), "share_b": float(shares[1])}


def evaluate_pairs(
    load: Load,
    open_data: Callable[[Path, str], Pairs],
    run: tyro.conf.Positional[Path],
    split: str = "test",
    seed: int = 0,
    step: int | None = None,
    features: Path | None = None,
) -> None:
    """Measures translations against their true targets, and adds the numbers with all that they depend on to evaluations.jsonl in the run.

    Args:
        run: The folder of the run.
        split: Part of the data.
        seed: Of the noise, if the network has any.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; that of the run if not given.
    """
    translator, pairs, seen = load(run, step, "forward"), open_data(run, split), open_data(run, "train").target
    space = classifier_features(seen, features or run / "features")
    extract, images, targets = extractor(space), take(pairs.image, MOST), take(pairs.target, MOST)
    real = _features(extract, take(seen, MOST))["features"]
    numbers = {}
    for name, found in (("", translator(images, seed)), ("input/", images)):
        distance = {"frechet_distance": frechet(real, _features(extract, found)["features"])}
        numbers |= {name + metric: number for metric, number in (pair_numbers(found, targets, extract) | distance).items()}
    _keep(
        run, numbers, space, pairs.target, {"samples": len(images), "real_samples": len(real), "split": split, "seed": seed, "step": step}
    )


def evaluate_domains(
    load: Load,
    open_data: Callable[[Path, str], tuple[Source, Source]],
    run: tyro.conf.Positional[Path],
    split: str = "test",
    step: int | None = None,
    features: Path | None = None,
) -> None:
    """Measures translations in both directions against the other domain, and adds the numbers to evaluations.jsonl in the run.

    Fréchet distances are to the training images of the target domain; there stand beside them those of the untranslated images and of real
    images of the target domain. The cycle is there and back, in L1 of images in [-1, 1].

    Args:
        run: The folder of the run.
        split: Part of the data to translate.
        step: The checkpoint to use; the best if not given.
        features: Folder with the classifier of the features; that of the run if not given.
    """
    translators = [load(run, step, direction) for direction in ("forward", "backward")]
    seen, domains = open_data(run, "train"), [take(source, MOST) for source in open_data(run, split)]
    space = classifier_features(together(*seen), features or run / "features")
    extract, numbers = extractor(space), {}
    for i, direction in enumerate(("forward", "backward")):
        images, real = domains[i], take(seen[1 - i], MOST)
        there = translators[i](images)
        kinds = {"": there, "untranslated/": images, "real/": domains[1 - i]}
        found = {kind + name: n for kind, x in kinds.items() for name, n in domain_numbers(x, real, extract).items()}
        found["cycle_l1"] = float(np.mean(np.abs(in_range(translators[1 - i](there)) - in_range(images))))
        numbers |= {f"{direction}/{name}": number for name, number in found.items()}
    counts = {"samples": [len(d) for d in domains], "real_samples": [s.size for s in seen]}
    _keep(run, numbers, space, together(*seen), counts | {"split": split, "step": step})


def _keep(run, numbers, features, source, protocol):
    found = evaluation.results([numbers], [], features, evaluation.describe(source) | protocol | {"run": run.name})
    evaluation.keep(run / "evaluations.jsonl", found)


def _features(extract, images, batch=64):
    """Outputs of the feature network; the last batch is filled up, so that one compiled program serves all."""
    padded = np.pad(images, ((0, -len(images) % batch), (0, 0), (0, 0), (0, 0)))
    parts = [extract(padded[i : i + batch]) for i in range(0, len(padded), batch)]
    return {name: np.concatenate([part[name] for part in parts])[: len(images)] for name in ("features", "logits")}
