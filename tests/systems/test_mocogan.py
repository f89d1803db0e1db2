"""MoCoGAN in miniature, on embedded moving shapes."""

import dataclasses

import jax
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import moved, play

from jgan.commands.mix_clips import mixed
from jgan.systems.mocogan import SYSTEM, Config

TINY = Config(resolution=16, frames=10, batch=8, features=2, content_size=4, motion_size=2, limit=40)
ARGUMENTS = {
    "sample": ["--seeds", "0-3", "--out", "OUT.gif"],
    "evaluate": ["--samples", "24"],
    "mix": ["--rows", "0-1", "--columns", "2-4", "--out", "OUT.gif"],
}


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_a_step():
    first, last, metrics = play(SYSTEM, TINY, steps=1)
    for part in ("image", "video"):
        assert moved(first.discriminator.params[part], last.discriminator.params[part])
    assert moved(first.generator.params["motion"], last.generator.params["motion"])
    assert metrics["discriminator/r1"] > 0 and metrics["discriminator/loss"] == pytest.approx(4 * np.log(2), abs=0.5)


def test_without_the_label_of_the_motion():
    config = dataclasses.replace(TINY, motions="none")
    spec = SYSTEM.data(config).spec
    assert spec.classes == 6 and SYSTEM.sampling(config, spec).conditions == () and SYSTEM.sampling(TINY, spec).conditions == ("label",)
    batch = {name: jax.ShapeDtypeStruct((2, *field.shape), field.dtype) for name, field in spec.fields.items()}
    state = jax.eval_shape(SYSTEM.build(config, spec).init, jax.random.key(0), batch)
    assert state.discriminator.params["video"]["last"]["kernel"].shape[1] == 1


@pytest.mark.slow
def test_motions_that_are_found():
    """The code is drawn anew for every step, the generator is given it, and both players get better at telling it."""
    config = dataclasses.replace(TINY, motions="found", codes=3)
    spec = SYSTEM.data(config).spec
    training, sampling = SYSTEM.build(config, spec), SYSTEM.sampling(config, spec)
    first, last, _ = play(SYSTEM, config, steps=1)
    assert first.discriminator.params["video"]["last"]["kernel"].shape[1] == 1 + config.codes
    kernels = (state.discriminator.params["video"]["last"]["kernel"][:, 1:] for state in (first, last))
    assert moved(*kernels) and sampling.conditions == ()
    inputs = sampling.inputs(jax.random.key(0), 40)
    assert sorted(np.unique(inputs["code"])) == [0, 1, 2]
    found = jax.jit(training.sample)(last, None, {**inputs, "code": jax.numpy.zeros(40, jax.numpy.int32)})
    assert np.abs(found["video"] - jax.jit(training.sample)(last, None, inputs)["video"])[inputs["code"] > 0].max() > 0
    np.testing.assert_array_equal(found["code"], 0)


ERRORS = {
    "frames": (dataclasses.replace(TINY, frames=6), "at least 7 frames for 2 convolutions in time, found 6"),
    "sides": (dataclasses.replace(TINY, resolution=34), "expected sides that are a number up to 16 times a power of two"),
}


@pytest.mark.parametrize(("config", "message"), ERRORS.values(), ids=ERRORS)
def test_clips_that_do_not_fit(config, message):
    spec = SYSTEM.data(dataclasses.replace(config, limit=2)).spec
    with pytest.raises(ValueError, match=message):
        SYSTEM.build(config, spec)


@pytest.mark.slow
def test_system(tmp_path):
    trained = check_system(SYSTEM, TINY, tmp_path, ARGUMENTS, skip=())
    clips = trained(range(3), label="circle")
    assert clips.shape == (3, 10, 16, 16, 3) and trained.spec.rate("video") == 16
    lines = (tmp_path / "whole" / "evaluations.jsonl").read_text()
    same = mixed(trained, [5, 6], [7, 6])
    assert same.shape == (2, 2, 10, 16, 16, 3)
    np.testing.assert_array_equal(same[1, 1], trained([6])[0])
    mixes = ("same_content/kind", "same_content/size", "same_motion/motion")
    for name in (*mixes, "frechet_distance", "motion/spin", "constant/colour", "right", "real/frechet_distance", "shuffled/right"):
        assert f'"metric": "{name}"' in lines
