"""How often each value of system metrics was there."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from epochwatch.profiler.analysis.chart import Chart, Series, grid
from epochwatch.profiler.smdebug.readers import SystemMetricsReader

_BINS: Final = np.arange(0, 102, 2)


class MetricsHistogram(Chart):
    """A histogram of each thing that is selected, in steps of 2 %."""

    def __init__(self, metrics_reader: SystemMetricsReader) -> None:
        self.metrics_reader = metrics_reader
        self.available_dimensions: list[str] = []
        self.available_events: list[str] = []
        self._selection: tuple[int, Sequence[str], Sequence[str], bool] = (0, (".*",), (".*",), True)

    def plot(
        self,
        starttime: int = 0,
        endtime: int | None = None,
        select_dimensions: Sequence[str] = (".*",),
        select_events: Sequence[str] = (".*",),
        show_workers: bool = True,
    ) -> "MetricsHistogram":
        """Draw a time (Unix microseconds), until now if ``endtime`` is not given; dimensions (``CPUUtilization``) and
        events (``cpu0``, ``total``) are selected by patterns; with ``show_workers`` each node is drawn by itself.
        """
        self._selection = (starttime, select_dimensions, select_events, show_workers)
        self.update_data(endtime or _now(self.metrics_reader))
        return self

    def update_data(self, current_timestamp: int) -> None:
        """Draw the same until a later time."""
        starttime, dimensions, events, show_workers = self._selection
        series = Series(self.metrics_reader.get_events(starttime, current_timestamp), show_workers)
        self.available_dimensions = list(series.of)
        self.available_events = list(dict.fromkeys(name for names in series.of.values() for name in names))
        selected = series.selected(dimensions, events)
        self.figure, places = grid(len(selected))
        for place, (dimension, name, (_, values)) in zip(places, selected, strict=True):
            bins = _BINS if values.max() <= 100 else np.linspace(0, values.max(), len(_BINS))
            place.hist(np.clip(values, 0, None), bins=bins.tolist())
            place.set_xlabel(f"{dimension}_{name}", fontsize=7)
            place.set_ylabel("Occurrences")


def _now(reader: SystemMetricsReader) -> int:
    """The end of the last minute there is."""
    return reader.get_timestamp_of_latest_available_file() + 60_000_000
