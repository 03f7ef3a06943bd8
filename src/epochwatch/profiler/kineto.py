"""Traces of frameworks' own profilers, in Chrome's format: PyTorch's (Kineto) and TensorFlow's."""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.smdebug.timeline import phase_of
from epochwatch.profiler.smdebug.trace_event import Record

MOST_BYTES: Final = 512 << 20
"""Of a trace, unpacked: it is in memory as a whole, at some two to three times this."""
_CATEGORIES: Final = {
    "cpu_op": Phase.OPERATOR,
    "kernel": Phase.KERNEL,
    "gpu_memcpy": Phase.KERNEL,
    "gpu_memset": Phase.KERNEL,
    "python_function": Phase.PYTHON,
}
OF_TRACES: Final = frozenset({Phase.STEP, *_CATEGORIES.values()})
"""What is read of traces."""
_STEP: Final = re.compile(r"ProfilerStep#(\d+)")
_SINCE_1970: Final = 1e15
"""Microseconds beyond which a time is since 1970 by itself: newer traces say what theirs are relative to."""


class _Content(msgspec.Struct):
    events: list[Record] = msgspec.field(name="traceEvents")
    base: int = msgspec.field(name="baseTimeNanoseconds", default=0)
    distributed: dict[str, Any] | None = msgspec.field(name="distributedInfo", default=None)


_DECODER: Final = msgspec.json.Decoder(_Content)
_BARE: Final = msgspec.json.Decoder(list[Record])


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace holds."""

    records: Sequence[Record]
    base: float
    """Unix microseconds that its times are relative to."""
    rank: int
    """-1 if it does not say."""

    @property
    def steps(self) -> list[tuple[int, int, int]]:
        """(number, beginning and end in Unix microseconds) of the steps that PyTorch's profiler was told of."""
        found = (
            (int(match[1]), round(one.ts + self.base), round(one.ts + one.dur + self.base))
            for one in self.records
            if one.ph == "X" and one.cat == "user_annotation" and (match := _STEP.fullmatch(one.name))
        )
        return sorted(set(found), key=lambda step: step[1])

    def table(self, node: str, process: int, *, with_steps: bool = False) -> pa.Table:
        """Operators, kernels and functions of Python as events of ours, in the order of their time; with the steps
        themselves where nothing else tells of them. Each belongs to the step in which it begins.
        """
        phase = self._phases()
        chosen = [(one, found) for one in self.records if one.ph == "X" and (found := phase(one)) is not None]
        steps = self.steps
        start = np.array([one.ts + self.base for one, _ in chosen], np.float64).round().astype(np.int64)
        place = np.searchsorted(np.array([begin for _, begin, _ in steps], np.int64), start, "right") - 1
        ends = np.array([end for *_, end in steps] or [0], np.int64)
        numbers = np.array([number for number, *_ in steps] or [-1], np.int64)
        events = {
            "start": start,
            "duration": np.array([one.dur for one, _ in chosen], np.float64).round().astype(np.int64),
            "step": np.where((place >= 0) & (start < ends[place]), numbers[place], -1),
            "phase": [found.value for _, found in chosen],
            "name": [one.name for one, _ in chosen],
            "thread": [max(one.tid, 0) if isinstance(one.tid, int) else 0 for one, _ in chosen],
            "bytes": [_bytes(one.args) for one, _ in chosen],
        }
        tables = [self._made(events, len(chosen), node, process)]
        if with_steps:
            own = {
                "start": [begin for _, begin, _ in steps],
                "duration": [end - begin for _, begin, end in steps],
                "step": [number for number, *_ in steps],
                **{name: [Phase.STEP.value] * len(steps) for name in ("phase", "name")},
                **{name: [0] * len(steps) for name in ("thread", "bytes")},
            }
            tables.append(self._made(own, len(steps), node, process))
        return pa.concat_tables(tables).unify_dictionaries().sort_by("start")

    def _made(self, columns: dict[str, Any], size: int, node: str, process: int) -> pa.Table:
        whole = {"mode": ModeKeys.GLOBAL.value, "node": node, "rank": self.rank, "process": process}
        columns = columns | {name: [value] * size for name, value in whole.items()}
        arrays = [pa.array(columns[field.name], _plain(field.type)).cast(field.type) for field in SCHEMA]
        return pa.Table.from_arrays(arrays, schema=SCHEMA)

    def _phases(self) -> Callable[[Record], Phase | None]:
        """Of an entry: by its category, or in TensorFlow's traces by what its process is; None: it is left out."""
        said = {
            one.pid: phase_of(str((one.args or {}).get("name", "")))
            for one in self.records
            if one.ph == "M" and one.name == "process_name"
        }
        known = {pid: phase for pid, phase in said.items() if phase in (Phase.OPERATOR, Phase.KERNEL)}
        return lambda one: _CATEGORIES.get(one.cat) if one.cat else known.get(one.pid)


def read_trace(data: bytes, base: float = 0) -> Trace:
    """A trace, packed or not; ``base`` is what its times are relative to (Unix microseconds) where it does not say.
    Raises ValueError for what is none, is damaged or too large.
    """
    text = unpacked(data, MOST_BYTES)
    try:
        if text.lstrip()[:1] == b"[":
            return Trace(_BARE.decode(text), base, -1)
        found = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no trace: {error}") from error
    first = next((one.ts for one in found.events if one.ph == "X"), 0)
    relative = found.base / 1000 if found.base and first < _SINCE_1970 else base
    rank = (found.distributed or {}).get("rank", -1)
    return Trace(found.events, relative, rank if isinstance(rank, int) else -1)


def unpacked(data: bytes, most: int) -> bytes:
    """A trace's text. Raises ValueError for what is damaged or has more than so many bytes."""
    if not data.startswith(b"\x1f\x8b"):
        if len(data) > most:
            raise ValueError(f"the trace has more than {most} bytes")
        return data
    inflated = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = inflated.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"the trace is damaged: {error}") from error
    if not inflated.eof:
        raise ValueError(f"the trace has more than {most} bytes" if len(text) == most else "the trace is cut off")
    return text


def _bytes(arguments: Any) -> int:
    size = arguments.get("bytes", 0) if isinstance(arguments, dict) else 0
    return size if isinstance(size, int) else 0


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind
