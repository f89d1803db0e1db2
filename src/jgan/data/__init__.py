"""Data: sources of images, and the feeds that bring them to the device. Importing it loads no pillow, grain or tensorflow_datasets."""

from jgan.data.feeds import Feed, resident, stream
from jgan.data.sources import Source, open_source

__all__ = ["Feed", "Source", "open_source", "resident", "stream"]
