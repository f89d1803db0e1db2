import jax
import jax.numpy as jnp
import numpy as np

from jgan.ops.convolution import convolution
from jgan.ops.primitive import written_out
from jgan.ops.resample import upsample


def names(function, x):
    text = str(jax.make_jaxpr(function)(x))
    return "jgan_" in text, " pad[" in text


def test_written_out_for_programs_that_know_jax_alone():
    kernel = jnp.asarray(np.random.default_rng(0).standard_normal((3, 3, 2, 4)), jnp.float32)
    x = jnp.asarray(np.random.default_rng(1).standard_normal((2, 6, 5, 2)), jnp.float32)

    def function(x):
        return jax.jit(upsample)(jax.nn.relu(convolution(x, kernel, padding=1)))

    def scaled(x, value, *, padding_config):
        return 2 * x[..., : 1 + x.shape[-1] // 2]

    assert names(function, x) == (True, False)
    assert names(written_out(function), x) == (False, True)
    np.testing.assert_allclose(written_out(function)(x), function(x), atol=1e-5)
    padded = written_out(lambda x: jnp.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1))), {jax.lax.pad_p: scaled})
    np.testing.assert_array_equal(padded(x), 2 * x)
