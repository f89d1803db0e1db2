"""How good edits of attributes are: are they what was asked for, is all else kept, and how far are they from the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jax.sharding import Mesh

from jgan.data.source import Source, read_rows, spread
from jgan.evaluation.attributes import read_attributes, shares_right, train_attributes
from jgan.evaluation.gather import check_range
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn
from jgan.metrics.structure import MOST_PSNR, psnr

RING = 2  # pixels around a mask


def edit_score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns the share of edits after which an image has the attributes that it should have, all of them, as a classifier sees it that is
    trained on the same source: of `config.score_samples` images, each with every attribute flipped.

    The outputs that are scored are with_ATTRIBUTE and without_ATTRIBUTE.
    """
    classifier, samples = train_attributes(source, folder), min(config.score_samples, source.size)
    names = source.names["attributes"]
    attributes = read_rows(source, spread(source.size, samples), ("attributes",))["attributes"]
    criterion = f"score/edited/{classifier.name}"
    protocol = {"metric": "edited", "classifier": classifier.name, "held_out_accuracy": dict(classifier.accuracy), "samples": samples}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        both = drawn(snapshot, source, samples, *(f"{word}_{name}" for name in names for word in ("with", "without")))
        edited = {name: _flipped(both, name, attributes[:, place]) for place, name in enumerate(names)}
        right, numbers = [], {}
        for place, name in enumerate(names):
            wanted, found = attributes.copy(), read_attributes(classifier, edited[name])
            wanted[:, place] = 1 - wanted[:, place]
            right.append(np.mean(np.all(found == wanted, axis=1)))
            numbers |= {f"edits/{name}/{what}": number for what, number in attribute_numbers(found, wanted, names, name).items()}
        return {criterion: float(np.mean(right))} | numbers

    return Score(criterion, protocol | describe(source), compute, lower_is_better=False)


def _flipped(both, name, there):
    """Images [N, H, W, C] without an attribute where it is there, and with it where it is not."""
    added, removed = both[f"with_{name}"], both[f"without_{name}"]
    check_range(added)
    check_range(removed)
    return np.where(there[:, None, None, None] > 0, removed, added)


def attribute_numbers(found: np.ndarray, wanted: np.ndarray, names: Sequence[str], changed: str) -> dict[str, float]:
    """Returns the share of edited images that have an attribute as it was asked for, `reached`, and of the other attributes that are as
    they were, `kept`, together and each.

    Args:
      found: [N, A], the attributes of edited images, as a classifier sees them.
      wanted: [N, A], what they should be.
      names: of the attributes.
      changed: the one that was asked to change.

    >>> found, wanted = np.asarray([[0, 1], [0, 0]]), np.asarray([[0, 1], [1, 0]])
    >>> attribute_numbers(found, wanted, ("glasses", "hat"), "glasses")
    {'reached': 0.5, 'kept': 1.0, 'kept/hat': 1.0}
    """
    shares = shares_right(wanted, found, names)
    reached = shares.pop(changed)
    kept = {"kept": float(np.mean(list(shares.values())))} if shares else {}
    return {"reached": reached, **kept, **{f"kept/{name}": share for name, share in shares.items()}}


def truth_numbers(edited: np.ndarray, before: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Returns the mean PSNR, in decibels, of edited images to the truth: `psnr_inside`, where the truth differs from the image before, and
    `psnr_outside`, everywhere else, where an edit should copy.

    Args:
      edited, before, truth: uint8 [N, H, W, C]; each truth differs from the image before somewhere, and not everywhere.
    """
    mask = changed_pixels(before, truth)
    inside, outside = (np.asarray(psnr(edited, truth, mask=where)) for where in (mask, ~mask))
    return {"psnr_inside": float(np.mean(np.minimum(inside, MOST_PSNR))), "psnr_outside": float(np.mean(np.minimum(outside, MOST_PSNR)))}


def baseline_numbers(before: np.ndarray, truth: np.ndarray, average: np.ndarray) -> dict[str, float]:
    """Returns `psnr_inside` of `baselines`, by their names."""
    found = baselines(before, changed_pixels(before, truth), average)
    return {f"psnr_inside/{name}": truth_numbers(images, before, truth)["psnr_inside"] for name, images in found.items()}


def changed_pixels(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the pixels in which images [N, H, W, C] differ, bool [N, H, W, 1].

    >>> changed_pixels(np.zeros((1, 1, 2, 3)), np.asarray([[[[0, 0, 0], [0, 9, 0]]]])).ravel().tolist()
    [False, True]
    """
    return np.any(a != b, axis=3, keepdims=True)


def baselines(before: np.ndarray, mask: np.ndarray, average: np.ndarray) -> Mapping[str, np.ndarray]:
    """Returns what an edit has to beat: no change, and masks filled with what is known without looking at the face in them.

    Args:
      before: uint8 [N, H, W, C].
      mask: bool [N, H, W, 1], the pixels that should change.
      average: [H, W, C], the mean of images that are as the edited ones should be.

    Returns:
      Images uint8 [N, H, W, C]: `copy`; `mean`, with the average in the mask; `ring`, with the mean colour of the pixels around the mask.
    """
    filled = np.where(mask, np.round(average)[None], before).astype(np.uint8)
    ring = _grown(mask, RING) & ~mask
    colours = np.sum(before * ring, axis=(1, 2), keepdims=True) / np.maximum(np.sum(ring, axis=(1, 2), keepdims=True), 1)
    return {"copy": before, "mean": filled, "ring": np.where(mask, np.round(colours), before).astype(np.uint8)}


def _grown(mask, pixels):
    """The mask and the pixels around it, to a distance along both axes."""
    padded = np.pad(mask, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    height, width = mask.shape[1:3]
    shifts = range(2 * pixels + 1)
    return np.any([padded[:, y : y + height, x : x + width] for y in shifts for x in shifts], axis=0)
