"""The comparison of animated faces: its arms, and its picture in miniature."""

import dataclasses

import numpy as np
from experiments import first_order_motion
from PIL import Image
from tests.systems.test_first_order_motion import TINY
from tests.systems.untrained import random_run

from jgan.outputs.videos import GAP


def test_arms_differ_from_the_first_in_one_thing():
    first, *others = (arm.config for arm in first_order_motion.ARMS.values())
    for other in others:
        changed = [field.name for field in dataclasses.fields(first) if getattr(first, field.name) != getattr(other, field.name)]
        assert len(changed) == 1


def test_picture(tmp_path, capsys):
    run = random_run(first_order_motion.SYSTEM, TINY, tmp_path / "run", scale=0.3)
    first_order_motion.picture(first_order_motion.SYSTEM, run, count=1, out=tmp_path / "strips.png")
    strip = np.asarray(Image.open(tmp_path / "strips.png"))
    assert strip.shape == (2 * (4 * (16 + GAP) - GAP), 3 * (16 + GAP) - GAP, 3)
    np.testing.assert_array_equal(strip[:16, :16], strip[3 * (16 + GAP) : 3 * (16 + GAP) + 16, :16])  # the truth begins as the source
    assert capsys.readouterr().out.endswith("strips.png\n")
