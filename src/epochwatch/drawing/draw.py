"""A picture of a widget: its title, its legend, and between them what the view shows."""

from collections.abc import Callable
from typing import Final

from epochwatch.drawing import legend, numbers, shares, time_series
from epochwatch.drawing.canvas import Box, Canvas, fitted
from epochwatch.drawing.themes import THEMES, Theme
from epochwatch.model.dashboard.picture import Picture
from epochwatch.model.dashboard.widget import View

MARGIN: Final = 12
TITLE_SIZE: Final = 14
TITLE_HEIGHT: Final = 24

_VIEWS: Final[dict[View, Callable[[Canvas, Picture, Box, Theme], None]]] = {
    "timeSeries": time_series.draw,
    "singleValue": numbers.draw_values,
    "gauge": numbers.draw_gauges,
    "bar": shares.draw_bars,
    "pie": shares.draw_pie,
}
_LABELLED: Final = ("singleValue", "gauge")
"""Views in which the labels stand at the numbers."""


def draw(picture: Picture) -> bytes:
    """The picture as a PNG file of the widget's size."""
    widget = picture.widget
    theme = THEMES[widget.theme]
    canvas = Canvas(widget.width, widget.height, theme.background)
    room = Box(MARGIN, MARGIN, widget.width - MARGIN, widget.height - MARGIN)
    if widget.title:
        title = fitted(widget.title, room.width, TITLE_SIZE, bold=True)
        canvas.text(room.left, room.top + TITLE_SIZE / 2, title, theme.text, TITLE_SIZE, bold=True)
        room = room._replace(top=room.top + TITLE_HEIGHT)
    if widget.view not in _LABELLED and widget.legend.position != "hidden":
        room = legend.draw(canvas, picture, room, theme)
    _VIEWS[widget.view](canvas, picture, room, theme)
    if not any(len(curve.timestamps) for curve in picture.curves):
        middle = ((room.left + room.right) / 2, (room.top + room.bottom) / 2)
        canvas.text(*middle, fitted("No data available", room.width), theme.faint, align="center")
    return canvas.png()
