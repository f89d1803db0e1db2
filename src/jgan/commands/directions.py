"""jgan directions RUN"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.along import file_of_directions, styles_of
from jgan.commands.sample import preferred
from jgan.commands.seeds import parse_seeds
from jgan.control import directions as ways
from jgan.data.attributes import known_attributes
from jgan.data.source import Source
from jgan.evaluation import effects
from jgan.evaluation.attributes import AttributeClassifier, attribute_scores, train_attributes
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import extractor, npz_of, real_statistics
from jgan.evaluation.named import prdc_metric
from jgan.outputs.columns import labelled_columns
from jgan.outputs.files import write_atomic
from jgan.outputs.images import save_png
from jgan.outputs.matrix import draw_matrix
from jgan.ranges import Count, CountOrZero, Several, Size, Truncation
from jgan.run.system import System
from jgan.run.trained import Trained, load

Method = Literal["attributes", "sefa", "pca"]
METHODS: tuple[Method, ...] = ("attributes", "sefa", "pca")
SHOWN = np.arange(-3.0, 4.0)  # sigma: the steps of a strip
SCORED = np.linspace(-3.0, 3.0, 9)  # sigma
CHUNK = 256  # images that are held at once
REAL = 2_000  # real images, beside which others look real or not
BESIDE = 10  # random directions, with which those that were found are compared


def directions(
    system: System,
    run: tyro.conf.Positional[Path],
    methods: tuple[Method, ...] = METHODS,
    attributes: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    count: Size = 10,
    layers: str | None = None,
    samples: Several = 10_000,
    score_samples: Count = 100,
    seeds: str = "0-1",
    truncation: Truncation | None = None,
    split: str = "val",
    step: CountOrZero | None = None,
) -> None:
    """Finds directions in the space of styles along which images change in one way, and scores what they change.

    They are kept in the folder of the run, for `jgan sample RUN --direction`, with their scores and two pictures: a column for each, whose
    rows are steps from -3 to 3 sigma; and a table of what changes 3 sigma along each (leak.png). attributes: one for each attribute of the
    data, as a classifier sees it that learns them first (InterFaceGAN); sefa: from the weights of the generator; pca: principal components
    of the styles (GANSpace).

    Args:
        run: The folder of the run.
        methods: Some of attributes, sefa, pca.
        attributes: Those that directions are found for, as smile or hair_colour=blond; all that are known if not given.
        keep: Attributes to whose directions all others are made orthogonal.
        count: Directions of sefa, and of pca.
        layers: Layers that the directions change, as 0-3, from the lowest; all if not given.
        samples: Images whose styles are looked at.
        score_samples: Images on which each direction is scored.
        seeds: Images that the picture shows.
        truncation: Of images that are scored and shown: 1 for the full variety, towards 0 for more typical ones; as the system prefers if
            not given.
        split: Part of the data from which attributes are learned, best one that the generator has not seen.
        step: The checkpoint to use; the best if not given.
    """
    numbers, chosen = parse_seeds(seeds), None if layers is None else parse_seeds(layers)
    outputs.check_place(file_of_directions(run, 0))
    trained = load(run, step, system)
    changed = changed_layers(trained, chosen)
    truncation = preferred(trained, "truncation", truncation)
    known = known_attributes(trained.open_data(split), split) if "attributes" in methods else None
    targets = chosen_targets(known, attributes, keep)
    classifier = None if known is None else train_attributes(known, run / "features")
    found, about = find(trained, classifier, targets, changed, methods, keep, count, samples)
    about |= {"step": trained.about["step"], "samples": samples, "layers": np.flatnonzero(changed).tolist()}
    if classifier is not None:
        ws = trained.outputs(range(samples, samples + score_samples), only="ws", truncation=truncation)["ws"]
        about |= scores(trained, classifier, realism(trained, run / "features"), targets, found, ws)
        about |= {"score_samples": score_samples, "classifier": classifier.name}
        print("\n".join(table(about)))
    found = {name: move for name, move in found.items() if not name.startswith("random/")}
    ws = trained.outputs(numbers, only="ws", truncation=truncation)["ws"]
    strips = {name: trained(ws=stepped(ws, move, SHOWN)) for name, move in found.items()}
    path = file_of_directions(run, trained.about["step"])
    write_atomic(path, npz_of(found))
    write_atomic(path.with_suffix(".json"), json.dumps(about, indent=2) + "\n")
    if classifier is not None:
        save_png(path.with_name(f"{path.stem}-leak.png"), draw_matrix(leaks(about["scores"])))
    save_png(path.with_suffix(".png"), labelled_columns(strips, 1))
    print(path.with_suffix(".png"))


def changed_layers(trained: Trained, chosen: Sequence[int] | None) -> np.ndarray:
    """Returns which layers are changed, bool [layers].

    Raises:
      ValueError: for one that is not there.
    """
    count = len(styles_of(trained).affine)
    if chosen and max(chosen) >= count:
        raise ValueError(f"--layers: expected some of 0-{count - 1}, the layers of this network, found {max(chosen)}")
    return np.isin(np.arange(count), np.arange(count) if chosen is None else chosen)


def chosen_targets(source: Source | None, names: Sequence[str], keep: Sequence[str]) -> list[effects.Target]:
    """Returns what directions are found for; all that is known of the images of a source if no names are given.

    Raises:
      ValueError: for a name that is not known.
    """
    values = {} if source is None else {name: source.names[name] for name in source.names["attributes"]}
    known = {target.name: target for target in effects.targets_of(values)}
    unknown = [name for name in (*names, *keep) if name not in known]
    if unknown:
        raise ValueError(f"expected attributes that are known, {', '.join(known) or 'none'}, found {', '.join(unknown)}")
    return [known[name] for name in dict.fromkeys((*(names or known), *keep))]


def find(
    trained: Trained,
    classifier: AttributeClassifier | None,
    targets: Sequence[effects.Target],
    changed: np.ndarray,
    methods: Sequence[Method],
    keep: Sequence[str],
    count: int,
    samples: int,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Finds directions: the change of `ws`, float32 [layers, style_size], that a step of one sigma is, by name, some at random among them;
    and what is known of them."""
    seen = list(looked_at(trained, samples, classifier))
    w, log_odds = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    separated = {target.name: ways.separation(w, target.score(log_odds)) for target in targets}
    units = apart({name: one.direction for name, one in separated.items()}, keep)
    if "sefa" in methods:
        kernels = [trained.weights[styles_of(trained).affine[layer]] for layer in np.flatnonzero(changed)]
        units |= numbered("sefa", ways.factorized(kernels, count))
    if "pca" in methods:
        units |= numbered("pca", ways.principal(w, count))
    units |= numbered("random", ways.at_random(BESIDE, w.shape[1]))
    sigma = {name: ways.sigma(w, unit) for name, unit in units.items()}
    moves = {name: changed[:, None].astype(np.float32) * np.float32(sigma[name]) * unit for name, unit in units.items()}
    return moves, {"sigma": sigma, "separated": {name: one.accuracy for name, one in separated.items()}}


def looked_at(trained: Trained, samples: int, classifier: AttributeClassifier | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields styles [N, style_size] of seeds and the log-odds [N, K] of what their images show."""
    for start in range(0, samples, CHUNK):
        made = trained.outputs(range(start, min(start + CHUNK, samples)), only=None if classifier else "ws")
        yield made["ws"][:, 0], attribute_scores(classifier, made["image"]) if classifier else np.zeros((len(made["ws"]), 0))


def apart(units: Mapping[str, np.ndarray], keep: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns directions by name, those that are not kept made orthogonal to those that are."""
    others = np.stack([units[name] for name in keep]) if keep else None
    return {name: unit if others is None or name in keep else ways.apart_from(unit, others) for name, unit in units.items()}


def numbered(method: str, units: np.ndarray) -> dict[str, np.ndarray]:
    """Names directions [K, style_size] of a method by their number."""
    return {f"{method}/{number}": unit for number, unit in enumerate(units)}


def stepped(ws: np.ndarray, move: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Returns styles [N * S, layers, style_size] after steps along a direction, all of one image side by side."""
    moved = ws[:, None] + steps.astype(np.float32)[:, None, None] * move
    return moved.reshape(-1, *ws.shape[1:])


class Realism(NamedTuple):
    """Says of images whether they look real: in the features of the classifier of the run's score they lie as near to a real image as its
    fifth neighbour does (precision, see `jgan.metrics.prdc`)."""

    features: Callable[[np.ndarray], np.ndarray]  # of images [N, H, W, C]: [N, F]
    share: Callable[[np.ndarray], float]  # of features, the share of those of images that look real


def realism(trained: Trained, folder: Path) -> Realism:
    """Returns what says whether images of a run look real."""
    source, metric = trained.open_data(), prdc_metric(limit=REAL)
    features = classifier_features(source, folder)
    extract = extractor(features)
    real = real_statistics(extract, source, [metric.statistics], features, min(REAL, source.size), 64, folder)[metric.statistics.name]

    return Realism(lambda images: extract(images)["features"], lambda found: float(metric.compare(real, {"features": found})["precision"]))


def scores(
    trained: Trained,
    classifier: AttributeClassifier,
    real: Realism,
    targets: Sequence[effects.Target],
    moves: Mapping[str, np.ndarray],
    ws: np.ndarray,
) -> dict[str, Any]:
    """Returns what each direction does to images: Spearman of every target, the share of images in which each attribute has changed 3 sigma
    away, the share of these that look real, and flips of its target; and the share of images that look real before a step.
    """
    of_name, some = {target.name: target for target in targets}, CHUNK // len(SCORED)
    parts = [ws[start : start + some] for start in range(0, len(ws), some)]
    before, found = np.concatenate([real.features(trained(ws=part)) for part in parts]), {}
    for name, move in moves.items():
        looked = [looked_upon(classifier, real, trained(ws=stepped(part, move, SCORED))) for part in parts]
        log_odds, features = (np.concatenate(seen).reshape(len(ws), len(SCORED), -1) for seen in zip(*looked, strict=True))
        realistic = real.share(np.concatenate([features[:, 0], features[:, -1]]))
        found[name] = effects.effect(log_odds, SCORED, classifier.values)._asdict() | {"realistic": realistic}
        if name in of_name:
            found[name]["flips"] = effects.flips(log_odds, SCORED, classifier.values, of_name[name])._asdict()
    return {"scores": found, "realistic": real.share(before)}


def looked_upon(classifier: AttributeClassifier, real: Realism, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns log-odds and features of images."""
    return attribute_scores(classifier, images), real.features(images)


def table(about: Mapping[str, Any]) -> Iterator[str]:
    """Returns lines for people: of each direction the target that follows it most, and what else it changes."""
    yield f"{about['realistic']:.0%} of the images look real before a step"
    yield f"{'direction':<24} {'sigma':>7} {'follows it most':<24} {'Spearman':>8} {'flipped':>8} {'kept':>6} {'leak':>6} {'real':>5}"
    for name, one in about["scores"].items():
        best = max(one["spearman"], key=lambda target: abs(one["spearman"][target]))
        flips = one.get("flips")
        shares = f"{flips['flipped']:8.0%} {flips['kept']:6.0%}" if flips else f"{'':8} {'':6}"
        known = f"{name:<24} {about['sigma'][name]:7.3f} {best:<24} {one['spearman'][best]:8.2f}"
        yield f"{known} {shares} {leak(one, name):6.1%} {one['realistic']:5.0%}"


def leaks(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns the shares of images in which each attribute has changed 3 sigma along each direction, those of random ones as their mean."""
    rows = {name: dict(one["changed"]) for name, one in found.items() if not name.startswith("random/")}
    beside = [one["changed"] for name, one in found.items() if name.startswith("random/")]
    return rows | {"random (mean)": {name: float(np.mean([one[name] for one in beside])) for name in beside[0]}}


def leak(one: Mapping[str, Any], name: str) -> float:
    """Returns the share of images in which an attribute has changed 3 sigma along a direction, the mean over all attributes but its
    own.
    """
    others = [share for attribute, share in one["changed"].items() if attribute != name.split("=")[0]]
    return float(np.mean(others)) if others else 0.0
