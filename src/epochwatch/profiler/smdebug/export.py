"""Writes profiles as SageMaker Debugger's files, for its client and whatever else reads them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place, open_place
from epochwatch.model.host_rows import Column, Row
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.smdebug import layout
from epochwatch.profiler.smdebug.layout import SECOND
from epochwatch.profiler.smdebug.system_event import encoded
from epochwatch.profiler.smdebug.things import events_of, sources
from epochwatch.profiler.smdebug.timeline import name_of

ROTATE_BYTES: Final = 10 << 20
ROTATE_SECONDS: Final = 60
_LOADED: Final = "DataLoaderIter::GetNext"
"""By which smdebug's analysis of data loading knows a batch."""
_encode = msgspec.json.Encoder().encode


def write_pevents(events: Iterable[pa.Table], directory: str, node: str | None = None) -> None:
    """Write tables of ``events.SCHEMA`` as timelines below a directory or ``s3://`` prefix; only a node's own where
    one is given. A file is put whole, when it is over: after 10 MB or 60 seconds, or with its hour.
    """
    timelines = Timelines(open_place(directory), node)
    for table in events:
        timelines.add(table)
    timelines.close()


def write_system_files(samples: Samples, directory: str, node: str) -> None:
    """Write a node's samples as system metrics, a file for each minute."""
    place = open_place(directory)
    columns = [Column(name, samples.units.get(name, "None")) for name in samples.values]
    told = sources(columns)
    minutes = samples.times // SECOND // 60 * 60
    table = np.column_stack(list(samples.values.values())) if columns else np.empty((len(minutes), 0))
    for minute in np.unique(minutes):
        lines = []
        for at in np.flatnonzero(minutes == minute):
            row = Row(int(samples.times[at]), float(samples.seconds[at]), tuple(table[at].tolist()))
            lines += [encoded(event) for event in events_of(row, told, node)]
        if lines:
            place.write(layout.system_path(int(minute), node), [b"\n".join(lines), b"\n"])


def write_end(directory: str) -> None:
    """Say that nothing more comes, where smdebug looks for it."""
    place = open_place(directory)
    for name in layout.ENDS_OF_JOB:
        place.write(name, [b"end of training job"])


class Timelines:
    """The timelines of processes, written as their events come; those of a process in the order of their time."""

    def __init__(self, place: Place, node: str | None = None) -> None:
        self._place, self._node = place, node
        self._open: dict[str, _Timeline] = {}

    def add(self, table: pa.Table) -> None:
        """Write what is in a table."""
        for batch in table.to_batches():
            columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            for row in zip(*columns.values(), strict=True):
                event = dict(zip(columns, row, strict=True))
                if self._node in (None, event["node"]):
                    self._timeline(event).add(event)

    def close(self) -> None:
        """Put what is not in a file yet."""
        for timeline in self._open.values():
            timeline.close()

    def _timeline(self, event: dict[str, Any]) -> "_Timeline":
        number = event["rank"] if event["rank"] >= 0 else event["process"]
        name = layout.node_of(number, event["node"])
        if name not in self._open:
            self._open[name] = _Timeline(self._place, name)
        return self._open[name]


@dataclass(slots=True)
class _Timeline:
    """What one process did, in the file that is not full yet."""

    place: Place
    node: str
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    begin: int = 0
    end: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=dict)
    """How many of each mode there were."""

    def add(self, event: dict[str, Any]) -> None:
        end = event["start"] + event["duration"]
        if self.lines and self._is_over(end):
            self.close()
        if not self.lines:
            self.begin = event["start"]
            self._describe("process_name", 0, start_time_since_epoch_in_micros=self.begin)
            self._describe("process_sort_index", 0, sort_index=0)
        phase = Phase(event["phase"])
        called = name_of(phase, event["mode"])
        if called not in self.phases:
            number = self.phases[called] = len(self.phases) + 1
            self._describe("process_name", number, name=called)
            self._describe("process_sort_index", number, sort_index=number)
        self._put(
            {
                "name": self._name(phase, called, event["name"]),
                "pid": self.phases[called],
                "ph": "X",
                "ts": event["start"] - self.begin,
                "dur": event["duration"],
                "args": self._arguments(phase, event),
            }
        )
        self.end = max(self.end, end)

    def close(self) -> None:
        if self.lines:
            path = layout.timeline_path(self.end, self.node, layout.PYTHONTIMELINE_SUFFIX)
            self.place.write(path, [b"[\n", b",\n".join(self.lines), b"\n]"])
        self.lines, self.size, self.end = [], 0, 0
        self.phases.clear()

    def _is_over(self, end: int) -> bool:
        hour = 3600 * SECOND
        over = end - self.begin > ROTATE_SECONDS * SECOND or end // hour != self.begin // hour
        return over or self.size > ROTATE_BYTES

    def _describe(self, what: str, pid: int, **args: Any) -> None:
        self._put({"name": what, "ph": "M", "pid": pid, "args": args})

    def _put(self, entry: dict[str, Any]) -> None:
        self.lines.append(_encode(entry))
        self.size += len(self.lines[-1]) + 2

    @staticmethod
    def _name(phase: Phase, called: str, name: str | None) -> str:
        if name and name != phase.value and phase is not Phase.STEP:
            return name
        return _LOADED if phase is Phase.DATA_LOADING else called

    def _arguments(self, phase: Phase, event: dict[str, Any]) -> dict[str, Any]:
        found = {"pid": event["process"], "thread_id": max(event["thread"], 0)}
        if event["step"] >= 0:
            found["step_num"] = str(self._step_of_its_mode(phase, event["mode"], event["step"]))
        return found | ({"bytes_fetched": event["bytes"]} if event["bytes"] > 0 else {})

    def _step_of_its_mode(self, phase: Phase, mode: int, step: int) -> int:
        """smdebug counts the steps of each mode by themselves; GLOBAL is all of them."""
        if mode == ModeKeys.GLOBAL.value:
            return step
        number = step - sum(count for other, count in self.steps.items() if other != mode)
        if phase is Phase.STEP:
            self.steps[mode] = number + 1
        return number
