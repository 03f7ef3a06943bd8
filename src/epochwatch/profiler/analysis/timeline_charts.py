"""System metrics over time, above what the training did meanwhile."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from epochwatch.profiler.analysis.chart import Chart, Series, drawn
from epochwatch.profiler.smdebug.readers import AlgorithmMetricsReader, SystemMetricsReader

_MICROSECONDS: Final = 1_000_000
_MOST_LANES: Final = 20
_MOST_BARS: Final = 5000


class TimelineCharts(Chart):
    """The last ``x`` values of each thing that is selected in a time (Unix microseconds), and the phases of the
    training below them; drawn at once.
    """

    def __init__(
        self,
        system_metrics_reader: SystemMetricsReader,
        framework_metrics_reader: AlgorithmMetricsReader | None,
        starttime: int = 0,
        endtime: int | None = None,
        select_dimensions: Sequence[str] = (".*",),
        select_events: Sequence[str] = (".*",),
        x: int = 1000,
        show_workers: bool = True,
    ) -> None:
        self.system_metrics_reader = system_metrics_reader
        self.framework_metrics_reader = framework_metrics_reader
        self.starttime, self.width, self.show_workers = starttime, x, show_workers
        self.select_dimensions, self.select_events = select_dimensions, select_events
        self.update_data(
            endtime or system_metrics_reader.get_timestamp_of_latest_available_file() + 60 * _MICROSECONDS
        )

    def update_data(self, current_timestamp: int) -> None:
        """Draw the same until a later time."""
        events = self.system_metrics_reader.get_events(self.starttime, current_timestamp)
        series = Series(events, self.show_workers)
        self.available_dimensions = list(series.of)
        self.available_events = list(dict.fromkeys(name for names in series.of.values() for name in names))
        lines: dict[str, list[tuple[str, list[float], list[float]]]] = defaultdict(list)
        begin = current_timestamp / _MICROSECONDS
        for dimension, name, (times, values) in series.selected(self.select_dimensions, self.select_events):
            lines[dimension].append((name, times[-self.width :].tolist(), values[-self.width :].tolist()))
            begin = min(begin, times[-self.width :][0])
        lanes = self._lanes(int(begin * _MICROSECONDS), current_timestamp)
        self.figure = drawn(10, 1.8 * max(len(lines) + bool(lanes), 1))
        rows = len(lines) + bool(lanes)
        for number, (dimension, parts) in enumerate(lines.items(), 1):
            place = self.figure.add_subplot(rows, 1, number)
            for name, moments, points in parts:
                place.plot([time - begin for time in moments], points, linewidth=0.7, label=name)
            place.set_title(dimension, fontsize=8)
            place.legend(fontsize=6, loc="upper right")
        if lanes:
            place = self.figure.add_subplot(rows, 1, rows)
            for number, bars in enumerate(lanes.values()):
                place.broken_barh([(start - begin, seconds) for start, seconds in bars], (number, 0.8))
            place.set_yticks([number + 0.4 for number in range(len(lanes))], list(lanes), fontsize=6)
            place.set_xlabel("Time (s)")
        shown = [axes.get_xlim() for axes in self.figure.axes]
        for place in self.figure.axes:
            place.set_xlim(min(left for left, _ in shown), max(right for _, right in shown))

    def _lanes(self, begin: int, end: int) -> dict[str, list[tuple[float, float]]]:
        """(beginning, seconds) of what the training did, by phase; the longest where there is much."""
        if self.framework_metrics_reader is None:
            return {}
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for event in self.framework_metrics_reader.get_events(begin, end):
            if len(found) < _MOST_LANES or event.event_phase in found:
                found[event.event_phase].append((event.start_time / _MICROSECONDS, event.duration / _MICROSECONDS))
        return {name: sorted(bars, key=lambda bar: -bar[1])[:_MOST_BARS] for name, bars in sorted(found.items())}
