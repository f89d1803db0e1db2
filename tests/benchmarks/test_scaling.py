"""Weak scaling in miniature: what the devices send each other. How fast they are is not looked at."""

import json

import jax
import pytest
from benchmarks import scaling

from jgan.systems import stylegan

TINY = stylegan.Config(
    resolution=8, batch=4, channel_base=64, channel_max=8, latent_size=8, style_size=8, mapping_layers=1, augment="none", style_mixing=0
)


@pytest.mark.slow
def test_devices_exchange_gradients_and_little_else():
    with jax.numpy_dtype_promotion("standard"):  # for optax.adam
        found = scaling.measured(TINY, devices=2, steps=1, repeats=1)
    assert found["devices"] == 2 and found["batch"] == 4 and found["images_per_second"]["low"] > 0
    assert found["traffic"]["collectives"].keys() == {"all-reduce"}
    assert 1 <= found["traffic"]["of_minimum"] < 2  # on CPU XLA sums the discriminator's gradients on real and on generated images apart


def test_every_configuration_is_measured_apart(capsys, monkeypatch):
    calls = []

    def apart(processes, devices, preset, batch, steps, repeats):
        calls.append((processes, devices, preset, batch, steps, repeats))
        return {"images_per_second": {"median": 8.0, "low": 4.0, "high": 16.0}}

    monkeypatch.setattr(scaling, "measured_apart", apart)
    scaling.main(devices=(1, 4), batch=3, steps=5, repeats=7)
    assert calls == [(1, 1, "demo", 3, 5, 7), (1, 4, "demo", 12, 5, 7), (2, 1, "demo", 6, 5, 7)]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["efficiency"]["median"] for line in lines] == [1.0, 0.25, 0.5]
    assert lines[1]["efficiency"] == {"median": 0.25, "low": 0.125, "high": 0.5}


@pytest.mark.slow
def test_a_process_that_fails_is_told():
    with pytest.raises(RuntimeError, match=r"found statuses \[1\]"):
        scaling.measured_apart(1, 1, "no such preset", 4, 1, 1)
