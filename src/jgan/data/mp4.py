"""MP4 and other files of videos, read by ffmpeg: with the extra `video` only."""

import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from jgan import bounded
from jgan.data import decode
from jgan.data.reading import AS_STORED, Reading

ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def is_mp4(name: str) -> bool:
    """Tells by its name whether a file is a video that ffmpeg reads.

    >>> is_mp4("a/B.MP4"), is_mp4("a.gif")
    (True, False)
    """
    return name.lower().endswith(ENDINGS)


def header(data: bytes, reading: Reading = AS_STORED) -> tuple[int, int, int, int, float]:
    """(frames, H, W, 3, frames per second) of a video.

    Raises:
      ValueError: if it is damaged, or would unpack to more than is allowed.
      ModuleNotFoundError: without the packages of the extra `video`.
    """
    with _written(data) as file:
        (width, height), rate = _about(file.name)
        count = _ffmpeg().count_frames_and_secs(file.name)[0] or 0
    bounded.check(f"a video of {count} frames of {width} x {height}", count * width * height * 3, len(data), reading.max_unpacked)
    return count, height, width, 3, rate


def frames(data: bytes, indices: Sequence[int], size: tuple[int, int], channels: int, reading: Reading = AS_STORED) -> np.ndarray:
    """Some frames of a video, in rising order, as uint8 [T, *size, channels]: each cropped and resized as an image is.

    Raises:
      ValueError: if it is damaged, or ends before them.
      ModuleNotFoundError: without the packages of the extra `video`.
    """
    found = []
    with _written(data) as file:
        for number, image in enumerate(_images(file.name)):
            if number in indices:
                found.append(decode.adapt(image, size, channels))
            if len(found) == len(indices):
                break
    if len(found) < len(indices):
        raise ValueError(f"damaged video: it ends before frame {indices[len(found)]}")
    return np.stack(found)


def _images(path) -> Iterator[np.ndarray]:
    reader = _ffmpeg().read_frames(path)
    try:
        width, height = next(reader)["size"]
        for content in reader:
            yield np.frombuffer(content, np.uint8).reshape(height, width, 3)
    finally:
        reader.close()


def _about(path):
    """((W, H), frames per second) of a file."""
    reader = _ffmpeg().read_frames(path)
    try:
        about = next(reader)
        return about["size"], float(about["fps"])
    except Exception as error:  # what ffmpeg says of a file that it cannot read
        raise ValueError(f"damaged video: {str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__}") from error
    finally:
        reader.close()


def _written(data):
    """A file with a name, which ffmpeg needs."""
    file = tempfile.NamedTemporaryFile(suffix=".mp4")
    file.write(data)
    file.flush()
    return file


def _ffmpeg():
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        message = "reading videos needs the package imageio-ffmpeg: pip install 'jgan[video]', or take GIF, WebP or folders of frames"
        raise ModuleNotFoundError(message, name=error.name) from None
    return imageio_ffmpeg
