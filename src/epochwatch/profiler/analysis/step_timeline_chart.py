"""What each step took, over the time of the training."""

from typing import Final

import numpy as np

from epochwatch.profiler.analysis.chart import Chart, drawn
from epochwatch.profiler.smdebug.readers import AlgorithmMetricsReader

_MICROSECONDS: Final = 1_000_000


class StepTimelineChart(Chart):
    """The last ``width`` steps; drawn at once."""

    def __init__(self, metrics_reader: AlgorithmMetricsReader, width: int = 1000) -> None:
        self.metrics_reader = metrics_reader
        self.width = width
        self.update_data(metrics_reader.get_timestamp_of_latest_available_file())

    def update_data(self, current_timestamp: int) -> None:
        """Draw steps until a later time (Unix microseconds)."""
        events = self.metrics_reader.get_events(0, current_timestamp)
        steps = [event for event in events if event.event_name.startswith("Step")]
        found = sorted(
            (event.start_time / _MICROSECONDS, event.duration / _MICROSECONDS, int(number), event.event_name)
            for event in steps
            if (number := (event.event_args or {}).get("step_num")) is not None
        )
        self.steps_np = np.array([row[:3] for row in found], np.float64).reshape(-1, 3)
        """(beginning in Unix seconds, seconds, number) of each step."""
        self.metric_names = [row[3] for row in found]
        self.figure = drawn(10, 2.5)
        place = self.figure.add_subplot()
        first = found[0][0] if found else 0.0
        for name in dict.fromkeys(self.metric_names):
            rows = [number for number, other in enumerate(self.metric_names) if other == name][-self.width :]
            place.plot(self.steps_np[rows, 0] - first, self.steps_np[rows, 1], linewidth=0.8, label=name)
        if found:
            place.legend(fontsize=7)
        place.set_xlabel("Time (s)")
        place.set_ylabel("Step duration (s)")
