"""Line charts as SVG texts, for reports that need neither a server nor a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

INKS = ("#3b528b", "#c03a2b", "#21908d", "#8e6bbf", "#d98e04", "#555555", "#2c7a2c")
WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 28, 34

Series = Sequence[tuple[float, float]]


class Frame(NamedTuple):
    """The ranges of both axes."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies in the picture."""
        across = (x - self.low_x) / (self.high_x - self.low_x)
        up = (y - self.low_y) / (self.high_y - self.low_y)
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * width, HEIGHT - BOTTOM - up * height


def lines(title: str, series: Mapping[str, Series], levels: Mapping[str, float] = {}) -> str:
    """A chart of several lines over epochs.

    Args:
        title: above it.
        series: points (epoch, value) by name; values that are not finite are left out.
        levels: dashed horizontal lines by name.
    """
    clean = {
        name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in series.items()
    }
    clean = {name: points for name, points in clean.items() if points}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}"><text x="{LEFT}" y="16" class="t">'
        f"{escape(title)}</text>"
    )
    if not clean:
        return f'{head}<text x="{LEFT}" y="{HEIGHT / 2}">nothing was measured</text></svg>'
    frame = _frame(clean, levels)
    parts = [head, _grid(frame)]
    for name, level in levels.items():
        x0, y = frame.at(frame.low_x, level)
        parts.append(
            f'<line x1="{x0:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="l"/>'
            f'<text x="{WIDTH - RIGHT}" y="{y - 3:.1f}" text-anchor="end">{escape(name)}</text>'
        )
    for place, (name, points) in enumerate(clean.items()):
        parts.append(_line(frame, name, points, place))
    return "".join([*parts, "</svg>"])


def or_gap(value: float | None) -> float:
    """A number for a chart; what is missing leaves a gap."""
    return math.nan if value is None else value


def _frame(series: Mapping[str, Series], levels: Mapping[str, float]) -> Frame:
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points] + list(levels.values())
    low, high = min(ys), max(ys)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    right = max(xs) if max(xs) > min(xs) else min(xs) + 1
    return Frame(min(xs), right, low - room, high + room)


def _grid(frame: Frame) -> str:
    parts = []
    for y in ticks(frame.low_y, frame.high_y):
        _, at = frame.at(frame.low_x, y)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="g"/>'
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{y:.6g}</text>'
        )
    for x in ticks(frame.low_x, frame.high_x):
        at, _ = frame.at(x, frame.low_y)
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:.6g}</text>'
        )
    return "".join(parts)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within a range: multiples of 1, 2 or 5 times a power of ten."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= most)
    first = math.ceil(low / step)
    return [round(k * step, 12) for k in range(first, math.floor(high / step) + 1)]


def _line(frame: Frame, name: str, points: Series, place: int) -> str:
    ink = INKS[place % len(INKS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in points))
    x, y = frame.at(*points[-1])
    drawn = f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="1.6"/>'
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{ink}"/>'
    across = LEFT + 92 * place
    word = f'<text x="{across}" y="{HEIGHT - 4}" fill="{ink}">{escape(name)}</text>'
    return drawn + dot + word
