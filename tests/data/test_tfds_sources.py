"""Sets of TensorFlow Datasets, prepared without TensorFlow from files like the published ones, which a server on this machine serves."""

import gzip
import hashlib
import http.server
import importlib.util
import io
import tarfile
import threading
import types
from functools import partial

import numpy as np
import pytest
from PIL import Image

from jgan.data import open_source

tfds = pytest.importorskip("tensorflow_datasets")
pytestmark = pytest.mark.filterwarnings("ignore:.*classes without images")  # so few images do not have all
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 3, 28, 28), np.uint8)  # train and test
LABELS = np.asarray([[3, 0, 9], [1, 1, 2]], np.uint8)


def idx(array):
    sides = np.asarray(array.shape, ">u4").tobytes()
    return gzip.compress(b"\0\0\x08" + bytes([array.ndim]) + sides + array.tobytes())


def idx_files():
    parts = {"train": 0, "t10k": 1}
    images = {f"{name}-images-idx3-ubyte.gz": idx(IMAGES[part]) for name, part in parts.items()}
    return images | {f"{name}-labels-idx1-ubyte.gz": idx(LABELS[part]) for name, part in parts.items()}


def packed(files):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def colour(index):
    """An image that its corner tells from others."""
    return np.full((32, 32, 3), (index, 2 * index, 3 * index), np.uint8)


def cifar_files():
    batches = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    records = [bytes([index % 10]) + colour(index).transpose(2, 0, 1).tobytes() for index in range(12)]
    names = {name: b"".join(records[2 * number : 2 * number + 2]) for number, name in enumerate(batches)}
    names["batches.meta.txt"] = b"\n".join([b"airplane", *(f"kind{number}".encode() for number in range(1, 10)), b"", b""])
    return {"cifar-10-binary.tar.gz": packed({f"cifar-10-batches-bin/{name}": data for name, data in names.items()})}


def jpeg(width, height):
    content = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(content, "JPEG")
    return content.getvalue()


def flower_files():
    photos = {f"flower_photos/{kind}/{number}.jpg": jpeg(20 + number, 30) for kind in ("daisy", "roses") for number in range(2)}
    return {"flower_photos.tgz": packed(photos | {"flower_photos/LICENSE.txt": b"free"})}


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Serves files and has a set of TFDS say that they are its published ones; there is no TensorFlow."""
    monkeypatch.setenv("JGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    folder = tmp_path / "site"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def publishing(name, files):
        infos = {}
        for file, content in files.items():
            (folder / file).write_bytes(content)
            about = types.SimpleNamespace(size=len(content), checksum=hashlib.sha256(content).hexdigest(), filename=file)
            infos[f"http://localhost:{server.server_port}/{file}"] = about
        monkeypatch.setattr(tfds.builder_cls(name), "url_infos", infos)
        return folder

    yield publishing
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "kmnist"])
def test_sets_of_idx_files(publish, tmp_path, name):
    publish(name, idx_files())
    for part, split in enumerate(("train", "test")):
        source = open_source(f"tfds:{name}", data_dir=tmp_path / "data", split=split, labels=True)
        assert source.spec.shape("image") == (28, 28, 1) and len(source.names["label"]) == 10
        found = {source.read(index)["image"].tobytes(): source.columns["label"][index] for index in range(source.size)}
        assert found == {image.tobytes(): label for image, label in zip(IMAGES[part], LABELS[part], strict=True)}


def test_cifar10(publish, tmp_path):
    publish("cifar10", cifar_files())
    for split, numbers in (("train", range(10)), ("test", range(10, 12))):
        source = open_source("tfds:cifar10", data_dir=tmp_path / "data", split=split, labels=True)
        found = {source.read(index)["image"].tobytes(): source.columns["label"][index] for index in range(source.size)}
        assert found == {colour(number).tobytes(): number % 10 for number in numbers} and source.names["label"][0] == "airplane"
    ids = {example["id"] for example in tfds.data_source("cifar10", split="test", data_dir=tmp_path / "data")}
    assert ids == {b"test_00000", b"test_00001"}


def test_flowers(publish, tmp_path):
    site = publish("tf_flowers", flower_files())
    source = open_source("tfds:tf_flowers", data_dir=tmp_path / "data", resolution=16, labels=True)
    assert (source.size, source.spec.shape("image")) == (4, (16, 16, 3))
    kinds = source.names["label"]
    assert sorted(kinds[label] for label in source.columns["label"]) == ["daisy", "daisy", "roses", "roses"]
    (site / "flower_photos.tgz").unlink()  # prepared once, it needs no files
    assert open_source("tfds:tf_flowers", data_dir=tmp_path / "data", resolution=16).size == 4


def test_files_may_be_brought(publish, tmp_path):
    site = publish("cifar10", cifar_files())
    place = tmp_path / "cache" / "tfds" / "cifar10" / "cifar-10-binary.tar.gz"
    content = (site / place.name).read_bytes()
    (site / place.name).unlink()
    with pytest.raises(OSError, match=f"404.*bring that file and put it at {place}"):
        open_source("tfds:cifar10", data_dir=tmp_path / "data")
    place.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=f"expected {place} to have sha256"):
        open_source("tfds:cifar10", data_dir=tmp_path / "data")
    place.write_bytes(content)
    assert open_source("tfds:cifar10", data_dir=tmp_path / "data").size == 10
