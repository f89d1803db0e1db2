import gzip
import os

import numpy as np
import pytest

from jgan.data import open_source

IMAGES = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.transpose(0, 3, 1, 2), r"put channels last, images\.transpose\(0, 2, 3, 1\)"),
        ((IMAGES / 255).astype(np.float32), r"convert them to 0 \.\.\. 255, \(images \* 255\)\.round"),
        (IMAGES / 127.5 - 1, r"\(images \* 127\.5 \+ 127\.5\)\.round"),
        ((IMAGES / 127.5 - 1).transpose(0, 3, 1, 2), r"channels last, .* and convert them .*127\.5"),
        (IMAGES.astype(np.int64), r"images\.astype\('uint8'\)"),
        (IMAGES.astype(np.float64), r"images\.astype\('uint8'\)"),
        (IMAGES.astype(np.uint16) * 257, "their numbers reach from 0 to 65535"),
        (np.full((4, 8, 8, 3), np.nan), "255, without NaN and infinity, which are among them, and save"),
        (IMAGES > 7, r"images\.astype\('uint8'\) \* 255"),
        (IMAGES[..., :2], "drop the other channels"),
        (IMAGES[0, 0], r"are \[8, 3\]: expected \[N, H, W\]"),
        (np.uint8(3), r"are \[\]: expected \[N, H, W\]"),
        (IMAGES[:0], "no images in"),
    ],
)
def test_what_to_do_with_other_arrays(tmp_path, images, message):
    np.savez(tmp_path / "set.npz", images=images)
    with pytest.raises(ValueError, match=rf"set\.npz.*{message}|no images in .*set\.npz"):
        open_source(tmp_path / "set.npz")


def test_arrays_of_other_names_are_named(tmp_path):
    np.savez(tmp_path / "set.npz", pictures=IMAGES)
    with pytest.raises(ValueError, match="found pictures, expected one of x_train, x_training, .*, arr_0; rename the array"):
        open_source(tmp_path / "set.npz")


def test_labels_are_an_array_too(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES)
    with pytest.raises(ValueError, match=r"or labels=\.\.\. to a \.npz, or do without"):
        open_source(tmp_path / "set.npz", labels=True)


@pytest.mark.parametrize("remedy", [lambda x: (x * 127.5 + 127.5).round().clip(0, 255).astype("uint8")])
def test_the_remedy_is_right(remedy):
    np.testing.assert_array_equal(remedy(IMAGES / 127.5 - 1), IMAGES)


def test_scalar_labels(tmp_path):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=np.int64(3))
    with pytest.raises(ValueError, match=r"set\.npz"):
        open_source(tmp_path / "set.npz", labels=True)


def idx(shape=(2, 4, 4), start=b"\0\0\x08", data=bytes(32)):
    return start + bytes([len(shape)]) + b"".join(side.to_bytes(4, "big") for side in shape) + data


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (idx(data=bytes(31)), r"expected 32 bytes of numbers, found 31"),
        (idx(data=bytes(33)), r"found more"),
        (idx(shape=(4_000_000_000, 4, 4)), r"would unpack to 64,000\.0 MB or more"),
        (idx(shape=(1 << 31,) * 255)[:1000], "expected at most 4 sides, found 255"),
        (idx()[:10], "expected 3 sides, found 6 bytes"),
        (idx(shape=(0, 1 << 31, 1 << 31), data=b""), "found none"),
        (idx(start=b"\0\0\x0d"), "expected the start 00 00 08"),
        (b"", "found nothing"),
    ],
)
def test_idx_files_that_are_not_whole(tmp_path, packed, data, message):
    name = f"train-images-idx3-ubyte{'.gz' if packed else ''}"
    (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(ValueError, match=rf"{name} is not .*{message}"):
        open_source(tmp_path)


@pytest.mark.parametrize("place", [2, 30, -6, -1])
def test_damaged_gzip(tmp_path, place):
    content = bytearray(gzip.compress(idx(data=np.random.default_rng(0).bytes(32))))
    content[place] ^= 0xFF
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is not"):
        open_source(tmp_path)


def test_an_idx_bomb(tmp_path):
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb", 1) as file:
        file.write(idx(shape=(3, 1024, 1024), data=bytes(3 << 20)))
    with pytest.raises(ValueError, match=r"ubyte\.gz is not a readable .*would unpack to 3\.1 MB or more"):
        open_source(tmp_path, max_unpacked=1_000_000)


def test_an_idx_pipe(tmp_path):
    os.mkfifo(tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is no.* regular file"):
        open_source(tmp_path)


def test_labels_are_read_within_bounds(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", images=IMAGES, labels=np.zeros((4, 10_000)))
    assert open_source(tmp_path / "set.npz", max_unpacked=2000).size == 4
    with pytest.raises(ValueError, match=r"set\.npz is not a readable .*would unpack to 0\.3 MB or more"):
        open_source(tmp_path / "set.npz", labels=True, max_unpacked=2000)


def test_idx_labels_are_read_within_bounds(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(shape=(4_000_000_000,), data=b""))
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte is not a readable .*would unpack"):
        open_source(tmp_path, labels=True, max_unpacked=2000)


def test_very_many_tiny_images(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(shape=(1000, 1, 1), data=bytes(1000)))
    assert open_source(tmp_path).size == 1000
    with pytest.raises(ValueError, match=r"the list of 1000 images of .*train-images-idx3-ubyte would unpack to"):
        open_source(tmp_path, max_unpacked=100_000)
