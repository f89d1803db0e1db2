"""When things happen: durations in examples as whole steps, of a run of one stage or of several."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from jgan.types import Stage


class Plan(NamedTuple):
    """Intervals in steps. Samples, checkpoints and scores fall on records, so nothing between two records need be saved."""

    record: int
    sample: int
    checkpoint: int
    score: int
    total: int


class Leg(NamedTuple):
    """Where a stage lies in the run."""

    first: int  # steps done before it
    last: int  # steps done after it
    images: int  # examples seen before it
    batch: int

    def images_at(self, step: int) -> int:
        """Returns the examples seen when `step` steps are done."""
        return self.images + (step - self.first) * self.batch


def legs(stages: Sequence[Stage], steps_per_call: int) -> list[Leg]:
    """Returns where each stage lies: it has as many whole calls as its examples need.

    Raises:
      ValueError: if a number is not positive.

    >>> legs([Stage(100, 8, None, None), Stage(64, 4, None, None)], steps_per_call=2)
    [Leg(first=0, last=14, images=0, batch=8), Leg(first=14, last=30, images=112, batch=4)]
    """
    found: list[Leg] = []
    first, images = 0, 0
    for stage in stages:
        if min(stage.images, stage.batch, steps_per_call) < 1:
            numbers = f"{stage.images} examples, {stage.batch} per step, {steps_per_call} steps per call"
            raise ValueError(f"expected positive numbers, found a stage of {numbers}")
        steps = _whole_calls(stage.images, stage.batch, steps_per_call)
        found.append(Leg(first, first + steps, images, stage.batch))
        first, images = first + steps, images + steps * stage.batch
    return found


def make_plan(
    batch_size: int, steps_per_call: int, record_every: int, sample_every: int, checkpoint_every: int, score_every: int, total_images: int
) -> Plan:
    """Returns durations in examples as steps.

    Raises:
      ValueError: if one of them is not positive.

    >>> make_plan(32, 2, 1_000, 10_000, 20_000, 20_000, 100_000)
    Plan(record=32, sample=320, checkpoint=640, score=640, total=3126)
    """
    durations = dict(batch_size=batch_size, steps_per_call=steps_per_call, record_every=record_every, sample_every=sample_every)
    durations |= dict(checkpoint_every=checkpoint_every, score_every=score_every, total_images=total_images)
    for name, value in durations.items():
        if value <= 0:
            raise ValueError(f"expected {name} to be positive, found {value}")

    def rounded(images, unit):
        return max(1, round(images / batch_size / unit)) * unit

    record = rounded(record_every, steps_per_call)
    total = _whole_calls(total_images, batch_size, steps_per_call)
    return Plan(record, rounded(sample_every, record), rounded(checkpoint_every, record), rounded(score_every, record), total)


def _whole_calls(images, batch, steps_per_call):
    return math.ceil(images / batch / steps_per_call) * steps_per_call
