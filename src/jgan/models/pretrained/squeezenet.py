"""SqueezeNet 1.1: a small network trained on ImageNet, for perceptual losses and as a feature space for photos.

Iandola et al. 2016, https://arxiv.org/abs/1602.07360. The weights are those of torchvision, or those of its authors, whose framework counts
channels in the order blue, green, red. "fire9" is what is left of the image before the last convolution gives one map per class.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.pretrained.download import Weights, check_tensors
from jgan.models.pretrained.layers import IMAGENET, as_rgb, convolution_relu, max_pool, per_channel, unit_range
from jgan.ops.images import to_float
from jgan.types import Array, Features, Params

SIZE = 227  # pixels, of the square that images are resized to before `squeezenet`
SMALLEST = 31  # pixels a side: below, nothing is left after the last pool
_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red in 0..255
_WIDTHS = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
_POOLED = (2, 4, 6)  # modules that begin with a pool
# How torchvision numbers the modules, and names their layers.
_TORCHVISION = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}
_LAYERS = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}


def squeezenet(weights: Weights) -> Features:
    """Returns the network with the weights of `load_weights("squeezenet-1.1")`; "features" are the 512 means over the image of "fire9".

    A distance in these features is "Fréchet distance in SqueezeNet 1.1 features", not an FID. A system that has the network in its loss
    is better scored in another. "logits" are those of the 1000 classes of ImageNet, after their ReLU.

    Raises ValueError with the name of a tensor that is absent or of another shape.
    """
    protocol = {
        "network": "SqueezeNet 1.1",
        "layer": "global average pool of fire9, 512",
        "logits": "1000, after ReLU",
        "resizer": f"bilinear to {SIZE}x{SIZE}, half-pixel centres, antialiased",
        "input": "BGR in 0..255, x - mean",
        "precision": "float32",
        "weights": weights.source,
        "sha256": weights.sha256,
    }
    return Features(f"squeezenet-{weights.sha256[:8]}", _apply, squeezenet_params(weights.arrays), protocol)


def feature_maps(weights: Weights, layers: Sequence[str] = ("fire3", "fire5", "fire9")) -> Callable[[Array], list[Array]]:
    """Returns the frozen network as a function images -> activations of some layers, for `jgan.losses.perceptual` and its siblings.

    Args:
      weights: those of `load_weights("squeezenet-1.1")`.
      layers: names of `taps`.

    Returns:
      images [N, H, W, C] as `taps` takes them -> list of float32 arrays [N, ...]; it can be differentiated and compiled.

    Raises:
      ValueError: if a layer is unknown, or a tensor is absent or of another shape.
    """
    known = (*(f"fire{i}" for i in _WIDTHS), "features", "logits")
    if unknown := [layer for layer in layers if layer not in known]:
        raise ValueError(f"expected layers out of {', '.join(known)}, found {', '.join(unknown)}")
    params = squeezenet_params(weights.arrays)

    def apply(images):
        found = taps(params, images)
        return [found[layer] for layer in layers]

    return apply


def squeezenet_params(arrays: dict[str, np.ndarray]) -> Params:
    """Returns parameters of `taps`: the tensors "conv1.kernel" (HWIO), "fire2.squeeze1x1.bias", ..., "conv10.kernel", in float32.

    Args:
      arrays: tensors of these names, or of those of torchvision: "features.0.weight" (OIHW), "features.3.squeeze.bias", ...

    Raises:
      ValueError: with the name of the first tensor that is absent or of another shape.
    """
    if "features.0.weight" in arrays:
        arrays = _from_torchvision(arrays)
    shapes = tensor_shapes()
    check_tensors(arrays, shapes)
    return {name: jnp.asarray(arrays[name], jnp.float32) for name in shapes}


def taps(params: Params, images: Array) -> dict[str, Array]:
    """Returns what the network computes of images [N, H, W, C] of at least 31 x 31 pixels, taken as they are (no resizing), as float32.

    "fire2", ..., "fire9": activations [N, h, w, F], with F of 128, 128, 256, 256, 384, 384, 512, 512 and h about H / 4, H / 8 from fire4
    on, H / 16 from fire6 on; "features" [N, 512], the means of "fire9" over the image; "logits" [N, 1000]. What is not used costs nothing
    under jit. Pools leave out a last pixel that fills no window, which torchvision keeps: of 227 pixels it makes maps of 14, not of 13.

    Args:
      params: those of `squeezenet_params`.
      images: uint8 of 1 (grey), 3 (RGB) or 4 (RGBA) channels, or float RGB in [-1, 1]; of these the result can be differentiated.

    Raises:
      ValueError or TypeError: if the images are not as above.
    """
    x = unit_range(images)
    if min(x.shape[1:3]) < SMALLEST:
        raise ValueError(f"expected images of at least {SMALLEST} x {SMALLEST} pixels, found shape {images.shape}: resize them")
    x = (x[..., ::-1] + 1.0) * 127.5 - per_channel(_MEAN)
    x = convolution_relu(x, params["conv1.kernel"], params["conv1.bias"], 2, "VALID")
    found = {}
    for i in _WIDTHS:
        x = _fire(params, f"fire{i}", max_pool(x) if i in _POOLED else x)
        found[f"fire{i}"] = x
    maps = convolution_relu(x, params["conv10.kernel"], params["conv10.bias"])
    return found | {"features": jnp.mean(x, axis=(1, 2)), "logits": jnp.mean(maps, axis=(1, 2))}


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of the network, by its name.

    >>> tensor_shapes()["fire9.expand3x3.kernel"]
    (3, 3, 64, 256)
    """
    kernels, inputs = {"conv1": (3, 3, 3, 64), "conv10": (1, 1, 512, 1000)}, 64
    for i, (narrow, wide) in _WIDTHS.items():
        kernels[f"fire{i}.squeeze1x1"] = (1, 1, inputs, narrow)
        kernels |= {f"fire{i}.expand{k}x{k}": (k, k, narrow, wide) for k in (1, 3)}
        inputs = 2 * wide
    return {f"{name}.kernel": s for name, s in kernels.items()} | {f"{name}.bias": s[3:] for name, s in kernels.items()}


def _from_torchvision(arrays):
    """The same network by the names of `tensor_shapes`; its first layer takes BGR in 0..255 minus the mean, not normalised RGB."""
    layers = {"conv1": "features.0", "conv10": "classifier.1"}
    for i, number in _TORCHVISION.items():
        layers |= {f"fire{i}.{layer}": f"features.{number}.{name}" for layer, name in _LAYERS.items()}
    shapes = tensor_shapes()
    published = {f"{layer}.bias": shapes[f"{name}.bias"] for name, layer in layers.items()}
    published |= {f"{layer}.weight": tuple(shapes[f"{name}.kernel"][axis] for axis in (3, 2, 0, 1)) for name, layer in layers.items()}
    check_tensors(arrays, published)
    found = {f"{name}.bias": arrays[f"{layer}.bias"] for name, layer in layers.items()}
    found |= {f"{name}.kernel": arrays[f"{layer}.weight"].transpose(2, 3, 1, 0) for name, layer in layers.items()}
    mean, deviation = (np.asarray(values)[:, None] for values in IMAGENET)
    kernel = found["conv1.kernel"] / deviation
    shift = np.asarray(_MEAN[::-1])[:, None] / 255 - mean
    return found | {
        "conv1.kernel": kernel[:, :, ::-1] / 255,
        "conv1.bias": found["conv1.bias"] + np.sum(kernel * shift, axis=(0, 1, 2)),
    }


def _apply(params, images):
    x = to_float(as_rgb(images))
    found = taps(params, jax.image.resize(x, (x.shape[0], SIZE, SIZE, 3), "linear"))
    return {"features": found["features"], "logits": found["logits"]}


def _fire(params, name, x):
    x = _layer(params, f"{name}.squeeze1x1", x)
    wide = [_layer(params, f"{name}.expand{k}x{k}", x) for k in (1, 3)]
    return jnp.concatenate(wide, axis=3)


def _layer(params, name, x):
    return convolution_relu(x, params[f"{name}.kernel"], params[f"{name}.bias"])
