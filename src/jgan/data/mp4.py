"""MP4 and other files of videos, read by ffmpeg: with the extra `video` only."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from jgan import bounded
from jgan.data import decode
from jgan.data.reading import AS_STORED, Reading

SIZE, RATE, COUNT = r"Video: .*?, (\d+)x(\d+)\b", r"([\d.]+) fps", r"frame=\s*(\d+)"  # as ffmpeg tells what it reads
WRITTEN = "Output #0"  # behind it, what ffmpeg writes, which it has turned upright
ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def is_mp4(name: str) -> bool:
    """Tells by its name whether a file is a video that ffmpeg reads.

    >>> is_mp4("a/B.MP4"), is_mp4("a.gif")
    (True, False)
    """
    return name.lower().endswith(ENDINGS)


def header(data: bytes, reading: Reading = AS_STORED, window: int | None = None) -> tuple[int, int, int, int, float]:
    """Returns (frames, H, W, 3, frames per second) of a video, upright.

    Args:
      data: the file.
      reading: the limit of what it may unpack to.
      window: the frames that are read at a time; None: all.

    Raises:
      ValueError: if it is damaged, or a window would unpack to more than is allowed.
      ModuleNotFoundError: without the packages of the extra `video`.
    """
    said = _ffmpeg(data, "-map", "0:v:0", "-f", "null").stderr.decode(errors="replace")
    size, rate, counts = re.search(SIZE, said.partition(WRITTEN)[2]), re.search(RATE, said), re.findall(COUNT, said)
    if not (size and rate and counts):
        raise ValueError(f"damaged video: {_last_line(said)}")
    width, height, count = int(size[1]), int(size[2]), int(counts[-1])
    held = count if window is None else min(count, window)
    bounded.check(f"{held} frames of {width} x {height} of a video", held * width * height * 3, len(data), reading.max_unpacked)
    return count, height, width, 3, float(rate[1])


def frames(data: bytes, indices: Sequence[int], size: tuple[int, int], channels: int, reading: Reading = AS_STORED) -> np.ndarray:
    """Returns some frames of a video, in rising order, as uint8 [T, *size, channels]: each cropped and resized as an image is.

    Raises:
      ValueError: if it is damaged, or ends before them.
      ModuleNotFoundError: without the packages of the extra `video`.
    """
    first, last = indices[0], indices[-1]
    window = ("-vf", f"select='between(n,{first},{last})'", "-frames:v", str(last - first + 1))
    done = _ffmpeg(data, "-map", "0:v:0", *window, "-f", "image2pipe", "-c:v", "ppm")
    found = [decode.adapt(image, size, channels) for number, image in enumerate(_images(done.stdout), first) if number in indices]
    if len(found) < len(indices):
        raise ValueError(f"damaged video: it ends before frame {indices[len(found)]}")
    return np.stack(found)


def _images(content) -> Iterator[np.ndarray]:
    """The images [H, W, 3] of PPM files, one behind the other, that are whole."""
    start = 0
    while header := re.compile(rb"P6\s(\d+)\s(\d+)\s255\s").match(content, start):
        width, height = int(header[1]), int(header[2])
        start = header.end() + width * height * 3
        if start > len(content):
            break
        yield np.frombuffer(content[header.end() : start], np.uint8).reshape(height, width, 3)


def _ffmpeg(data, *options):
    """Runs ffmpeg on a video, which needs a file with a name, and returns what it wrote: each frame once, whatever its time."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ModuleNotFoundError as error:
        message = "reading videos needs the package imageio-ffmpeg: pip install 'jgan[video]', or take GIF, WebP or folders of frames"
        raise ModuleNotFoundError(message, name=error.name) from None
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(data)
        file.flush()
        command = [get_ffmpeg_exe(), "-i", file.name, *options, "-fps_mode", "passthrough", "-"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _last_line(said):
    lines = said.strip().splitlines()
    return lines[-1] if lines else "ffmpeg says nothing of it"
