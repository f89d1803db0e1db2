"""The comparison of generators of clips: its arms."""

import dataclasses

from experiments import mocogan


def test_arms():
    with_label, without = (arm.config for arm in mocogan.ARMS.values())
    assert dataclasses.replace(without, motions="given") == with_label and without.motions == "none"
