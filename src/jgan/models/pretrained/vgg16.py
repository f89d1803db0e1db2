"""VGG16 of torchvision: features for precision and recall, and the layers that perceptual losses and distances compare.

Simonyan, Zisserman 2014, https://arxiv.org/abs/1409.1556.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.pretrained.download import Weights, check_tensors
from jgan.models.pretrained.layers import EXACT, IMAGENET, as_rgb, convolution_relu, per_channel, resize_tensorflow1
from jgan.types import Array, Features, Params

SIZE = 224  # pixels, of the square that images are resized to before `vgg16`
WIDTHS = (64, 128, 256, 512, 512)  # channels of the layers of `vgg16_taps`
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # published numbers of the convolutions between the pools
_DENSE = {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}  # weight of each dense layer, by its published number


def vgg16(weights: Weights) -> Features:
    """Returns the network with the weights of `load_weights("vgg16")`; "features" are the 4096 of the second dense layer, after its ReLU.

    The features in which precision and recall were proposed (Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991).
    "logits" are those of the 1000 classes of ImageNet. Raises ValueError with the name of a tensor that is absent or of another shape.
    """
    dense = {f"classifier.{i}.weight": shape for i, shape in _DENSE.items()} | {f"classifier.{i}.bias": s[:1] for i, s in _DENSE.items()}
    check_tensors(weights.arrays, convolution_shapes() | dense)
    protocol = {
        "network": "VGG16 of torchvision",
        "layer": "second dense layer after ReLU, 4096",
        "resizer": f"bilinear to {SIZE}x{SIZE} as in TensorFlow 1 (no half-pixel centres, no antialiasing)",
        "input": "uint8 RGB, (x / 255 - mean) / deviation of ImageNet",
        "precision": "float32",
        "weights": weights.source,
        "sha256": weights.sha256,
    }
    return Features(f"vgg16-{weights.sha256[:8]}", vgg16_features, vgg16_params(weights.arrays), protocol)


def vgg16_params(arrays: dict[str, np.ndarray]) -> Params:
    """Returns parameters of `vgg16_features` from tensors under their published names, "features.0.weight", "classifier.0.bias", ...

    A flat dict, float32: "features.0.kernel" (HWIO), "features.0.bias", "classifier.0.kernel" [I, O], ...
    """
    params = {f"classifier.{i}.bias": arrays[f"classifier.{i}.bias"] for i in _DENSE}
    params |= {f"classifier.{i}.kernel": arrays[f"classifier.{i}.weight"].T for i in _DENSE}
    # The first dense layer takes channels before pixels as published, pixels before channels here.
    first = params["classifier.0.kernel"]
    params["classifier.0.kernel"] = first.reshape(-1, 49, first.shape[1]).swapaxes(0, 1).reshape(first.shape)
    return convolution_params(arrays) | {name: jnp.asarray(value, jnp.float32) for name, value in params.items()}


def vgg16_features(params: Params, images: Array) -> dict[str, Array]:
    """Returns {"features": [N, 4096], "logits": [N, 1000]} of uint8 images [N, H, W, C], of any size and of 1, 3 or 4 channels.

    Raises TypeError or ValueError if the images are not uint8 [N, H, W, C].
    """
    x = resize_tensorflow1(as_rgb(images).astype(jnp.float32), SIZE)
    mean, deviation = (per_channel(values) * 255.0 for values in IMAGENET)
    x = _max_pool(vgg16_taps(params, (x - mean) / deviation)[-1])
    x = jax.nn.relu(_dense(params, 0, x.reshape(len(x), -1)))
    x = jax.nn.relu(_dense(params, 3, x))
    return {"features": x, "logits": _dense(params, 6, x)}


def vgg16_taps(params: Params, x: Array) -> list[Array]:
    """Returns activations after the last ReLU before each of the five pools (relu1_2, ..., relu5_3) of normalised images [N, H, W, 3]."""
    taps = []
    for stage, convolutions in enumerate(_STAGES):
        x = _max_pool(x) if stage else x
        for i in convolutions:
            x = convolution_relu(x, params[f"features.{i}.kernel"], params[f"features.{i}.bias"])
        taps.append(x)
    return taps


def convolution_shapes() -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of the convolutions, by its published name.

    >>> convolution_shapes()["features.28.weight"]
    (512, 512, 3, 3)
    """
    shapes, inputs = {}, 3
    for width, convolutions in zip(WIDTHS, _STAGES, strict=True):
        for i in convolutions:
            shapes |= {f"features.{i}.weight": (width, inputs, 3, 3), f"features.{i}.bias": (width,)}
            inputs = width
    return shapes


def convolution_params(arrays: dict[str, np.ndarray]) -> Params:
    """Returns parameters of `vgg16_taps` from tensors under their published names: float32, "features.0.kernel" (HWIO), "features.0.bias",
    ...
    """
    kernels = {f"features.{i}.kernel": arrays[f"features.{i}.weight"].transpose(2, 3, 1, 0) for stage in _STAGES for i in stage}
    params = kernels | {f"features.{i}.bias": arrays[f"features.{i}.bias"] for stage in _STAGES for i in stage}
    return {name: jnp.asarray(value, jnp.float32) for name, value in params.items()}


def _dense(params, i, x):
    return jnp.matmul(x, params[f"classifier.{i}.kernel"], precision=EXACT) + params[f"classifier.{i}.bias"][None]


def _max_pool(x):
    """Of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = x.shape[1] // 2, x.shape[2] // 2
    return x[:, : 2 * height, : 2 * width].reshape(x.shape[0], height, 2, width, 2, x.shape[3]).max(axis=(2, 4))
