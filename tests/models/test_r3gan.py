"""R3GAN's networks: outputs of the reference implementation, initial variance, classes, half precision."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import r3gan
from jgan.models.stylegan2 import Plan, plan
from jgan.penalties import r1

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "parity" / "r3gan_32.npz"
Z = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6)), jnp.float32)
SMALL = plan(8, 256, 16)


def block(vectors, name):
    """The parameters of a block, from kernels OIHW."""
    kernels = [vectors[f"{name}.LinearLayer{i}.Layer.weight"].transpose(2, 3, 1, 0) for i in (1, 2, 3)]
    biases = {f"bias_{i}": vectors[f"{name}.NonLinearity{i + 1}.Bias"] for i in (0, 1)}
    return {**{layer: {"kernel": kernel} for layer, kernel in zip(("expand", "grouped", "project"), kernels, strict=True)}, **biases}


def kernel(vectors, name):
    return {"kernel": vectors[f"{name}.Layer.weight"].transpose(2, 3, 1, 0)}


@pytest.fixture(scope="module")
def reference():
    """Both networks with the weights of the file, and what is in it."""
    if not VECTORS.exists():
        pytest.skip(f"needs {VECTORS}")
    vectors = dict(np.load(VECTORS))
    levels = Plan(((4, 4), (8, 8), (16, 16), (32, 32)), (24, 24, 16, 16), (False,) * 4)
    start, end = "G.MainLayers.0.Layers.0", "D.MainLayers.3.Layers.1"
    of_generator = {
        "basis": vectors[f"{start}.Basis"].transpose(1, 2, 0),
        "weights": {"kernel": vectors[f"{start}.LinearLayer.weight"].T},
        "width_2": kernel(vectors, "G.MainLayers.2.Layers.0.LinearLayer"),
        "to_image": kernel(vectors, "G.AggregationLayer"),
        **{f"level_{i}_block_0": block(vectors, f"G.MainLayers.{i}.Layers.1") for i in range(4)},
    }
    of_discriminator = {
        "from_image": kernel(vectors, "D.ExtractionLayer"),
        "width_2": kernel(vectors, "D.MainLayers.1.Layers.1.LinearLayer"),
        "basis": vectors[f"{end}.Basis.weight"][:, 0].transpose(1, 2, 0),
        "last": {"kernel": vectors[f"{end}.LinearLayer.weight"].T},
        **{f"level_{3 - i}_block_0": block(vectors, f"D.MainLayers.{i}.Layers.0") for i in range(4)},
    }
    of_generator, of_discriminator = jax.tree.map(jnp.asarray, (of_generator, of_discriminator))
    return (r3gan.generator(levels, blocks=1), of_generator), (r3gan.discriminator(levels, blocks=1), of_discriminator), vectors


def test_parity_of_images(reference):
    (generator, params), _, vectors = reference
    images = jax.jit(generator.apply)(params, {}, jnp.asarray(vectors["in.z"]))[0]
    np.testing.assert_allclose(images.transpose(0, 3, 1, 2), vectors["out.img"], rtol=1e-4, atol=1e-5)


def test_parity_of_logits_and_penalty(reference):
    _, (discriminator, params), vectors = reference
    images = jnp.asarray(vectors["out.img"].transpose(0, 2, 3, 1))

    def critic(x):
        return discriminator.apply(params, {}, x)[0]

    np.testing.assert_allclose(jax.jit(critic)(images), vectors["out.logits"], rtol=1e-4, atol=1e-5)
    found = jax.jit(lambda x: r1(critic, x))(images)
    np.testing.assert_allclose(found, vectors["out.zero_centered_gp_per_sample"], rtol=1e-4)


def test_blocks_begin_as_the_identity_and_keep_the_variance():
    params, _ = jax.eval_shape(r3gan.generator(SMALL).init, jax.random.key(0), Z)
    assert params["level_0_block_0"]["grouped"]["kernel"].shape == (3, 3, 16, 32)  # two groups of 16 channels
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 16))
    block = r3gan.Block(gain=1.0)
    np.testing.assert_array_equal(block.apply(block.init(jax.random.key(0), x), x), x)
    convolution = r3gan.Convolution(512, 3, 1)
    y = convolution.apply(convolution.init(jax.random.key(2), x), x)
    np.testing.assert_allclose(jnp.std(y[:, 1:-1, 1:-1]), 1.0, rtol=0.1)


def test_classes_change_images_and_logits():
    generator, discriminator = r3gan.generator(SMALL, classes=3), r3gan.discriminator(SMALL, 6, classes=3)
    labels = jnp.asarray([0, 1, 2, 2])

    @jax.jit
    def images_and_logits(labels):
        params, _ = generator.init(jax.random.key(0), Z, labels)
        images, _ = generator.apply(params, {}, jnp.tile(Z[:1], (4, 1)), labels)
        critic, _ = discriminator.init(jax.random.key(1), images, labels)
        return images, discriminator.apply(critic, {}, jnp.tile(images[:1], (4, 1, 1, 1)), labels)[0]

    images, logits = images_and_logits(labels)
    assert images.shape == (4, 8, 8, 3) and logits.shape == (4,)
    for found in (images, logits):
        np.testing.assert_allclose(found[2], found[3], rtol=1e-5)
        assert jnp.abs(found[0] - found[1]).max() > 1e-3 and jnp.abs(found[1] - found[2]).max() > 1e-3


def test_half_precision():
    half = plan(8, 256, 16, half_levels=1)
    params, _ = jax.jit(r3gan.generator(half).init)(jax.random.key(0), Z)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    exact, rounded = (jax.jit(r3gan.generator(levels).apply)(params, {}, Z)[0] for levels in (SMALL, half))
    assert rounded.dtype == jnp.float32 and 0 < jnp.abs(exact - rounded).max() < 0.1 * jnp.abs(exact).max()


def test_channels_that_are_no_groups():
    with pytest.raises(ValueError, match=r"expected channels that are multiples of 8, found \(12, 12\); change base or maximum"):
        r3gan.discriminator(plan(8, 1024, 12))
