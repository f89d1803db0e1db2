import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import stackgan


def test_the_published_sizes():
    """Kernels of both generators for 256 pixels, as published; here what says the condition is two layers of 128."""
    z, noise, text = (jnp.zeros((1, size)) for size in (228, 128, 1024))
    images = jnp.zeros((1, 64, 64, 3))
    small, _ = jax.eval_shape(stackgan.generator(64, 3).init, jax.random.key(0), z, text)
    assert {name: layer["kernel"].shape for name, layer in small["condition"].items()} == dict.fromkeys(
        ("mean", "log_deviation"), (1024, 128)
    )
    assert small["first"]["kernel"].shape == (228, 4 * 4 * 1024)
    large, _ = jax.eval_shape(stackgan.enlarger(3).init, jax.random.key(0), noise, text, images)
    assert [large[f"down_{factor}"]["kernel"].shape for factor in (2, 4)] == [(4, 4, 128, 256), (4, 4, 256, 512)]
    assert large["joined"]["kernel"].shape == (3, 3, 640, 512) and large["Residual_3"]["two"]["kernel"].shape == (3, 3, 512, 512)
    assert [large[f"up_{level}"]["kernel"].shape[2:] for level in range(3)] == [(512, 256), (256, 128), (128, 64)]


def test_larger_images_depend_on_everything():
    network = stackgan.enlarger(3, 4, 5, 1)
    noise, text, images = (jax.random.normal(jax.random.key(seed), shape) for seed, shape in enumerate([(2, 5), (2, 6), (2, 16, 16, 3)]))
    params, state = network.init(jax.random.key(3), noise, text, images)
    found, after = network.apply(params, state, noise, text, images, train=True)
    assert found.shape == (2, 32, 32, 3) and float(jnp.abs(found).max()) <= 1
    assert jax.tree.structure(after) == jax.tree.structure(state)
    first = network.apply(params, state, noise, text, images)[0]
    for other in ((noise[::-1], text, images), (noise, text[::-1], images), (noise, text, images[::-1])):
        assert np.abs(network.apply(params, state, *other)[0] - first).max() > 0


@pytest.mark.parametrize(("mean", "log_deviation", "expected"), [(0.0, 0.0, 0.0), (2.0, 0.0, 2.0), (-2.0, 0.0, 0.08), (0.0, 1.0, 2.1945)])
def test_divergence_in_closed_form(mean, log_deviation, expected):
    """Of constant conditions; the mean is behind a leaky rectifier."""
    biases = {"mean": mean, "log_deviation": log_deviation}
    layers = {name: {"kernel": jnp.zeros((3, 5)), "bias": jnp.full(5, value)} for name, value in biases.items()}
    np.testing.assert_allclose(stackgan.divergence({"condition": layers}, jnp.ones((4, 3))), [expected] * 4, rtol=1e-4, atol=1e-6)


def test_conditions_have_their_mean_and_deviation():
    network = stackgan.generator(16, 1, 2, 3)
    z, text = jnp.zeros((2, 3 + 4)), jnp.ones((2, 6))
    params, state = network.init(jax.random.key(0), z, text)
    params["condition"]["log_deviation"] = {"kernel": jnp.zeros((6, 3)), "bias": jnp.full(3, -100.0)}
    noisy = z.at[1, -3:].set(5.0)
    images = [network.apply(params, state, one, text)[0] for one in (z, noisy)]
    np.testing.assert_array_equal(images[0], images[1])  # without deviation the noise is not seen
    assert np.abs(network.apply(params, state, z.at[1, 0].set(5.0), text)[0] - images[0]).max() > 0
