"""The custom call against the library, and when it is used."""

import functools
import platform
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops import onednn
from jgan.ops.convolution import convolution
from jgan.run.export import export

CASES = {  # shape of the kernel, settings
    "plain": ((3, 2, 4, 5), {}),
    "stride": ((3, 3, 4, 6), {"stride": (2, 3)}),
    "dilation": ((3, 2, 4, 3), {"dilation": (1, 4), "padding": ((1, 0), (2, 3))}),
    "groups": ((2, 3, 2, 6), {"groups": 2}),
    "each channel by itself": ((4, 4, 1, 4), {"groups": 4, "padding": ((2, 1), (2, 1))}),
    "kernel of another layout": ((4, 3, 2, 5), {"layout": "IHWO"}),
    "cropped": ((3, 3, 4, 5), {"padding": ((-1, 2), (0, -2))}),
}


def test_pip_installs_a_jax_with_onednn():
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("oneDNN is for x86")
    assert onednn.available()


@pytest.mark.parametrize("case", CASES)
def test_convolution(case, with_onednn):
    shape, settings = CASES[case]
    random, settings = np.random.default_rng(0), {"padding": ((1, 1), (0, 1)), **settings}
    x, kernel = (random.standard_normal(s, np.float32) for s in ((2, 9, 8, 4), shape))
    layouts = {"dimension_numbers": ("NHWC", settings.get("layout", "HWIO"), "NHWC"), "feature_group_count": settings.get("groups", 1)}
    at = settings.get("stride", (1, 1)), settings["padding"]
    expected = jax.lax.conv_general_dilated(x, kernel, *at, rhs_dilation=settings.get("dilation", (1, 1)), **layouts)
    np.testing.assert_allclose(jax.jit(functools.partial(onednn.convolution, **settings))(x, kernel), expected, rtol=1e-5, atol=1e-5)


def test_another_jax_may_not_have_it(monkeypatch):
    """Then a training that asks for it does not begin."""
    monkeypatch.setattr(onednn, "available", lambda: False)
    monkeypatch.setenv("JGAN_ONEDNN", "1")
    onednn._begin.cache_clear()
    with pytest.raises(ValueError, match="expected a JAX with oneDNN.*set JGAN_ONEDNN=0"), onednn.allowed("cpu"):
        raise AssertionError("not reached")


def test_what_ends_the_other_process_is_seen(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -11))
    assert not onednn.available.__wrapped__()


def in_program(x, kernel):
    return "onednn" in jax.jit(lambda x: convolution(x, kernel)).lower(x).as_text()


def test_programs_call_it_where_it_is_asked_for(monkeypatch, cache_as_before):
    if not onednn.available():
        pytest.skip("this JAX has no oneDNN")
    arrays = jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 2, 2))
    with onednn.allowed("cpu"):
        assert not in_program(*arrays)
    monkeypatch.setenv("JGAN_ONEDNN", "1")
    with onednn.allowed("tpu"):
        assert not in_program(*arrays)
    with onednn.allowed("cpu"):
        assert in_program(*arrays)
    assert not in_program(*arrays)


def test_programs_that_call_it_are_not_cached(with_onednn, tmp_path):
    assert jax.config.jax_enable_compilation_cache and jax.config.jax_compilation_cache_dir
    program = jax.jit(lambda x: convolution(x, jnp.full((3, 3, 2, 2), 0.125)))  # pytest makes an error of JAX's warning
    assert program(jnp.ones((1, 4, 4, 2))).shape == (1, 2, 2, 2)


def test_exported_programs_run_without_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JGAN_ONEDNN", "1")
    x = jax.ShapeDtypeStruct((6, 6, 3), jnp.float32)
    export(lambda x: convolution(x, jnp.ones((3, 3, 3, 4)), padding=1), tmp_path / "f.jaxexp", x, platforms=["cpu"])
    assert b"__onednn" not in (tmp_path / "f.jaxexp").read_bytes()
