"""The comparison of generators of clips: its arms."""

import dataclasses

from experiments import mocogan


def test_arms():
    with_label, without = (arm.config for arm in mocogan.ARMS.values())
    assert dataclasses.replace(without, motions=True) == with_label and not without.motions
