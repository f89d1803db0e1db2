"""Line charts in SVG of what a run recorded."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 170, 44, 10, 8, 32
COLOURS = ("#1f5fa8", "#c8501e", "#2e8540", "#7a4fa3", "#8a6d00", "#4d4d4d")
POINTS = 300  # per curve; longer ones are averaged down
FIRST = ("score", "loss", "logits", "penalty", "strength", "gradient_norm")  # in this order, then all others by name
LAST = ("skipped", "images_per_second", "memory_gib")
TITLES = {"memory_gib": "peak memory, GiB"}
NOT_METRICS = ("step", "images", "seconds")


def charts(records: Sequence[Mapping[str, Any]], criterion: str | None = None) -> list[tuple[str, dict[str, str]]]:
    """Returns which metrics share a chart: (title, {metric: label}), in the order in which to show them.

    A name is a path, who/what: equal whats of different players share a chart, as do the logits of reals and fakes. The criterion of the
    score comes first.

    >>> charts([{"images": 1, "g/loss": 1.0, "d/loss": 1.0, "d/real_logits": 0.1, "d/fake_logits": 0.2}])
    [('loss', {'g/loss': 'g', 'd/loss': 'd'}), ('logits', {'d/real_logits': 'd/real', 'd/fake_logits': 'd/fake'})]
    """
    found: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(n for r in records for n in r if n not in NOT_METRICS):
        player, _, quantity = name.rpartition("/")
        if name == criterion:
            title, label = "score", name
        elif quantity.endswith("_logits"):
            title, label = "logits", name.removesuffix("_logits")
        else:
            title, label = quantity, player
        found.setdefault(title, {})[name] = label
    order = {title: i for i, title in enumerate((*FIRST, *sorted(found.keys() - {*FIRST, *LAST}), *LAST))}
    return sorted(found.items(), key=lambda item: order[item[0]])


def chart(title: str, labels: Mapping[str, str], records: Sequence[Mapping[str, Any]]) -> str:
    """Returns one chart of some metrics over images, as an HTML figure. The axis is logarithmic where positive values span over two
    decades.
    """
    curves = [_curve(records, name) for name in labels]
    values = [y for curve in curves for _, y in curve]
    if not values:
        return ""
    logarithmic = min(values) > 0 and max(values) / min(values) > 100
    scale = math.log10 if logarithmic else float
    low, high = _limits(min(map(scale, values)), max(map(scale, values)))
    end = max(max(r["images"] for r in records), 1)

    def place(x, y):
        right, up = x / end, (scale(y) - low) / (high - low)
        return f"{LEFT + right * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM):.1f}"

    lines = "".join(_line([place(*point) for point in curve], COLOURS[i % len(COLOURS)]) for i, curve in enumerate(curves) if curve)
    axes = _axes(low, high, end, logarithmic)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)} over images">{axes}{lines}</svg>'
    return f"<figure><figcaption>{_caption(title, labels)}</figcaption>{svg}</figure>"


def short(number: float) -> str:
    """Returns a number in few characters, for the axis of a chart.

    >>> short(0), short(950), short(1_500), short(2_000_000), short(0.00025)
    ('0', '950', '1.5k', '2M', '0.00025')
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.4g}{unit}"
    return f"{number:.4g}"


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Returns round numbers between low and high.

    >>> ticks(0.0, 10.0), ticks(-0.3, 0.45)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [-0.2, 0.0, 0.2, 0.4])
    """
    unit = 10.0 ** math.floor(math.log10((high - low) / about))
    step = next(unit * m for m in (1, 2, 5, 10) if (high - low) / (unit * m) <= about + 1)
    return [round(i * step, 12) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _curve(records, name):
    """Points (images, value), averaged down to a number that can be seen."""
    points = [(r["images"], r[name]) for r in records if r.get(name) is not None]
    size = math.ceil(len(points) / POINTS) or 1
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [tuple(math.fsum(c) / len(group) for c in zip(*group, strict=True)) for group in groups]


def _limits(low, high):
    margin = (high - low) * 0.05 or max(abs(low), 1.0) * 0.1
    return low - margin, high + margin


def _line(points, colour):
    if len(points) == 1:
        x, y = points[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>'
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round"/>'


def _axes(low, high, end, logarithmic):
    parts = []
    bottom, span = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    for tick in ticks(low, high):
        if logarithmic and tick != round(tick):
            continue
        y = bottom - (tick - low) / (high - low) * span
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ececec"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{short(10**tick if logarithmic else tick)}</text>')
    for tick in ticks(0, end, 3):
        x = LEFT + tick / end * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 13}" text-anchor="middle">{short(tick)}</text>')
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#999"/>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">images</text>')
    return "".join(parts)


def _caption(title: str, labels: Mapping[str, str]) -> str:
    keys = [
        f'<span class="legend"><i style="background:{COLOURS[i % len(COLOURS)]}"></i>{html.escape(label)}</span>'
        for i, label in enumerate(labels.values())
        if label
    ]
    return html.escape(TITLES.get(title, title.replace("_", " "))) + "".join(keys)
