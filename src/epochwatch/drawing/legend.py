"""The legend: a square of its colour and the label of each curve, below or to the right of the chart."""

from typing import Final

from epochwatch.drawing.canvas import Box, Canvas, fitted, text_width
from epochwatch.drawing.themes import Theme
from epochwatch.model.dashboard.picture import Curve, Picture

SIZE: Final = 11
ROW: Final = 18
SQUARE: Final = 10
GAP: Final = 14
"""Between two entries of a row."""
_INDENT: Final = SQUARE + 5
_INCOMPLETE: Final = "▲"
_MOST_HEIGHT: Final = 0.4
_MOST_WIDTH: Final = 0.4
"""Of the picture."""


def draw(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> Box:
    """Draws the legend; the room that it leaves."""
    if not picture.curves:
        return room
    if picture.widget.legend.position == "right":
        return _right(canvas, picture, room, theme)
    return _bottom(canvas, picture, room, theme)


def _bottom(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> Box:
    rows: list[list[tuple[float, Curve]]] = [[]]
    x = room.left
    for curve in picture.curves:
        width = min(_width(curve), room.width)
        if rows[-1] and x + width > room.right:
            rows.append([])
            x = room.left
        rows[-1].append((x, curve))
        x += width + GAP
    shown = rows[: max(int(room.height * _MOST_HEIGHT / ROW), 1)]
    top = room.bottom - len(shown) * ROW
    for number, row in enumerate(shown):
        for x, curve in row:
            _entry(canvas, curve, x, top + number * ROW + ROW / 2, room.right - x, theme)
    _tell_rest(
        canvas, sum(len(row) for row in rows[len(shown) :]), Box(room.left, top, room.right, room.bottom), theme
    )
    return room._replace(bottom=top - 6)


def _right(canvas: Canvas, picture: Picture, room: Box, theme: Theme) -> Box:
    width = min(max(_width(curve) for curve in picture.curves), room.width * _MOST_WIDTH)
    shown = picture.curves[: max(int(room.height / ROW), 1)]
    left = room.right - width
    for number, curve in enumerate(shown):
        _entry(canvas, curve, left, room.top + number * ROW + ROW / 2, width, theme)
    _tell_rest(canvas, len(picture.curves) - len(shown), room._replace(left=left), theme)
    return room._replace(right=left - GAP)


def _entry(canvas: Canvas, curve: Curve, x: float, y: float, room: float, theme: Theme) -> None:
    canvas.box(Box(x, y - SQUARE / 2, x + SQUARE, y + SQUARE / 2), curve.color)
    x += _INDENT
    room -= _INDENT
    if curve.incomplete:
        canvas.text(x, y, _INCOMPLETE, theme.warning, SIZE)
        x += _INDENT
        room -= _INDENT
    canvas.text(x, y, fitted(curve.label, room, SIZE), theme.text, SIZE)


def _tell_rest(canvas: Canvas, count: int, room: Box, theme: Theme) -> None:
    """How many curves have no entry, at the end of the last row."""
    if not count:
        return
    text = f"+{count}"
    width = text_width(text, SIZE) + 6
    y = room.bottom - ROW / 2
    canvas.box(Box(room.right - width, room.bottom - ROW, room.right, room.bottom), theme.background)
    canvas.text(room.right, y, text, theme.faint, SIZE, align="right")


def _width(curve: Curve) -> float:
    return _INDENT * (2 if curve.incomplete else 1) + text_width(curve.label, SIZE) + 2
