"""LPIPS: the learned perceptual distance between the images of a pair, on VGG16.

Zhang et al. 2018, https://arxiv.org/abs/1801.03924.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models.pretrained.download import Weights, check_tensors
from jgan.models.pretrained.layers import per_channel, unit_range
from jgan.models.pretrained.vgg16 import WIDTHS, convolution_params, convolution_shapes, vgg16_taps
from jgan.types import Array, Params

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1], as the heads were trained with


class Distance(NamedTuple):
    """A distance between images. Numbers of two of them are comparable exactly where their names are equal."""

    name: str  # kind and first eight digits of each weight file's sha256
    apply: Callable  # (params, a, b) -> [N]
    params: Params
    protocol: dict[str, Any]


def perceptual_distance(trunk: Weights, heads: Weights) -> Distance:
    """Returns `lpips` with the weights of `load_weights("vgg16")` and `load_weights("vgg16-lpips")`.

    Needed are "features.0.weight" [O, I, 3, 3], "features.0.bias", ... of the trunk, and "lin0.model.1.weight" [1, C, 1, 1] to "lin4...."
    of the heads. Raises ValueError with the name of a tensor that is absent or of another shape, or of a head with negative weights.
    """
    check_tensors(trunk.arrays, convolution_shapes())
    check_tensors(heads.arrays, {_head(i): (1, width, 1, 1) for i, width in enumerate(WIDTHS)})
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
    """Returns parameters of `lpips` from tensors under their published names: a flat dict, "features.0.kernel" (HWIO), ..., "head.0" [C],
    ...
    """
    return convolution_params(trunk) | {f"head.{i}": jnp.asarray(heads[_head(i)].reshape(-1), jnp.float32) for i in range(5)}


def lpips(params: Params, a: Array, b: Array) -> Array:
    """Returns the learned perceptual distance [N] between the images of each pair (Zhang et al. 2018, equation 1).

    sum over layers l of the mean over pixels of  w_l . (y_l(a) - y_l(b))^2,  where y_l are the activations of relu1_2, relu2_2, relu3_3,
    relu4_3 and relu5_3, scaled to unit length over the channels, and w_l >= 0 the learned weights of the channels.

    Args:
      params: those of `perceptual_distance`, or of `lpips_params`.
      a, b: images [N, H, W, C] of one shape, each uint8 or float in [-1, 1], at least 16 x 16 pixels, taken as they are (no resizing).
        uint8 images may be grey, RGB or RGBA, float ones must be RGB; with float images the distance can be differentiated.

    Raises:
      ValueError or TypeError: if the images are not as above.
    """
    a, b = unit_range(a), unit_range(b)
    if a.shape != b.shape or min(a.shape[1:3]) < 16:
        raise ValueError(f"expected pairs of images of one shape, at least 16 x 16 pixels, found shapes {a.shape} and {b.shape}")
    taps = vgg16_taps(params, (jnp.concatenate([a, b]) - per_channel(_SHIFT)) / per_channel(_SCALE))
    return sum(_layer_distance(params[f"head.{i}"], tap) for i, tap in enumerate(taps))


def _layer_distance(head, taps):
    # Inside the root, the small number of the published 1 / (length + 1e-10) keeps the gradient finite where all channels are 0.
    unit = taps * jax.lax.rsqrt(jnp.sum(taps**2, axis=3, keepdims=True) + 1e-20)
    a, b = jnp.split(unit, 2)
    return jnp.mean(jnp.sum((a - b) ** 2 * head[None, None, None], axis=3), axis=(1, 2))


def _head(i):
    return f"lin{i}.model.1.weight"
