"""jgan animate RUN SOURCE DRIVER OUT"""

import json
from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.commands.inpaint import CHANNELS
from jgan.commands.translate import open_named
from jgan.data.clips import read_clip
from jgan.data.settings import reading_of
from jgan.outputs.files import write_atomic
from jgan.outputs.images import png
from jgan.outputs.marking import marked
from jgan.outputs.videos import ENDINGS, animation, ffmpeg, film_strip
from jgan.ranges import CountOrZero, Rate
from jgan.run.system import System
from jgan.run.trained import Trained, load

STRIP = ".png"  # the ending of a film strip


def animate(
    system: System,
    run: tyro.conf.Positional[Path],
    source: tyro.conf.Positional[Path],
    driver: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    absolute: bool = False,
    mark: bool = True,
    rate: Rate | None = None,
    step: CountOrZero | None = None,
) -> None:
    """Moves what an image shows as a clip moves, and marks the result as generated.

    Use faces that are drawn, or of people who have agreed to it. The letters AI are put into a corner, and the file says in its comment
    that it is generated, by which run, and of what.

    Args:
        run: The folder of the run.
        source: The image, of the size of the run's frames.
        driver: The clip, a GIF, WebP or MP4 file or a folder of frames, of the same size.
        out: The file to write: .gif, .webp or .mp4, or .png for a film strip of the source, the driver and the result.
        absolute: Take over the places of the driver's points, and with them its shape, rather than how they move from its first frame.
        mark: Put the letters into the corner.
        rate: Frames per second; as the driver says if not given, else those of the run.
        step: The checkpoint to use; the best if not given.
    """
    check_out(out)
    trained = load(run, step, system)
    image = read_source(trained, source)
    clip, found_rate = read_driver(trained, driver)
    video = trained.outputs(only="video", source=image[None], video=clip[None], relative=float(not absolute))["video"][0]
    video = marked(video) if mark else video
    comment = json.dumps({"generated": True, "by": f"jgan {system.name}", **said_of(trained), "source": source.name, "driver": driver.name})
    write_atomic(out, encoded(image, clip, video, rate or found_rate or trained.spec.rate("video"), out.suffix.lower(), comment))
    print(out)


def check_out(path: Path) -> None:
    """Raises ValueError for an ending that fits no film, OSError where no file can be written."""
    if path.suffix.lower() not in (*ENDINGS, STRIP):
        raise ValueError(f"expected a path that ends in {', '.join(ENDINGS)} or {STRIP}, found {path}")
    outputs.check_place(path)
    if path.suffix.lower() == ".mp4":
        ffmpeg()


def said_of(trained: Trained) -> dict[str, object]:
    """Returns which run and version made something."""
    return {name: trained.about[name] for name in ("run", "step", "version", "commit") if name in trained.about}


def encoded(image: np.ndarray, clip: np.ndarray, video: np.ndarray, rate: float, ending: str, comment: str) -> bytes:
    """Returns the content of a file: the video, or a film strip of the image, the clip and the video."""
    if ending != STRIP:
        return animation(list(video), rate, ending, comment)
    return png(film_strip(np.stack([np.broadcast_to(image[None], clip.shape), clip, video])), comment)


def read_source(trained: Trained, path: Path) -> np.ndarray:
    """Returns the image, uint8 [H, W, C].

    Raises:
      ValueError: for several images, or one of another size or other colours than the run was trained on.
    """
    found = list(open_named(path, reading=reading_of(trained.config)).values())
    if len(found) != 1:
        raise ValueError(f"expected one image as the source, found {len(found)} in {path}; name one of them")
    image, channels = found[0].read(None), trained.spec.shape("source")[2]
    if image.shape[2] != channels:
        raise ValueError(f"expected a source of {CHANNELS[channels]}, found {path} with {CHANNELS[image.shape[2]]}; convert it")
    check_size(trained, "a source", path, image.shape[:2])
    return image


def read_driver(trained: Trained, path: Path) -> tuple[np.ndarray, float]:
    """Returns the clip, uint8 [T, H, W, C], and its frames per second, 0 if it does not say.

    Raises:
      ValueError: for one without two frames, or of another size or fewer colours than the run was trained on.
    """
    clip, rate = read_clip(path, trained.spec.shape("video")[3])
    check_size(trained, "a driver", path, clip.shape[1:3])
    if len(clip) < 2:
        raise ValueError(f"expected a driver of two frames or more, found one in {path}; give a clip, not a picture")
    return clip, rate


def check_size(trained: Trained, what: str, path: Path, size: tuple[int, ...]) -> None:
    """Raises ValueError unless a picture has the size (H, W) of the run's."""
    expected = trained.spec.shape("source")[:2]
    if tuple(size) != expected:
        sizes = [f"{height} x {width}" for height, width in (expected, size)]
        raise ValueError(f"expected {what} of {sizes[0]} pixels, as the run was trained on, found {path} of {sizes[1]}; crop or resize it")
