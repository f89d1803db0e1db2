import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.run.export import export, load_exported

WEIGHTS = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def generator(z, label):
    return jnp.tanh(z @ WEIGHTS) + label.astype(jnp.float32)[:, None]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "generator.jaxexp"
    export(generator, path, jax.ShapeDtypeStruct((4,), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32))
    return load_exported(path)


@pytest.mark.parametrize("n", [1, 5])
def test_any_batch_size(exported, n):
    z, label = jax.random.normal(jax.random.key(0), (n, 4)), jnp.arange(n, dtype=jnp.int32)
    np.testing.assert_allclose(exported(z, label), generator(z, label), atol=1e-6)


def test_gradients(exported):
    z, label = jnp.ones((2, 4)), jnp.zeros((2,), jnp.int32)
    gradient = jax.grad(lambda f, z: f(z, label).sum(), argnums=1)
    np.testing.assert_allclose(gradient(exported, z), gradient(generator, z), atol=1e-6)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_exported(tmp_path / "nothing")
