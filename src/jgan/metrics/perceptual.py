"""VGG16: features for precision and recall, and the perceptual distance between images of a pair (LPIPS).

Simonyan, Zisserman 2014, https://arxiv.org/abs/1409.1556; Zhang et al. 2018, https://arxiv.org/abs/1801.03924.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics.features import EXACT, Features, as_rgb, convolution_relu, resize_tensorflow1
from jgan.metrics.weights import Weights, check_tensors
from jgan.types import Array, Params

SIZE = 224  # pixels, of the square that images are resized to before `vgg16`
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # published numbers of the convolutions between the pools
_WIDTHS = (64, 128, 256, 512, 512)
_DENSE = {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}  # weight of each dense layer, by its published number
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of images in [0, 1]
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # nearly the same of images in [-1, 1], as the heads were trained with


class Distance(NamedTuple):
    """A distance between images. Numbers of two of them are comparable exactly where their names are equal."""

    name: str  # kind and first eight digits of each weight file's sha256
    apply: Callable  # (params, a, b) -> [N]
    params: Params
    protocol: dict[str, Any]


def vgg16(weights: Weights) -> Features:
    """The network with the weights of `load_weights("vgg16")`; "features" are the 4096 of the second dense layer, after its ReLU.

    The features in which precision and recall were proposed (Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991).
    "logits" are those of the 1000 classes of ImageNet. Raises ValueError with the name of a tensor that is absent or of another shape.
    """
    dense = {f"classifier.{i}.weight": shape for i, shape in _DENSE.items()} | {f"classifier.{i}.bias": s[:1] for i, s in _DENSE.items()}
    check_tensors(weights.arrays, _convolution_shapes() | dense)
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
    """Parameters of `vgg16_features` from tensors under their published names, "features.0.weight", "classifier.0.bias", ...

    A flat dict, float32: "features.0.kernel" (HWIO), "features.0.bias", "classifier.0.kernel" [I, O], ...
    """
    params = _convolutions(arrays) | {f"classifier.{i}.bias": arrays[f"classifier.{i}.bias"] for i in _DENSE}
    params |= {f"classifier.{i}.kernel": arrays[f"classifier.{i}.weight"].T for i in _DENSE}
    # The first dense layer takes channels before pixels as published, pixels before channels here.
    first = params["classifier.0.kernel"]
    params["classifier.0.kernel"] = first.reshape(-1, 49, first.shape[1]).swapaxes(0, 1).reshape(first.shape)
    return _float32(params)


def vgg16_features(params: Params, images: Array) -> dict[str, Array]:
    """{"features": [N, 4096], "logits": [N, 1000]} of uint8 images [N, H, W, C], of any size and of 1, 3 or 4 channels.

    Raises TypeError or ValueError if the images are not uint8 [N, H, W, C].
    """
    x = resize_tensorflow1(as_rgb(images).astype(jnp.float32), SIZE)
    mean, deviation = (_per_channel(v) * 255.0 for v in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))
    x = _max_pool(vgg16_taps(params, (x - mean) / deviation)[-1])
    x = jax.nn.relu(_dense(params, 0, x.reshape(len(x), -1)))
    x = jax.nn.relu(_dense(params, 3, x))
    return {"features": x, "logits": _dense(params, 6, x)}


def perceptual_distance(trunk: Weights, heads: Weights) -> Distance:
    """`lpips` with the weights of `load_weights("vgg16")` and `load_weights("vgg16-lpips")`.

    Needed are "features.0.weight" [O, I, 3, 3], "features.0.bias", ... of the trunk, and "lin0.model.1.weight" [1, C, 1, 1] to "lin4...."
    of the heads. Raises ValueError with the name of a tensor that is absent or of another shape, or of a head with negative weights.
    """
    check_tensors(trunk.arrays, _convolution_shapes())
    check_tensors(heads.arrays, {_head(i): (1, width, 1, 1) for i, width in enumerate(_WIDTHS)})
    for i in range(5):
        if (least := heads.arrays[_head(i)].min()) < 0:
            raise ValueError(f"expected weights of at least 0 in {_head(i)!r}, found {least}: is it the right file?")
    protocol = {
        "network": "LPIPS 0.1 on VGG16",
        "resizer": "none",
        "input": "RGB in [-1, 1], (x - shift) / scale",
        "precision": "float32",
        "weights": [trunk.source, heads.source],
        "sha256": [trunk.sha256, heads.sha256],
    }
    return Distance(f"lpips-vgg16-{trunk.sha256[:8]}-{heads.sha256[:8]}", lpips, lpips_params(trunk.arrays, heads.arrays), protocol)


def lpips_params(trunk: dict[str, np.ndarray], heads: dict[str, np.ndarray]) -> Params:
    """Parameters of `lpips` from tensors under their published names: a flat dict, "features.0.kernel" (HWIO), ..., "head.0" [C], ..."""
    return _float32(_convolutions(trunk) | {f"head.{i}": heads[_head(i)].reshape(-1) for i in range(5)})


def lpips(params: Params, a: Array, b: Array) -> Array:
    """Learned perceptual distance [N] between the images of each pair (Zhang et al. 2018, equation 1).

    sum over layers l of the mean over pixels of  w_l . (y_l(a) - y_l(b))^2,  where y_l are the activations of relu1_2, relu2_2, relu3_3,
    relu4_3 and relu5_3, scaled to unit length over the channels, and w_l >= 0 the learned weights of the channels.

    Args:
      params: those of `perceptual_distance`, or of `lpips_params`.
      a, b: images [N, H, W, C] of one shape, each uint8 or float in [-1, 1], at least 16 x 16 pixels, taken as they are (no resizing).
        uint8 images may be grey, RGB or RGBA, float ones must be RGB; with float images the distance can be differentiated.

    Raises:
      ValueError or TypeError: if the images are not as above.
    """
    a, b = _unit_range(a), _unit_range(b)
    if a.shape != b.shape or min(a.shape[1:3]) < 16:
        raise ValueError(f"expected pairs of images of one shape, at least 16 x 16 pixels, found shapes {a.shape} and {b.shape}")
    taps = vgg16_taps(params, (jnp.concatenate([a, b]) - _per_channel(_SHIFT)) / _per_channel(_SCALE))
    return sum(_layer_distance(params[f"head.{i}"], tap) for i, tap in enumerate(taps))


def vgg16_taps(params: Params, x: Array) -> list[Array]:
    """Activations after the last ReLU before each of the five pools (relu1_2, ..., relu5_3) of normalised images [N, H, W, 3]."""
    taps = []
    for stage, convolutions in enumerate(_STAGES):
        x = _max_pool(x) if stage else x
        for i in convolutions:
            x = convolution_relu(x, params[f"features.{i}.kernel"], params[f"features.{i}.bias"])
        taps.append(x)
    return taps


def _dense(params, i, x):
    return jnp.matmul(x, params[f"classifier.{i}.kernel"], precision=EXACT) + params[f"classifier.{i}.bias"][None]


def _layer_distance(head, taps):
    # Inside the root, the small number of the published 1 / (length + 1e-10) keeps the gradient finite where all channels are 0.
    unit = taps * jax.lax.rsqrt(jnp.sum(taps**2, axis=3, keepdims=True) + 1e-20)
    a, b = jnp.split(unit, 2)
    return jnp.mean(jnp.sum((a - b) ** 2 * head[None, None, None], axis=3), axis=(1, 2))


def _unit_range(images):
    if images.dtype == jnp.uint8:
        return as_rgb(images).astype(jnp.float32) / 127.5 - 1.0
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"expected images in uint8, or float in [-1, 1], found {images.dtype}")
    if images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"expected float images [N, H, W, 3], found shape {images.shape}: repeat the channel of grey ones")
    return images.astype(jnp.float32)


def _per_channel(values):
    return jnp.array(values, jnp.float32)[None, None, None]


def _max_pool(x):
    """Of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = x.shape[1] // 2, x.shape[2] // 2
    return x[:, : 2 * height, : 2 * width].reshape(x.shape[0], height, 2, width, 2, x.shape[3]).max(axis=(2, 4))


def _head(i):
    return f"lin{i}.model.1.weight"


def _convolution_shapes():
    shapes, inputs = {}, 3
    for width, convolutions in zip(_WIDTHS, _STAGES, strict=True):
        for i in convolutions:
            shapes |= {f"features.{i}.weight": (width, inputs, 3, 3), f"features.{i}.bias": (width,)}
            inputs = width
    return shapes


def _convolutions(arrays):
    kernels = {f"features.{i}.kernel": arrays[f"features.{i}.weight"].transpose(2, 3, 1, 0) for stage in _STAGES for i in stage}
    return kernels | {f"features.{i}.bias": arrays[f"features.{i}.bias"] for stage in _STAGES for i in stage}


def _float32(params):
    return {name: jnp.asarray(np.asarray(value), jnp.float32) for name, value in params.items()}
