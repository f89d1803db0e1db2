"""Samples in the report: fragments of HTML that hold all that they show."""

import base64
import html
import io
import warnings
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jgan.outputs.images import shrunk
from jgan.outputs.samples import files_at

LARGEST = 1024  # pixels of a picture; larger ones are shown smaller, the files are beside the report
SOUNDS = 8  # at most, per output
LINES, CHARACTERS = 32, 500  # of text, at most
CHARACTERS_OF_HTML = 6_000_000  # per output; what would be more is left out, the files are beside the report
ORDER = (".png", ".webp", ".gif", ".txt", ".wav")
ANIMATED = {".webp": "image/webp", ".gif": "image/gif"}

STYLE = """
.output { margin: 0 0 1rem } .output > p { margin: 0 0 .3rem; font-weight: 600; font-size: .9rem }
.output img + img { margin-top: .6rem } .output audio { display: block; width: 100%; max-width: 26rem; height: 2.2rem; margin-top: .3rem }
.output pre { margin: 0; padding: .5rem .8rem; background: var(--block, #f7f7f7); font: 13px/1.5 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere }
"""


def figures(folder: str | Path, moment: int, largest: int = LARGEST, warn: Callable[[str], Any] = warnings.warn) -> str:
    """Returns the samples of one moment as HTML: pictures, animations, players and text, each output under its name.

    What is missing, damaged or too large is left out; "" if nothing is left. `STYLE` is the CSS.

    Args:
      folder: samples/ of a run.
      moment: number of images seen; see `moments`.
      largest: pixels of a picture.
      warn: given a sentence for each damaged file.
    """
    return _outputs(folder, moment, lambda file: _whole(file, largest), warn)


def thumbnails(folder: str | Path, moment: int, largest: int = LARGEST // 4, warn: Callable[[str], Any] = warnings.warn) -> str:
    """Returns the samples of one moment as HTML in small: pictures, and the first lines of text."""
    return _outputs(folder, moment, lambda file: _small(file, largest), warn)


def _outputs(folder, moment, show, warn):
    return "".join(_output(name, files, show, warn) for name, files in files_at(folder, moment).items())


def _output(name, files, show, warn):
    known = sorted((file for file in files if file.suffix in ORDER), key=lambda file: ORDER.index(file.suffix))
    sounds = [file for file in known if file.suffix == ".wav"]
    content = "".join(_within(CHARACTERS_OF_HTML, (_readable(show, file, warn) for file in known if file not in sounds[SOUNDS:])))
    title = f"<p>{html.escape(name)}</p>" if name else ""
    return f'<div class="output">{title}{content}</div>' if content else ""


def _within(most, fragments):
    """The fragments that fit; a smaller one may follow one that does not."""
    total = 0
    for fragment in fragments:
        if total + len(fragment) <= most:
            total += len(fragment)
            yield fragment


def _readable(show, file, warn):
    try:
        return show(file)
    except Exception as error:  # Pillow raises many types for damaged files, and no sample is worth a report
        warn(f"{file} is damaged and is left out of the report: {type(error).__name__}: {error}")
        return ""


def _whole(file, largest):
    if file.suffix in ANIMATED:
        return _animation(file)
    if file.suffix == ".wav":
        return _player(file)
    if file.suffix == ".txt":
        return _text(file, LINES)
    return _picture(file, largest)


def _small(file, largest):
    if file.suffix == ".png":
        return _picture(file, largest)
    return _text(file, 3) if file.suffix == ".txt" else ""


def _picture(file, largest):
    content, _ = shrunk(file.read_bytes(), largest)
    return f'<img alt="samples" src="{_embedded("image/png", content)}">'


def _animation(file):
    from PIL import Image

    content = file.read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
    return f'<img alt="animated samples" src="{_embedded(ANIMATED[file.suffix], content)}">'


def _player(file):
    content = file.read_bytes()
    with wave.open(io.BytesIO(content)) as sound:
        whole = len(sound.readframes(sound.getnframes())) == sound.getnframes() * sound.getnchannels() * sound.getsampwidth()
    if not whole:
        raise ValueError("the sound is cut short")
    return f'<audio controls preload="metadata" src="{_embedded("audio/wav", content)}"></audio>'


def _text(file, most):
    lines = file.read_text(encoding="utf-8").splitlines()
    shown = [line if len(line) <= CHARACTERS else f"{line[:CHARACTERS]} …" for line in lines[:most]]
    return f"<pre>{html.escape(chr(10).join(shown))}</pre>" if shown else ""


def _embedded(media, content):
    return f"data:{media};base64,{base64.b64encode(content).decode()}"
