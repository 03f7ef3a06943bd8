"""The view timeSeries: lines or stacked areas over time, with one or two value axes and annotations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from epochwatch.drawing.canvas import Align, Box, Canvas, fitted, text_width
from epochwatch.drawing.themes import Theme
from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.metric_rows import Side
from epochwatch.model.dashboard.picture import Curve, Level, Picture, lines_of, stacked
from epochwatch.model.dashboard.scales import limits, part, short, time_marks, value_marks
from epochwatch.model.dashboard.widget import Axis, HorizontalAnnotation, VerticalAnnotation
from epochwatch.model.labels import parse_timezone

SIZE: Final = 10
_MARK_EVERY: Final = 45
_TIME_EVERY: Final = 80
"""Pixels of height for each mark of a value axis, of width for each of time, at least."""
_FOOT: Final = 20
_HEAD: Final = 18
_AREA: Final = 0.6
_BAND: Final = 0.25
_FILL: Final = 0.15
_FAR: Final = 50
"""Heights of the plot."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A value axis: from ``low`` at the foot of the plot to ``high`` at its top."""

    low: float
    high: float
    plot: Box

    def y(self, values: Any) -> Any:
        """Pixels of values; those very far beyond the axis come nearer, for pixels have an end."""
        height = np.clip(part(np.asarray(values, float), self.low, self.high), -_FAR, _FAR)
        return self.plot.bottom - height * self.plot.height


def draw(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> None:
    """Draws the chart into the room."""
    sides: list[Side] = ["left", "right"] if _uses_right(picture) else ["left"]
    ranges = {side: _range(picture, side) for side in sides}
    heads = {side: _head(picture, side) for side in sides}
    top = room.top + (_HEAD if any(heads.values()) else 4)
    most = max(int((room.bottom - _FOOT - top) / _MARK_EVERY), 2)
    marks = {side: _marks(*ranges[side], most) for side in sides}
    margins = {side: max((text_width(text, SIZE) for _, text in marks[side]), default=0) + 6 for side in sides}
    plot = Box(room.left + margins["left"], top, room.right - margins.get("right", 8), room.bottom - _FOOT)
    if plot.right <= plot.left or plot.bottom <= plot.top:
        return
    scales = {side: Scale(*ranges[side], plot) for side in sides}
    for side in sides:
        x = room.left if side == "left" else room.right
        canvas.text(x, room.top + 5, fitted(heads[side], plot.width / 2, SIZE), theme.faint, SIZE, align=side)
    _axes(canvas, picture, scales, marks, theme)
    _curves(canvas, picture, scales)
    for level in picture.levels:
        _level(canvas, level, scales, theme)
    for annotation in picture.widget.annotations.vertical:
        _moment(canvas, annotation, _x_of(picture, plot), plot, theme)


def _uses_right(picture: Picture) -> bool:
    return bool(picture.on("right")) or any(one.y_axis == "right" for one in picture.lines())


def _range(picture: Picture, side: Side) -> tuple[float, float]:
    axis = _axis(picture, side)
    curves = [curve for curve in picture.on(side) if len(curve.values)]
    if picture.widget.stacked:
        edges = [high for _, _, high in stacked(curves)]
    else:
        edges = [edge for curve in curves for edge in (curve.values, curve.high) if edge is not None]
    values = [float(end) for edge in edges for end in (edge.min(), edge.max())]
    values += [one.value for one in picture.lines() if one.y_axis == side]
    return limits(values, axis.min, axis.max, from_zero=picture.widget.stacked)


def _head(picture: Picture, side: Side) -> str:
    """What stands above a value axis: its label, and the unit unless that is not wanted."""
    axis = _axis(picture, side)
    unit = picture.unit(side) if axis.show_units else ""
    return f"{axis.label} ({unit})" if axis.label and unit else axis.label or unit


def _axis(picture: Picture, side: Side) -> Axis:
    return picture.widget.y_axis.left if side == "left" else picture.widget.y_axis.right


def _marks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    values = value_marks(low, high, most)
    step = values[1] - values[0] if len(values) > 1 else 0.0
    return [(value, short(value, step)) for value in values]


def _axes(
    canvas: Canvas,
    picture: Picture,
    scales: dict[Side, Scale],
    marks: dict[Side, list[tuple[float, str]]],
    theme: Theme,
) -> None:
    plot = scales["left"].plot
    rows = [float(scales["left"].y(value)) for value, _ in marks["left"]]
    canvas.lines([[(plot.left, y), (plot.right, y)] for y in rows], theme.grid)
    for side, scale in scales.items():
        align: Align = "right" if side == "left" else "left"
        x = plot.left - 6 if side == "left" else plot.right + 6
        for value, text in marks[side]:
            canvas.text(x, float(scale.y(value)), text, theme.faint, SIZE, align=align)
    canvas.lines([[(plot.left, plot.bottom), (plot.right, plot.bottom)]], theme.axis)
    x_of = _x_of(picture, plot)
    zone = parse_timezone(picture.widget.timezone)
    moments = time_marks(picture.start, picture.end, max(int(plot.width / _TIME_EVERY), 1), zone)
    canvas.lines([[(x_of(at), plot.bottom), (x_of(at), plot.bottom + 4)] for at, _ in moments], theme.axis)
    for at, text in moments:
        half = text_width(text, SIZE) / 2
        x = min(max(x_of(at), half), canvas.width - half)
        canvas.text(x, plot.bottom + 13, text, theme.faint, SIZE, align="center")


def _x_of(picture: Picture, plot: Box) -> Callable[[Any], Any]:
    span = max(picture.end - picture.start, 1.0)
    return lambda moment: plot.left + (np.asarray(moment, float) - picture.start) / span * plot.width


def _curves(canvas: Canvas, picture: Picture, scales: dict[Side, Scale]) -> None:
    plot = scales["left"].plot
    x_of = _x_of(picture, plot)
    inside = Box(plot.left - 1, plot.top - 1, plot.right + 1, plot.bottom + 1)
    for side, scale in scales.items():
        curves = [curve for curve in picture.on(side) if len(curve.timestamps)]
        if picture.widget.stacked:
            for curve, (moments, low, high) in zip(curves, stacked(curves), strict=True):
                canvas.area(x_of(moments), scale.y(low), scale.y(high), curve.color, _AREA, inside)
                canvas.line(x_of(moments), scale.y(high), curve.color, inside=inside)
            continue
        for curve in sorted(curves, key=lambda one: one.high is None):  # bands behind lines
            _curve(canvas, curve, x_of(curve.timestamps), scale, inside)


def _curve(canvas: Canvas, curve: Curve, x: Any, scale: Scale, inside: Box) -> None:
    parts, low = curve.stretches(), scale.y(curve.values)
    if curve.high is None:
        canvas.broken_line(x, low, parts, curve.color, inside=inside)
        return
    high = scale.y(curve.high)
    for stretch in parts:
        canvas.area(x[stretch], low[stretch], high[stretch], curve.color, _BAND, inside)
    for edge in (low, high):
        canvas.broken_line(x, edge, parts, curve.color, 0.75, inside=inside)


def _level(canvas: Canvas, level: Level, scales: dict[Side, Scale], theme: Theme) -> None:
    lines = lines_of(level)
    if not lines:
        return
    scale = scales[lines[0].y_axis]
    plot = scale.plot
    color = next((one.color for one in lines if one.color), theme.annotation)
    rows = [float(scale.y(one.value)) for one in lines]
    for top, bottom in _filled(lines[0].fill, rows, plot):
        canvas.box(Box(plot.left, top, plot.right, bottom), color, _FILL, inside=plot)
    for one, y in zip(lines, rows, strict=True):
        draw_line(canvas, one, y, plot, color)


def draw_line(canvas: Canvas, one: HorizontalAnnotation, y: float, plot: Box, color: str) -> None:
    """The line of an annotation across a plot, at so many pixels, in its own colour or else that one."""
    if plot.top - 1 <= y <= plot.bottom + 1:
        canvas.line([plot.left, plot.right], [y, y], one.color or color, 1.2)
        canvas.text(plot.left + 4, y - 8, fitted(one.label, plot.width - 8, SIZE), one.color or color, SIZE)


def _filled(fill: str, rows: list[float], plot: Box) -> Iterator[tuple[float, float]]:
    """What is filled of the height: between two lines, or above or below the one."""
    if len(rows) == 2:
        yield min(rows), max(rows)
    elif fill == "above":
        yield plot.top, rows[0]
    elif fill == "below":
        yield rows[0], plot.bottom


def _moment(
    canvas: Canvas,
    annotation: VerticalAnnotation | list[VerticalAnnotation],
    x_of: Callable[[Any], Any],
    plot: Box,
    theme: Theme,
) -> None:
    lines = [
        one for one in ([annotation] if isinstance(annotation, VerticalAnnotation) else annotation) if one.visible
    ]
    if not lines:
        return
    color = next((one.color for one in lines if one.color), theme.annotation)
    columns = [float(x_of(times.moment(one.value, 0.0))) for one in lines]
    spans = {"before": (plot.left, columns[0]), "after": (columns[0], plot.right), "none": None}
    span = (min(columns), max(columns)) if len(columns) == 2 else spans[lines[0].fill]
    if span is not None:
        canvas.box(Box(span[0], plot.top, span[1], plot.bottom), color, _FILL, inside=plot)
    for one, x in zip(lines, columns, strict=True):
        if plot.left - 1 <= x <= plot.right + 1:
            canvas.line([x, x], [plot.top, plot.bottom], one.color or color, 1.2)
            right = x > (plot.left + plot.right) / 2
            canvas.text(
                x - 4 if right else x + 4,
                plot.top + 7,
                fitted(one.label, plot.width / 2, SIZE),
                one.color or color,
                SIZE,
                align="right" if right else "left",
            )
