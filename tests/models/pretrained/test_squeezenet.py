"""SqueezeNet 1.1 against an independent forward pass with drawn weights, and with the true ones on photos."""

import functools
import io
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import losses
from jgan.models.pretrained.download import Weights, load_weights
from jgan.models.pretrained.squeezenet import feature_maps, squeezenet, squeezenet_params, taps, tensor_shapes

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
DAISY = 985  # of the classes of ImageNet
WIDTHS = {"fire2": 128, "fire3": 128, "fire4": 256, "fire5": 256, "fire6": 384, "fire7": 384, "fire8": 512, "fire9": 512}


def drawn(name, shape, seed=0):
    generator = np.random.default_rng([seed, *name.encode()])
    scale = 0.1 if name.endswith("bias") else np.sqrt(2 / np.prod(shape[:3]))
    return generator.normal(0, scale, shape).astype(np.float16)


ARRAYS = {name: drawn(name, shape) for name, shape in tensor_shapes().items()}
WEIGHTS = Weights(ARRAYS, "0123456789abcdef", "drawn.npz")
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 40, 47, 3), dtype=np.uint8)


def convolved(x, name, stride=1, pad=0):
    """[H, W, I] by a named layer and cut at zero, in float64."""
    kernel = ARRAYS[f"{name}.kernel"].astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((pad, pad), (pad, pad), (0, 0))), kernel.shape[:2], axis=(0, 1))
    y = np.einsum("hwiab,abio->hwo", windows[::stride, ::stride], kernel, optimize=True)
    return np.maximum(y + ARRAYS[f"{name}.bias"].astype(np.float64), 0.0)


def expected_of(image):
    """All taps of an RGB image [H, W, 3] in 0..255."""
    x = convolved(image[..., ::-1] - np.array([103.939, 116.779, 123.68]), "conv1", stride=2)
    found = {}
    for name in WIDTHS:
        if name in ("fire2", "fire4", "fire6"):
            x = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))[::2, ::2].max(axis=(3, 4))
        x = convolved(x, f"{name}.squeeze1x1")
        x = np.concatenate([convolved(x, f"{name}.expand1x1"), convolved(x, f"{name}.expand3x3", pad=1)], axis=2)
        found[name] = x
    return found | {"features": x.mean(axis=(0, 1)), "logits": convolved(x, "conv10").mean(axis=(0, 1))}


@pytest.fixture(scope="module")
def found():
    compiled = jax.jit(functools.partial(taps, squeezenet_params(ARRAYS)))
    return {"uint8": compiled(IMAGES), "float": compiled(IMAGES.astype(np.float32) / np.float32(127.5) - np.float32(1.0))}


@pytest.mark.parametrize("kind", ["uint8", "float"])
def test_every_tap_equals_an_independent_one_in_double_precision(found, kind):
    expected = [expected_of(image.astype(np.float64)) for image in IMAGES]
    assert found[kind].keys() == expected[0].keys()
    for name, value in found[kind].items():
        assert value.dtype == jnp.float32
        reference = np.stack([one[name] for one in expected])
        np.testing.assert_allclose(value, reference, rtol=1e-4, atol=1e-5 * reference.max(), err_msg=name)
        assert np.ptp(reference) > 0.01


@pytest.mark.parametrize("size, grids", [((31, 31), (7, 3, 1)), ((227, 64), ((56, 15), (27, 7), (13, 3)))])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes(size, grids, channels):
    shapes = jax.eval_shape(functools.partial(taps, squeezenet_params(ARRAYS)), jnp.zeros((2, *size, channels), jnp.uint8))
    of_grid = dict(zip(WIDTHS, (0, 0, 1, 1, 2, 2, 2, 2), strict=True))
    expected = {name: (2, *np.broadcast_to(grids[of_grid[name]], 2), width) for name, width in WIDTHS.items()}
    assert {name: s.shape for name, s in shapes.items()} == expected | {"features": (2, 512), "logits": (2, 1000)}


def test_the_feature_network_carries_its_protocol():
    network = squeezenet(WEIGHTS)
    assert network.name == "squeezenet-01234567"
    assert network.protocol["sha256"] == "0123456789abcdef" and network.protocol["weights"] == "drawn.npz"
    shapes = jax.eval_shape(network.apply, network.params, jnp.zeros((2, 8, 12, 1), jnp.uint8))
    assert {name: (s.shape, s.dtype) for name, s in shapes.items()} == {
        "features": ((2, 512), jnp.float32),
        "logits": ((2, 1000), jnp.float32),
    }


def test_the_feature_network_resizes_and_the_taps_do_not():
    network = squeezenet(WEIGHTS)
    flat = np.broadcast_to(np.asarray([10, 200, 90], np.uint8), (1, 8, 12, 3))  # of one colour, which no resizing changes
    small = jax.jit(network.apply)(network.params, flat)
    whole = jax.jit(taps)(network.params, np.broadcast_to(flat[:, :1, :1], (1, 227, 227, 3)))
    for name in ("features", "logits"):
        np.testing.assert_allclose(small[name], whole[name], rtol=1e-4, atol=1e-4)


NUMBERS = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # of torchvision's modules, in the order of its layers


def as_torchvision_has_it(name, array):
    module, *layer, kind = name.split(".")
    number = {"conv1": "features.0", "conv10": "classifier.1"}.get(module) or f"features.{NUMBERS[int(module[4:])]}"
    layer = [part.replace("squeeze1x1", "squeeze") for part in layer]
    kind = kind.replace("kernel", "weight")
    return ".".join([number, *layer, kind]), array.transpose(3, 2, 0, 1) if kind == "weight" else array


def test_weights_of_torchvision_are_the_same_network():
    renamed = dict(as_torchvision_has_it(name, array) for name, array in ARRAYS.items())
    assert {"features.3.squeeze.weight", "features.12.expand3x3.bias", "classifier.1.weight"} <= renamed.keys()
    # Its first layer takes (x / 255 - mean) / deviation of red, green and blue.
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    windows = np.lib.stride_tricks.sliding_window_view((IMAGES[0] / 255 - mean) / deviation, (3, 3), axis=(0, 1))[::2, ::2]
    expected = np.einsum("hwcab,ocab->hwo", windows, renamed["features.0.weight"].astype(np.float64))
    params = squeezenet_params(renamed)
    x = IMAGES[:1, ..., ::-1].astype(np.float32) - np.asarray([103.939, 116.779, 123.68], np.float32)
    first = jax.lax.conv_general_dilated(x, params["conv1.kernel"], (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    np.testing.assert_allclose(
        np.asarray(first[0]) + np.asarray(params["conv1.bias"]), expected + renamed["features.0.bias"], rtol=1e-4, atol=1e-4
    )
    for name in ARRAYS.keys() - {"conv1.kernel", "conv1.bias"}:
        np.testing.assert_array_equal(params[name], ARRAYS[name].astype(np.float32))


def test_a_loss_of_feature_maps_moves_images_and_nothing_else():
    extract = feature_maps(WEIGHTS, ("fire2", "fire9"))
    real, start = (jnp.asarray(IMAGES[i : i + 1, :31, :31] / 127.5 - 1.0, jnp.float32) for i in range(2))
    loss = jax.jit(jax.value_and_grad(lambda fake: losses.perceptual(extract)(real, fake)[0]))
    value, gradient = loss(start)
    assert gradient.shape == start.shape and np.isfinite(gradient).all() and (np.abs(gradient).max(axis=(0, 1, 2)) > 0).all()
    after, _ = loss(start - gradient * (0.01 * value / jnp.sum(gradient**2)))
    np.testing.assert_allclose(value - after, 0.01 * value, rtol=0.1)
    assert loss(real)[0] < 1e-6 * value
    features = [jax.jit(extract)(images) for images in (real, start)]
    assert losses.feature_matching(*features).shape == (1,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: taps({}, jnp.zeros((1, 30, 64, 3))), r"at least 31 x 31 pixels, found shape \(1, 30, 64, 3\): resize"),
        (lambda: feature_maps(WEIGHTS, ("fire3", "fire10")), "layers out of fire2, .*, logits, found fire10"),
        (lambda: squeezenet(WEIGHTS._replace(arrays={})), r"'conv1.kernel' of shape \(3, 3, 3, 64\), found none among 0"),
        (lambda: squeezenet_params({"features.0.weight": np.zeros((64, 3, 3, 3))}), "'features.0.bias' of shape .64,., found none among 1"),
        (lambda: squeezenet_params(ARRAYS | {"conv10.bias": np.zeros(10)}), r"'conv10.bias' to be of shape \(1000,\), found \(10,\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.fixture(scope="module")
def published():
    path = SHARED / "squeezenet" / "squeezenet_1_1_imagenet.npz"
    if not path.exists():
        pytest.skip(f"the weights are not at {path}")
    return load_weights("squeezenet-1.1", path)


def daisies(n):
    path = SHARED / "flowers" / "flowers_128.zip"
    if not path.exists():
        pytest.skip(f"the photos are not at {path}")
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if "daisy" in name and name.endswith(".jpg"))
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names[:n]])


def test_the_weights_of_the_authors_are_these(published):
    assert {name: array.shape for name, array in published.arrays.items()} == tensor_shapes()


def test_true_weights_know_daisies(published):
    network = squeezenet(published)
    assert network.name == "squeezenet-815aa5d8"
    logits = jax.jit(network.apply)(network.params, daisies(60))["logits"]
    assert np.mean(np.argmax(logits, axis=1) == DAISY) > 0.7  # 0.72 of all 360 of them
