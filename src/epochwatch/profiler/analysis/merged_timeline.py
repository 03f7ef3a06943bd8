"""All of a job's timelines as one, with its system metrics, for chrome://tracing and Perfetto."""

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from epochwatch.debugger.exceptions import SMDebugTypeError, SMDebugValueError
from epochwatch.debugger.places import open_place
from epochwatch.profiler.smdebug.layout import MERGEDTIMELINE_SUFFIX
from epochwatch.profiler.smdebug.readers import AlgorithmMetricsReader, SystemMetricsReader
from epochwatch.profiler.smdebug.samples import SNAPSHOT
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
from epochwatch.profiler.smdebug.trace_event import TraceEvent

LOW_GPU: Final = 85
"""Percent below which a GPU is marked."""
_GROUPS: Final = {
    "Step:": 1,
    "Forward": 10_000,
    "Backward": 20_000,
    "DataIterator": 30_000,
    "Dataset": 40_000,
    "/device": 50_000,
    "/host": 60_000,
    "gpu_functions": 70_000,
    "cpu_functions": 80_000,
    "Horovod": 90_000,
}
"""The first number of phases that say so, which is their order."""
_OTHERS: Final = 1_000_000
_COUNTERS: Final = "sys_metrics"
_MARKS: Final = "sys_metrics_bottlenecks"
_encode = msgspec.json.Encoder().encode


class MergeUnit(Enum):
    """What a merge begins and ends by."""

    TIME = "time"
    STEP = "step"


class MergedTimeline:
    """The timelines below a directory or ``s3://`` prefix, or those that end in some suffixes. The merged one goes to
    ``output_directory``, or to where they are.
    """

    def __init__(
        self, path: str, file_suffix_filter: Sequence[str] | None = None, output_directory: str | None = None
    ) -> None:
        self.path = path
        self.file_suffix_filter = file_suffix_filter
        self.out_dir = output_directory or path
        self.framework_metrics_reader = AlgorithmMetricsReader(path)

    def file_name(self, end_timestamp_in_us: int) -> str:
        """Where a timeline that ends then is put."""
        node = f"{os.getpid()}-{socket.gethostname()}".replace("_", "-")
        return f"{self.out_dir.rstrip('/')}/{end_timestamp_in_us}_{node}_{MERGEDTIMELINE_SUFFIX}"

    def merge_timeline(
        self,
        start: int,
        end: int,
        unit: MergeUnit | str = MergeUnit.TIME,
        sys_metrics_filter: dict[str, Any] | None = {"lowgpu": ()},  # noqa: B006 (only read)
    ) -> str:
        """Put events of a time (Unix microseconds), or from one step until another, into one file, and give its path.
        System metrics are counters in it, and moments with a GPU below 85 % are marked, unless
        ``sys_metrics_filter`` is empty. Raises SMDebugValueError where there are no such steps.
        """
        try:
            by_step = MergeUnit(unit) is MergeUnit.STEP
        except ValueError as error:
            raise SMDebugTypeError(f"unit is one of MergeUnit, not {unit!r}") from error
        if by_step:
            begin, last = self.framework_metrics_reader.interval_of_steps(start, end)
            if not last:
                raise SMDebugValueError(f"there are no steps {start} and {end}")
        else:
            begin, last = start, end
        events = self.framework_metrics_reader.get_events(begin, last, file_suffix_filter=self.file_suffix_filter)
        system = SystemMetricsReader(self.path).get_events(begin, last) if sys_metrics_filter else []
        lines = b",\n".join(map(_encode, _entries(events, system)))
        name = self.file_name(last)
        folder, _, file = name.rpartition("/")
        if not folder.startswith("s3://"):
            Path(folder).mkdir(parents=True, exist_ok=True)
        open_place(folder).write(file, [b"[\n", lines, b"\n]"])
        return name


def _entries(events: Iterable[TraceEvent], system: list[ProfilerSystemEvent]) -> Iterator[dict[str, Any]]:
    numbers = _Numbers()
    threads = set()
    for event in sorted(events, key=lambda event: event.start_time):
        yield from numbers.described(event.event_phase)
        pid = numbers.of[event.event_phase]
        if event.process_info is not None and (pid, event.phase_tid) not in threads:
            threads.add((pid, event.phase_tid))
            name = event.process_info.get_thread_info(event.phase_tid).thread_name
            yield {"name": "thread_name", "ph": "M", "pid": pid, "tid": event.phase_tid, "args": {"name": name}}
        yield event.record() | {"pid": pid, "tid": event.phase_tid}
    if system:
        yield from numbers.described(_COUNTERS)
        yield from _counters(system, numbers.of[_COUNTERS])
        yield from numbers.described(_MARKS)
        yield from _marks(system, numbers.of[_MARKS])


class _Numbers:
    """A number for each phase, in the order of groups."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self._next = {**_GROUPS, "": _OTHERS}

    def described(self, phase: str) -> Iterator[dict[str, Any]]:
        """What says a phase's name, the first time."""
        if phase not in self.of:
            group = next((group for group in _GROUPS if group in phase), "")
            number = self.of[phase] = self._next[group]
            self._next[group] += 1
            yield {"name": "process_name", "ph": "M", "pid": number, "args": {"name": phase}}
            yield {"name": "process_sort_index", "ph": "M", "pid": number, "args": {"sort_index": number}}


def _named(event: ProfilerSystemEvent) -> str:
    return "_".join(part for part in (event.name, event.dimension, event.node_id) if part)


def _counters(system: list[ProfilerSystemEvent], pid: int) -> Iterator[dict[str, Any]]:
    for event in system:
        time = int(event.timestamp * 1_000_000)
        yield {"name": _named(event), "ph": "C", "pid": pid, "tid": 0, "ts": time, "args": {"value": event.value}}


def _marks(system: list[ProfilerSystemEvent], pid: int) -> Iterator[dict[str, Any]]:
    """All values of each moment at which a GPU had little to do."""
    system = sorted(system, key=lambda event: event.timestamp)
    times = np.array([event.timestamp * 1_000_000 for event in system], np.int64)
    low = [event.dimension == "GPUUtilization" and event.value < LOW_GPU for event in system]
    before = -SNAPSHOT - 1
    for place in np.flatnonzero(low).tolist():
        time = int(times[place])
        if time - before <= SNAPSHOT:
            continue
        before = time
        first, last = np.searchsorted(times, [time - SNAPSHOT, time + SNAPSHOT + 1]).tolist()
        values = {_named(event): event.value for event in system[first:last]}
        yield {"name": _MARKS, "ph": "i", "pid": pid, "tid": pid, "ts": time, "s": "t", "args": values}
