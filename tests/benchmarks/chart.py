"""Line charts as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 360
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 76
BOTTOM: Final = 48
COLOURS: Final = ("#0a7d3c", "#c2410c", "#1d4ed8", "#6b7280")
FONT: Final = 'font-family="sans-serif" font-size="12"'
DASHES: Final = ("", "6 4")


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over numbers; the positions on the x axis are at equal distances."""

    title: str
    x_name: str
    y_name: str
    lines: Mapping[str, Mapping[float, float]]
    """Values by name of the line and by position; neighbours of one colour are a full and a dashed line if `pairs`."""
    logarithmic: bool = False
    pairs: bool = False

    def svg(self) -> str:
        """Return the picture; equal values give equal bytes."""
        positions = sorted({x for line in self.lines.values() for x in line})
        ticks = self._ticks()
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT} fill="#1f2937">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _text(LEFT, 18, self.title, 'font-size="14" font-weight="bold"'),
            _text(WIDTH / 2, HEIGHT - 8, self.x_name, 'text-anchor="middle"'),
            _text(LEFT, TOP - 10, self.y_name, ""),
        ]
        for value in ticks:
            y = self._y(value, ticks)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>')
            parts.append(_text(LEFT - 6, y + 4, f"{value:,g}", 'text-anchor="end"'))
        below = HEIGHT - BOTTOM + 18
        parts += [_text(_x(x, positions), below, f"{x:,g}", 'text-anchor="middle"') for x in positions]
        for number, (name, line) in enumerate(self.lines.items()):
            colour = COLOURS[(number // 2 if self.pairs else number) % len(COLOURS)]
            dash = DASHES[number % 2] if self.pairs else ""
            stroke = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
            points = [(_x(x, positions), self._y(y, ticks)) for x, y in sorted(line.items())]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            parts.append(f'<path d="M{path}" {stroke}/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
            left = LEFT + (WIDTH - LEFT - RIGHT) / len(self.lines) * number
            parts.append(f'<path d="M{left:.1f} 38h16" {stroke}/>')
            parts.append(_text(left + 20, 42, name, ""))
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _ticks(self) -> Sequence[float]:
        """Return round values that enclose all values."""
        values = [y for line in self.lines.values() for y in line.values()]
        if self.logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            return [10.0**power for power in range(low, max(high, low + 1) + 1)]
        step = 10.0 ** math.floor(math.log10(max(values)))
        step = next(part for part in (step / 5, step / 2, step) if max(values) / part <= 6)
        return [step * number for number in range(math.ceil(max(values) / step) + 1)]

    def _y(self, value: float, ticks: Sequence[float]) -> float:
        low, high = ticks[0], ticks[-1]
        share = math.log(value / low) / math.log(high / low) if self.logarithmic else (value - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _x(x: float, positions: Sequence[float]) -> float:
    room = WIDTH - LEFT - RIGHT - 80
    return LEFT + 40 + room * positions.index(x) / max(1, len(positions) - 1)


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'
