"""Videos: animated grids, and film strips."""

import io
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jgan.outputs.images import grid, pixels, png, to_pillow
from jgan.outputs.kind import Kind, examples

ENDINGS = (".webp", ".gif", ".mp4")
CLIPS, FRAMES = 8, 8  # at most, on a film strip
GAP = 2  # white pixels between them


def video(fps: float) -> Kind:
    """Returns the kind of clips [N, T, H, W, C], floating-point in [-1, 1] (clipped) or uint8: an animated grid, and a film strip as PNG.

    Args:
      fps: frames per second.

    Raises:
      ValueError: if fps is not positive.
    """
    if not fps > 0:
        raise ValueError(f"expected a positive number of frames per second, found {fps}")
    encoders = {ending: partial(_encode, fps, ending) for ending in (ENDINGS if _has_webp() else ENDINGS[1:])}
    usual = next(iter(encoders))
    return Kind(_check, encoders, lambda values, columns: {usual: encoders[usual](values, columns), ".png": png(film_strip(values))})


def film_strip(clips: np.ndarray, frames: int = FRAMES, rows: int = CLIPS) -> np.ndarray:
    """Places evenly spaced frames of the first clips [N, T, H, W, C] in one uint8 image, one row per clip.

    >>> film_strip(np.zeros((3, 20, 4, 4, 1), np.uint8), frames=5).shape
    (16, 28, 1)
    """
    chosen = np.unique(np.linspace(0, clips.shape[1] - 1, frames).round().astype(int))
    shown = clips[:rows, chosen].reshape(-1, *clips.shape[2:])
    return grid(np.pad(shown, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255), len(chosen))[:-GAP, :-GAP]


def animation(frames: Sequence[np.ndarray], fps: float, ending: str, comment: str = "") -> bytes:
    """Returns frames [H, W, C], uint8 or in [-1, 1], as the content of a .webp, .gif or .mp4 file.

    A comment is kept in the file: in GIF and MP4 as its comment, in WebP as the description of the image in its Exif data.

    Raises:
      ModuleNotFoundError: for .mp4 without the packages of the extra `video`.
    """
    pictures = [to_pillow(frame) for frame in frames]
    if ending == ".mp4":
        return _mp4(pictures, fps, comment)
    content = io.BytesIO()
    settings: dict[str, Any] = {"lossless": True} if ending == ".webp" else {}
    if comment:
        settings |= {"exif": _exif(comment)} if ending == ".webp" else {"comment": comment.encode()}
    first, *others = pictures
    if first.mode == "RGBA":  # each frame alone: over the frame before, what was opaque there would shine through
        settings |= {"kmin": 0, "kmax": 1} if ending == ".webp" else {"disposal": 2}
    first.save(content, format=ending[1:], save_all=True, append_images=others, duration=round(1000 / fps), loop=0, **settings)
    return content.getvalue()


def ffmpeg() -> str:
    """Returns the path of the program that writes .mp4.

    Raises:
      ModuleNotFoundError: without the packages of the extra `video`.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ModuleNotFoundError as error:
        message = "saving .mp4 needs the package imageio-ffmpeg: pip install 'jgan[video]', or save .gif or .webp"
        raise ModuleNotFoundError(message, name=error.name) from None
    return get_ffmpeg_exe()


def _check(name, values):
    return pixels(name, examples(name, values, "clips [N, T, H, W, C]", (5,)))


def _encode(fps, ending, clips, columns):
    return animation([grid(clips[:, t], columns) for t in range(clips.shape[1])], fps, ending)


def _has_webp():
    from PIL import features

    return features.check("webp")


def _exif(comment):
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = comment
    return exif.tobytes()


def _mp4(pictures, fps, comment):
    width, height = pictures[0].size
    read = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"]  # H.264 with halved chroma has even sizes only
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"  # not a pipe: the container is finished at its beginning
        command = [ffmpeg(), "-v", "error", *read, *even, "-pix_fmt", "yuv420p", "-metadata", f"comment={comment}", str(path)]
        subprocess.run(command, input=b"".join(picture.convert("RGB").tobytes() for picture in pictures), check=True)
        return path.read_bytes()
