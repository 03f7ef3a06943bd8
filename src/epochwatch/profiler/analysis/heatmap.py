"""Every core and device over time, by colour."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from epochwatch.profiler.analysis.chart import TOTAL, Chart, Series, drawn, grid
from epochwatch.profiler.smdebug.readers import SystemMetricsReader

_SHOWN: Final = 1000
_PIXELS: Final = 100
_BYTES: Final = ("Algorithm", "Platform")


class Heatmap(Chart):
    """The last 1,000 values of each thing that is selected in a time (Unix microseconds), a row for each; bytes are
    percent of their greatest. ``plot_height`` is in pixels. Drawn at once.
    """

    def __init__(
        self,
        metrics_reader: SystemMetricsReader,
        select_metrics: Sequence[str] = (),
        starttime: int = 0,
        endtime: int | None = None,
        select_dimensions: Sequence[str] = (".*CPU", ".*GPU"),
        select_events: Sequence[str] = (".*",),
        plot_height: int = 350,
        show_workers: bool = True,
    ) -> None:
        self.metrics_reader = metrics_reader
        self.starttime, self.plot_height, self.show_workers = starttime, plot_height, show_workers
        self.select_dimensions, self.select_events = select_dimensions, [*select_events, *select_metrics]
        self.update_data(endtime or metrics_reader.get_timestamp_of_latest_available_file() + 60_000_000)

    def update_data(self, current_timestamp: int) -> None:
        """Draw the same until a later time."""
        series = Series(self.metrics_reader.get_events(self.starttime, current_timestamp), self.show_workers)
        self.available_dimensions = list(series.of)
        selected = series.selected(self.select_dimensions, self.select_events)
        if not selected:
            grid(0)
        width = min(len(values) for *_, (_, values) in selected)
        rows, self.metric_names = [], []
        for dimension, name, (_, values) in selected:
            most = values.max() if dimension.startswith(_BYTES) else 100
            rows.append(values[:width] * (100 / most if most else 0))
            self.metric_names.append(f"{dimension}_{name or TOTAL}")
        self.values = np.array(rows)[:, -_SHOWN:]
        self.figure = drawn(10, max(self.plot_height / _PIXELS, 0.12 * len(rows)))
        place = self.figure.add_subplot()
        image = place.imshow(self.values, aspect="auto", vmin=0, vmax=100, cmap="viridis", interpolation="nearest")
        place.set_yticks(range(len(rows)), self.metric_names, fontsize=6)
        place.set_xlabel("Values, one after the other")
        self.figure.colorbar(image, label="Percent")
