"""Data: sources of examples, and the feeds that bring them to the device. Importing it loads no pillow, grain or tensorflow_datasets."""

from jgan.data.feed import Feed, make_feed, resident, stream
from jgan.data.open import open_source
from jgan.data.pairs import open_domains, open_pairs
from jgan.data.source import Source

__all__ = ["Feed", "Source", "make_feed", "open_domains", "open_pairs", "open_source", "resident", "stream"]
