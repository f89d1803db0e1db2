"""Outputs by kind: how images, videos, sounds and text are written to files, and shown in the report and in TensorBoard."""

from jgan.outputs.events import events
from jgan.outputs.files import check_place
from jgan.outputs.images import image
from jgan.outputs.kind import Kind
from jgan.outputs.report import figures, thumbnails
from jgan.outputs.samples import moments, render, write
from jgan.outputs.saving import check_path, endings, save
from jgan.outputs.sounds import audio
from jgan.outputs.text import tokens
from jgan.outputs.videos import video

__all__ = [
    "Kind",
    "audio",
    "check_place",
    "check_path",
    "endings",
    "events",
    "figures",
    "image",
    "moments",
    "render",
    "save",
    "thumbnails",
    "tokens",
    "video",
    "write",
]
