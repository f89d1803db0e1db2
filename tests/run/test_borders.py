"""Borders of stages: where they are, and whether a state fits behind them."""

import contextlib

import jax
import jax.numpy as jnp
import pytest
from tests.run.tiny_systems import GROWING, GrowingConfig

from jgan.run.borders import check_borders, check_states
from jgan.run.plan import Leg
from jgan.sharding import data_mesh


@pytest.fixture(scope="module")
def mesh():
    return data_mesh(jax.devices()[:1])


@pytest.mark.parametrize(
    ("before", "step", "message"),
    [
        ("[0, 10]", 16, None),
        ("[0, 12]", 8, None),  # not yet begun
        ("[0, 12]", 16, r"expected stages that begin at the steps \[0, 12\], found \[0, 10\]"),
        ("[0, ", 8, "stages.json is damaged: expected JSON"),
        ('{"0": 12}', 8, "stages.json is damaged: expected the steps at which stages begin"),
    ],
)
def test_borders_of_stages_stay_where_they_were(tmp_path, before, step, message):
    path, places = tmp_path / "stages.json", [Leg(0, 10, 0, 8), Leg(10, 20, 80, 8)]
    path.write_text(before)
    with pytest.raises(ValueError, match=message) if message else contextlib.nullcontext():
        check_borders(path, places, step)


@pytest.mark.parametrize(
    ("grow", "message"),
    [
        (lambda key, before, fresh: fresh._replace(step=before.step), None),
        (None, "expected a stage that follows another one to have `grow`, found None"),
        (lambda key, before, fresh: before, r"the state of stage 2, with .player.params\['level_[12]'\] .*, found"),
        (lambda key, before, fresh: fresh._replace(begun=jnp.zeros(2)), r"the state of stage 2, with .begun \(\(\), 'int32'\), found"),
    ],
)
def test_states_that_do_not_fit_behind_a_border_are_found_before_a_run(mesh, grow, message):
    config = GrowingConfig(limit=32)
    first, second = GROWING.build(config, GROWING.data(config).spec)
    with pytest.raises(ValueError, match=message) if message else contextlib.nullcontext():
        check_states([first, second._replace(grow=grow)], mesh)
