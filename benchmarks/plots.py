"""Plots as SVG, written by hand: lines over logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 50, 50
_COLOURS = ("#1f5fa8", "#c2501a", "#3d8a3d", "#7a4fa3")


@dataclass(frozen=True)
class Line:
    """Points that belong together; all values are positive.

    Attributes:
        name: in the legend.
        points: (x, y), by x.
    """

    name: str
    points: tuple[tuple[float, float], ...]


def write(path: Path, title: str, x: str, y: str, lines: Sequence[Line]) -> None:
    """Draw lines over logarithmic axes.

    Args:
        path: of the SVG file; its directory is made.
        title: above the plot.
        x, y: names of the axes, with their units.
    """
    path.parent.mkdir(exist_ok=True)
    path.write_text(_svg(title, x, y, lines))


def _svg(title: str, x: str, y: str, lines: Sequence[Line]) -> str:
    across = _Axis.around([p[0] for line in lines for p in line.points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis.around([p[1] for line in lines for p in line.points], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_WIDTH / 2, 20, title, "middle", 'font-size="14"'),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, x, "middle"),
        _text(16, (_TOP + _HEIGHT - _BOTTOM) / 2, y, "middle", f'transform="rotate(-90 16 {_HEIGHT / 2:.0f})"'),
    ]
    for value in across.ticks:
        at = across.place(value)
        parts.append(f'<path d="M{at:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(at, _HEIGHT - _BOTTOM + 18, f"{value:,g}", "middle"))
    for value in up.ticks:
        at = up.place(value)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, at + 4, f"{value:,g}", "end"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(across.place(a), up.place(b)) for a, b in line.points]
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        parts.append(_text(_LEFT + 10, _TOP + 16 + 16 * number, line.name, "start", f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    safe = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{safe}</text>'


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis over whole decades, from one place on the page to another."""

    low: int
    high: int
    begin: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], begin: float, end: float) -> _Axis:
        low = math.floor(math.log10(min(values)))
        return cls(low, max(low + 1, math.ceil(math.log10(max(values)))), begin, end)

    @property
    def ticks(self) -> list[float]:
        return [10.0**n for n in range(self.low, self.high + 1)]

    def place(self, value: float) -> float:
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)
