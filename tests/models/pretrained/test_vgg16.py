import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.pretrained.download import Weights
from jgan.models.pretrained.lpips import lpips, lpips_params, perceptual_distance
from jgan.models.pretrained.vgg16 import vgg16, vgg16_features, vgg16_params, vgg16_taps

WIDTHS = (64, 128, 256, 512, 512)
THIN = (4, 8, 8, 12, 16)  # the same network with fewer channels


def plan(widths):
    """Configuration D of the paper."""
    a, b, c, d, e = widths
    return [a, a, "pool", b, b, "pool", c, c, c, "pool", d, d, d, "pool", e, e, e]


def published_layers(widths):
    """(number, inputs, outputs) of each convolution, where ReLUs and pools are numbered too."""
    number, inputs, layers = 0, 3, []
    for width in plan(widths):
        if width != "pool":
            layers.append((number, inputs, width))
            inputs = width
        number += 1 if width == "pool" else 2
    return layers


def random_trunk():
    generator = np.random.default_rng(0)
    arrays = {}
    for number, inputs, outputs in published_layers(THIN):
        arrays[f"features.{number}.weight"] = generator.normal(0, np.sqrt(2 / (9 * inputs)), (outputs, inputs, 3, 3)).astype(np.float32)
        arrays[f"features.{number}.bias"] = generator.normal(0, 0.1, outputs).astype(np.float32)
    return arrays


TRUNK = random_trunk()
HEADS = {f"lin{i}.model.1.weight": np.random.default_rng(i).uniform(0, 1, (1, c, 1, 1)).astype(np.float32) for i, c in enumerate(THIN)}
PAIRS = np.random.default_rng(2).integers(0, 256, (2, 2, 18, 21, 3), dtype=np.uint8)  # of sizes that the pools do not divide


@pytest.fixture(scope="module")
def params():
    return lpips_params(TRUNK, HEADS)


def convolved(x, weight, bias):
    """[I, H, W] by [O, I, 3, 3], in float64."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("ihwab,oiab->ohw", windows, weight.astype(np.float64), optimize=True) + bias[:, None, None]


def activations(image):
    """Of an image [3, H, W] in [-1, 1], before each pool and at the end."""
    x = (image - np.array([-0.030, -0.088, -0.188])[:, None, None]) / np.array([0.458, 0.448, 0.450])[:, None, None]
    layers, kept = iter(published_layers(THIN)), []
    for width in plan(THIN):
        if width == "pool":
            kept.append(x)
            rows, columns = x.shape[1] // 2, x.shape[2] // 2
            x = x[:, : 2 * rows, : 2 * columns].reshape(-1, rows, 2, columns, 2).max(axis=(2, 4))
        else:
            number = next(layers)[0]
            x = np.maximum(convolved(x, TRUNK[f"features.{number}.weight"], TRUNK[f"features.{number}.bias"]), 0.0)
    return [*kept, x]


def distance_of(a, b):
    total = 0.0
    for i, (y, z) in enumerate(zip(activations(a), activations(b), strict=True)):
        y, z = (v / (np.sqrt((v**2).sum(axis=0)) + 1e-10)[None] for v in (y, z))
        total += ((y - z) ** 2 * HEADS[f"lin{i}.model.1.weight"][0]).sum(axis=0).mean()
    return total


@pytest.fixture(scope="module")
def measure(params):
    """Distances of uint8 images to others, which are given as floats."""
    compiled = jax.jit(lpips)
    return lambda a, b: np.asarray(compiled(params, a, b.astype(np.float32) / np.float32(127.5) - np.float32(1.0)))


def test_distance_equals_an_independent_one_in_double_precision(measure):
    a, b = (images.transpose(0, 3, 1, 2) / 127.5 - 1.0 for images in PAIRS)
    expected = [distance_of(*pair) for pair in zip(a, b, strict=True)]
    assert min(expected) > 0.1
    np.testing.assert_allclose(measure(*PAIRS), expected, rtol=1e-5)


def test_distance_is_symmetric_and_zero_to_itself(measure):
    np.testing.assert_allclose(measure(*PAIRS), measure(*PAIRS[::-1]), rtol=1e-5)
    np.testing.assert_allclose(measure(PAIRS[0], PAIRS[0]), [0.0, 0.0], atol=1e-10)


def test_grey_images_have_a_distance(params):
    assert jax.eval_shape(lpips, params, PAIRS[0, ..., :1], PAIRS[1]).shape == (2,)


def test_gradient_is_finite_where_nothing_is_active(params):
    dead = params | {"features.28.bias": jnp.full(THIN[-1], -1e6)}
    a, b = jnp.zeros((1, 16, 16, 3)), jnp.full((1, 16, 16, 3), 0.5)
    gradient = jax.jit(jax.grad(lambda image: lpips(dead, image, b)[0]))(a)
    assert jnp.isfinite(gradient).all() and jnp.abs(gradient).max() > 0


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        (np.zeros((1, 16, 16, 3), np.uint8), np.zeros((2, 16, 16, 3), np.uint8), ValueError, r"\(1, 16, 16, 3\) and \(2, 16, 16, 3\)"),
        (np.zeros((1, 15, 16, 3), np.uint8), np.zeros((1, 15, 16, 3), np.uint8), ValueError, "16 x 16 pixels"),
        (np.zeros((1, 16, 16, 1), np.float32), np.zeros((1, 16, 16, 1), np.float32), ValueError, r"float images \[N, H, W, 3\]"),
        (np.zeros((1, 16, 16, 3), np.int32), np.zeros((1, 16, 16, 3), np.int32), TypeError, "found int32"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(a, b, error, message):
    with pytest.raises(error, match=message):
        lpips({}, a, b)


def zeros(shapes):
    return {name: np.broadcast_to(np.float32(0.0), shape) for name, shape in shapes.items()}


@pytest.fixture
def published():
    """Trunk and heads of the published sizes."""
    kernels = {f"features.{i}.weight": (outputs, inputs, 3, 3) for i, inputs, outputs in published_layers(WIDTHS)}
    biases = {f"features.{i}.bias": (outputs,) for i, _, outputs in published_layers(WIDTHS)}
    heads = {f"lin{i}.model.1.weight": (1, c, 1, 1) for i, c in enumerate(WIDTHS)}
    return Weights(zeros(kernels | biases), "1" * 64, "vgg16.npz"), Weights(zeros(heads), "2" * 64, "heads.npz")


def test_distance_names_its_weights(published):
    distance = perceptual_distance(*published)
    assert distance.name == "lpips-vgg16-11111111-22222222"
    assert distance.protocol["sha256"] == ["1" * 64, "2" * 64]
    assert jax.eval_shape(distance.apply, distance.params, *PAIRS).shape == (2,)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lin2.model.1.weight", None, r"'lin2.model.1.weight' of shape \(1, 256, 1, 1\), found none"),
        ("lin3.model.1.weight", np.zeros((512,)), r"'lin3.model.1.weight'.*found \(512,\)"),
        ("lin1.model.1.weight", np.full((1, 128, 1, 1), -0.5), "at least 0 in 'lin1.model.1.weight', found -0.5"),
    ],
)
def test_wrong_heads_are_refused_by_name(published, name, value, message):
    trunk, heads = published
    arrays = {k: v for k, v in heads.arrays.items() if k != name} | ({} if value is None else {name: value})
    with pytest.raises(ValueError, match=message):
        perceptual_distance(trunk, heads._replace(arrays=arrays))


def test_features_are_those_of_the_second_dense_layer():
    generator = np.random.default_rng(3)
    shapes = {0: (6, 49 * THIN[-1]), 3: (5, 6), 6: (4, 5)}
    dense = {f"classifier.{i}.weight": generator.normal(0, shape[1] ** -0.5, shape).astype(np.float32) for i, shape in shapes.items()}
    dense |= {f"classifier.{i}.bias": generator.normal(0, 0.1, shape[0]).astype(np.float32) for i, shape in shapes.items()}
    params = vgg16_params(TRUNK | dense)
    images = generator.integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    normalised = (images / 255.0 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    found, last = jax.jit(lambda i, x: (vgg16_features(params, i), vgg16_taps(params, x)[-1]))(images, normalised.astype(np.float32))
    x = np.asarray(last, np.float64).reshape(7, 2, 7, 2, -1).max(axis=(1, 3)).transpose(2, 0, 1).ravel()  # channels first, as published
    for i in (0, 3):
        x = np.maximum(dense[f"classifier.{i}.weight"] @ x + dense[f"classifier.{i}.bias"], 0.0)
    np.testing.assert_allclose(found["features"][0], x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["logits"][0], dense["classifier.6.weight"] @ x + dense["classifier.6.bias"], rtol=1e-4, atol=1e-5)


def test_features_want_the_published_network(published):
    with pytest.raises(ValueError, match=r"'classifier.0.weight' of shape \(4096, 25088\), found none"):
        vgg16(published[0])
