"""Line charts in braille: each character is 2 x 4 dots, each column of dots shows the least and the greatest value."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

COLORS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""Colours of the curves, in order, repeating."""
MARKS = "●■▲◆▼★"
"""What tells curves apart in the legend where there is no colour."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
SMALLEST_WIDTH = 20
SMALLEST_HEIGHT = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: ``low`` and ``high`` are the least and greatest value at each of ``x`` (equal for single points)."""

    name: str
    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True, slots=True)
class Frame:
    """How a chart is drawn. Width and height are characters of the whole chart, legend excluded."""

    width: int = 80
    height: int = 20
    x_name: str = "step"
    """``step``, ``epoch``, ``time`` (Unix seconds) or ``relative`` (seconds)."""
    logarithmic: bool = False
    least: float | None = None
    greatest: float | None = None
    """Ends of the value axis; None for those of the values. What lies beyond is drawn at the edge."""


@dataclass(slots=True)
class Canvas:
    """Dots, and for each character which curve drew there last."""

    columns: int
    rows: int
    dots: list[list[int]] = field(init=False)
    owners: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.dots = [[0] * self.columns for _ in range(self.rows)]
        self.owners = [[-1] * self.columns for _ in range(self.rows)]

    def bar(self, x: int, low: int, high: int, owner: int) -> None:
        """Sets the dots of column ``x`` from ``low`` to ``high``, counted from the bottom."""
        for y in range(low, high + 1):
            row, column = self.rows - 1 - y // 4, x // 2
            self.dots[row][column] |= _DOTS[x % 2][3 - y % 4]
            self.owners[row][column] = owner

    def row(self, index: int) -> list[tuple[str, int]]:
        """The runs of one row as (text, curve or -1)."""
        runs: list[tuple[str, int]] = []
        for dots, owner in zip(self.dots[index], self.owners[index], strict=True):
            character = chr(0x2800 + dots) if dots else " "
            if runs and runs[-1][1] == owner:
                runs[-1] = (runs[-1][0] + character, owner)
            else:
                runs.append((character, owner))
        return runs


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: rows of (text, curve or -1), and names for the legend."""

    rows: list[list[tuple[str, int]]]
    names: list[str]


def draw(curves: Sequence[Curve], frame: Frame) -> Chart:
    """Draws the curves in one frame. Raises ValueError where there is no finite point, or none above zero on a
    logarithmic axis.
    """
    kept = [_finite(curve, frame.logarithmic) for curve in curves]
    values = [value for curve in kept for value in (*curve.low, *curve.high)]
    positions = [x for curve in kept for x in curve.x]
    if not values:
        raise ValueError("no value above zero to draw" if frame.logarithmic else "no finite value to draw")
    low, high = _limited(_range(min(values), max(values)), frame)
    left, right = min(positions), max(positions)
    rows = max(frame.height, SMALLEST_HEIGHT) - 2
    labels = _value_labels(low, high, rows, frame.logarithmic)
    margin = max(len(label) for label in labels.values())
    columns = max(frame.width, SMALLEST_WIDTH) - margin - 2
    canvas = Canvas(max(columns, 4), rows)
    for owner, curve in enumerate(kept):
        _plot(canvas, curve, owner, (left, right, low, high))
    drawn = [
        [(f"{labels.get(row, ''):>{margin}} " + ("┤" if row in labels else "│"), -1), *canvas.row(row)]
        for row in range(rows)
    ]
    drawn.append([(" " * (margin + 1) + "└" + "─" * canvas.columns, -1)])
    drawn.append([(" " * (margin + 2) + _position_labels(left, right, canvas.columns, frame.x_name), -1)])
    return Chart(drawn, [curve.name for curve in curves])


def sparkline(curve: Curve, width: int) -> str:
    """The curve in one line of that many characters; empty where it has no finite point."""
    kept = _finite(curve, logarithmic=False)
    if not kept.x:
        return ""
    canvas = Canvas(width, 1)
    _plot(canvas, kept, 0, (min(kept.x), max(kept.x), *_range(min(kept.low), max(kept.high))))
    return "".join(text for text, _ in canvas.row(0)).rstrip()


def _finite(curve: Curve, logarithmic: bool) -> Curve:
    points = [
        (x, math.log10(low) if logarithmic else low, math.log10(high) if logarithmic else high)
        for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)
        if all(map(math.isfinite, (x, low, high))) and (not logarithmic or low > 0)
    ]
    return Curve(curve.name, [p[0] for p in points], [p[1] for p in points], [p[2] for p in points])


def _range(low: float, high: float) -> tuple[float, float]:
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return low - room, high + room
    return low, high


def _limited(found: tuple[float, float], frame: Frame) -> tuple[float, float]:
    """With the ends that the frame names, where these leave something between them."""
    low = found[0] if frame.least is None else frame.least
    high = found[1] if frame.greatest is None else frame.greatest
    return (low, high) if low < high else found


def _plot(canvas: Canvas, curve: Curve, owner: int, bounds: tuple[float, float, float, float]) -> None:
    """Draws each dot column's least-to-greatest bar and joins neighbouring points by a line."""
    left, right, low, high = bounds
    width, height = canvas.columns * 2 - 1, canvas.rows * 4 - 1
    bars: dict[int, tuple[int, int, int, int]] = {}
    for x, least, greatest in zip(curve.x, curve.low, curve.high, strict=True):
        column = round((x - left) / (right - left) * width) if right > left else width // 2
        bottom = _scaled(least, low, high, height)
        top = _scaled(greatest, low, high, height)
        middle = (bottom + top) // 2
        known = bars.get(column)
        bars[column] = (
            (bottom, top, middle, middle)
            if known is None
            else (min(known[0], bottom), max(known[1], top), known[2], middle)
        )
    before: tuple[int, int] | None = None
    for column in sorted(bars):
        bottom, top, first, last = bars[column]
        if before is not None:
            _join(canvas, before, (column, first), owner)
        canvas.bar(column, bottom, top, owner)
        before = (column, last)


def _scaled(value: float, low: float, high: float, height: int) -> int:
    # halves first: high - low of two huge values would overflow
    part = (value / 2 - low / 2) / (high / 2 - low / 2)
    return max(0, min(height, round(part * height)))


def _join(canvas: Canvas, begin: tuple[int, int], end: tuple[int, int], owner: int) -> None:
    (x0, y0), (x1, y1) = begin, end
    previous = y0
    for x in range(x0 + 1, x1 + 1):
        y = y0 + round((y1 - y0) * (x - x0) / (x1 - x0))
        if y > previous:
            canvas.bar(x, previous + 1, y, owner)
        elif y < previous:
            canvas.bar(x, y, previous - 1, owner)
        else:
            canvas.bar(x, y, y, owner)
        previous = y


def _value_labels(low: float, high: float, rows: int, logarithmic: bool) -> dict[int, str]:
    """The labels of the value axis by row from the top: top, bottom and some between."""
    parts = max(1, min(rows - 1, rows // 4))
    marked = sorted({round(index * (rows - 1) / parts) for index in range(parts + 1)})
    values = [high / 2 * 2 - (high / 2 - low / 2) * 2 * (row / max(rows - 1, 1)) for row in marked]
    if logarithmic:
        values = [10.0**value for value in values]
    for digits in range(3, 8):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return dict(zip(marked, texts, strict=True))


def _position_labels(left: float, right: float, columns: int, name: str) -> str:
    begin, end = _position(left, name, right - left), _position(right, name, right - left)
    title = "" if name == "time" else {"relative": "since the start"}.get(name, name)
    if left == right:
        return begin.center(columns)[:columns]
    room = columns - len(begin) - len(end)
    if room < 1:
        return begin[:columns]
    return begin + (title if len(title) + 2 <= room else "").center(room) + end


def _position(value: float, name: str, span: float) -> str:
    if name == "time":
        moment = datetime.datetime.fromtimestamp(value)
        return moment.strftime("%H:%M:%S" if span < 86400 else "%Y-%m-%d %H:%M")
    if name == "relative":
        return duration(value)
    return f"{value:.10g}"


def duration(seconds: float) -> str:
    """``850 ms``, ``12.3 s``, ``4m 05s``, ``3h 20m`` or ``2d 04h``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    return f"{hours // 24}d {hours % 24:02d}h"
