"""A picture in pixels, the origin at the upper left: lines, areas, wedges and text, smooth, and written as PNG."""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle, Wedge
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox
from numpy.typing import NDArray

Align: TypeAlias = Literal["left", "center", "right"]
Floats: TypeAlias = NDArray[np.float64]

_DPI: Final = 72
"""A point is a pixel."""
_FONTS: Final = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_COMPRESSION: Final = 6
_MANY: Final = 2000
"""Points from which on a line is looked at for what is too fine to be seen."""
_MISSING: Final = "\ufffd"
_LONGEST: Final = 2000
"""Characters of a text that can ever be seen: a picture has no more pixels to a side."""
_MATPLOTLIB: Final = Lock()
"""Its caches are not made for threads; drawing keeps the interpreter busy anyway."""


class Box(NamedTuple):
    """A rectangle in pixels, from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """At least a pixel."""
        return max(self.right - self.left, 1.0)

    @property
    def height(self) -> float:
        """At least a pixel."""
        return max(self.bottom - self.top, 1.0)


class Canvas:
    """What is drawn later lies on what was drawn before."""

    def __init__(self, width: int, height: int, background: str) -> None:
        self.width = width
        self.height = height
        self._figure = Figure((width / _DPI, height / _DPI), _DPI, facecolor=background)
        self._pixels = Affine2D().scale(1, -1).translate(0, height)
        self._count = 0

    def line(
        self,
        x: Sequence[float] | Any,
        y: Sequence[float] | Any,
        color: str,
        width: float = 1.5,
        *,
        inside: Box | None = None,
    ) -> None:
        """A line through points from left to right; one point alone is a dot."""
        dot = len(x) == 1
        x, y = _thinned(np.asarray(x, float), np.asarray(y, float))
        drawn = Line2D(
            x,
            y,
            color=color,
            linewidth=width,
            marker="o" if dot else None,
            markersize=4,
            solid_joinstyle="round",
        )
        self._add(drawn, inside)

    def broken_line(
        self,
        x: Floats,
        y: Floats,
        parts: Sequence[slice],
        color: str,
        width: float = 1.5,
        *,
        inside: Box | None = None,
    ) -> None:
        """A line through the points of each part; a point alone is a dot."""
        if len(parts) == 1:
            self.line(x, y, color, width, inside=inside)
            return
        longer = [part for part in parts if part.stop - part.start > 1]
        segments = [np.column_stack(_thinned(x[part], y[part])) for part in longer]
        self._add(LineCollection(segments, colors=color, linewidths=width, joinstyle="round"), inside)
        dots = [part.start for part in parts if part.stop - part.start == 1]
        self._add(Line2D(x[dots], y[dots], color=color, linestyle="none", marker="o", markersize=4), inside)

    def lines(self, segments: Sequence[Sequence[tuple[float, float]]], color: str, width: float = 1.0) -> None:
        """Many straight lines of one kind."""
        self._add(LineCollection(segments, colors=color, linewidths=width))

    def area(self, x: Any, low: Any, high: Any, color: str, opacity: float, inside: Box | None = None) -> None:
        """What lies between two curves, given from left to right."""
        if (begins := _columns(x)) is not None:
            x, low, high = x[begins], np.maximum.reduceat(low, begins), np.minimum.reduceat(high, begins)
        outline = np.column_stack([np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])])
        self._add(Polygon(outline, facecolor=color, alpha=opacity, linewidth=0), inside)

    def box(self, box: Box, color: str, opacity: float = 1.0, inside: Box | None = None) -> None:
        """A filled rectangle."""
        size = (box.right - box.left, box.bottom - box.top)
        self._add(Rectangle(box[:2], *size, facecolor=color, alpha=opacity, linewidth=0), inside)

    def wedge(
        self,
        center: tuple[float, float],
        radius: float,
        begin: float,
        end: float,
        color: str,
        thickness: float | None,
    ) -> None:
        """A piece of a disc from one angle to another, clockwise in degrees from the top; of a ring if it has a
        thickness.
        """
        self._add(
            Wedge(center, max(radius, 0.5), begin - 90, end - 90, width=thickness, facecolor=color, linewidth=0)
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        color: str,
        size: float = 11,
        *,
        bold: bool = False,
        align: Align = "left",
    ) -> None:
        """One line of text at the height of its middle; ``align`` says what of it is at ``x``."""
        drawn = Text(
            x,
            y,
            _drawable(text, bold),
            color=color,
            fontproperties=_font(bold, size),
            horizontalalignment=align,
            verticalalignment="center_baseline",
            parse_math=False,
        )
        self._add(drawn)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        with _MATPLOTLIB:
            agg: Any = FigureCanvasAgg(self._figure)
            sink = io.BytesIO()
            agg.print_png(sink, pil_kwargs={"compress_level": _COMPRESSION}, metadata={"Software": None})
        return sink.getvalue()

    def _add(self, drawn: Any, inside: Box | None = None) -> None:
        drawn.set_transform(self._pixels)
        if inside is not None:
            drawn.set_clip_box(TransformedBbox(Bbox([inside[:2], inside[2:]]), self._pixels))
        self._count += 1
        drawn.set_zorder(self._count)
        self._figure.add_artist(drawn, clip=False)


def _columns(x: Floats) -> NDArray[np.intp] | None:
    """The first point of each column of pixels, where there are very many in each."""
    if len(x) < _MANY:
        return None
    begins = np.flatnonzero(np.diff(np.floor(x), prepend=-np.inf))
    return begins if len(begins) * 4 < len(x) else None


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest value of each column of pixels, where there are very many in each: no peak is lost,
    and no line is longer than the renderer can hold.
    """
    begins = _columns(x)
    if begins is None:
        return x, y
    edges = np.column_stack([np.minimum.reduceat(y, begins), np.maximum.reduceat(y, begins)])
    return np.repeat(x[begins], 2), edges.ravel()


def text_width(text: str, size: float = 11, *, bold: bool = False) -> float:
    """Pixels that a line of text takes."""
    return _width(_drawable(text[:_LONGEST], bold), bold) * size / 100


def fitted(text: str, room: float, size: float = 11, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it takes more than so many pixels."""
    if text_width(text, size, bold=bold) <= room:
        return text
    kept = min(len(text), _LONGEST)
    while kept and text_width(text[:kept] + "…", size, bold=bold) > room:
        kept = min(kept - 1, int(kept * 0.9))
    return text[:kept] + "…" if kept else ""


@lru_cache(maxsize=4096)
def _width(text: str, bold: bool) -> float:
    """At 100 pixels."""
    with _MATPLOTLIB:
        face = _face(bold)
        face.set_text(text, 0.0)
        return float(face.get_width_height()[0]) / 64


@lru_cache(maxsize=4096)
def _drawable(text: str, bold: bool) -> str:
    """In one line, and with a sign in place of characters that the font has not got."""
    with _MATPLOTLIB:
        known = _face(bold).get_char_index
        return "".join(one if known(ord(one)) else _MISSING for one in " ".join(text.split()))


@lru_cache
def _face(bold: bool) -> FT2Font:
    face = FT2Font(str(_path(bold)))
    face.set_size(100, _DPI)
    return face


@lru_cache
def _font(bold: bool, size: float) -> FontProperties:
    return FontProperties(fname=str(_path(bold)), size=size)


def _path(bold: bool) -> Path:
    return _FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
