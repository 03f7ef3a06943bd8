"""The views that compare numbers: bar and pie."""

from typing import Final

import numpy as np

from epochwatch.drawing import time_series
from epochwatch.drawing.canvas import Box, Canvas, text_width
from epochwatch.drawing.themes import Theme
from epochwatch.model.dashboard.picture import Curve, Picture
from epochwatch.model.dashboard.scales import limits, short, value_marks

SIZE: Final = 10
_NARROWEST: Final = 0.04
"""Part of a pie from which on its percentage is written into it."""


def draw_bars(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> None:
    """The view bar: an upright bar for each curve."""
    bars = _counted(picture)
    lines = picture.lines()
    axis = picture.widget.y_axis.left
    values = [number for _, number in bars] + [line.value for line in lines]
    low, high = limits(values, axis.min, axis.max, from_zero=True)
    marks = value_marks(low, high, max(int(room.height / 45), 2))
    step = marks[1] - marks[0] if len(marks) > 1 else 0.0
    margin = max((text_width(short(mark, step), SIZE) for mark in marks), default=0) + 6
    plot = Box(room.left + margin, room.top + 6, room.right, room.bottom - 4)
    scale = time_series.Scale(low, high, plot)
    for mark in marks:
        y = float(scale.y(mark))
        canvas.lines([[(plot.left, y), (plot.right, y)]], theme.grid)
        canvas.text(plot.left - 6, y, short(mark, step), theme.faint, SIZE, align="right")
    floor = float(np.clip(scale.y(0.0), plot.top, plot.bottom))
    wide = plot.width / max(len(bars), 1)
    for place, (curve, number) in enumerate(bars):
        middle, half = plot.left + (place + 0.5) * wide, min(wide * 0.35, 60)
        y = float(scale.y(number))
        canvas.box(Box(middle - half, min(y, floor), middle + half, max(y, floor)), curve.color, inside=plot)
        text = short(number)
        if text_width(text, SIZE) <= wide:
            canvas.text(middle, y - 7 if number >= 0 else y + 7, text, theme.text, SIZE, align="center")
    canvas.lines([[(plot.left, floor), (plot.right, floor)]], theme.axis)
    for line in lines:
        time_series.draw_line(canvas, line, float(scale.y(line.value)), plot, theme.annotation)


def draw_pie(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> None:
    """The view pie: the share of each curve that has one, clockwise from the top."""
    parts = [(curve, number) for curve, number in _counted(picture) if number > 0]
    whole = sum(number for _, number in parts)
    if not 0 < whole < float("inf"):
        return
    radius = min(room.width, room.height) / 2 - 2
    center = ((room.left + room.right) / 2, (room.top + room.bottom) / 2)
    begin = 0.0
    for curve, number in parts:
        end = begin + number / whole * 360
        canvas.wedge(center, radius, begin, end, curve.color, None)
        begin = end
    if len(parts) > 1:
        edges = np.radians(np.cumsum([0.0, *(number / whole * 360 for _, number in parts[:-1])]))
        tips = [(center[0] + radius * np.sin(edge), center[1] - radius * np.cos(edge)) for edge in edges]
        canvas.lines([[center, tip] for tip in tips], theme.background, 1.5)
    begin = 0.0
    for _, number in parts:
        middle = np.radians(begin + number / whole * 180)
        begin += number / whole * 360
        if number / whole >= _NARROWEST and radius > 30:
            x, y = center[0] + radius * 0.7 * np.sin(middle), center[1] - radius * 0.7 * np.cos(middle)
            canvas.text(float(x), float(y), f"{number / whole:.1%}", "#ffffff", SIZE, bold=True, align="center")


def _counted(picture: Picture) -> list[tuple[Curve, float]]:
    return [(curve, curve.number) for curve in picture.curves if curve.number is not None and curve.high is None]
