"""Strict JAX, warnings as errors, simulated devices and a persistent compilation cache for all tests."""

import os
import pathlib

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JGAN_ONEDNN", "0")  # or no training step would be found in the cache; `with_onednn` allows it
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "8")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(__file__).parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax  # noqa: E402
import optax  # noqa: E402
import pytest  # noqa: E402

from jgan.ops import onednn  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_prng_impl", "rbg")


@pytest.fixture
def double_precision():
    """float64 inside one test, for derivatives that must be exact."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def with_onednn(monkeypatch):
    """Programs compiled in one test call oneDNN, as those of training do outside tests."""
    if not onednn.available():
        pytest.skip("this JAX has no oneDNN")
    monkeypatch.delenv("JGAN_ONEDNN")
    with onednn.allowed("cpu"):
        yield


@pytest.fixture
def adam():
    """`optax.adam`, which promotes dtypes implicitly, inside a program that is strict about everything else."""

    def make(*arguments, **settings):
        plain = optax.adam(*arguments, **settings)

        def step(*of_optimizer):
            with jax.numpy_dtype_promotion("standard"):
                return plain.update(*of_optimizer)

        return optax.GradientTransformation(plain.init, step)

    return make
