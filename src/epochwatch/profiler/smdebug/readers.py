"""Events of a job's profiler by time or by step, with the names and meanings of SageMaker Debugger's client."""

import logging
import os
import time
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.places import LocalPlace, Place, open_place
from epochwatch.profiler.kineto import read_trace
from epochwatch.profiler.smdebug.files import Files
from epochwatch.profiler.smdebug.layout import (
    FRAMEWORK,
    PEVENTS,
    PYTHONTIMELINE_SUFFIX,
    SECOND,
    SYSTEM,
    ProfilerFile,
    system_file,
    timeline_file,
)
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent, events_in
from epochwatch.profiler.smdebug.time_units import TimeUnits, microseconds
from epochwatch.profiler.smdebug.trace_event import FILE_TYPES, TimelineParser, TraceEvent, file_type, records_in

_LOG = logging.getLogger(__name__)
BUFFER_VARIABLE: Final = "TIME_BUFFER_MICROSECONDS"
"""Of the environment: how far beside a time its events are looked for in files."""
_BUFFER: Final = 180 * SECOND
_AT_ONCE: Final = 16
"""Files that are fetched together from S3."""
EventT = TypeVar("EventT", ProfilerSystemEvent, TraceEvent)


class MetricsReaderBase(ABC, Generic[EventT]):
    """What all readers do."""

    _files: Files
    _at_once = _AT_ONCE

    def __init__(self, path: str, use_in_memory_cache: bool = False) -> None:
        self.path = path
        self._place = open_place(path)
        self._cache: dict[str, list[EventT]] | None = {} if use_in_memory_cache else None

    @abstractmethod
    def _listed(self) -> list[ProfilerFile]:
        """The files that are there now, in the order of their times."""

    @abstractmethod
    def _in_range(self, files: list[ProfilerFile], start: int, end: int) -> list[ProfilerFile]:
        """Those that may have events of a time."""

    @abstractmethod
    def _parsed(self, file: ProfilerFile, data: bytes) -> list[EventT]:
        """A file's events."""

    @abstractmethod
    def _chosen(self, events: list[EventT], start: int, end: int, event_type: str | None) -> list[EventT]:
        """Those of a time and a type."""

    @abstractmethod
    def interval_of_steps(self, start_step: int, end_step: int) -> tuple[int, int]:
        """From the beginning of a step until before the beginning of another; (0, 0) where one is unknown."""

    def refresh_event_file_list(self) -> None:
        """Look for new files. Reading events does so, too."""
        self._listed()

    def get_timestamp_of_first_available_file(self) -> int:
        """Unix microseconds; 0 while there is none."""
        files = self._listed()
        return files[0].time if files else 0

    def get_timestamp_of_latest_available_file(self) -> int:
        """Unix microseconds; 0 while there is none."""
        files = self._listed()
        return files[-1].time if files else 0

    def get_current_time_range_for_event_query(self) -> tuple[int, int]:
        """The times of the first and the last file."""
        return self.get_timestamp_of_first_available_file(), self.get_timestamp_of_latest_available_file()

    def get_events(
        self,
        start_time: float,
        end_time: float,
        unit: TimeUnits = TimeUnits.MICROSECONDS,
        event_type: str | None = None,
        file_suffix_filter: Sequence[str] | None = None,
    ) -> list[EventT]:
        """Events of a time, both ends included; of one type of system metrics, or of files that end in one of the
        suffixes. A timeline that is damaged is left out; raises ValueError for system metrics with a damaged line
        that is not their last.
        """
        start, end = microseconds(start_time, unit), microseconds(end_time, unit)
        files = self._in_range(self._listed(), start, end)
        if file_suffix_filter is not None:
            files = [file for file in files if file.path.endswith(tuple(file_suffix_filter))]
        return [
            event for events in self._events_of(files) for event in self._chosen(events, start, end, event_type)
        ]

    def get_events_by_step(
        self,
        start_step: int,
        end_step: int,
        event_type: str | None = None,
        file_suffix_filter: Sequence[str] | None = None,
    ) -> list[EventT]:
        """The same from the beginning of one step to that of another; nothing where one of them is unknown."""
        start, end = self.interval_of_steps(start_step, end_step)
        return self.get_events(start, end, TimeUnits.MICROSECONDS, event_type, file_suffix_filter)

    def _events_of(self, files: list[ProfilerFile]) -> Iterator[list[EventT]]:
        kept = self._cache if self._cache is not None else {}
        missing = [file for file in files if file.path not in kept]
        contents = self._contents([file.path for file in missing])
        for file in files:
            found = kept.get(file.path)
            if found is None:
                found = self._parsed(file, next(contents))
                if self._cache is not None and self._files.settled(file):
                    self._cache[file.path] = found
            yield found

    def _contents(self, paths: list[str]) -> Iterator[bytes]:
        if isinstance(self._place, LocalPlace):
            yield from map(self._place.read, paths)
            return
        with ThreadPoolExecutor(self._at_once) as readers:
            for first in range(0, len(paths), self._at_once):
                yield from readers.map(self._place.read, paths[first : first + self._at_once])


def _buffer() -> int:
    """Raises SMDebugValueError where the environment has no number."""
    said = os.environ.get(BUFFER_VARIABLE, str(_BUFFER))
    if not said.isdecimal():
        raise SMDebugValueError(f"{BUFFER_VARIABLE} is a number of microseconds, not {said!r}")
    return int(said)


class SystemMetricsReader(MetricsReaderBase[ProfilerSystemEvent]):
    """What machines did. ``path`` holds the folder ``system``, and ``framework`` where steps are asked for."""

    def __init__(self, path: str, use_in_memory_cache: bool = False) -> None:
        super().__init__(path, use_in_memory_cache)
        self._files = Files(self._place, SYSTEM, system_file)
        self.refresh_event_file_list()

    def _listed(self) -> list[ProfilerFile]:
        return self._files.refresh()

    def _in_range(self, files: list[ProfilerFile], start: int, end: int) -> list[ProfilerFile]:
        buffer = _buffer()
        first = max(bisect_right(files, start - buffer, key=_time) - 1, 0)
        return files[first : bisect_right(files, end + buffer, key=_time)]

    def _parsed(self, file: ProfilerFile, data: bytes) -> list[ProfilerSystemEvent]:
        try:
            return events_in(data)
        except ValueError as error:
            raise ValueError(f"{self.path}/{file.path}: {error}") from error

    def _chosen(
        self, events: list[ProfilerSystemEvent], start: int, end: int, event_type: str | None
    ) -> list[ProfilerSystemEvent]:
        first, last = start / SECOND, end / SECOND
        times = [event.timestamp for event in events]
        if event_type is None and (not times or (first <= min(times) and max(times) <= last)):
            return events
        return [event for event in events if first <= event.timestamp <= last and event_type in (None, event.type)]

    def interval_of_steps(self, start_step: int, end_step: int) -> tuple[int, int]:
        """By the timelines beside the system metrics."""
        return AlgorithmMetricsReader(self.path).interval_of_steps(start_step, end_step)


class AlgorithmMetricsReader(MetricsReaderBase[TraceEvent]):
    """What the training's processes did. ``path`` holds the folder ``framework``."""

    def __init__(self, path: str, use_in_memory_cache: bool = False) -> None:
        super().__init__(path, use_in_memory_cache)
        self._files = Files(self._place, PEVENTS, timeline_file)
        self._bases: dict[str, int] = {}
        self.refresh_event_file_list()

    def _listed(self) -> list[ProfilerFile]:
        traces, self._bases = tensorflow_traces(self._place)
        return sorted([*self._files.refresh(), *traces])

    def _in_range(self, files: list[ProfilerFile], start: int, end: int) -> list[ProfilerFile]:
        buffer = _buffer()
        first = bisect_left(files, start - buffer, key=_time)
        found = files[first : bisect_left(files, end + buffer, key=_time) + 1]
        return sorted(found, key=lambda file: _KINDS.index(file_type(file.suffix)))

    def _events_of(self, files: list[ProfilerFile]) -> Iterator[list[TraceEvent]]:
        self._parser = TimelineParser()
        yield from super()._events_of([file for file in files if file_type(file.suffix)])

    def _parsed(self, file: ProfilerFile, data: bytes) -> list[TraceEvent]:
        kind = file_type(file.suffix)
        try:
            records = read_trace(data).records if file.path.endswith(".gz") else records_in(data)
        except ValueError as error:
            _LOG.warning("%s/%s is left out: %s", self.path, file.path, error)
            return []
        return list(self._parser.events(records, file.node, kind, self._bases.get(file.path, 0)))

    def _chosen(self, events: list[TraceEvent], start: int, end: int, event_type: str | None) -> list[TraceEvent]:
        return [event for event in events if event.end_time >= start and event.start_time <= end]

    def interval_of_steps(self, start_step: int, end_step: int) -> tuple[int, int]:
        """By the first event of each of both steps."""
        now = int(time.time() * SECOND)
        events = self.get_events(0, now, file_suffix_filter=[PYTHONTIMELINE_SUFFIX])
        begins: dict[int, float] = {}
        for event in sorted(events, key=lambda event: event.start_time):
            step = _step_of(event)
            if step is not None:
                begins.setdefault(step, event.start_time)
        if start_step not in begins or end_step not in begins:
            return 0, 0
        return int(begins[start_step]), int(begins[end_step]) - 1


_KINDS: Final = [*FILE_TYPES.values(), ""]


def _time(file: ProfilerFile) -> int:
    return file.time


def _step_of(event: TraceEvent) -> int | None:
    step: Any = (event.event_args or {}).get("step_num")
    return int(step) if step is not None else None


def tensorflow_traces(place: Place) -> tuple[list[ProfilerFile], dict[str, int]]:
    """TensorFlow's detailed profiles, each with the time of its end, and the times of their beginnings by path; 0
    where the file that says so is missing.
    """
    names = place.names(f"{FRAMEWORK}/tensorflow/detailed_profiling")
    spans = {}
    for name in names:
        if name.endswith(".metadata"):
            folder, _, about = name.removesuffix(".metadata").rpartition("/")
            spans[folder] = [int(part) for part in about.split("_")[-2:] if part.isdecimal()]
    traces, begins = [], {}
    for name in names:
        if name.endswith(_TRACE):
            begin, end = spans.get(name.rsplit("/", 4)[0], [0, 0])
            traces.append(ProfilerFile(end, name.rpartition("/")[2].split(".")[0], _TRACE, name))
            begins[name] = begin
    return traces, begins


_TRACE: Final = "trace.json.gz"


class LocalSystemMetricsReader(SystemMetricsReader):
    """Of a directory."""


class S3SystemMetricsReader(SystemMetricsReader):
    """Of a prefix in S3."""

    def __init__(self, s3_trial_path: str, use_in_memory_cache: bool = False) -> None:
        super().__init__(_in_s3(s3_trial_path), use_in_memory_cache)


class LocalAlgorithmMetricsReader(AlgorithmMetricsReader):
    """Of a directory."""


class S3AlgorithmMetricsReader(AlgorithmMetricsReader):
    """Of a prefix in S3."""

    def __init__(self, s3_trial_path: str, use_in_memory_cache: bool = False) -> None:
        super().__init__(_in_s3(s3_trial_path), use_in_memory_cache)


def _in_s3(path: str) -> str:
    if not path.startswith("s3://"):
        raise SMDebugValueError(f"the path of a trial in S3 is s3://bucket/folder, not {path!r}")
    return path
