"""Charts as SVG drawn by the server: no script, no inline style, coloured by the design's tokens, printable.

Each chart carries its numbers as a text alternative; values are never told by colour alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line or one layer of a chart: its name, tone and a value per label (None = not yet known)."""

    name: str
    tone: str
    values: Sequence[float | None]
    is_dashed: bool = False


@dataclass(frozen=True)
class Bar:
    """One horizontal bar: label, value, tone and the words at its end."""

    label: str
    value: float
    tone: str = "indigo"
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """The size of a chart and the room for its axes."""

    width: int
    height: int
    left: int = 30
    right: int = 8
    top: int = 10
    bottom: int = 20

    @property
    def inner_width(self) -> int:
        """The width of the plotted area."""
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> int:
        """The height of the plotted area."""
        return self.height - self.top - self.bottom


def _round_up(highest: float) -> float:
    """The next number that divides well by four."""
    if highest <= 0:
        return 1
    power: float = 10.0 ** math.floor(math.log10(highest))
    return next(
        step * power for step in (1, 1.2, 1.6, 2, 2.4, 2.8, 3.2, 4, 6, 8, 10) if step * power >= highest
    )


def _smooth(points: Sequence[Point]) -> str:
    """A curve through the points that never overshoots them (Catmull-Rom, clamped)."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for at in range(len(points) - 1):
        before, here = points[max(at - 1, 0)], points[at]
        there, after = points[at + 1], points[min(at + 2, len(points) - 1)]
        low, high = min(here[1], there[1]), max(here[1], there[1])
        first_y = min(max(here[1] + (there[1] - before[1]) / 6, low), high)
        second_y = min(max(there[1] - (after[1] - here[1]) / 6, low), high)
        first_x, second_x = here[0] + (there[0] - before[0]) / 6, there[0] - (after[0] - here[0]) / 6
        path += f" C{first_x:.1f} {first_y:.1f} {second_x:.1f} {second_y:.1f} {there[0]:.1f} {there[1]:.1f}"
    return path


def _grid(frame: Frame, highest: float) -> str:
    """Five horizontal lines with their values."""
    parts = []
    for step in range(5):
        y = frame.top + frame.inner_height * step / 4
        parts.append(
            f'<line class="grid" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{y:.1f}" '
            f'y2="{y:.1f}"/><text x="{frame.left - 6}" y="{y + 3:.1f}" text-anchor="end">'
            f"{highest * (4 - step) / 4:g}</text>"
        )
    return "".join(parts)


def _svg(frame: Frame, title: str, told: str, body: str) -> Markup:
    return Markup(  # noqa: S704 (every text in it is escaped)
        f'<svg class="chart" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(title)}: {escape(told)}">{body}</svg>'
    )


def _told(labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """The chart in words, for people who cannot see it."""
    lines = []
    for one in series:
        pairs = zip(labels, one.values, strict=True)
        lines.append(f"{one.name} " + ", ".join(f"{at} {v:g}{unit}" for at, v in pairs if v is not None))
    return "; ".join(lines)


def _curve(one: Series, points: Sequence[Point], floor: int) -> str:
    """One series: a curve over a faint area, ending in a dot; a dashed one is only a curve."""
    path = _smooth(points)
    if one.is_dashed:
        return f'<g data-tone="{one.tone}"><path class="ln dash" d="{path}"/></g>'
    area = f"{path} L{points[-1][0]:.1f} {floor} L{points[0][0]:.1f} {floor}Z"
    dot = f'<circle class="pt" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3.5"/>'
    return f'<g data-tone="{one.tone}"><path class="ar" d="{area}"/><path class="ln" d="{path}"/>{dot}</g>'


def line(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    width: int = 640,
    height: int = 220,
    unit: str = "",
    every: int = 1,
) -> Markup:
    """Values over time; hovering over a column tells its numbers."""
    frame = Frame(width, height)
    highest = _round_up(max((v for one in series for v in one.values if v is not None), default=0))
    step = frame.inner_width / max(len(labels) - 1, 1)
    floor = height - frame.bottom
    parts = [_grid(frame, highest)]
    for at, name in enumerate(labels):
        if at % every == 0:
            x = frame.left + at * step
            parts.append(f'<text x="{x:.1f}" y="{height - 5}" text-anchor="middle">{escape(name)}</text>')
    for one in series:
        points = [
            (frame.left + at * step, frame.top + frame.inner_height * (1 - v / highest))
            for at, v in enumerate(one.values)
            if v is not None
        ]
        if points:
            parts.append(_curve(one, points, floor))
    for at, name in enumerate(labels):
        known = [(one.name, one.values[at]) for one in series]
        tip = f"{name} · " + ", ".join(f"{who} {v:g}{unit}" for who, v in known if v is not None)
        x = frame.left + at * step - step / 2
        parts.append(
            f'<rect class="hit" x="{x:.1f}" y="{frame.top}" width="{step:.1f}" height="{frame.inner_height}">'
            f"<title>{escape(tip)}</title></rect>"
        )
    return _svg(frame, title, _told(labels, series, unit), "".join(parts))


def bars(title: str, rows: Sequence[Bar], *, width: int = 420, row: int = 30, unit: str = "") -> Markup:
    """A ranking as horizontal bars."""
    left, right = 104, 64
    frame = Frame(width, row * len(rows), left, right, 0, 0)
    highest = max((bar.value for bar in rows), default=0) or 1
    parts = []
    for at, bar in enumerate(rows):
        y, middle, note = at * row, at * row + row / 2 + 3.5, bar.note or f"{bar.value:g}{unit}"
        long = frame.inner_width * bar.value / highest
        parts.append(
            f'<g data-tone="{bar.tone}"><text x="0" y="{middle}" class="lbl">{escape(bar.label)}</text>'
            f'<rect class="back" x="{left}" y="{y + 7}" width="{frame.inner_width}" height="{row - 14}"/>'
            f'<rect class="bar" x="{left}" y="{y + 7}" width="{long:.1f}" height="{row - 14}" rx="3">'
            f"<title>{escape(bar.label)} {bar.value:g}{unit}</title></rect>"
            f'<text x="{width}" y="{middle}" text-anchor="end">{escape(note)}</text></g>'
        )
    return _svg(frame, title, ", ".join(f"{bar.label} {bar.value:g}{unit}" for bar in rows), "".join(parts))


def stacked(
    title: str, labels: Sequence[str], series: Sequence[Series], *, width: int = 560, height: int = 200
) -> Markup:
    """Columns made of layers."""
    frame = Frame(width, height, 26, 4, 8, 20)
    columns = [[one.values[at] or 0 for one in series] for at in range(len(labels))]
    highest = _round_up(max((sum(column) for column in columns), default=0))
    wide = frame.inner_width / max(len(labels), 1)
    parts = [_grid(frame, highest)]
    for at, name in enumerate(labels):
        y: float = height - frame.bottom
        x = frame.left + at * wide
        for one, value in zip(series, columns[at], strict=True):
            tall = frame.inner_height * value / highest
            y -= tall
            parts.append(
                f'<g data-tone="{one.tone}"><rect class="bar" x="{x + wide * 0.2:.1f}" y="{y:.1f}" '
                f'width="{wide * 0.6:.1f}" height="{max(tall - 1, 0):.1f}" rx="2">'
                f"<title>{escape(name)} · {escape(one.name)} {value:g}</title></rect></g>"
            )
        parts.append(
            f'<text x="{x + wide / 2:.1f}" y="{height - 5}" text-anchor="middle">{escape(name)}</text>'
        )
    return _svg(frame, title, _told(labels, series, ""), "".join(parts))


def spark(title: str, values: Sequence[float], tone: str = "blue") -> Markup:
    """A trend in the size of a word."""
    width, height = 88, 24
    lowest, highest = min(values), max(values)
    spread = (highest - lowest) or 1
    step = (width - 4) / max(len(values) - 1, 1)
    points = [(2 + at * step, 3 + (height - 6) * (1 - (v - lowest) / spread)) for at, v in enumerate(values)]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    told = f"{values[0]:g} → {values[-1]:g}"
    return Markup(  # noqa: S704 (every text in it is escaped)
        f'<svg class="spark" data-tone="{escape(tone)}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}: {told}">'
        f'<path class="ar" d="{path} L{width - 2} {height} L2 {height}Z"/><path class="ln" d="{path}"/></svg>'
    )


def heat_level(value: float, highest: float) -> int:
    """Which of five shades a value gets."""
    return 0 if highest <= 0 or value <= 0 else min(4, 1 + int(4 * value / highest * 0.999))


def heat(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> Markup:
    """A table of shades, such as load by weekday and hour; every cell carries its number."""
    highest = max((v for _name, values in rows for v in values), default=0)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    lines = []
    for name, values in rows:
        cells = "".join(f'<td class="h{heat_level(v, highest)}">{v:g}</td>' for v in values)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return Markup(  # noqa: S704 (every text in it is escaped)
        f'<div class="scroll-x" tabindex="0" role="region" aria-label="{escape(title)}"><table class="heat">'
        f'<caption class="sr">{escape(title)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
