"""What a widget shows: curves, lines and numbers, read and computed, and not yet drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.dashboard.metric_rows import Side
from epochwatch.model.dashboard.widget import HorizontalAnnotation, MetricWidget

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

PALETTE: Final = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
    "#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94", "#f7b6d2", "#c7c7c7", "#dbdb8d", "#9edae5",
)  # fmt: skip
"""Colours of curves that name none, in order, repeating."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Values at ascending times (Unix seconds)."""

    label: str
    timestamps: Integers
    values: Floats
    color: str
    """``#rrggbb`` or ``#rgb``."""
    axis: Side = "left"
    unit: str = ""
    """CloudWatch's; empty where there is none, or several."""
    number: float | None = None
    """What stands for the curve where only one value is shown."""
    high: Floats | None = None
    """The upper edge of a band; ``values`` are the lower one."""
    incomplete: bool = False
    """Whether not all its values could be read."""
    row: int = 0
    """Which of the widget's rows it comes from."""
    period: int = 0
    """Seconds from one point to the next; 0 where that is not known."""
    dimensions: tuple[tuple[str, str], ...] = ()
    """Of the metric it was read from; none where it is computed from several."""

    def stretches(self) -> list[slice]:
        """Its points without those between which a period is missing; lines end there."""
        if not self.period:
            return [slice(0, len(self.timestamps))]
        ends = [0, *(np.flatnonzero(np.diff(self.timestamps) > self.period) + 1).tolist(), len(self.timestamps)]
        return [slice(begin, end) for begin, end in pairwise(ends)]


Level: TypeAlias = HorizontalAnnotation | Sequence[HorizontalAnnotation]
"""A line, or two with a band between them."""


def lines_of(level: Level) -> list[HorizontalAnnotation]:
    """Those lines of a level that are to be seen."""
    return [one for one in ([level] if isinstance(level, HorizontalAnnotation) else level) if one.visible]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A widget with what it shows over ``[start, end]`` (Unix seconds)."""

    widget: MetricWidget
    start: float
    end: float
    curves: Sequence[Curve]
    levels: Sequence[Level] = ()
    """The widget's horizontal annotations, and the threshold of its alarm."""

    def on(self, side: Side) -> list[Curve]:
        """The curves of one value axis."""
        return [curve for curve in self.curves if curve.axis == side]

    def lines(self) -> list[HorizontalAnnotation]:
        """Every horizontal line that is to be seen."""
        return [one for level in self.levels for one in lines_of(level)]

    def unit(self, side: Side) -> str:
        """The unit of a value axis: the one that all its curves have."""
        units = {curve.unit for curve in self.on(side)}
        return units.pop() if len(units) == 1 else ""


def stacked(curves: Sequence[Curve]) -> list[tuple[Integers, Floats, Floats]]:
    """For each curve its area on top of those before: times, lower and upper edge. Between its points a curve is a
    straight line; before its first and behind its last it is zero.
    """
    if not curves:
        return []
    every = np.sort(np.concatenate([curve.timestamps for curve in curves]))
    moments = every[np.diff(every, prepend=-1) > 0]  # np.unique hashes, which takes seconds of so many
    below = np.zeros(len(moments))
    found = []
    for curve in curves:
        values = (
            np.interp(moments, curve.timestamps, curve.values, 0.0, 0.0) if len(curve.timestamps) else below * 0
        )
        found.append((moments, below, below + values))
        below = below + values
    return found
