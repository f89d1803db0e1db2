"""Strict JAX, warnings as errors, simulated devices, quick compilation and a bound on memory for all tests."""

import ctypes
import functools
import itertools
import os
import pathlib
import subprocess
import sys

# Tests compile thousands of programs and run each once. Set XLA_FLAGS, to "" say, for programs that are optimised.
QUICK_COMPILATION = {"xla_backend_optimization_level": (0, 3), "xla_cpu_use_fusion_emitters": (False, True)}  # here, usually


def quick_compilation() -> str:
    """XLA_FLAGS of those that this XLA knows, since it ends the process that gives it an unknown one."""
    flags = [f"--{name}={str(here).lower()}" for name, (here, _) in QUICK_COMPILATION.items()]
    program = [sys.executable, "-c", "from jaxlib import xla_client; xla_client.make_cpu_client()"]
    known = [subprocess.run(program, env=os.environ | {"XLA_FLAGS": flag}, capture_output=True).returncode == 0 for flag in flags]
    return " ".join(itertools.compress(flags, known))


os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "8")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(pathlib.Path(__file__).parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
if os.environ["JAX_PLATFORMS"] == "cpu" and "XLA_FLAGS" not in os.environ:  # the workers of pytest-xdist inherit it
    os.environ["XLA_FLAGS"] = quick_compilation()

import jax  # noqa: E402
import optax  # noqa: E402
import pytest  # noqa: E402

from jgan.ops import onednn  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_prng_impl", "rbg")


class BoundedMemory:
    """Compiled programs, more than a megabyte each, are dropped after each file and their memory is given back."""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item, nextitem):
        if nextitem is None or nextitem.path != item.path:
            jax.clear_caches()
            if sys.platform == "linux" and hasattr(c_library := ctypes.CDLL(None), "malloc_trim"):
                c_library.malloc_trim(0)


def pytest_configure(config):
    config.pluginmanager.register(BoundedMemory())  # a fixture of this file would not reach the examples in `src`


@pytest.fixture
def double_precision():
    """float64 inside one test, for derivatives that must be exact."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def optimised(monkeypatch):
    """Programs compiled in one test are those that users get, for what QUICK_COMPILATION does not promise: equal bits of two programs."""
    usual = {name: value for name, (_, value) in QUICK_COMPILATION.items() if name in os.environ.get("XLA_FLAGS", "")}
    monkeypatch.setattr(jax, "jit", functools.partial(jax.jit, compiler_options=usual or None))


@pytest.fixture
def cache_as_before():
    """What `jgan.ops.onednn` changes for a whole process is undone after one test."""
    name = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, name)
    yield
    jax.config.update(name, before)
    onednn._begin.cache_clear()


@pytest.fixture
def with_onednn(monkeypatch, cache_as_before):
    """Programs compiled in one test call oneDNN."""
    if not onednn.available():
        pytest.skip("this JAX has no oneDNN")
    monkeypatch.setenv("JGAN_ONEDNN", "1")
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
