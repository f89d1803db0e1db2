"""TensorFlow Datasets as a source, read from array_record files without TensorFlow."""

import difflib
import importlib.util
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from jgan.data import decode
from jgan.data.collection import Collection, of_images
from jgan.data.labels import Labels, of_arrays
from jgan.data.tfds_sources import SOURCES, prepare

NEEDS_TENSORFLOW = (
    "tfds:{} is not in {}, and preparing it needs TensorFlow: install jgan[prepare] (here or on another machine: once prepared as"
    " array_record, it is read without TensorFlow)"
)


def open_tfds(name: str, split: str, size: tuple[int, int] | None, data_dir) -> Collection:
    """Returns the `image` (and `label`) features of a TFDS set. One that is not in `data_dir` yet is prepared first."""
    builder, data = _open_split(name, split, data_dir)
    features = builder.info.features
    if not isinstance(features, tfds.features.FeaturesDict) or "image" not in features:
        raise ValueError(f"tfds:{name} has no feature 'image': found {list(features) if isinstance(features, dict) else features}")
    image: Any = features["image"]
    if image.np_dtype != np.uint8:
        raise ValueError(f"tfds:{name} has images of {np.dtype(image.np_dtype)}: expected uint8")
    shape = image.shape if size is None else (*size, image.shape[-1])
    look = (lambda index: data[index]["image"].shape) if None in shape else (lambda index: shape)
    return of_images(
        names=[f"tfds:{name}/{split}[{index}]" for index in range(len(data))],
        look=look,
        read=lambda index, size, channels: decode.adapt(data[index]["image"], size, channels),
        labels=lambda: _labels(builder, split),
    )


def _labels(builder, split) -> Labels | None:
    """Declared classes keep their numbers; numbers without names are those that occur in any split."""
    features = builder.info.features
    feature = features["label"] if "label" in features else None
    if feature is None or feature.shape != () or not np.issubdtype(feature.np_dtype, np.integer):
        return None
    numbers, where = _numbers(builder, split), f"tfds:{builder.info.full_name}/{split}"
    if not isinstance(feature, tfds.features.ClassLabel):
        return of_arrays(where, numbers, len(numbers), [_numbers(builder, other) for other in builder.info.splits])
    if len(numbers) and numbers.min() < 0:
        raise ValueError(f"labels of {where} reach from {numbers.min()} to {numbers.max()}: expected numbers from 0")
    return Labels(numbers.astype(np.int32), tuple(feature.names))


def _numbers(builder, split):
    data = builder.as_data_source(split=split, decoders={"image": tfds.decode.SkipDecoding()})
    return np.array([data[index]["label"] for index in range(len(data))], np.int64)


def _open_split(name: str, split: str, data_dir) -> tuple[Any, Any]:
    """(builder, data source), preparing the set if need be."""
    builder = _builder(name, data_dir)
    try:
        return builder, builder.as_data_source(split=split)
    except (AssertionError, KeyError):  # what TFDS raises when the set is not there
        _prepare(builder)
    builder = _builder(name, data_dir)
    return builder, builder.as_data_source(split=split)


def _prepare(builder):
    ours = builder.name in SOURCES
    # TFDS' own builders download first and find TensorFlow missing afterwards
    if not ours and type(builder).__module__.startswith("tensorflow_datasets.") and not importlib.util.find_spec("tensorflow"):
        raise ValueError(NEEDS_TENSORFLOW.format(builder.name, builder.data_path))
    try:
        prepare(builder) if ours else builder.download_and_prepare()
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise ValueError(NEEDS_TENSORFLOW.format(builder.name, builder.data_path)) from error
    except FileExistsError:
        return  # another process has prepared it meanwhile


def _builder(name: str, data_dir) -> Any:
    if name.split("/")[0] == "shapes":
        from jgan.data.procedural import shapes_builder  # noqa: F401 (importing it makes the set known)
    try:
        return tfds.builder(name, data_dir=data_dir, file_format="array_record")
    except tfds.core.DatasetNotFoundError as error:
        known = ["shapes", *tfds.list_builders(with_community_datasets=False)]
        nearest = difflib.get_close_matches(name.split("/")[0], known, n=3)
        hint = f"; did you mean {' or '.join(f'tfds:{other}' for other in nearest)}?" if nearest else ""
        raise ValueError(f"no TensorFlow Datasets set {name!r}{hint}") from error
