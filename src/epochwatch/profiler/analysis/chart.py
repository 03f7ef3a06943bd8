"""What charts share: a figure of Matplotlib that notebooks show, and which series of system metrics are drawn."""

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.errors import EpochwatchError
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOTAL: Final = "total"
"""The mean of all cores, or devices."""
_COLUMNS: Final = 4

Values = tuple[NDArray[np.float64], NDArray[np.float64]]
"""(Unix seconds, values)"""


class Chart:
    """``figure`` is Matplotlib's; a notebook shows what was drawn last."""

    figure: "Figure"

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.figure.savefig(picture, format="png", dpi=100)
        return picture.getvalue()


def drawn(width: float, height: float) -> "Figure":
    """An empty figure, of so many inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EpochwatchError("charts need Matplotlib", "pip install 'epochwatch[debugger,notebook]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def grid(count: int, size: float = 3.2) -> "tuple[Figure, list[Axes]]":
    """A figure of so many small charts. Raises EpochwatchError for none: nothing that was selected is there."""
    if not count:
        raise EpochwatchError(
            "nothing that was selected is there", "look at available_dimensions, available_events"
        )
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = drawn(size * columns, size * rows)
    places = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    for place in places:
        place.locator_params(axis="x", nbins=5)
        place.tick_params(labelsize=7)
    return figure, places


class Series:
    """Values of system metrics by dimension (and node, where asked for) and name, each dimension with their mean."""

    def __init__(self, events: Iterable[ProfilerSystemEvent], show_workers: bool) -> None:
        found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        for event in events:
            dimension = f"{event.dimension}-nodeid:{event.node_id}" if show_workers else event.dimension
            found[dimension][event.name or ""].append((event.timestamp, event.value))
        self.of: Mapping[str, dict[str, Values]] = {
            dimension: _with_total({name: _columns(points) for name, points in names.items()})
            for dimension, names in found.items()
        }

    def selected(self, dimensions: Sequence[str], events: Sequence[str]) -> list[tuple[str, str, Values]]:
        """(dimension, name, values) of those that match one of the patterns each."""
        return [
            (dimension, name, values)
            for dimension, names in self.of.items()
            if matches(dimension, dimensions)
            for name, values in names.items()
            if matches(name, events)
        ]


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is in a name."""
    return any(re.search(pattern, name) for pattern in patterns)


def _columns(points: list[tuple[float, float]]) -> Values:
    table = np.array(sorted(points), np.float64)
    return table[:, 0], table[:, 1]


def _with_total(names: dict[str, Values]) -> dict[str, Values]:
    shortest = min(len(times) for times, _ in names.values())
    times = next(iter(names.values()))[0][:shortest]
    return {**names, TOTAL: (times, np.mean([values[:shortest] for _, values in names.values()], axis=0))}
