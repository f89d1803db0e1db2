"""A line chart as an HTML figure: SVG on a linear and, where all values are positive, on a logarithmic axis; values under the pointer."""

import html
import math
from collections.abc import Callable, Mapping, Sequence

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 170, 44, 10, 8, 32
COLOURS = 8  # of curves, in the style of the page: .c0, .c1, ...
WIDE = 100  # a chart whose values span more than this factor begins on the logarithmic axis
TITLES = {"memory_gib": "peak memory, GiB"}

Curves = Mapping[str, Sequence[tuple[float, float]]]  # label -> (images, value)


def chart(title: str, curves: Curves) -> str:
    """Returns one chart of some curves over images, as an HTML figure; "" if they have no points."""
    drawn = {label: curve for label, curve in curves.items() if curve}
    values = [y for curve in drawn.values() for _, y in curve]
    if not values:
        return ""
    spread = max(values) / min(values) if min(values) > 0 else 0
    pictures = _svg("linear", title, curves, float, ticks)
    switch = ""
    if spread > 3:
        pictures += _svg("logarithmic", title, curves, math.log10, decades)
        switch = f'<label><input type="checkbox"{" checked" if spread > WIDE else ""}>log</label>'
    return f'<figure class="chart"><figcaption>{_caption(title, curves)}{switch}</figcaption>{pictures}<output hidden></output></figure>'


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


def decades(low: float, high: float) -> list[float]:
    """Returns logarithms between low and high of round numbers: of powers of ten, or of 1, 2, 5, 10, ... where these would be too few.

    >>> decades(-1.1, 2.2), [round(10**tick, 3) for tick in decades(-0.1, 0.8)]
    ([-1.0, 0.0, 1.0, 2.0], [1.0, 2.0, 5.0])
    """
    if high - low > 2:
        every = math.ceil((high - low) / 6)
        return [float(k) for k in range(math.ceil(low), math.floor(high) + 1) if k % every == 0]
    fine = [k + math.log10(m) for k in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [tick for tick in fine if low <= tick <= high]


def _svg(name, title, curves, scale: Callable[[float], float], ticks_of):
    values = [scale(y) for curve in curves.values() for _, y in curve]
    low, high = _limits(min(values), max(values))
    end = max(max(x for curve in curves.values() for x, _ in curve), 1)

    def place(x, y):
        right, up = x / end, (scale(y) - low) / (high - low)
        return f"{LEFT + right * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM):.1f}"

    lines = "".join(_line(label, curve, i, place) for i, (label, curve) in enumerate(curves.items()) if curve)
    marks = [(tick, short(10**tick if name == "logarithmic" else tick)) for tick in ticks_of(low, high)]
    about = f'role="img" aria-label="{html.escape(title)} over images"'
    return f'<svg class="{name}" viewBox="0 0 {WIDTH} {HEIGHT}" {about}>{_axes(low, high, end, marks)}{lines}</svg>'


def _limits(low, high):
    margin = (high - low) * 0.05 or max(abs(low), 1.0) * 0.1
    return low - margin, high + margin


def _line(label, curve, number, place):
    """A curve, with what the pointer shows."""
    shown = " ".join(f"{short(x)}={y:.4g}" for x, y in curve)
    data = f'class="c{number % COLOURS}" data-label="{html.escape(label)}" data-values="{shown}"'
    places = [place(*point) for point in curve]
    if len(places) == 1:
        x, y = places[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="2.5" {data}/>'
    return f'<polyline points="{" ".join(places)}" {data}/>'


def _axes(low, high, end, marks):
    parts = []
    bottom, span = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    for tick, text in marks:
        y = bottom - (tick - low) / (high - low) * span
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{text}</text>')
    for tick in ticks(0, end, 3):
        x = LEFT + tick / end * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 13}" text-anchor="middle">{short(tick)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">images</text>')
    return "".join(parts)


def _caption(title: str, labels) -> str:
    keys = [f'<span class="legend"><i class="c{i % COLOURS}"></i>{html.escape(label)}</span>' for i, label in enumerate(labels) if label]
    return f"<b>{html.escape(TITLES.get(title, title.replace('_', ' ')))}</b>{''.join(keys)}"
