import json
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.pretrained.download import Weights
from jgan.models.pretrained.inception import fold, inception, taps, tensor_shapes

PARITY = Path(__file__).parents[3] / ".." / "shared" / "parity" / "metrics.npz"
MAGNITUDES = {  # mean absolute value, for each of two images, of the reference's outputs
    "64": [1.19636, 1.199382],
    "192": [1.127249, 1.128776],
    "768": [2.070053, 2.071067],
    "2048": [2.828937, 2.824906],
    "logits_unbiased": [5.129683, 5.119],
    "logits": [5.127806, 5.11696],
}
TAPS = tuple(MAGNITUDES)


@pytest.fixture(scope="module")
def parity():
    if not PARITY.exists():
        pytest.skip(f"the parity vectors are not at {PARITY}")
    return np.load(PARITY)


def random_tensor(name, shape):
    """The rule by which the reference outputs were made, with its seed 3."""
    generator = np.random.default_rng(zlib.crc32(f"3:{name}".encode()))
    if name.endswith("running_var"):
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    if name.endswith("bn.weight"):
        return generator.uniform(0.8, 1.2, shape).astype(np.float32)
    scale = 0.1 if name.endswith(("bias", "running_mean")) else np.sqrt(2 / np.prod(shape[1:]))
    return (scale * generator.standard_normal(shape)).astype(np.float32)


@pytest.fixture(scope="module")
def arrays():
    return {name: random_tensor(name, shape) for name, shape in tensor_shapes().items()}


@pytest.fixture(scope="module")
def network(arrays):
    return inception(Weights(arrays, "0123456789abcdef", "random.npz"))


@pytest.fixture(scope="module")
def found(network):
    """What the network makes of images of the size that it takes."""
    images = np.random.default_rng(8).integers(0, 256, (2, 3, 299, 299), dtype=np.uint8)
    return jax.jit(taps)(network.params, images.transpose(0, 2, 3, 1))


def relative_error(found, expected):
    return float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("tap", TAPS)
def test_every_tap_is_of_the_size_of_the_reference(found, tap):
    np.testing.assert_allclose(np.abs(found[tap]).mean(axis=1), MAGNITUDES[tap], rtol=1e-5)


@pytest.mark.parametrize("tap", TAPS)
def test_every_tap_agrees_with_the_reference(parity, found, tap):
    assert int(parity["inception.in.seed_of_299"]) == 8
    assert relative_error(found[tap], parity[f"inception.out.299.{tap}"]) < 1e-5


def test_small_images_are_resized_as_in_the_reference(parity, network):
    images = parity["inception.in.small_uint8_nchw"].transpose(0, 2, 3, 1)
    small = jax.jit(taps)(network.params, images)
    for tap in TAPS:
        assert relative_error(small[tap], parity[f"inception.out.small.{tap}"]) < 1e-5, tap


def test_needed_tensors_are_those_of_the_published_network(parity):
    shapes = json.loads(parity["meta.json"].tobytes())["shapes"]
    assert tensor_shapes() == {name: tuple(shape) for name, shape in shapes.items()}


def test_network_carries_its_protocol(network, found):
    images = jnp.zeros((2, 8, 8, 1), jnp.uint8)
    shapes = jax.eval_shape(network.apply, network.params, images)
    assert {name: (s.shape, s.dtype) for name, s in shapes.items()} == {
        "features": ((2, 2048), jnp.float32),
        "logits": ((2, 1008), jnp.float32),
    }
    assert network.name == "inception-2015-12-05-01234567"
    assert network.protocol["sha256"] == "0123456789abcdef" and network.protocol["weights"] == "random.npz"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Mixed_6c.branch7x7_2.bn.running_var", None, r"'Mixed_6c.branch7x7_2.bn.running_var' of shape \(160,\), found none among 471"),
        ("fc.weight", np.zeros((1000, 2048)), r"'fc.weight' to be of shape \(1008, 2048\), found \(1000, 2048\)"),
    ],
)
def test_wrong_weights_are_refused_by_name(arrays, name, value, message):
    wrong = {k: v for k, v in arrays.items() if k != name} | ({} if value is None else {name: value})
    with pytest.raises(ValueError, match=message):
        fold(wrong)
