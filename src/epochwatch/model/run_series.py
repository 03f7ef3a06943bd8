"""A series of run points: a training metric, told apart by what its definition's named groups captured."""

import re
from typing import NamedTuple

from epochwatch.model.batch import RunPoints
from epochwatch.model.embedded_metric import UNITS
from epochwatch.model.metric import NO_UNIT, Dimensions

OWN_DIMENSION = "TrainingJobName"
"""What every training metric has in CloudWatch."""
MOST_DIMENSIONS = 29
"""Of one metric besides its own: CloudWatch allows 30."""
LONGEST_DIMENSION = 1024
"""Characters of a dimension's value."""
MOST_COMBINATIONS = 1000
"""Different dimensions that a definition's values may have; those of further ones are counted, not kept."""
RESOLUTIONS = (1, 60)
"""Seconds: CloudWatch's high and standard resolution."""

_DIMENSIONS = re.compile(r'\{(?:[^\W\d]\w*+="(?:[^"\\]|\\.)*+",?+)++\}$')


class RunSeries(NamedTuple):
    """What a run point belongs to, besides its job and host."""

    name: str
    dimensions: Dimensions = ()
    """Those of the metric's own, sorted by name."""
    unit: str = NO_UNIT
    resolution: int = 1
    """Seconds: 1 or 60."""

    @property
    def label(self) -> str:
        """The name under which the points are kept: ``norm{layer="3"}``, or the metric's where there are no
        dimensions.
        """
        if not self.dimensions:
            return self.name
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.dimensions)
        return f"{self.name}{{{pairs}}}"


def metric_name(label: str) -> str:
    """The metric's name in a ``RunSeries.label``."""
    found = _DIMENSIONS.search(label)
    return label if found is None else label[: found.start()]


def series_of(points: RunPoints) -> list[RunSeries]:
    """What each of ``points.names`` stands for. Raises ValueError for what no series can have."""
    count = len(points.names)
    dimensions = points.dimensions or [[]] * count
    units, resolutions = points.units or [NO_UNIT] * count, points.resolutions or [1] * count
    if not count == len(dimensions) == len(units) == len(resolutions):
        raise ValueError("dimensions, units and resolutions are as many as names")
    return [
        _checked(RunSeries(name, tuple(sorted(pairs)), unit, resolution))
        for name, pairs, unit, resolution in zip(points.names, dimensions, units, resolutions, strict=True)
    ]


def _checked(series: RunSeries) -> RunSeries:
    names = {name for name, value in series.dimensions if name and value}
    if len(names) < len(series.dimensions) or len(names) > MOST_DIMENSIONS or OWN_DIMENSION in names:
        raise ValueError(f"these are no dimensions of a training metric: {series.dimensions!r:.200}")
    if series.unit not in UNITS or series.resolution not in RESOLUTIONS:
        raise ValueError(f"a metric has no unit {series.unit!r:.50} or no resolution of {series.resolution} s")
    return series


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
