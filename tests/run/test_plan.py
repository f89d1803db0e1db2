"""When things happen."""

import pytest

from jgan.run.plan import legs, make_plan
from jgan.types import Stage


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({}, (10, 20, 40, 80, 100)),
        ({"steps_per_call": 4}, (8, 16, 40, 80, 100)),
        ({"record_every": 1, "total_images": 1}, (1, 20, 40, 80, 1)),
        ({"record_every": 64, "sample_every": 10}, (16, 16, 32, 80, 100)),
    ],
)
def test_plans_are_whole_calls_and_whole_records(changes, plan):
    durations = dict(record_every=40, sample_every=80, checkpoint_every=160, score_every=320, total_images=400)
    found = make_plan(**(dict(batch_size=4, steps_per_call=1) | durations | changes))
    assert found == plan
    assert all(steps % found.record == 0 for steps in found[:4])


@pytest.mark.parametrize("name", ["batch_size", "steps_per_call", "record_every", "total_images"])
def test_durations_must_be_positive(name):
    durations = dict(record_every=40, sample_every=80, checkpoint_every=160, score_every=320, total_images=400)
    with pytest.raises(ValueError, match=f"expected {name} to be positive, found 0"):
        make_plan(**(dict(batch_size=4, steps_per_call=1) | durations | {name: 0}))


def test_images_are_counted_over_stages():
    found = legs([Stage(10, 4, None, None), Stage(8, 2, None, None)], steps_per_call=2)
    assert [(leg.first, leg.last) for leg in found] == [(0, 4), (4, 8)]
    assert [found[0].images_at(4), found[1].images_at(4), found[1].images_at(8)] == [16, 16, 24]
