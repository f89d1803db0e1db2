"""How good animated images are: against the true frames, and beside the source image as it stands, which any animation should outdo."""

from pathlib import Path
from typing import Any

import numpy as np
from jax.sharding import Mesh

from jgan.data.procedural.face import CHOICES
from jgan.data.procedural.faces import open_faces
from jgan.data.source import Source
from jgan.evaluation.attributes import AttributeClassifier, read_attributes, train_attributes
from jgan.evaluation.paired import take
from jgan.evaluation.results import describe
from jgan.evaluation.score import Score, Snapshot, drawn, in_bytes
from jgan.ops.frames import fold

MOVING = ("smile", "mouth")  # attributes that a face does not keep
EYES = slice(0, 2), slice(2, 4)  # of the landmarks of a face, the corners of the left and of the right eye
FACES = 6_000  # that the classifier of identities learns from


def animation_score(config: Any, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns how well clips are made again of their first frames, as a share of the L1 of these frames: 1 is a source that
    stands still.
    """
    samples = min(config.score_samples, source.size)
    truth = take(source, samples, "video")
    protocol = {"metric": "L1 of clips made of their first frames, over the L1 of the first frames", "samples": samples, **describe(source)}

    def compute(snapshot: Snapshot) -> dict[str, float]:
        found = reconstruction_numbers(drawn(snapshot, source, samples, "video", ready=in_bytes)["video"], truth)
        return {"score/reconstruction": found.pop("reconstruction"), "score/l1": found["l1"]}

    return Score("score/reconstruction", protocol, compute)


def reconstruction_numbers(videos: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Measures uint8 clips [N, T, H, W, C] that were made of the first frames of true ones: `l1` of images in [-1, 1], `copy/l1` of the
    first frame throughout, and `reconstruction`, the first as a share of the second.

    >>> clips = np.zeros((1, 2, 1, 1, 1), np.uint8)
    >>> clips[0, 1] = 100
    >>> reconstruction_numbers(clips // 2, clips)["reconstruction"]
    0.5
    """
    l1, copy = (np.abs(found.astype(np.float32) - truth).mean() / 127.5 for found in (videos, truth[:, :1]))
    return {"reconstruction": float(l1 / copy), "l1": float(l1), "copy/l1": float(copy)}


def animation_numbers(videos: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Measures uint8 clips [N, T, H, W, C] whose first true frame is the source: `psnr` (dB, mean over the clips) of all frames after it,
    `copy/psnr` of the source throughout, and `gain`, the first over the second.

    >>> clips = np.zeros((1, 2, 1, 1, 1), np.uint8)
    >>> clips[0, 1] = 100
    >>> round(animation_numbers(clips // 10 * 9, clips)["gain"], 3)
    20.0
    """
    after = truth[:, 1:].astype(np.float32)
    errors = [np.square(found.astype(np.float32) - after).mean(axis=(1, 2, 3, 4)) for found in (videos[:, 1:], truth[:, :1])]
    ours, copy = (float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-2)))) for error in errors)
    return {"psnr": ours, "copy/psnr": copy, "gain": ours - copy}


def identity_reader(resolution: tuple[int, int], folder: str | Path, *, faces: int = FACES) -> AttributeClassifier:
    """Returns what reads the attributes of embedded faces, trained on faces that no generator is trained on."""
    return train_attributes(open_faces(split="val", resolution=resolution, limit=faces), folder)


def identity_kept(reader: AttributeClassifier, videos: np.ndarray, attributes: np.ndarray, visible: np.ndarray) -> float:
    """Returns the share of attributes that a face keeps while it moves which are read rightly, in uint8 clips [N, T, H, W, C].

    Args:
      reader: of `identity_reader`.
      videos: the clips.
      attributes, visible: what they should show, and whether it can be seen, [N, T, A].
    """
    kept = [number for number, name in enumerate(CHOICES) if name not in MOVING]
    right = read_attributes(reader, fold(videos)) == fold(attributes)
    return float(right[:, kept][fold(visible)[:, kept]].mean())


def landmark_error(points: np.ndarray, landmarks: np.ndarray, other_points: np.ndarray, other_landmarks: np.ndarray) -> float:
    """Returns how far landmarks are from where a linear map of points has them: mean distance as a share of the distance of the eyes.

    The map is fitted by least squares, with a constant.

    Args:
      points, landmarks: [M, 2 K] and [M, 14, 2], on which it is fitted.
      other_points, other_landmarks: of other examples, on which it is measured.

    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(50, 6))
    >>> landmarks = (points @ rng.normal(size=(6, 28)) + 1).reshape(50, 14, 2)
    >>> landmark_error(points[:40], landmarks[:40], points[40:], landmarks[40:]) < 1e-6
    True
    """
    known, unknown = (np.pad(x, ((0, 0), (0, 1)), constant_values=1).astype(np.float64) for x in (points, other_points))
    fitted = np.linalg.lstsq(known, landmarks.reshape(len(landmarks), -1), rcond=None)[0]
    found = (unknown @ fitted).reshape(other_landmarks.shape)
    left, right = (other_landmarks[:, eye].mean(axis=1) for eye in EYES)
    distances = np.linalg.norm(found - other_landmarks, axis=-1).mean(axis=1)
    return float(np.mean(distances / np.linalg.norm(left - right, axis=-1)))
