"""Images as files: grids, PNG, animations."""

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] of any shape as uint8: round(127.5 x + 127.5), clipped; uint8 images are returned as they are.

    >>> to_uint8(np.asarray([-1.0, 0.0, 0.5, 2.0], np.float32)).tolist()
    [0, 128, 191, 255]
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.clip(np.round(images.astype(np.float32) * 127.5 + 127.5), 0, 255).astype(np.uint8)


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Images [N, H, W, C] side by side, row by row, as one uint8 image [rows * H, columns * W, C]; empty places are black.

    Args:
      images: in [-1, 1], or uint8.
      columns: images per row; by default as many as make the grid about square.

    Raises:
      ValueError: if the images are not a non-empty [N, H, W, C].

    >>> grid(np.zeros((5, 4, 2, 3), np.uint8), columns=3).shape
    (8, 6, 3)
    """
    images = to_uint8(images)
    if images.ndim != 4 or not len(images):
        raise ValueError(f"expected images [N, H, W, C] with N > 0, found shape {images.shape}")
    n, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n * height / width))
    rows = math.ceil(n / columns)
    places = np.zeros((rows * columns, height, width, channels), np.uint8)
    places[:n] = images
    return places.reshape(rows, columns, height, width, channels).swapaxes(1, 2).reshape(rows * height, columns * width, channels)


def save_png(path: str | Path, image: np.ndarray) -> None:
    """Saves one image [H, W, C] or [H, W], uint8 or in [-1, 1].

    One channel is saved as grey, three as RGB, four as RGBA; of any other number the first three are shown (of two, the first).
    """
    _picture(image).save(path, format="png")


def save_animation(path: str | Path, frames: Sequence[np.ndarray], fps: float = 15.0) -> None:
    """Saves frames [H, W, C], uint8 or in [-1, 1], as .gif, .webp (both repeat for ever) or .mp4, told by the ending.

    Args:
      path: of the file.
      frames: images of one size.
      fps: frames per second.

    Raises:
      ValueError: if there are no frames, or the ending is another.
      ModuleNotFoundError: for .mp4 without the packages of the extra `video`.
    """
    path = Path(path)
    if not len(frames):
        raise ValueError("expected at least one frame, found none")
    if path.suffix not in (".gif", ".webp", ".mp4"):
        raise ValueError(f"expected a path that ends in .gif, .webp or .mp4, found {path}")
    pictures = [_picture(frame) for frame in frames]
    if path.suffix == ".mp4":
        _save_video(path, pictures, fps)
    else:
        settings = {"lossless": True} if path.suffix == ".webp" else {}
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=1000 / fps, loop=0, **settings)


def _picture(image):
    """A pillow image of an array of any number of channels."""
    from PIL import Image

    image = to_uint8(image)
    image = image[..., None] if image.ndim == 2 else image
    if image.shape[-1] not in (1, 3, 4):
        image = image[..., : 1 if image.shape[-1] == 2 else 3]
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else np.ascontiguousarray(image))


def _save_video(path, pictures, fps):
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ModuleNotFoundError as error:
        message = f"{path}: saving .mp4 needs the package imageio-ffmpeg: pip install 'jgan[video]', or save .gif or .webp"
        raise ModuleNotFoundError(message, name=error.name) from None
    width, height = pictures[0].size
    read = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"]  # H.264 with halved chroma has even sizes only
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *read, *even, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=b"".join(picture.convert("RGB").tobytes() for picture in pictures), check=True)
