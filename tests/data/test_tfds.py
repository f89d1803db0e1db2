import numpy as np
import pytest

from jgan.data import open_source
from jgan.data.procedural import shapes

tfds = pytest.importorskip("tensorflow_datasets")


@pytest.fixture
def tiny(monkeypatch):
    from jgan.data.procedural.shapes_builder import Shapes, ShapesConfig

    config = ShapesConfig(name="tiny", resolution=16, train=24, test=8)
    monkeypatch.setattr(Shapes, "BUILDER_CONFIGS", [config])
    monkeypatch.setattr(Shapes, "builder_configs", {"tiny": config})


def test_our_builder_prepares_and_reads_without_tensorflow(tiny, tmp_path):
    with pytest.warns(UserWarning, match=r"classes without images to train on: 5 \(ring\)"):
        source = open_source("tfds:shapes", data_dir=tmp_path, labels=True)
    assert (source.spec.shape("image"), source.size, source.names["label"]) == ((16, 16, 3), 24, tuple(shapes.KINDS))
    drawn = {shapes.render(shapes.scene(index), 16).tobytes(): shapes.label(shapes.scene(index)) for index in range(24)}
    assert [drawn[source.read(index)["image"].tobytes()] for index in range(24)] == source.columns["label"].tolist()
    again = open_source("tfds:shapes/tiny", data_dir=tmp_path, split="test", resolution=(8, 12), channels=1)
    assert (again.spec.shape("image"), again.size, again.read(7)["image"].shape) == ((8, 12, 1), 8, (8, 12, 1))
    assert open_source("tfds:shapes", data_dir=tmp_path, split="train[:50%]").size == 12
    with pytest.raises(ValueError, match="Unknown split"):
        open_source("tfds:shapes", data_dir=tmp_path, split="tset")


def test_our_builder_keeps_the_attributes(tiny, tmp_path):
    builder = tfds.builder("shapes", data_dir=tmp_path, file_format="array_record")
    builder.download_and_prepare()
    drawn = {shapes.render(shapes.scene(index), 16).tobytes(): shapes.scene(index) for index in range(24)}
    for example in builder.as_data_source("train"):
        scene = drawn[example["image"].tobytes()]
        main = scene.shapes[0]
        assert example["caption"].decode() == shapes.caption(scene)
        expected = [main.x, main.y, main.diameter, main.angle]
        np.testing.assert_allclose(example["shapes"]["box"][0], expected, rtol=1e-6)
        assert len(example["shapes"]["kind"]) == len(scene.shapes)


@pytest.mark.parametrize(("name", "shape"), [("cifar10", (32, 32, 3)), ("mnist", (28, 28, 1))])
def test_sets_of_the_catalogue(name, shape):
    with tfds.testing.mock_data(num_examples=6):
        source = open_source(f"tfds:{name}")
        assert (source.spec.shape("image"), source.size, source.columns) == (shape, 6, {})
        assert source.read(5)["image"].shape == shape and source.read(5)["image"].dtype == np.uint8


def test_a_set_of_mixed_sizes():
    with tfds.testing.mock_data(num_examples=6):
        assert open_source("tfds:oxford_flowers102", resolution=16).read(3)["image"].shape == (16, 16, 3)
        with pytest.raises(ValueError, match="mixed sizes"):
            open_source("tfds:oxford_flowers102")


def test_a_set_without_images():
    with tfds.testing.mock_data(num_examples=2), pytest.raises(ValueError, match="has no feature 'image'"):
        open_source("tfds:imdb_reviews")


def test_sets_that_need_tensorflow_say_so(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"tfds:celeb_a is not in .* install jgan\[prepare\]"):
        open_source("tfds:celeb_a", data_dir=tmp_path)


def test_builders_that_find_out_late_say_so(tiny, monkeypatch, tmp_path):
    from jgan.data.procedural.shapes_builder import Shapes

    def missing(self):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(Shapes, "download_and_prepare", missing)
    with pytest.raises(ValueError, match=r"tfds:shapes is not in .* install jgan\[prepare\]"):
        open_source("tfds:shapes", data_dir=tmp_path)
