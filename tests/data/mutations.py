"""Small files of every format that is read, mutations of them, and a child process that reads the mutants within bounds.

`python -m tests.data.mutations COUNT FOLDER FORMAT ...` reads COUNT mutants of each format and prints figures as JSON.
"""

import bz2
import gzip
import io
import json
import lzma
import resource
import signal
import struct
import sys
import tarfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, features

from jgan.data import open_source
from jgan.models.pretrained.files import read_weights

SIDE = 8
MEMORY = 1_500_000_000
SECONDS = 20
IMAGES = np.arange(2 * SIDE * SIDE * 3, dtype=np.uint8).reshape(2, SIDE, SIDE, 3)


def image(form, **options):
    """The bytes of a small image."""
    data = io.BytesIO()
    pixels = Image.fromarray(IMAGES[0])
    (pixels.convert("L").convert("I;16") if options.pop("deep", False) else pixels).save(data, form, **options)
    return data.getvalue()


def oriented():
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


def packed(method, **members):
    """A zip file of the members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def of_images(method):
    return packed(method, **{"a/0.png": image("PNG"), "b/1.png": image("PNG")})


def tarred():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a/0.png", "b/" + "long" * 30 + ".png"):
            member = tarfile.TarInfo(name)
            member.size = len(image("PNG"))
            archive.addfile(member, io.BytesIO(image("PNG")))
    return data.getvalue()


def idx():
    grey = IMAGES[..., 0]
    return b"\0\0\x08\x03" + b"".join(side.to_bytes(4, "big") for side in grey.shape) + grey.tobytes()


def npy(array=IMAGES):
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def listing():
    return json.dumps({"labels": [["a/0.png", "cat"], ["b/1.png", 3]]}).encode()


def safetensors():
    header = json.dumps({"a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(48)


def tensor_pickle(start=b"\x80\x02"):
    """A dictionary of one tensor, 3 x 4, as PyTorch pickles it."""
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\x0ctQ"
    return start + b"}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0(K\3K\4tq\1(K\4K\1tq\2\x89NtRs."


def torch_legacy():
    head = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\r\0\0\0little_endian\x88s."
    return head + tensor_pickle() + b"\x80\x02]X\1\0\0\0000a." + struct.pack("<q", 12) + bytes(48)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks, as far as they can be followed, have the checksums that belong to them."""
    changed, place = bytearray(data), 8
    while place + 12 <= len(changed):
        end = place + 8 + int.from_bytes(changed[place : place + 4], "big")
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = zlib.crc32(changed[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(changed)


class Base(NamedTuple):
    """A file: `inner` is mutated before, or the whole after, `wrap`."""

    inner: bytes
    wrap: Callable[[bytes], bytes] = bytes


def in_zip(method, name, **others):
    return lambda inner: packed(method, **{name: inner}, **others)


STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
FORMATS = {  # format: {name of a file: what it is}
    "png": {
        "image.png": Base(image("PNG"), with_checksums),
        "grey16.png": Base(image("PNG", deep=True), with_checksums),
        "exif.png": Base(image("PNG", **oriented()), with_checksums),
    },
    "jpeg": {"image.jpg": Base(image("JPEG", **oriented())), "progressive.jpg": Base(image("JPEG", progressive=True))},
    "webp": {"image.webp": Base(image("WEBP", **oriented())), "lossless.webp": Base(image("WEBP", lossless=True))},
    "gif": {"image.gif": Base(image("GIF"))},
    "bmp": {"image.bmp": Base(image("BMP"))},
    "tiff": {
        "image.tif": Base(image("TIFF")),
        "grey16.tif": Base(image("TIFF", deep=True)),
        "deflate.tif": Base(image("TIFF", compression="tiff_adobe_deflate")),
    },
    **({"avif": {"image.avif": Base(image("AVIF"))}} if features.check("avif") else {}),
    "zip": {
        "stored.zip": Base(of_images(STORED)),
        "deflated.zip": Base(image("PNG"), in_zip(DEFLATED, "a/0.png", **{"b/1.png": image("PNG")})),
        "bzip2.zip": Base(of_images(zipfile.ZIP_BZIP2)),
        "lzma.zip": Base(of_images(zipfile.ZIP_LZMA)),
    },
    "tar": {"set.tar": Base(tarred())},
    "packed tar": {
        "set.tar.gz": Base(tarred(), gzip.compress),
        "set.tar.bz2": Base(tarred(), bz2.compress),
        "set.tar.xz": Base(tarred(), lambda data: lzma.compress(data, preset=0)),
    },
    "idx": {"train-images-idx3-ubyte": Base(idx()), "train-images-idx3-ubyte.gz": Base(idx(), gzip.compress)},
    "npz": {"stored.npz": Base(npy(), in_zip(STORED, "images.npy")), "deflated.npz": Base(npy(), in_zip(DEFLATED, "images.npy"))},
    "labels": {
        "labels.zip": Base(listing(), in_zip(STORED, "dataset.json", **{"a/0.png": image("PNG"), "b/1.png": image("PNG")})),
        "labels.npz": Base(npy(np.array([3, 1])), in_zip(DEFLATED, "labels.npy", **{"images.npy": npy()})),
        "labels-of-names.npz": Base(npy(np.array(["cat", "dog"])), in_zip(DEFLATED, "labels.npy", **{"images.npy": npy()})),
    },
    "weights npz": {"weights.npz": Base(npy(), in_zip(DEFLATED, "a.npy"))},
    "safetensors": {"weights.safetensors": Base(safetensors())},
    "pth": {"zip.pth": Base(tensor_pickle(), in_zip(STORED, "x/data.pkl", **{"x/data/0": bytes(48)})), "legacy.pth": Base(torch_legacy())},
}
NUMBERS = [
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    0x7FFF,
    0x8000,
    0xFFFF,
    1 << 24,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 62),
    (1 << 64) - 1,
]


def mutated(data: bytes, generator: np.random.Generator) -> bytes:
    """One to four changes: flipped bits, other bytes, a number in place of a field, bytes put in, taken out, or the end cut off.

    Half of the changes are in the first 64 bytes, where headers are; a quarter in the last, where a zip has its list.
    """
    changed = bytearray(data)
    for _ in range(generator.integers(1, 5)):
        if not changed:
            return b""
        reach = [min(64, len(changed)), len(changed), min(64, len(changed)), min(160, len(changed))][which := generator.integers(4)]
        place = int(generator.integers(reach)) + (len(changed) - reach if which == 3 else 0)
        kind = generator.integers(7)
        length = int(generator.integers(1, 17))
        if kind == 0:
            changed[place] ^= 1 << int(generator.integers(8))
        elif kind == 1:
            changed[place] = int(generator.integers(256))
        elif kind in (2, 3):
            size = int(generator.choice([1, 2, 4, 8]))
            number = NUMBERS[generator.integers(len(NUMBERS))] % (1 << 8 * size)
            changed[place : place + size] = number.to_bytes(size, "little" if generator.integers(2) else "big")
        elif kind == 4:
            changed[place:place] = generator.bytes(length)
        elif kind == 5:
            del changed[place : place + length]
        else:
            del changed[place:]
    return bytes(changed)


def mutant(name: str, base: Base, number: int) -> bytes:
    """The mutant of a number: the same in every run."""
    generator = np.random.default_rng((number, *name.encode()))
    return base.wrap(mutated(base.inner, generator)) if number % 2 else mutated(base.wrap(base.inner), generator)


def attempt(path: Path) -> bool:
    """Reads all there is; whether something was readable.

    Raises:
      AssertionError: if an error does not name the file, or memory ran out.
    """
    try:
        if path.name.startswith("weights") or path.suffix == ".pth":
            return bool(read_weights(path))
        labels = path.name.startswith("labels")
        archive = path.suffix in (".zip", ".npz", ".tar", ".gz", ".bz2", ".xz") and "idx" not in path.name
        source = open_source(path if archive else path.parent, resolution=SIDE, channels=3, labels=labels)
        for index in range(source.size):
            source.read(index)
        return True
    except (ValueError, OSError) as error:
        assert path.name in str(error), f"no name of the file in {error!r}"
        assert not isinstance(error.__cause__, MemoryError), f"no memory: {error}"
        return False


def figures_of(name: str, base: Base, count: int, folder: Path) -> dict:
    """Reads the first mutants of a file; the process ends by SIGALRM if one takes too long."""
    path = folder / name.replace("/", "_") / name
    path.parent.mkdir()
    path.write_bytes(base.wrap(base.inner))
    assert attempt(path), f"{name} itself cannot be read"
    readable, slowest, failures = 0, 0.0, []
    with open(path, "r+b", buffering=0) as file, open(folder / "last", "w") as last:  # to open a file takes longer than to read a mutant
        for number in range(count):
            file.seek(0)
            file.write(mutant(name, base, number))
            file.truncate()
            last.seek(0)
            last.write(f"mutant {number:6} of {name}")
            last.flush()
            began = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                readable += attempt(path)
            except Exception as error:
                failures.append(f"mutant {number} of {name}: {type(error).__name__}: {error}"[:300])
            slowest = max(slowest, time.perf_counter() - began)
    signal.alarm(0)
    return {"count": count, "readable": readable, "slowest": slowest, "failures": failures}


def main(count: int, folder: Path, formats: list[str]) -> None:
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (used_address_space() + MEMORY,) * 2)
    figures = {}
    for form in formats:
        bases = FORMATS[form]
        for name, base in bases.items():
            figures[name] = figures_of(name, base, -(-count // len(bases)), folder)
    print(json.dumps({"megabytes": peak_megabytes(), "files": figures}))


def peak_megabytes() -> float:
    """The most memory that this program has held; `getrusage` would count what its parent held when it began."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def used_address_space() -> int:
    """The bytes that this process has asked for, of which the libraries that are loaded reserve much and use little."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
