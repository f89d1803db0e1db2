"""Samples in TensorBoard."""

import io
import wave
from typing import Any

from jgan.outputs.images import shrunk
from jgan.outputs.kind import Rendered

LARGEST = 1024  # pixels of a picture; larger ones are shown smaller
SOUNDS = 8  # at most, per output


def events(rendered: Rendered, tag: str = "samples") -> list[Any]:
    """Returns what `render` returned as values of a TensorBoard summary: pictures, sounds (the first eight of an output) and text.

    Args:
      rendered: {name of the output: {end of the file's name: content}}.
      tag: of the picture of all images; other outputs have their name behind it.
    """
    return [_VALUES[ending](name, content) for name, (ending, content) in tagged(rendered, tag).items()]


def tagged(rendered: Rendered, tag: str = "samples") -> dict[str, tuple[str, bytes]]:
    """Returns what services that follow a run can show: {tag: (png, wav or txt, content)}; arguments as of `events`.

    >>> tagged({"": {".png": b"..."}, "clip": {".webp": b"...", ".png": b"..."}})
    {'samples': ('png', b'...'), 'samples/clip': ('png', b'...')}
    """
    found = {}
    for name, files in rendered.items():
        others = [end for end in files if end.endswith((".png", ".txt"))]
        sounds = [end for end in files if end.endswith(".wav")]
        for end in others + sounds[:SOUNDS]:
            inner, _, ending = end.rpartition(".")
            found[(f"{tag}/{name}" if name else tag) + inner] = (ending, files[end])
    return found


def _picture(tag, content):
    from tensorboardX.summary import Summary  # pyright: ignore[reportAttributeAccessIssue]

    smaller, (width, height) = shrunk(content, LARGEST)
    return Summary.Value(tag=tag, image=Summary.Image(height=height, width=width, encoded_image_string=smaller))


def _sound(tag, content):
    from tensorboardX.summary import Summary  # pyright: ignore[reportAttributeAccessIssue]

    with wave.open(io.BytesIO(content)) as file:
        sizes = {"sample_rate": file.getframerate(), "num_channels": file.getnchannels(), "length_frames": file.getnframes()}
    return Summary.Value(tag=tag, audio=Summary.Audio(encoded_audio_string=content, content_type="audio/wav", **sizes))


def _text(tag, content):
    from tensorboardX.summary import text

    lines = content.decode().splitlines()
    (value,) = text(tag, "\n".join(f"    {line}" for line in lines)).value  # indented: not read as Markdown
    return value


_VALUES = {"png": _picture, "wav": _sound, "txt": _text}
