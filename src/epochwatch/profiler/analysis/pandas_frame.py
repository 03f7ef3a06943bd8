"""A profile as tables of pandas."""

import re
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epochwatch.profiler.smdebug.layout import SECOND
from epochwatch.profiler.smdebug.readers import (
    AlgorithmMetricsReader,
    S3AlgorithmMetricsReader,
    S3SystemMetricsReader,
    SystemMetricsReader,
)
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
from epochwatch.profiler.smdebug.time_units import shown
from epochwatch.profiler.smdebug.trace_event import TraceEvent

INTERVAL: Final = 5_000 * SECOND
"""Microseconds after the last file in which its events may be."""
_FORMAT: Final = "%Y-%m-%dT%H:%M:%S:%f"


class PandasFrame:
    """The tables of a job's ``profiler-output`` in a directory or below ``s3://bucket/prefix``. Their times ending in
    ``_us`` are microseconds since the first file.
    """

    def __init__(self, path: str, use_in_memory_cache: bool = False, scan_interval: int = INTERVAL) -> None:
        self.path = path
        self.interval = scan_interval
        in_s3 = path.startswith("s3://")
        self.system_metrics_reader = (S3SystemMetricsReader if in_s3 else SystemMetricsReader)(path)
        self.framework_metrics_reader = (S3AlgorithmMetricsReader if in_s3 else AlgorithmMetricsReader)(
            path, use_in_memory_cache
        )
        self._system = _system_table([])
        self._framework = _framework_table([])
        self.start_time = self._first()

    def _first(self) -> int:
        return self.system_metrics_reader.get_timestamp_of_first_available_file() or min(
            (int(event.start_time) for event in self.framework_metrics_reader.get_events(0, 1 << 62)), default=0
        )

    def get_all_system_metrics(self, selected_system_metrics: Sequence[str] = ()) -> pd.DataFrame:
        """``timestamp``, ``timestamp_us``, ``value``, ``system_metric``, ``dimension``, ``nodeID``, ``type``; of the
        named things (``cpu0``) or all.
        """
        last = self.system_metrics_reader.get_timestamp_of_latest_available_file() + self.interval
        return self._system_metrics(self.start_time, last, selected_system_metrics)

    def get_all_framework_metrics(self, selected_framework_metrics: Sequence[str] = ()) -> pd.DataFrame:
        """``start_time``, ``end_time``, ``start_time_us``, ``end_time_us``, ``tid``, ``pid``, ``framework_metric``,
        ``step`` and ``bytes`` (-1 where that says nothing), ``process``, ``nodeID``; of the named events or phases,
        or all.
        """
        return self._framework_metrics(self.start_time, self._last_timeline(), selected_framework_metrics)

    def _last_timeline(self) -> int:
        return self.framework_metrics_reader.get_timestamp_of_latest_available_file()

    def get_profiler_data_by_time(
        self,
        start_time_us: int,
        end_time_us: int,
        cache_metrics: bool = False,
        selected_framework_metrics: Sequence[str] = (),
        selected_system_metrics: Sequence[str] = (),
        get_framework_metrics: bool = True,
        get_system_metrics: bool = True,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both tables of a time (Unix microseconds). With ``cache_metrics`` they hold what was asked before, too."""
        system, framework = _system_table([]), _framework_table([])
        if get_system_metrics:
            system = self._system_metrics(start_time_us, end_time_us, selected_system_metrics)
        if get_framework_metrics:
            framework = self._framework_metrics(start_time_us, end_time_us, selected_framework_metrics)
        if cache_metrics:
            system = self._system = _once(_appended(self._system, system))
            framework = self._framework = _once(_appended(self._framework, framework))
        return system, framework

    def get_profiler_data_by_step(
        self, start_step: int, end_step: int, cache_metrics: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both tables from one step to another, both included."""
        framework = self.get_all_framework_metrics()
        framework = framework[framework["step"].between(start_step, end_step)]
        if framework.empty:
            return _system_table([]), framework
        begin, end = framework["start_time_us"].min(), framework["end_time_us"].max()
        system = self.get_all_system_metrics()
        return system[system["timestamp_us"].between(begin, end)], framework

    def get_all_dataloader_metrics(self, selected_framework_metrics: Sequence[str] = ()) -> pd.DataFrame:
        """Events whose names or phases match one of the patterns, or all, with what is known of data loading:
        ``duration_us``, ``worker_id``, ``num_workers`` and ``pin_memory``.
        """
        events = self.framework_metrics_reader.get_events(self.start_time, self._last_timeline())
        patterns = [re.compile(one) for one in selected_framework_metrics]
        if patterns:
            events = [event for event in events if _matches(patterns, event)]
        return _once(_relative(_dataloader_table(events), self.start_time))

    def get_framework_metrics_by_timesteps(
        self, timestep_list: Sequence[Any], selected_framework_metrics: Sequence[str] = ()
    ) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """What was under way at some moments (as ``timestamp`` has them): by phase, as shares of the greatest; by
        name, and by training phase, in microseconds.
        """
        moments = np.sort(self._microseconds(timestep_list))
        if not len(moments):
            return {}, {}, {}
        events = self._selected(int(moments[0]), int(moments[-1]), selected_framework_metrics)
        start, end = _spans(events)
        times = np.searchsorted(moments, end, "left") - np.searchsorted(moments, start, "right")
        weights = np.maximum(times, 0) * (end - start)
        by_phase = _sums((event.event_phase for event in events), weights, times > 0)
        of_names = np.array([bool(re.search("Step", event.event_name)) for event in events], bool)
        by_name = _sums((event.event_name for event in events), weights, (times > 0) & ~of_names)
        phases = {name: value for name, value in by_phase.items() if "Step" not in name}
        return _shares(phases), by_name, {name: value for name, value in by_phase.items() if "Step" in name}

    def get_framework_metrics_by_begin_and_end_timesteps(
        self,
        begin_timestep_list: Sequence[Any],
        end_timestep_list: Sequence[Any],
        selected_framework_metrics: Sequence[str] = (),
    ) -> tuple[dict[str, float], dict[str, float]]:
        """What was under way between pairs of moments, but steps themselves: by phase and by name, as shares of the
        greatest.
        """
        begins, ends = (
            np.sort(self._microseconds(begin_timestep_list)),
            np.sort(self._microseconds(end_timestep_list)),
        )
        if not len(begins):
            return {}, {}
        events = self._selected(int(begins[0]), int(ends[-1]), selected_framework_metrics)
        start, end = _spans(events)
        times = np.searchsorted(begins, end, "right") - np.searchsorted(ends, start, "left")
        weights = np.maximum(times, 0) * (end - start)
        chosen = (times > 0) & np.array(["Step" not in event.event_name for event in events], bool)
        by_phase = _sums((event.event_phase for event in events), weights, chosen)
        by_name = _sums((event.event_name for event in events), weights, chosen)
        return _shares(by_phase), _shares(by_name)

    def convert_datetime_to_timestamp(self, timestamp: Any) -> int:
        """Unix microseconds of a moment, as text as ``timestamp`` has it or as a time in UTC."""
        return int(self._microseconds([timestamp])[0])

    def _microseconds(self, moments: Sequence[Any]) -> NDArray[np.int64]:
        parsed = pd.to_datetime(pd.Series(list(moments)), format=_FORMAT, utc=True)
        found: NDArray[np.int64] = parsed.to_numpy("datetime64[us]").astype(np.int64)
        return found

    def _selected(self, start: int, end: int, names: Sequence[str]) -> list[TraceEvent]:
        events = self.framework_metrics_reader.get_events(start, end)
        if not names:
            return events
        wanted = set(names)
        return [event for event in events if event.event_name in wanted or event.event_phase in wanted]

    def _system_metrics(self, start: int, end: int, names: Sequence[str]) -> pd.DataFrame:
        events = self.system_metrics_reader.get_events(start, end)
        if names:
            wanted = set(names)
            events = [event for event in events if event.name in wanted]
        return _once(_relative(_system_table(events), self.start_time))

    def _framework_metrics(self, start: int, end: int, names: Sequence[str]) -> pd.DataFrame:
        return _once(_relative(_framework_table(self._selected(start, end, names)), self.start_time))


def _system_table(events: Sequence[ProfilerSystemEvent]) -> pd.DataFrame:
    micros = (np.array([event.timestamp for event in events], np.float64) * SECOND).astype(np.int64)
    return pd.DataFrame(
        {
            "timestamp": _texts(micros),
            "timestamp_us": micros,
            "value": np.array([event.value for event in events], np.float64),
            "system_metric": [event.name for event in events],
            "dimension": [event.dimension for event in events],
            "nodeID": [event.node_id for event in events],
            "type": [event.type for event in events],
        }
    )


def _framework_table(events: Sequence[TraceEvent]) -> pd.DataFrame:
    said = [event.event_args or {} for event in events]
    return pd.DataFrame(
        {
            **_times(events),
            "tid": [event.tid for event in events],
            "pid": [event.pid for event in events],
            "framework_metric": _names(events, said),
            "step": [int(one.get("step_num", -1)) for one in said],
            "bytes": [one.get("bytes_fetched", -1) for one in said],
            "process": [event.event_phase for event in events],
            "nodeID": [event.node_id for event in events],
        }
    )


def _dataloader_table(events: Sequence[TraceEvent]) -> pd.DataFrame:
    said = [event.event_args or {} for event in events]
    return pd.DataFrame(
        {
            **_times(events),
            "duration_us": [event.duration for event in events],
            "pid": [event.pid for event in events],
            "framework_metric": _names(events, said),
            "step": [int(one.get("step_num", -1)) for one in said],
            "worker_id": [one.get("worker_id", -1) for one in said],
            "num_workers": [one.get("num_workers", -1) for one in said],
            "pin_memory": ["NA" if "pin_memory" not in one else str(one["pin_memory"] is True) for one in said],
            "process": [event.event_phase for event in events],
            "node_id": [event.node_id for event in events],
        }
    )


def _times(events: Sequence[TraceEvent]) -> dict[str, Any]:
    start, end = _spans(events)
    return {
        "start_time": _texts(start),
        "end_time": _texts(end),
        "start_time_us": _whole(start),
        "end_time_us": _whole(end),
    }


def _spans(events: Sequence[TraceEvent]) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.array([event.start_time for event in events]), np.array([event.end_time for event in events])


def _whole(times: NDArray[Any]) -> NDArray[Any]:
    return times if len(times) else times.astype(np.int64)


def _texts(times: NDArray[Any]) -> NDArray[np.object_]:
    moments, places = np.unique(times, return_inverse=True)
    return np.array(shown(moments), object)[places]


def _names(events: Sequence[TraceEvent], said: Sequence[dict[str, Any]]) -> list[Any]:
    return [
        one.get("layer_name", one.get("name", event.event_name)) for event, one in zip(events, said, strict=True)
    ]


def _matches(patterns: Sequence[re.Pattern[str]], event: TraceEvent) -> bool:
    return any(one.search(event.event_name) or one.search(event.event_phase) for one in patterns)


def _relative(table: pd.DataFrame, start: int) -> pd.DataFrame:
    for name in ("timestamp_us", "start_time_us", "end_time_us"):
        if name in table:
            table[name] -= start
    return table


def _appended(before: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    return table if before.empty else pd.concat([before, table], ignore_index=True)


def _once(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that are there twice are told once."""
    return table[~table.duplicated()]


def _sums(names: Iterable[str], weights: NDArray[Any], chosen: NDArray[np.bool_]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, weight in zip(compress(names, chosen), weights[chosen].tolist(), strict=True):
        found[name] = found.get(name, 0) + weight
    return found


def _shares(sums: dict[str, float]) -> dict[str, float]:
    most = max(sums.values(), default=0)
    return {name: value / most for name, value in sums.items()} if most else sums
