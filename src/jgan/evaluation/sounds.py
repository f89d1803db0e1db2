"""How good generated sound is, as a classifier of log-mel spectrograms hears it: is it what was asked for, varied, and not copied."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jgan.data.source import Source, read_rows, spread
from jgan.evaluation.classified import Classified, class_numbers
from jgan.evaluation.classifier import classifier_features
from jgan.evaluation.gather import Extract, extractor
from jgan.evaluation.results import describe
from jgan.evaluation.score import NEIGHBOURS_AMONG, Score, Snapshot
from jgan.metrics.neighbours import nearest
from jgan.ops.images import to_uint8
from jgan.ops.spectrogram import SMALLEST, istft, log_mel, stft
from jgan.types import Array, Features

BANDS = 32  # of the mel scale
SECONDS = 0.032  # of a frame, about
LOUDEST = 2.0  # a logarithm that the mel magnitudes of sound in [-1, 1] stay below
LEAST = 16  # frames that the classifier needs
BATCH = 256  # sounds at a time
REAL = 10_000  # real sounds at most


def as_pictures(source: Source) -> Source:
    """Returns log-mel spectrograms of all sounds as grey images, uint8 [frames, 32, 1], in memory; labels stay.

    Raises:
      ValueError: for sounds of fewer than 16 frames, about a quarter of a second.
    """
    rate, (samples,) = source.spec.rate("audio"), source.spec.shape("audio")
    _, hop = frame_of(rate)
    if 1 + samples // hop < LEAST:
        least = (LEAST - 1) * hop
        raise ValueError(
            f"expected sounds of at least {least} samples for the classifier of the score, found {samples}; take a longer window"
        )
    starts = range(0, source.size, BATCH)
    rows = (read_rows(source, np.arange(start, min(start + BATCH, source.size)), ("audio",))["audio"] for start in starts)
    columns = {"image": np.concatenate([np.asarray(picture(sounds, rate=rate)) for sounds in rows])}
    columns |= {name: source.columns[name] for name in ("label",) if name in source.columns}
    fields = {name: jax.ShapeDtypeStruct(values.shape[1:], values.dtype) for name, values in columns.items()}

    def read(index):
        return {name: values[index] for name, values in columns.items()}

    return Source(source.name, source.size, fields, read, source.names, columns)


def sound_classifier(source: Source, folder: str | Path, *, steps: int = 1000) -> Features:
    """Returns `classifier_features` of the labels of a source of sound, in its pictures; errors as `as_pictures`."""
    return classifier_features(as_pictures(source), folder, steps=steps)


def frame_of(rate: float) -> tuple[int, int]:
    """Returns samples of a frame of about 32 ms, a power of 2, and from one frame to the next.

    >>> frame_of(8000), frame_of(44_100)
    ((256, 128), (1024, 512))
    """
    size = 2 ** round(np.log2(SECONDS * rate))
    return size, size // 2


@functools.partial(jax.jit, static_argnames="rate")
def picture(sounds: Array, *, rate: float) -> Array:
    """Returns log-mel spectrograms uint8 [N, frames, 32, 1] of sounds [N, S] in [-1, 1]: black is silence, of the logarithm of 1e-5."""
    lowest = np.log(SMALLEST)
    found = log_mel(sounds.astype(jnp.float32), rate, *frame_of(rate), BANDS)
    return to_uint8(2 * (found - lowest) / (LOUDEST - lowest) - 1)[..., None]


def hear(extract: Extract, drawn: Iterable[Mapping[str, Any]], rate: float, n: int) -> Classified:
    """Returns what a classifier makes of n sounds, of batches with `audio` and perhaps `label`.

    Raises:
      ValueError: for NaN, or if there are fewer.
    """
    parts, done = [], 0
    for batch in drawn:
        if not np.isfinite(np.asarray(batch["audio"])).all():
            raise ValueError("expected sounds in [-1, 1], found NaN or infinity: look at the training's curves")
        label = {"label": np.asarray(batch["label"])} if "label" in batch else {}
        parts.append(extract(picture(batch["audio"], rate=rate)) | label)
        done += len(batch["audio"])
        if done >= n:
            break
    if done < n:
        raise ValueError(f"expected {n} sounds, found {done}")
    found = {name: np.concatenate([part[name] for part in parts])[:n] for name in parts[0]}
    return Classified(found["features"], found["logits"], found.get("label"))


def hear_source(extract: Extract, source: Source, most: int = REAL) -> Classified:
    """Returns what a classifier makes of up to `most` sounds of a source."""
    names, indices = tuple(name for name in ("audio", "label") if name in source.fields), spread(source.size, min(most, source.size))
    batches = (read_rows(source, indices[start : start + BATCH], names) for start in range(0, len(indices), BATCH))
    return hear(extract, batches, source.spec.rate("audio"), len(indices))


def nearest_ratio(found: Classified, known: Classified, other: Classified) -> float:
    """Computes the median distance of sounds to the nearest known one, over the same of others: near 0 for copies, near 1 for new ones."""
    mine, theirs = (np.median(nearest(known.features, heard.features)[1]) for heard in (found, other))
    return float(mine / theirs)


def shaped_noise(sounds: np.ndarray, label: np.ndarray, wanted: np.ndarray, size: int, hop: int, seed: int = 0) -> np.ndarray:
    """Computes noise with the mean magnitudes, over time and frequency, of the sounds of each class: what is had without learning.

    Args:
      sounds: [N, S].
      label: int [N], their classes.
      wanted: int [M], the classes of the noises.
      size, hop: as of `jgan.ops.spectrogram.stft`.
      seed: of the noise.

    Returns:
      float32 [M, S], each with the mean power of its class.
    """
    samples = sounds.shape[1]
    shapes = {one: np.abs(stft(jnp.asarray(sounds[label == one]), size, hop)).mean(axis=0) for one in np.unique(wanted)}
    noise = np.random.default_rng(seed).normal(size=(len(wanted), samples)).astype(np.float32)
    spectrum = stft(jnp.asarray(noise), size, hop) * jnp.asarray(np.stack([shapes[one] for one in wanted]), jnp.complex64)
    made = np.asarray(istft(spectrum, size, hop, samples))
    powers = {one: np.mean(np.square(sounds[label == one])) for one in np.unique(wanted)}
    gains = np.sqrt(np.asarray([powers[one] for one in wanted]) / np.mean(np.square(made), axis=1))
    return np.clip(made * gains[:, None], -1, 1).astype(np.float32)


def sound_score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns `class_numbers` of `config.score_samples` generated sounds, by a classifier of the labels that is trained on the same source;
    the criterion is the Fréchet distance.

    Raises:
      ValueError: as `as_pictures`.
    """
    features = sound_classifier(source, folder)
    extract, rate = extractor(features, mesh), source.spec.rate("audio")
    real = hear_source(extract, source)
    criterion = f"score/frechet_distance/{features.name}"
    protocol = {"metric": "frechet_distance", "features": features.name, "feature_network": features.protocol} | describe(source)
    protocol |= {"samples": config.score_samples, "real_samples": len(real.features), "neighbours_among": NEIGHBOURS_AMONG}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        fake = hear(extract, snapshot.outputs(source, config.score_samples), rate, config.score_samples)
        numbers = class_numbers(fake, real)
        return {criterion: numbers.pop("frechet_distance")} | {f"sound/{name}": value for name, value in numbers.items()}

    return Score(criterion, protocol, compute, watched={"sound/recall": 0.5, "sound/coverage": 0.5, "sound/classes": 0.9})
