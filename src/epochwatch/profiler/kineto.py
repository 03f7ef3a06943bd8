"""Traces of frameworks' own profilers, in Chrome's format: PyTorch's (Kineto) and TensorFlow's."""

import zlib
from typing import Any, Final

import msgspec

from epochwatch.profiler.smdebug.trace_event import Record

MOST_BYTES: Final = 1 << 30
"""Of a trace, unpacked."""


class _Trace(msgspec.Struct):
    events: list[Record] = msgspec.field(name="traceEvents")
    base: int = msgspec.field(name="baseTimeNanoseconds", default=0)
    unit: str = msgspec.field(name="displayTimeUnit", default="ms")
    distributed: Any = msgspec.field(name="distributedInfo", default=None)


_TRACE: Final = msgspec.json.Decoder(_Trace)


def unpacked(data: bytes, most: int = MOST_BYTES) -> bytes:
    """A trace's text. Raises ValueError for what is damaged or has more than so many bytes."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    inflated = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = inflated.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"the trace is damaged: {error}") from error
    if inflated.unconsumed_tail:
        raise ValueError(f"the trace has more than {most} bytes")
    if not inflated.eof:
        raise ValueError("the trace is damaged: its end is missing")
    return text


def unpacked_records(data: bytes) -> list[Record]:
    """The entries of a trace. Raises ValueError for what is none."""
    try:
        return _TRACE.decode(unpacked(data)).events
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no trace: {error}") from error
