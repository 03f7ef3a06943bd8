"""A profile of SageMaker Debugger's files."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import pyarrow as pa

from epochwatch.debugger.places import Place
from epochwatch.debugger.smdebug.layout import END_OF_JOB
from epochwatch.model.host_samples import Columns, Samples, joined, of_columns, summed_up, within
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Span
from epochwatch.profiler.smdebug.files import Files
from epochwatch.profiler.smdebug.layout import (
    FRAMEWORK,
    MERGEDTIMELINE_SUFFIX,
    PEVENTS,
    SECOND,
    SYSTEM,
    ProfilerFile,
    system_file,
    timeline_file,
)
from epochwatch.profiler.smdebug.samples import completed, looks_of
from epochwatch.profiler.smdebug.system_event import events_in
from epochwatch.profiler.smdebug.timeline import STEP_CODE, Rows, Stream, rows_of
from epochwatch.profiler.smdebug.trace_event import TimelineParser, file_type, records_in
from epochwatch.profiler.store.reader import bounded, chosen

_LOG = logging.getLogger(__name__)
_MINUTE: Final = 60 * SECOND
KEPT_VALUES: Final = 8 << 20
"""Of samples, and events, that are kept to be read again."""
T = TypeVar("T")


class SmdebugProfile:
    """Files below a job's ``profiler-output``, complete or still coming."""

    def __init__(self, place: Place, job: str) -> None:
        self._place, self._job = place, job
        self._system = Files(place, SYSTEM, system_file)
        self._timelines = _Timelines(place)
        self._samples: _Kept[Samples] = _Kept(lambda samples: len(samples.times) * (len(samples.values) + 2))

    @property
    def job(self) -> str:
        """See ``Profile``."""
        return self._job

    def ended(self) -> bool:
        """See ``Profile``. The mark stands where smdebug looks for it, or in the folder itself."""
        marks = (f"{SYSTEM}/{END_OF_JOB}", f"{FRAMEWORK}/{END_OF_JOB}", END_OF_JOB)
        return any(self._place.exists(mark) for mark in marks)

    def span(self) -> Span:
        """See ``Profile``."""
        times = [time for name in self.nodes() for time in self._system_span(name)]
        for stream in self._timelines.refreshed():
            times += self._timelines.span_of(stream)
        return (min(times), max(times) + 1) if times else (0, 0)

    def _system_span(self, node: str) -> list[int]:
        files = [file for file in self._system.refresh() if file.node == node]
        rows = [self._of_file(file).times for file in (*files[:1], *files[-1:])]
        return [int(time) for times in rows for time in (*times[:1], *times[-1:])]

    def nodes(self) -> Sequence[str]:
        """See ``Profile``."""
        found = {file.node for file in self._system.refresh()}
        return sorted(found | {stream.node for stream in self._timelines.refreshed()}, key=natural)

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        """See ``Profile``. The columns are ``cpu.N.busy``, ``cpu.N.iowait`` and their sums without a number,
        ``gpu.N.busy``, ``gpu.N.memory.percent``, ``memory.percent`` and ``network.total``.
        """
        first, last = span[0] - 2 * _MINUTE, span[1] + _MINUTE
        files = [file for file in self._system.refresh() if file.node == node and first <= file.time < last]
        found = within(
            completed(joined([self._of_file(file) for file in files])), span[0] / SECOND, span[1] / SECOND
        )
        samples = of_columns(found, columns)
        return summed_up(samples, seconds) if seconds else samples

    def _of_file(self, file: ProfilerFile) -> Samples:
        def read() -> Samples:
            try:
                return looks_of(events_in(self._place.read(file.path)))
            except ValueError as error:
                raise ValueError(f"{file.path}: {error}") from error

        return self._samples.get(file.path, read) if self._system.settled(file) else read()

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        """See ``Profile``. What ends after a file was closed is in a later one of its process."""
        return bounded(chosen(table, span, phases) for table in self._timelines.tables(span))

    def has_events(self) -> bool:
        """Whether there is a timeline."""
        return bool(self._timelines.refreshed())


class _Extent(NamedTuple):
    """Of a file's events."""

    first: int
    last: int
    """Where the last one begins."""
    end: int
    step_end: int
    """Where the first of its steps ends; before all times without."""

    @classmethod
    def of(cls, rows: Rows) -> "_Extent":
        if not len(rows):
            return cls(0, -1, -1, 0)
        end = rows.start + rows.duration
        steps = end[rows.phase == STEP_CODE]
        return cls(int(rows.start[0]), int(rows.start[-1]), int(end.max()), int(steps.min()) if len(steps) else 0)


class _Timelines:
    """Files of events, each read once to know what is in it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._files = Files(place, PEVENTS, timeline_file)
        self._streams: dict[str, Stream] = {}
        self._extents: dict[str, _Extent] = {}
        self._rows: _Kept[Rows] = _Kept(lambda rows: 9 * len(rows))

    def refreshed(self) -> list[Stream]:
        """What the processes wrote that are known now."""
        for file in self._files.refresh():
            if file.path not in self._extents and not file.path.endswith(MERGEDTIMELINE_SUFFIX):
                rows = self._of_file(file)
                stream = self._streams.setdefault(file.node, Stream.of(file))
                stream.files.append(file)
                stream.learn(rows)
                self._extents[file.path] = _Extent.of(rows)
        return list(self._streams.values())

    def span_of(self, stream: Stream) -> list[int]:
        """The first and the last time of a process; none without events."""
        found = [extent for file in stream.files if (extent := self._extents[file.path]).first <= extent.last]
        return [min(one.first for one in found), max(one.end for one in found)] if found else []

    def tables(self, span: Span) -> Iterator[pa.Table]:
        """The files with events that begin within the span, process by process."""
        for stream in self.refreshed():
            for file in stream.files:
                extent = self._extents[file.path]
                first = min(extent.first, stream.steps().begin(extent.step_end))
                if first < span[1] and span[0] <= extent.last:
                    yield stream.table(self._of_file(file))

    def _of_file(self, file: ProfilerFile) -> Rows:
        def read() -> Rows:
            try:
                records = records_in(self._place.read(file.path))
            except ValueError as error:
                _LOG.warning("%s is left out: %s", file.path, error)
                records = []
            return rows_of(list(TimelineParser().events(records, file.node, file_type(file.suffix))))

        return self._rows.get(file.path, read)


class _Kept(Generic[T]):
    """What was read last, up to a number of values."""

    def __init__(self, values: Callable[[T], int]) -> None:
        self._values = values
        self._found: OrderedDict[str, T] = OrderedDict()
        self._size = 0

    def get(self, key: str, read: Callable[[], T]) -> T:
        """What is kept, or else is read now."""
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = self._found[key] = read()
        self._size += self._values(found)
        while self._size > KEPT_VALUES and len(self._found) > 1:
            _, dropped = self._found.popitem(last=False)
            self._size -= self._values(dropped)
        return found


def natural(node: str) -> tuple[str, int]:
    """``algo-2`` before ``algo-10``."""
    name, _, number = node.rpartition("-")
    return (name, int(number)) if number.isdecimal() else (node, 0)
