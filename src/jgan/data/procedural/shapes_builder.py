"""The built-in set as a TensorFlow Datasets builder that needs no TensorFlow: `open_source("tfds:shapes/64px")`."""

import dataclasses
import io
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from jgan.data.procedural import shapes


@dataclasses.dataclass
class ShapesConfig(tfds.core.BuilderConfig):
    """How large the images are, in pixels, and how many there are."""

    resolution: int = shapes.RESOLUTION
    train: int = shapes.SIZES["train"]
    test: int = shapes.SIZES["test"]


class Shapes(tfds.core.GeneratorBasedBuilder):
    """Images of coloured shapes with label, caption and attributes; the same images as `open_source("shapes")`."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [ShapesConfig(name=f"{side}px", description=f"{side} pixels", resolution=side) for side in (32, 64, 128, 256)]

    def _info(self):
        config: Any = self.builder_config  # a ShapesConfig
        side = config.resolution
        features = tfds.features
        shape = {
            "kind": features.ClassLabel(names=list(shapes.KINDS)),
            "colour": features.ClassLabel(names=list(shapes.COLOURS)),
            "box": features.Tensor(shape=(4,), dtype=np.float32),  # x, y, diameter (in sides, from the centre) and angle (radians)
        }
        names = {
            "image": features.Image(shape=(side, side, 3)),
            "label": features.ClassLabel(names=list(shapes.KINDS)),
            "caption": features.Text(),
            "ground": features.ClassLabel(names=list(shapes.GROUNDS)),
            "shapes": features.Sequence(shape),
        }
        return tfds.core.DatasetInfo(builder=self, features=features.FeaturesDict(names), supervised_keys=("image", "label"))

    def _split_generators(self, download_manager):
        return {split: self._generate_examples(split) for split in ("train", "test")}

    def _generate_examples(self, split):
        for index in range(getattr(self.builder_config, split)):
            scene = shapes.scene(shapes.FIRST[split] + index)
            yield index, self._example(scene)

    def _example(self, scene):
        # TFDS encodes arrays with TensorFlow, but takes PNG bytes as they are
        config: Any = self.builder_config  # a ShapesConfig
        image = io.BytesIO()
        Image.fromarray(shapes.render(scene, config.resolution)).save(image, "PNG")
        return {
            "image": io.BytesIO(image.getvalue()),
            "label": shapes.label(scene),
            "caption": shapes.caption(scene),
            "ground": scene.ground,
            "shapes": [
                {"kind": shape.kind, "colour": shape.colour, "box": [shape.x, shape.y, shape.diameter, shape.angle]}
                for shape in scene.shapes
            ],
        }
