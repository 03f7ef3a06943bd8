"""A timeline's events, as SageMaker Debugger's client shows them."""

import logging
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import msgspec

from epochwatch.profiler.smdebug import layout

_LOG = logging.getLogger(__name__)
_UNKNOWN: Final = "Unknown"
_BASE: Final = "start_time_since_epoch_in_micros"
_RANK_FIRST: Final = re.compile(r"(.*)-(algo.*)")
FILE_TYPES: Final = {
    layout.PYTHONTIMELINE_SUFFIX: "PythontimelineMetrics",
    layout.MODELTIMELINE_SUFFIX: "DetailedframeworkMetrics",
    layout.TENSORBOARDTIMELINE_SUFFIX: "TFProfilerMetrics",
    layout.HOROVODTIMELINE_SUFFIX: "HorovodMetrics",
    layout.SMDATAPARALLELTIMELINE_SUFFIX: "SMDataParallelMetrics",
}
"""By the end of a file's name."""


def file_type(name: str) -> str:
    """What SageMaker Debugger calls the files of such names; empty for others."""
    return next((kind for suffix, kind in FILE_TYPES.items() if name.endswith(suffix)), "")


class ThreadInfo:
    """A thread of a phase, by its name in the timeline."""

    def __init__(self, tid: float | str, thread_name: str) -> None:
        self.tid = tid
        self.thread_name = thread_name

    def __repr__(self) -> str:
        return f"tid:{self.tid} name:{self.thread_name}"


class ProcessInfo:
    """A phase: what the format calls a process."""

    def __init__(self, id: Any, name: str) -> None:
        self.id = id
        self.name = name
        self.threads: dict[float | str, ThreadInfo] = {}

    def add_thread(self, threadid: float | str, thread_name: str) -> None:
        """Remember a thread by its first name."""
        if threadid not in self.threads:
            self.threads[threadid] = ThreadInfo(threadid, thread_name)

    def get_thread_info(self, threadid: float | str) -> ThreadInfo:
        """Raises KeyError for one that is unknown."""
        return self.threads[threadid]

    def __repr__(self) -> str:
        return f"id:{self.id} name:{self.name} threads:{self.threads}"


class TraceEvent:
    """Something that took its time. Times are Unix microseconds."""

    __slots__ = (
        "duration", "end_time", "event_args", "event_name", "event_phase", "file_type", "node_id", "phase",
        "phase_pid", "phase_tid", "pid", "process_info", "start_time", "tid",
    )  # fmt: skip

    def __init__(
        self,
        ts: float,
        name: str,
        dur: float,
        phase_pid: Any,
        phase_tid: Any,
        event_args: dict[str, Any] | None,
        node_id: Any,
        phase: str,
        file_type: str,
        event_phase: str = "",
        pid: Any = 0,
        tid: Any = 0,
        process_info: ProcessInfo | None = None,
    ) -> None:
        self.start_time = ts
        self.event_name = name
        self.duration = dur
        self.end_time = ts + dur
        self.phase_pid = phase_pid
        self.phase_tid = phase_tid
        self.event_args = event_args
        self.node_id = node_id
        self.phase = phase
        self.file_type = file_type
        self.event_phase = event_phase
        self.pid = pid
        self.tid = tid
        self.process_info = process_info

    def record(self) -> dict[str, Any]:
        """The event in Chrome's format."""
        found = {
            "name": self.event_name,
            "pid": self.pid,
            "tid": self.tid,
            "ph": self.phase,
            "ts": self.start_time,
        }
        arguments = dict(self.event_args or {})
        if self.phase == "i" and arguments:
            found["s"] = arguments.pop("s", "t")
        elif self.phase == "X":
            found["dur"] = self.duration
        return found | ({"args": arguments} if arguments else {})

    def to_json(self) -> str:
        """The event's line in a timeline."""
        return msgspec.json.encode(self.record()).decode()

    def __repr__(self) -> str:
        return f"TraceEvent({self.event_phase}: {self.event_name}, {self.start_time} + {self.duration} us)"


class Record(msgspec.Struct, gc=False):
    """One entry of Chrome's format."""

    ph: str = ""
    name: str = ""
    ts: int | float = 0
    dur: int | float = 0
    pid: str | int | float | None = 0
    tid: str | int | float | None = None
    cat: str | None = ""
    args: dict[str, Any] | None = None


_RECORDS: Final = msgspec.json.Decoder(list[Record])


def records_in(data: bytes) -> list[Record]:
    """The entries of a timeline; what was torn off its end is left out. Raises ValueError for what is none."""
    try:
        return _RECORDS.decode(data)
    except msgspec.DecodeError as error:
        lines = data.lstrip()
        if lines and not lines.startswith(b"["):
            raise ValueError(f"this is no timeline: {error}") from error
        for whole in (lines.rstrip().removesuffix(b","), lines[: lines.rfind(b"},\n") + 1]):
            with suppress(msgspec.DecodeError):
                return _RECORDS.decode((whole or b"[") + b"]")
        raise ValueError(f"this is no timeline: {error}") from error


class TimelineParser:
    """Makes events of the entries of files, one after the other: some end in another file than they began."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, Any], list[Record]] = {}

    def events(
        self, records: Iterable[Record], node: str, file_type: str, base: float = 0
    ) -> Iterator[TraceEvent]:
        """The events of a file of a node; its times are relative to ``base`` until it says something else."""
        file = _File(shown_node(node), file_type, base)
        for record in records:
            kind = record.ph
            if kind == "X":
                yield file.event(record, record.dur, record.args)
            elif kind == "M":
                file.describe(record)
            elif kind == "B":
                self._begun.setdefault((node, record.pid), []).append(record)
            elif kind == "E" and (stack := self._begun.get((node, record.pid))):
                begun = stack.pop()
                if record.ts < begun.ts:
                    _LOG.warning("an event of %s ends before it begins and is left out: %s", node, begun.name)
                else:
                    yield file.event(
                        begun, record.ts - begun.ts, {**(begun.args or {}), **(record.args or {})} or None
                    )


def shown_node(node: str) -> str:
    """``0-algo-1`` of a file's name as ``algo-1-0``."""
    match = _RANK_FIRST.fullmatch(node)
    return f"{match[2]}-{match[1]}" if match else node


class _File:
    """What a file has said so far."""

    def __init__(self, node: str, file_type: str, base: float) -> None:
        self._node, self._file_type, self._base = node, file_type, base
        self._phases: dict[Any, ProcessInfo] = {}
        self._threads: dict[tuple[Any, Any], float | str] = {}

    def describe(self, record: Record) -> None:
        said = record.args or {}
        if record.name == "process_name":
            self._phases[record.pid] = ProcessInfo(record.pid, str(said.get("name", _UNKNOWN)))
            base = said.get(_BASE)
            self._base = base if isinstance(base, int | float) else self._base
        elif record.name == "thread_name" and record.tid is not None:
            self._phase(record.pid).add_thread(record.tid, f"{self._node}_{said.get('name', _UNKNOWN)}")

    def event(self, record: Record, duration: float, arguments: dict[str, Any] | None) -> TraceEvent:
        phase = self._phases.get(record.pid) or self._phase(record.pid)
        thread = self._threads.get((record.pid, record.tid))
        if thread is None:
            thread = self._threads[record.pid, record.tid] = self._thread(record, phase)
        pid, tid = record.pid, thread
        if arguments:
            pid, tid = arguments.get("pid", pid), arguments.get("thread_id", tid)
        return TraceEvent(
            record.ts + self._base,
            record.name,
            duration,
            record.pid,
            thread,
            arguments,
            self._node,
            "X",
            self._file_type,
            phase.name,
            pid,
            tid,
            phase,
        )

    def _phase(self, pid: Any) -> ProcessInfo:
        return self._phases.setdefault(pid, ProcessInfo(pid, _UNKNOWN))

    def _thread(self, record: Record, phase: ProcessInfo) -> float | str:
        """A thread that has no name gets a number of its own in its node and phase, the same each time."""
        if record.tid is not None and record.tid in phase.threads:
            return record.tid
        name = f"{self._node}_{record.tid or 0}"
        number = zlib.crc32(f"{name}{phase.name}".encode())
        phase.add_thread(number, name)
        return number
