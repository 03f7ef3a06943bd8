"""The views that show numbers: singleValue, with the curve below it, and gauge."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from epochwatch.drawing.canvas import Box, Canvas, fitted, text_width
from epochwatch.drawing.themes import Theme
from epochwatch.model.dashboard.picture import Curve, Picture
from epochwatch.model.dashboard.scales import part, short

LARGEST: Final = 40
LABEL: Final = 11
_SIGNS: Final = {
    "Percent": "%", "Seconds": " s", "Milliseconds": " ms", "Microseconds": " µs", "Bytes": " B", "Kilobytes": " kB",
    "Megabytes": " MB", "Gigabytes": " GB", "Bytes/Second": " B/s", "Count/Second": " /s", "Bits/Second": " bit/s",
}  # fmt: skip
"""How units are written at a number; others are not."""
_GAP: Final = 8
_ARC: Final = 110
"""Degrees that a gauge goes to each side of its top."""


def draw_values(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> None:
    """The view singleValue: the newest value of each curve, large."""
    for curve, cell in _cells(picture, room, 2.0):
        text = _number(curve, exact=picture.widget.single_value_full_precision)
        spark = picture.widget.sparkline and cell.height >= 90 and len(curve.timestamps) > 1
        middle = cell.top + cell.height * (0.3 if spark else 0.42)
        size = _fitting(text, cell.width, min(LARGEST, cell.height * 0.4))
        canvas.text((cell.left + cell.right) / 2, middle, text, theme.text, size, align="center")
        _label(canvas, curve, (cell.left + cell.right) / 2, middle + size / 2 + LABEL + 2, cell.width, theme)
        if spark:
            _spark(canvas, curve, cell._replace(top=middle + size / 2 + LABEL * 2 + 6))


def draw_gauges(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> None:
    """The view gauge: where the newest value of each curve lies between the ends of the left axis."""
    axis = picture.widget.y_axis.left
    low, high = axis.min or 0.0, axis.max if axis.max is not None else 100.0
    for curve, cell in _cells(picture, room, 1.2):
        radius = max(min(cell.width / 2, (cell.height - LABEL * 3) / 1.5) - 6, 1.0)
        above = (cell.height - radius * 1.5 - LABEL * 3) / 2
        center = ((cell.left + cell.right) / 2, cell.top + above + radius)
        canvas.wedge(center, radius, -_ARC, _ARC, theme.grid, radius * 0.28)
        if curve.number is not None:
            end = _angle(curve.number, low, high)
            color = _color_at(picture, curve)
            canvas.wedge(center, radius, -_ARC, end, color, radius * 0.28)
        for one in picture.lines():
            at = _angle(one.value, low, high)
            canvas.wedge(center, radius + 4, at - 0.8, at + 0.8, one.color or theme.annotation, radius * 0.28 + 8)
        text = _number(curve, exact=picture.widget.single_value_full_precision)
        canvas.text(*center, text, theme.text, _fitting(text, radius * 1.3, radius * 0.42), align="center")
        foot = radius * 0.86
        y = center[1] + radius * 0.5
        canvas.text(center[0] - foot + 4, y, short(low), theme.faint, 10, align="left")
        canvas.text(center[0] + foot - 4, y, short(high), theme.faint, 10, align="right")
        _label(canvas, curve, center[0], center[1] + radius * 0.5 + LABEL * 1.6, cell.width, theme)


def _angle(value: float, low: float, high: float) -> float:
    """Where a value stands on a gauge; one beyond its ends, at the end."""
    return -_ARC + min(max(float(part(value, low, high)), 0.0), 1.0) * 2 * _ARC


def _cells(picture: Picture, room: Box, shape: float) -> Iterator[tuple[Curve, Box]]:
    """A rectangle for each curve, about ``shape`` times as wide as high."""
    curves = [curve for curve in picture.curves if curve.high is None]
    if not curves:
        return
    columns = round(math.sqrt(len(curves) * room.width / (room.height * shape)))
    columns = min(max(columns, 1), len(curves))
    rows = math.ceil(len(curves) / columns)
    width, height = room.width / columns, room.height / rows
    for place, curve in enumerate(curves):
        left, top = room.left + place % columns * width, room.top + place // columns * height
        yield curve, Box(left + _GAP / 2, top, left + width - _GAP / 2, top + height)


def _number(curve: Curve, *, exact: bool) -> str:
    if curve.number is None:
        return "--"
    text = f"{curve.number:,.15g}" if exact else short(curve.number)
    return text + _SIGNS.get(curve.unit, "")


def _label(canvas: Canvas, curve: Curve, x: float, y: float, room: float, theme: Theme) -> None:
    text = fitted(curve.label, room - 16, LABEL)
    left = x - (text_width(text, LABEL) + 14) / 2
    canvas.box(Box(left, y - 5, left + 10, y + 5), curve.color)
    canvas.text(left + 14, y, text, theme.faint, LABEL)


def _spark(canvas: Canvas, curve: Curve, room: Box) -> None:
    if room.bottom - room.top < 10:
        return
    x = np.interp(curve.timestamps, [curve.timestamps[0], curve.timestamps[-1]], [room.left, room.right])
    height = part(curve.values, float(curve.values.min()), float(curve.values.max()))
    y = room.bottom - 2 - height * (room.height - 6)
    canvas.area(x, np.full(len(x), room.bottom), y, curve.color, 0.2)
    canvas.line(x, y, curve.color)


def _color_at(picture: Picture, curve: Curve) -> str:
    """The colour of the annotation in whose filled part the number is, else the curve's."""
    number = curve.number if curve.number is not None else math.nan
    for one in picture.lines():
        inside = {"above": number >= one.value, "below": number <= one.value, "none": False}[one.fill]
        if inside and one.color:
            return one.color
    return curve.color


def _fitting(text: str, room: float, most: float) -> float:
    """The largest size at which the text fits."""
    return float(max(min(most, room / max(text_width(text, 1.0), 0.1)), 6.0))
