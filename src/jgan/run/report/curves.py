"""Which numbers of the records of a run share a chart, and the points of their curves."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

POINTS = 300  # per curve; longer ones are averaged down
MAIN = ("score", "loss", "logits")  # shown large, in this order; all others small
FIRST = ("penalty", "strength", "gradient_norm")  # of the others, then by name
LAST = ("skipped", "images_per_second", "memory_gib")
NOT_METRICS = ("step", "images", "seconds")

Records = Sequence[Mapping[str, Any]]


def groups(records: Records, criterion: str | None = None, classes: Sequence[str] = ()) -> list[tuple[str, dict[str, str]]]:
    """Returns which metrics share a chart: (title, {metric: label}), in the order in which to show them.

    A name is a path, who/what: equal whats of different players share a chart, as do the logits of reals and fakes. The criterion of the
    score comes first.

    Args:
      records: of a run, or of several.
      criterion: the name of the number that is the score.
      classes: names for the numbers in names of metrics such as `variety/class_03/share`.

    >>> groups([{"images": 1, "g/loss": 1.0, "d/loss": 1.0, "d/real_logits": 0.1, "d/fake_logits": 0.2}])
    [('loss', {'g/loss': 'g', 'd/loss': 'd'}), ('logits', {'d/real_logits': 'd/real', 'd/fake_logits': 'd/fake'})]
    >>> groups([{"variety/class_01/share": 0.5}], classes=("star", "moon"))
    [('share', {'variety/class_01/share': 'moon'})]
    """
    found: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(n for r in records for n in r if n not in NOT_METRICS):
        player, _, quantity = name.rpartition("/")
        if name == criterion:
            title, label = "score", name.removeprefix("score/")
        elif quantity.endswith("_logits"):
            title, label = "logits", name.removesuffix("_logits")
        else:
            title, label = quantity, _class_name(player, classes) or player
        found.setdefault(title, {})[name] = label
    order = {title: i for i, title in enumerate((*MAIN, *FIRST, *sorted(found.keys() - {*MAIN, *FIRST, *LAST}), *LAST))}
    return sorted(found.items(), key=lambda item: order[item[0]])


def points(records: Records, name: str) -> list[tuple[float, float]]:
    """Returns the points (images, value) of a metric, averaged down to a number that can be seen."""
    found = [(r["images"], r[name]) for r in records if r.get(name) is not None]
    size = math.ceil(len(found) / POINTS) or 1
    parts = [found[i : i + size] for i in range(0, len(found), size)]
    return [(math.fsum(x for x, _ in part) / len(part), math.fsum(y for _, y in part) / len(part)) for part in parts]


def still(curves: Mapping[str, Sequence[tuple[float, float]]]) -> bool:
    """Returns whether nothing happens in a chart: no curve has a value that differs from its first.

    >>> still({"a": [(0, 1.0), (1, 1.0)], "b": []}), still({"a": [(0, 1.0), (1, 2.0)]})
    (True, False)
    """
    return all(y == curve[0][1] for curve in curves.values() for _, y in curve)


def _class_name(player, classes):
    number = re.fullmatch(r"(?:.*/)?class_(\d+)", player)
    return classes[int(number[1])] if number and int(number[1]) < len(classes) else None
