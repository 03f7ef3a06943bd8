"""How often steps and their phases took how long."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from epochwatch.profiler.analysis.chart import Chart, grid, matches
from epochwatch.profiler.smdebug.readers import AlgorithmMetricsReader

SELECTED: Final = ("Step:ModeKeys", "Forward", r"Backward\(post-forward\)")
_BINS: Final = 50
_MICROSECONDS: Final = 1_000_000


class StepHistogram(Chart):
    """``width`` is the width of each histogram in pixels."""

    def __init__(self, metrics_reader: AlgorithmMetricsReader, width: int = 500) -> None:
        self.metrics_reader = metrics_reader
        self.width = width
        self.step_metrics: dict[str, list[float]] = {}
        self._selection: tuple[int, Sequence[str], bool] = (0, SELECTED, True)

    def plot(
        self,
        starttime: int = 0,
        endtime: int | None = None,
        select_metrics: Sequence[str] = SELECTED,
        show_workers: bool = True,
    ) -> "StepHistogram":
        """Draw the seconds of phases, selected by patterns, in a time (Unix microseconds); with ``show_workers`` of
        each process by itself.
        """
        self._selection = (starttime, select_metrics, show_workers)
        self.update_data(endtime or self.metrics_reader.get_timestamp_of_latest_available_file())
        return self

    def update_data(self, current_timestamp: int) -> None:
        """Draw the same until a later time."""
        starttime, metrics, show_workers = self._selection
        found: dict[str, list[float]] = defaultdict(list)
        for event in self.metrics_reader.get_events(starttime, current_timestamp):
            name = f"{event.event_phase}-nodeid:{event.node_id}" if show_workers else event.event_phase
            found[name].append(event.duration / _MICROSECONDS)
        self.step_metrics = {name: values for name, values in found.items() if matches(name, metrics)}
        self.figure, places = grid(len(self.step_metrics), self.width / 100)
        for place, (name, values) in zip(places, self.step_metrics.items(), strict=True):
            most = np.median(values) + 2 * np.std(values)
            bins = np.linspace(min(values), max(most, min(values) * 1.001 + 1e-9), _BINS)
            place.hist(values, bins=bins.tolist())
            place.set_xlabel(f"{name} (s)", fontsize=7)
            place.set_ylabel("Occurrences")
