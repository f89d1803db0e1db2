"""Greys of more than 8 bits: which of their numbers is white, and 8 bits of them."""

import numpy as np
from PIL import Image

DEEP = ("I;16", "I;16L", "I;16B", "I;16N")  # pillow's modes
WHITE = 65535
PART = 1 << 20
TIFF_BITS, TIFF_POLARITY, TIFF_LARGEST = 258, 262, 281  # tags: bits per sample, whether 0 is white, largest value


def eight_bits(image: Image.Image, data: bytes, bit_depth: int | None) -> Image.Image:
    """Returns a grey image of 16 bits with 8 of them, rounded; any other as it is.

    Args:
      image: loaded.
      data: the file that it is of.
      bit_depth: of its numbers; None: as the file says, else 16.

    Raises:
      ValueError: for numbers beyond the bit depth, and for colours of 16 bits, of which pillow keeps the upper 8, if fewer are asked for.
    """
    if image.mode not in DEEP:
        if bit_depth not in (None, 16) and _has_deep_colours(image, data):
            raise ValueError(f"colours of 16 bits: expected grey for bit_depth={bit_depth}; convert the file to 8 bits")
        return image
    grey = np.asarray(image)
    largest = _told(image, data, grey) if bit_depth is None else (1 << bit_depth) - 1
    if grey.max(initial=0) > largest:
        raise ValueError(f"a grey of {grey.max()}: expected at most {largest} for bit_depth={bit_depth}; raise it")
    table = ((np.minimum(np.arange(1 << 16), largest) * 255 + largest // 2) // largest).astype(np.uint8)
    eight = np.concatenate([(255 - table if _is_inverted(image) else table)[part] for part in _parts(grey)])
    return Image.fromarray(eight.reshape(grey.shape))


def brightest(image: Image.Image, data: bytes) -> int | None:
    """Returns the largest number of a loaded grey image of 16 bits; None if its file says how many are used."""
    grey = np.asarray(image)
    return int(grey.max(initial=0)) if _told(image, data, grey) == WHITE else None


def tiff_number(image: Image.Image, tag: int) -> int | None:
    """Returns the whole number, or the first one, that a tag of a TIFF holds; None if there is none, or for other images."""
    try:
        found = getattr(image, "tag_v2", {}).get(tag)
    except Exception:  # a malformed tag takes nothing from the pixels
        return None
    found = found[0] if isinstance(found, tuple) and found else found
    return found if isinstance(found, int) else None


def _is_inverted(image):
    return tiff_number(image, TIFF_POLARITY) == 0


def _told(image, data, grey):
    """The number that is white by what the file says, where that can be."""
    told = _told_by_tiff(image) if image.format == "TIFF" else (1 << _significant_bits(data)) - 1
    if not 255 <= told < WHITE or grey.max(initial=0) > told:
        return WHITE
    spread = image.format == "PNG" and all(_is_spread(part, told.bit_length()) for part in _parts(grey))
    return WHITE if spread else told


def _told_by_tiff(image):
    largest, bits = (tiff_number(image, tag) or 0 for tag in (TIFF_LARGEST, TIFF_BITS))
    # some programs write the largest number that occurs, which says nothing of the range
    return largest if largest > 255 and largest & (largest + 1) == 0 else (1 << min(bits, 16)) - 1


def _significant_bits(data):
    """The bits that the chunk sBIT of a grey PNG says were used; 16 if there is none (PNG specification, third edition, 11.3.2.7)."""
    place = 8
    while place + 12 <= len(data) and (kind := data[place + 4 : place + 8]) != b"IDAT":
        if kind == b"sBIT":
            return data[place + 8] if 8 <= data[place + 8] <= 16 else 16
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return 16


def _is_spread(grey, bits):
    """Whether numbers are scaled to 16 bits, by copies of their upper bits or by zeros, as the PNG specification wants it of `bits`."""
    upper = grey >> (16 - bits)
    zeros = upper << (16 - bits)
    return bool(np.all((grey == zeros) | (grey == zeros | upper >> max(2 * bits - 16, 0))))


def _parts(grey):
    """Pieces of a large array, so that what is computed of them takes little memory."""
    return np.array_split(grey.reshape(-1), 1 + grey.size // PART)


def _has_deep_colours(image, data):
    if image.format == "PNG":
        return data[24] == 16
    bits = image.tag_v2.get(TIFF_BITS, ()) if image.format == "TIFF" else ()
    return 16 in (bits if isinstance(bits, tuple) else (bits,))
