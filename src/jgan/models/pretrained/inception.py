"""InceptionV3 of the 2015 TensorFlow graph: the feature network of FID, KID and the Inception Score.

Szegedy et al. 2015, https://arxiv.org/abs/1512.00567. The graph of 2015-12-05 differs from the network as later published: average pools
leave the padding out of the mean, the pool of the last block takes the maximum, and there are 1008 classes.
"""

import jax.numpy as jnp
import numpy as np

from jgan.models.pretrained.download import Weights, check_tensors
from jgan.models.pretrained.layers import EXACT, as_rgb, convolution_relu, max_pool, of_three, resize_tensorflow1
from jgan.types import Array, Features, Params

SIZE = 299  # pixels, of the square that images are resized to
_EPSILON = 1e-3  # of the batch normalisation


PUBLISHED = {"frechet_distance": "fid", "kernel_distance_subsets": "kid", "kernel_distance_subsets_std": "kid_std"}


def inception(weights: Weights) -> Features:
    """Returns the network with the weights of `load_weights("inception-2015-12-05")`; "features" are the 2048 of the last pool.

    "logits" are those without the bias of the last layer, which the published Inception Scores were computed from.

    Raises ValueError if a tensor is absent or of another shape, with its name.
    """
    protocol = {
        "network": "InceptionV3, TensorFlow graph of 2015-12-05",
        "layer": "global average pool, 2048",
        "logits": "1008, without bias",
        "resizer": f"bilinear to {SIZE}x{SIZE} as in TensorFlow 1 (no half-pixel centres, no antialiasing)",
        "input": "uint8 RGB, (x - 128) / 128",
        "precision": "float32",
        "published_names": PUBLISHED,
        "weights": weights.source,
        "sha256": weights.sha256,
    }
    return Features(f"inception-2015-12-05-{weights.sha256[:8]}", _apply, fold(weights.arrays), protocol)


def fold(arrays: dict[str, np.ndarray]) -> Params:
    """Returns parameters from tensors under their published names ("Mixed_5b.branch1x1.conv.weight" [O, I, kh, kw], ".bn.running_mean",
    ...).

    Each batch normalisation is folded into its convolution: kernel (HWIO) times scale / sqrt(variance + 1e-3), bias accordingly. The
    result is a flat dict, "Mixed_5b.branch1x1.kernel", ".bias", ..., "fc.kernel" [2048, 1008], "fc.bias", all float32.

    Raises ValueError with the name of the first tensor that is absent or of another shape.
    """
    check_tensors(arrays, tensor_shapes())
    params = {}
    for name in _convolutions():
        part = {k: arrays[f"{name}.{k}"].astype(np.float64) for k in ("conv.weight", *_NORMALISATION)}
        scale = part["bn.weight"] / np.sqrt(part["bn.running_var"] + _EPSILON)
        params[f"{name}.kernel"] = part["conv.weight"].transpose(2, 3, 1, 0) * scale[None, None, None]
        params[f"{name}.bias"] = part["bn.bias"] - part["bn.running_mean"] * scale
    params["fc.kernel"], params["fc.bias"] = arrays["fc.weight"].T, arrays["fc.bias"]
    return {name: jnp.asarray(value, jnp.float32) for name, value in params.items()}


def taps(params: Params, images: Array) -> dict[str, Array]:
    """Returns what the network computes of uint8 images [N, H, W, C], of any size and of 1, 3 or 4 channels, as float32 [N, ...].

    "64", "192", "768" and "2048": means over the image of the activations with that many channels (after the first and the second
    pool, the blocks 6e and 7c); "logits" [N, 1008] and "logits_unbiased", the same without the bias. What is not used costs nothing
    under jit.

    Raises TypeError or ValueError if the images are not uint8 [N, H, W, C].
    """
    x = (resize_tensorflow1(as_rgb(images).astype(jnp.float32), SIZE) - 128.0) / 128.0
    x = _layer(params, "Conv2d_1a_3x3", x, stride=2)
    x = _inner(_layer(params, "Conv2d_2a_3x3", x))
    x = max_pool(_layer(params, "Conv2d_2b_3x3", x))
    found = {"64": _mean(x)}
    x = _layer(params, "Conv2d_3b_1x1", x)
    x = max_pool(_inner(_layer(params, "Conv2d_4a_3x3", x)))
    found["192"] = _mean(x)
    for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        x = _block_35(params, block, x)
    x = _reduction_17(params, "Mixed_6a", x)
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = _block_17(params, block, x)
    found["768"] = _mean(x)
    x = _reduction_8(params, "Mixed_7a", x)
    x = _block_8(params, "Mixed_7b", x, _average_pool(x))
    found["2048"] = _mean(_block_8(params, "Mixed_7c", x, max_pool(_padded(x), stride=1)))
    found["logits_unbiased"] = jnp.matmul(found["2048"], params["fc.kernel"], precision=EXACT)
    return found | {"logits": found["logits_unbiased"] + params["fc.bias"][None]}


def _apply(params, images):
    found = taps(params, images)
    return {"features": found["2048"], "logits": found["logits_unbiased"]}


def _block_35(params, block, x):
    """Named, as the others, after the width of the grid for images of 299 pixels."""
    branches = [
        _path(params, block, x, "branch1x1"),
        _path(params, block, x, "branch5x5_1", "branch5x5_2"),
        _path(params, block, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
        _path(params, block, _average_pool(x), "branch_pool"),
    ]
    return jnp.concatenate(branches, axis=3)


def _reduction_17(params, block, x):
    branches = [
        _path(params, block, x, "branch3x3", stride=2),
        _path(params, block, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", stride=2),
        max_pool(x),
    ]
    return jnp.concatenate(branches, axis=3)


def _block_17(params, block, x):
    branches = [
        _path(params, block, x, "branch1x1"),
        _path(params, block, x, *(f"branch7x7_{i}" for i in range(1, 4))),
        _path(params, block, x, *(f"branch7x7dbl_{i}" for i in range(1, 6))),
        _path(params, block, _average_pool(x), "branch_pool"),
    ]
    return jnp.concatenate(branches, axis=3)


def _reduction_8(params, block, x):
    branches = [
        _path(params, block, x, "branch3x3_1", "branch3x3_2", stride=2),
        _path(params, block, x, *(f"branch7x7x3_{i}" for i in range(1, 5)), stride=2),
        max_pool(x),
    ]
    return jnp.concatenate(branches, axis=3)


def _block_8(params, block, x, pooled):
    single = _path(params, block, x, "branch3x3_1")
    double = _path(params, block, x, "branch3x3dbl_1", "branch3x3dbl_2")
    branches = [
        _path(params, block, x, "branch1x1"),
        *(_path(params, block, single, name) for name in ("branch3x3_2a", "branch3x3_2b")),
        *(_path(params, block, double, name) for name in ("branch3x3dbl_3a", "branch3x3dbl_3b")),
        _path(params, block, pooled, "branch_pool"),
    ]
    return jnp.concatenate(branches, axis=3)


def _path(params, block, x, *layers, stride=1):
    """The layers one after the other; the stride is the one of the last."""
    for layer in layers[:-1]:
        x = _layer(params, f"{block}.{layer}", x)
    return _layer(params, f"{block}.{layers[-1]}", x, stride)


def _layer(params, name, x, stride=1):
    padding = "SAME" if stride == 1 else "VALID"
    return convolution_relu(x, params[f"{name}.kernel"], params[f"{name}.bias"], stride, padding)


def _inner(x):
    """What a convolution of 3 x 3 without padding gives, from one with: on CPU that is three times faster."""
    return x[:, 1:-1, 1:-1]


def _average_pool(x):
    """Mean over 3 x 3 pixels, of those that lie inside the image."""
    inside = [np.convolve(np.ones(n), np.ones(3), "same") for n in x.shape[1:3]]
    shares = jnp.asarray(1.0 / np.outer(*inside), jnp.float32)
    return of_three(jnp.add, of_three(jnp.add, _padded(x), 1), 2) * shares[None, :, :, None]


def _padded(x):
    """With a border of zeros: nothing to a sum, and nothing to a maximum either, as activations are not negative."""
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def _mean(x):
    return jnp.mean(x, axis=(1, 2))


_NORMALISATION = ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor that `fold` needs, by its published name.

    >>> tensor_shapes()["Mixed_7c.branch3x3_2b.conv.weight"]
    (384, 384, 3, 1)
    """
    shapes = {}
    for name, shape in _convolutions().items():
        shapes |= {f"{name}.conv.weight": shape} | {f"{name}.{part}": shape[:1] for part in _NORMALISATION}
    return shapes | {"fc.weight": (1008, 2048), "fc.bias": (1008,)}


def _convolutions():
    """Kernel of every convolution, [O, I, kh, kw]."""
    table = {
        "Conv2d_1a_3x3": (32, 3, 3, 3),
        "Conv2d_2a_3x3": (32, 32, 3, 3),
        "Conv2d_2b_3x3": (64, 32, 3, 3),
        "Conv2d_3b_1x1": (80, 64, 1, 1),
        "Conv2d_4a_3x3": (192, 80, 3, 3),
        "Mixed_6a.branch3x3": (384, 288, 3, 3),
        **_branch("Mixed_6a.branch3x3dbl", 288, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        **_branch("Mixed_7a.branch3x3", 768, (192, 1, 1), (320, 3, 3)),
        **_branch("Mixed_7a.branch7x7x3", 768, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)),
    }
    for block, inputs, pooled in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        table |= {f"{block}.branch1x1": (64, inputs, 1, 1), f"{block}.branch_pool": (pooled, inputs, 1, 1)}
        table |= _branch(f"{block}.branch5x5", inputs, (48, 1, 1), (64, 5, 5))
        table |= _branch(f"{block}.branch3x3dbl", inputs, (64, 1, 1), (96, 3, 3), (96, 3, 3))
    for block, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        table |= {f"{block}.branch1x1": (192, 768, 1, 1), f"{block}.branch_pool": (192, 768, 1, 1)}
        table |= _branch(f"{block}.branch7x7", 768, (c, 1, 1), (c, 1, 7), (192, 7, 1))
        table |= _branch(f"{block}.branch7x7dbl", 768, (c, 1, 1), (c, 7, 1), (c, 1, 7), (c, 7, 1), (192, 1, 7))
    for block, inputs in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        table |= {f"{block}.branch1x1": (320, inputs, 1, 1), f"{block}.branch_pool": (192, inputs, 1, 1)}
        table |= {f"{block}.branch3x3_1": (384, inputs, 1, 1), **_branch(f"{block}.branch3x3dbl", inputs, (448, 1, 1), (384, 3, 3))}
        for layer in ("branch3x3_2", "branch3x3dbl_3"):
            table |= {f"{block}.{layer}a": (384, 384, 1, 3), f"{block}.{layer}b": (384, 384, 3, 1)}
    return table


def _branch(name, inputs, *layers):
    widths = [inputs, *(outputs for outputs, _, _ in layers)]
    return {f"{name}_{i + 1}": (outputs, widths[i], height, width) for i, (outputs, height, width) in enumerate(layers)}
