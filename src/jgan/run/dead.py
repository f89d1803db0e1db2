"""Dead training: players that no longer learn, by signs that a healthy run does not show for long."""

import math
from collections.abc import Mapping
from typing import NamedTuple

NOTED = 2  # records in a row from which checkpoints are held back, so that those from before stay
WARNED = 5  # records in a row after which a sign is warned of
PATIENCE = 20  # records in a row after which the run ends,
STEPS = 1_000  # if it was so for as many steps: a discriminator that wins for a moment has no gradients either
LARGEST = 1e6  # of the mean logits
SAME = 1e-6  # relative difference of two equal losses; those of different batches differ by far more


class Sign(NamedTuple):
    """A metric that shows a sign."""

    since: int  # the step of the first record in a row that shows it
    records: int  # in a row
    value: float  # in the first of them


def follow(signs: Mapping[str, Sign], step: int, values: Mapping[str, float | None]) -> dict[str, Sign]:
    """Returns the signs after one more record: gradients of zero, logits beyond a million, a loss that stays the same.

    Looked at are `<player>/gradient_norm`, `.../..._logits` and `<player>/loss`. What is missing or not finite changes nothing.

    Args:
      signs: before it, by the name of the metric; {} before the first one.
      step: of the record.
      values: its metrics.

    >>> records = {100 * i: {"generator/loss": 1.0 / (i + 1), "discriminator/gradient_norm": 0.0} for i in range(6)}
    >>> signs = {}
    >>> for step, values in records.items():
    ...     signs = follow(signs, step, values)
    >>> begun(signs)
    ['discriminator/gradient_norm has been 0 since step 0']
    """
    after = dict(signs)
    for name, value in values.items():
        if value is None or not math.isfinite(value):
            continue
        sign = signs.get(name)
        if sign is not None and _shows(name, value, sign.value):
            after[name] = sign._replace(records=sign.records + 1)
        elif _shows(name, value, value):
            after[name] = Sign(step, 1, value)
        else:
            after.pop(name, None)
    return after


def begun(signs: Mapping[str, Sign], records: int = WARNED) -> list[str]:
    """Returns a sentence for each sign that has been there for as many records or more."""
    return [_sentence(name, sign) for name, sign in signs.items() if sign.records >= records]


def new(signs: Mapping[str, Sign]) -> list[str]:
    """Returns a sentence for each sign that is to be warned of now."""
    return begun({name: sign for name, sign in signs.items() if sign.records == WARNED})


def doubtful(signs: Mapping[str, Sign]) -> bool:
    """Returns whether a state is better not kept in the place of an earlier one."""
    return any(sign.records >= NOTED for sign in signs.values())


def check_alive(signs: Mapping[str, Sign], step: int) -> None:
    """Stops a run that is dead.

    Raises:
      FloatingPointError: if a sign has been there for PATIENCE records and STEPS steps.
    """
    lasting = begun({name: sign for name, sign in signs.items() if step - sign.since >= STEPS}, PATIENCE)
    if lasting:
        raise FloatingPointError(
            f"the training is dead: {'; '.join(lasting)}. The checkpoints from before are kept. Begin anew with a lower learning rate, "
            "other penalties or another loss"
        )


def _shows(name, value, first):
    player, _, quantity = name.rpartition("/")
    if quantity.endswith("_logits"):
        return abs(value) > LARGEST
    if not player or "/" in player:  # of a penalty, whose weight may be 0
        return False
    if quantity == "gradient_norm":
        return value == 0
    return quantity == "loss" and abs(value - first) <= SAME * abs(first)


def _sentence(name, sign):
    if name.endswith("/gradient_norm"):
        return f"{name} has been 0 since step {sign.since}"
    if name.endswith("_logits"):
        return f"{name} has been beyond {LARGEST:,.0f} since step {sign.since}"
    return f"{name} has stayed at {sign.value:.6g} since step {sign.since}"
