"""Normal numbers as uniform ones."""

import statistics

import jax.numpy as jnp
import numpy as np

from jgan.models.latents import uniform


def test_quantiles_become_evenly_spaced():
    levels = np.linspace(0.001, 0.999, 101)
    z = jnp.asarray([statistics.NormalDist().inv_cdf(level) for level in levels], jnp.float32)
    np.testing.assert_allclose(uniform(z), 2 * levels - 1, atol=1e-5)
    assert uniform(z.astype(jnp.bfloat16)).dtype == jnp.bfloat16
