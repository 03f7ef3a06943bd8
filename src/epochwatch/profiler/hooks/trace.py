"""A framework's trace in Chrome's format: its operators and kernels as events, and its file packed."""

import gzip
import json
import shutil
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from epochwatch.profiler.phases import Phase

MARK: Final = "epochwatch window"
"""A stretch that is recorded first: its time by our clock is known, those of the trace are by another."""
MOST_EVENTS: Final = 20_000
"""Of a window that are kept one by one, the longest; the others are added up by name and step."""
MOST_BYTES: Final = 200 << 20
"""Of a trace whose events are read."""
_KINDS: Final = {
    "cpu_op": Phase.OPERATOR, "kernel": Phase.KERNEL, "gpu_memcpy": Phase.KERNEL, "gpu_memset": Phase.KERNEL,
}  # fmt: skip
_DEVICE: Final = "/device:"
_EXECUTED: Final = "hlo_op"
"""An argument of what XLA executes."""
Event = tuple[Phase, int, int, int, str, int, int]
"""Phase, start and duration in microseconds, step, name, thread, bytes."""
Step = tuple[int, int, int]


def events_of(trace: Path, steps: Sequence[Step], began: float) -> Iterator[Event]:
    """Operators and kernels of a trace, in the order of their time. ``steps`` are number, start and end (Unix
    microseconds), ``began`` when it was started (Unix seconds). Nothing of a trace that is too large.
    """
    if trace.stat().st_size > MOST_BYTES:
        return
    with open(trace, "rb") as file:
        found = json.load(file)
    records = found["traceEvents"] if isinstance(found, dict) else found
    offset = began * 1e6 - next(
        (one["ts"] for one in records if one.get("name") == MARK and "ts" in one), began * 1e6
    )
    starts = [start for _, start, _ in steps]
    lanes = _lanes(records)
    events = [
        _event(one, kind, offset, steps, starts)
        for one in records
        if "dur" in one and (kind := _kind(one, lanes)) is not None
    ]
    yield from sorted(_bounded(events), key=lambda event: event[1])


def _lanes(records: Sequence[dict[str, Any]]) -> dict[tuple[Any, Any], Phase | None]:
    """What the lines of devices in a trace of JAX's are, by process and thread: a stream's work, or of a TPU its
    operations. All others of a device say the same once more, in other pieces: None.
    """
    names: dict[str, dict[tuple[Any, Any], str]] = {"process_name": {}, "thread_name": {}}
    for one in records:
        if one.get("ph") == "M" and one.get("name") in names:
            thread = one.get("tid") if one["name"] == "thread_name" else None
            names[one["name"]][one.get("pid"), thread] = str((one.get("args") or {}).get("name", ""))
    found: dict[tuple[Any, Any], Phase | None] = {}
    for (process, thread), name in names["thread_name"].items():
        device = names["process_name"].get((process, None), "")
        if device.startswith(_DEVICE):
            own = "XLA Ops" if device.startswith(_DEVICE + "TPU") else "Stream"
            found[process, thread] = Phase.KERNEL if name.startswith(own) else None
    return found


def _kind(record: dict[str, Any], lanes: Mapping[tuple[Any, Any], Phase | None]) -> Phase | None:
    """By PyTorch's category. JAX's records have none: by their line, or on the processor by what they execute."""
    if "cat" in record:
        return _KINDS.get(record["cat"])
    on_processor = Phase.OPERATOR if _EXECUTED in (record.get("args") or {}) else None
    return lanes.get((record.get("pid"), record.get("tid")), on_processor)


def _event(
    record: dict[str, Any], kind: Phase, offset: float, steps: Sequence[Step], starts: Sequence[int]
) -> Event:
    start = int(record["ts"] + offset)
    place = bisect_right(starts, start) - 1
    step = steps[place][0] if place >= 0 and start < steps[place][2] else -1
    thread = record.get("tid", 0)
    size = (record.get("args") or {}).get("bytes", 0)
    return (
        kind,
        start,
        max(round(record["dur"]), 1),
        step,
        str(record["name"]),
        max(thread, 0) if isinstance(thread, int) else 0,
        size if isinstance(size, int) else 0,
    )


def _bounded(events: list[Event]) -> list[Event]:
    if len(events) <= MOST_EVENTS:
        return events
    events.sort(key=lambda event: -event[2])
    sums: dict[tuple[Phase, str, int], Event] = {}
    for phase, start, duration, step, name, _, size in events[MOST_EVENTS:]:
        _, first, before, _, _, calls, bytes_before = sums.get((phase, name, step), (phase, start, 0, 0, "", 0, 0))
        whole = duration + before, step, name, calls - 1, size + bytes_before
        sums[phase, name, step] = phase, min(start, first), *whole
    return events[:MOST_EVENTS] + list(sums.values())


def packed(trace: Path, into: Path) -> None:
    """The file, gzipped; it is there whole or not at all."""
    temporary = into.with_name(f".{into.name}.tmp")
    with open(trace, "rb") as source, gzip.open(temporary, "wb", compresslevel=4) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    temporary.replace(into)
