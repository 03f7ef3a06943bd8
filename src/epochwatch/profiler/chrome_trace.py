"""A span of a profile as a trace that Perfetto and ``chrome://tracing`` open: Chrome's Trace Event Format.

Processes of nodes are processes there, threads are threads; each event is a complete one (``"ph": "X"``), times are
microseconds since the span's first. Counters of the machines (``"ph": "C"``) stand beside them.
"""

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa

from epochwatch.profiler.phases import STEP_PHASES, Phase
from epochwatch.profiler.profile import Profile, Span

_COUNTERS: Final = ("cpu.busy", "memory.percent")
_MACHINE: Final = 1_000_000
"""Process numbers of the machines begin here."""


def chrome_trace(profile: Profile, span: Span, phases: Collection[Phase] | None = None) -> Iterator[bytes]:
    """The trace as JSON, piece by piece; all of them together are one object."""
    numbers: dict[tuple[str, int, int], int] = {}
    other = json.dumps({"job": profile.job, "start_time_since_epoch_in_micros": span[0]})
    yield f'{{"displayTimeUnit": "ms", "otherData": {other}, "traceEvents": [\n'.encode()
    first = True
    for table in profile.events(span, phases):
        records = list(_records(table, span[0], numbers))
        if records:
            yield (b"" if first else b",\n") + b",\n".join(map(_packed, records))
            first = False
    for number, node in enumerate(profile.nodes()):
        records = list(_counters(profile, node, span, _MACHINE + number))
        if records:
            yield (b"" if first else b",\n") + b",\n".join(map(_packed, records))
            first = False
    yield b"\n]}\n"


def _packed(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _records(table: pa.Table, base: int, numbers: dict[tuple[str, int, int], int]) -> Iterator[dict[str, Any]]:
    for row in table.to_pylist():
        key = row["node"], row["rank"], row["process"]
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(numbers) + 1
            yield from _process(number, *key)
        arguments = {
            name: row[name] for name in ("step", "bytes") if row[name] > 0 or (name == "step" and not row[name])
        }
        yield {
            "ph": "X",
            "cat": row["phase"],
            "name": f"step {row['step']}" if row["phase"] == Phase.STEP else row["name"],
            "ts": row["start"] - base,
            "dur": row["duration"],
            "pid": number,
            "tid": max(row["thread"], 0),
            "args": arguments,
        }


def _process(number: int, node: str, rank: int, process: int) -> Iterator[dict[str, Any]]:
    name = f"{node} rank {rank}" if rank >= 0 else node
    yield _named("process_name", number, {"name": f"{name} (process {process})"})
    yield _named("process_sort_index", number, {"sort_index": number})
    yield _named("thread_name", number, {"name": f"steps: {', '.join(STEP_PHASES)}"})


def _named(kind: str, number: int, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": number, "tid": 0, "args": arguments}


def _counters(profile: Profile, node: str, span: Span, number: int) -> Iterator[dict[str, Any]]:
    samples = profile.system(node, span, lambda name: name in _COUNTERS or name.endswith(".busy"))
    if not len(samples.times):
        return
    yield _named("process_name", number, {"name": f"{node}: machine"})
    for name, column in samples.values.items():
        for place in np.flatnonzero(~np.isnan(column)).tolist():
            value = round(float(column[place]), 2)
            time = int(samples.times[place]) - span[0]
            yield {"ph": "C", "name": name, "ts": time, "pid": number, "tid": 0, "args": {name: value}}
