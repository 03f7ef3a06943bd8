"""Tensors as records of an event file: each the protocol buffer ``Event``.

Written out by hand, not by message classes: a training's own protobuf would clash with ours, and the one shape of
message that smdebug knows is put together several times as fast.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np

from epochwatch.debugger.exceptions import SMDebugRuntimeError, SMDebugTypeError
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.smdebug.framing import (
    CONSTANT_FOOTER_BYTES,
    FOOTER,
    HEADER,
    Buffer,
    Check,
    header_of,
    payload_at,
)

_STEP: Final = HEADER.size + 9
"""Where a record's step is: behind its header and its time."""
_KNOWN_RECORDS: Final = 1 << 16
"""With how many records others are compared; each takes some hundred bytes."""
_NOT_COPIED_BYTES: Final = 1 << 13
"""From this length on a copy costs more than handing three parts to the kernel."""
_STRING: Final = 7
_BFLOAT16: Final = 14
_NUMBER_OF_DTYPE: Final = {
    np.dtype(name): number
    for name, number in {
        "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "complex64": 8, "int64": 9,
        "bool": 10, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23,
    }.items()
}  # fmt: skip
_DTYPE_OF_NUMBER: Final = {number: dtype for dtype, number in _NUMBER_OF_DTYPE.items()}
_WAY_TO_TENSOR: Final = ((0x2A, False), (0x0A, False), (0x0A, True), (0x42, False))
"""Keys of the fields from ``Event`` to the tensor in it, and whether the field's content is passed over."""


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _message(tag: int, content: bytes) -> bytes:
    return bytes((tag << 3 | 2,)) + _varint(len(content)) + content


@lru_cache(maxsize=65536)
def _shape(tag: str, shape: tuple[int, ...]) -> bytes:
    dimensions = (
        _message(2, (b"\x08" + _varint(size) if size else b"") + _message(2, f"{tag}_{size}".encode()))
        for size in shape
    )
    return _message(2, b"".join(dimensions))


@lru_cache(maxsize=65536)
def _around_content(
    tag: str, dtype: int, shape: tuple[int, ...], nbytes: int, stamp: int, metadata: int
) -> tuple[bytes, bytes]:
    """What comes before the stamp of a record of numbers, and what is between that and the content; ``stamp`` and
    ``metadata`` are the bytes that those take.
    """
    tensor = b"\x08" + _varint(dtype) + _shape(tag, shape) + (b"\x22" + _varint(nbytes) if nbytes else b"")
    name = tag.encode()
    value = (_message(1, name) if name else b"") + b"\x42" + _varint(len(tensor) + nbytes) + tensor
    value = b"\x0a" + _varint(len(value) + nbytes + metadata) + value
    summary = b"\x2a" + _varint(len(value) + nbytes + metadata) + value
    return header_of(stamp + len(summary) + nbytes + metadata), summary


@lru_cache(maxsize=1024)
def _metadata(mode: ModeKeys, mode_step: int) -> bytes:
    entries = (("mode_step", mode_step), ("mode", mode.value))
    return _message(
        9,
        b"".join(_message(1, _message(1, name.encode()) + _message(2, b"%d" % value)) for name, value in entries),
    )


@lru_cache(maxsize=1024)
def _stamp(step: int, time: float) -> bytes:
    return b"\x09" + struct.pack("<d", time) + _step_field(step)


@lru_cache(maxsize=1024)
def _step_field(step: int) -> bytes:
    return b"\x10" + _varint(step) if step else b""


def encode_tensor(
    tag: str, value: np.ndarray[Any, Any], step: int, mode: ModeKeys, mode_step: int, time: float
) -> list[bytes | memoryview]:
    """The parts of the record of one tensor at a global step; ``time`` in Unix seconds. A long content is no copy.
    Raises SMDebugTypeError for a dtype the format does not have.
    """
    stamp, metadata = _stamp(step, time), _metadata(mode, mode_step)
    if value.dtype.kind in "USO":
        event = stamp + _string_summary(tag, value, metadata)
        return [header_of(len(event)) + event + CONSTANT_FOOTER_BYTES]
    number = _NUMBER_OF_DTYPE.get(value.dtype)
    if number is None:
        raise SMDebugTypeError(f"Numpy Datatype: {value.dtype} is currently not supported")
    nbytes = value.nbytes
    header, summary = _around_content(tag, number, value.shape, nbytes, len(stamp), len(metadata))
    if nbytes < _NOT_COPIED_BYTES:
        return [header + stamp + summary + value.tobytes() + metadata + CONSTANT_FOOTER_BYTES]
    content = np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    return [header + stamp + summary, content, metadata + CONSTANT_FOOTER_BYTES]


def _string_summary(tag: str, value: np.ndarray[Any, Any], metadata: bytes) -> bytes:
    if value.ndim != 1:
        raise SMDebugTypeError(f"an array of strings needs one dimension, {tag} has {value.ndim}")
    texts = (text if isinstance(text, bytes) else str(text).encode() for text in value)
    tensor = _shape(tag, value.shape) + b"".join(_message(8, text) for text in texts)
    return _message(5, _message(1, _message(1, tag.encode()) + _message(8, tensor) + metadata))


def _fields(data: Buffer, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, value, 0) of varints and fixed numbers, (number, begin, end) of what has a length."""
    while position < end:
        key, position = _read_varint(data, position)
        kind = key & 7
        if kind == 2:
            length, position = _read_varint(data, position)
            yield key >> 3, position, position + length
            position += length
        elif kind == 0:
            value, position = _read_varint(data, position)
            yield key >> 3, value, 0
        elif kind in (1, 5):
            yield key >> 3, position, 0
            position += 8 if kind == 1 else 4
        else:
            raise SMDebugRuntimeError(f"the record is no event: wire type {kind}")


def _read_varint(data: Buffer, position: int) -> tuple[int, int]:
    value = data[position]
    position += 1
    if value < 0x80:
        return value, position
    value &= 0x7F
    shift = 7
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as its record has it."""

    tag: str
    step: int
    mode: ModeKeys
    mode_step: int
    value: Any


def decode_value(record: Buffer, start: int = 0, check: Check = "minimal") -> Any:
    """The array of the record at ``start``. bfloat16 comes as float32, which holds each of its values."""
    span = payload_at(record, start, check)
    if span is None:
        raise SMDebugRuntimeError("the record is torn off")
    head = _usual_head(record, *span)
    if head is not None:
        return np.ndarray(head.shape, head.dtype, record, head.content).copy()
    for number, begin, end in _fields(record, *span):
        if number == 5:
            for _, value_begin, value_end in _fields(record, begin, end):
                for field, tensor_begin, tensor_end in _fields(record, value_begin, value_end):
                    if field == 8:
                        return _array(record, tensor_begin, tensor_end)
    raise SMDebugRuntimeError("the record holds no tensor")


class _Known(NamedTuple):
    """What the records of a tensor have in common with each other."""

    length: int
    beginning: bytes
    before_content: bytes
    dtype: Any
    shape: tuple[int, ...]


class ValueReader:
    """Reads arrays as ``decode_value`` does. A record that differs only in time, step and content from one that was at
    the same place of another file is compared with that: half the work of looking at what is in it.
    """

    def __init__(self, check: Check = "minimal") -> None:
        self._check: Check = check
        self._known: dict[tuple[int, int], _Known] = {}

    def value(self, record: memoryview, place: tuple[int, int], step: int) -> Any:
        """The array of the record at ``place``, which should be of ``step``."""
        known = self._known.get(place)
        if known is not None:
            step_field = _step_field(step)
            content = _STEP + len(step_field) + len(known.before_content)
            head = bytes(record[:content])
            if (
                head.startswith(known.beginning)
                and head.startswith(step_field, _STEP)
                and head.endswith(known.before_content)
                and len(record) == known.length
                and record[-FOOTER.size :] == CONSTANT_FOOTER_BYTES
            ):
                return np.ndarray(known.shape, known.dtype, record, content).copy()
        elif self._check != "full" and len(self._known) < _KNOWN_RECORDS:
            self._learn(record, place)
        return decode_value(record, 0, self._check)

    def _learn(self, record: memoryview, place: tuple[int, int]) -> None:
        span = payload_at(record, 0, self._check)
        head = span and _usual_head(record, *span)
        if head:
            beginning = bytes(record[: HEADER.size + 1])
            before_content = bytes(record[head.after_step : head.content])
            self._known[place] = _Known(len(record), beginning, before_content, head.dtype, head.shape)


def decode_tensors(data: Buffer, check: Check = "minimal") -> Iterator[StoredTensor]:
    """All tensors of an event file; what was torn off at its end is left out."""
    start = 0
    while (span := payload_at(data, start, check)) is not None:
        step = 0
        values = []
        for number, begin, end in _fields(data, *span):
            if number == 2:
                step = begin
            elif number == 5:
                values += [found[1:] for found in _fields(data, begin, end) if found[0] == 1]
        for begin, end in values:
            yield _stored_tensor(data, begin, end, step)
        start = span[1] + FOOTER.size


def _stored_tensor(data: Buffer, begin: int, end: int, step: int) -> StoredTensor:
    tag, mode, mode_step, value = "", ModeKeys.GLOBAL, step, None
    for number, first, last in _fields(data, begin, end):
        if number == 1:
            tag = str(data[first:last], "utf-8")
        elif number == 8:
            value = _array(data, first, last)
        elif number == 9:
            for _, plugin_begin, plugin_end in _fields(data, first, last):
                entry = {field: data[a:b] for field, a, b in _fields(data, plugin_begin, plugin_end)}
                if entry.get(1) == b"mode_step":
                    mode_step = int(entry[2])
                elif entry.get(1) == b"mode":
                    mode = ModeKeys(int(entry[2]))
    return StoredTensor(tag, step, mode, mode_step, value)


class _Head(NamedTuple):
    """Where a record of numbers has what, and what its content means."""

    after_step: int
    content: int
    dtype: Any
    shape: tuple[int, ...]


def _usual_head(data: Buffer, position: int, end: int) -> _Head | None:
    """Of a record of numbers whose fields are those that writers write, in their order; None for any other.
    Reading them as they are expected takes a third of the time of looking at what each of them is.
    """
    try:
        position += 9  # the time
        if data[position] == 0x10:
            _, position = _read_varint(data, position + 1)
        after_step = position
        for key, skipped in _WAY_TO_TENSOR:
            if data[position] != key:
                return None
            length, position = _read_varint(data, position + 1)
            position += length if skipped else 0
        dtype = _DTYPE_OF_NUMBER.get(data[position + 1])
        if data[position] != 0x08 or dtype is None or data[position + 2] != 0x12:
            return None
        length, begin = _read_varint(data, position + 3)
        position = begin + length
        shape = _dimensions(bytes(data[begin:position]))
        if data[position] != 0x22:
            return None
        length, position = _read_varint(data, position + 1)
    except IndexError:
        return None
    if position + length > end or length != dtype.itemsize * prod(shape):
        return None
    return _Head(after_step, position, dtype, shape)


@lru_cache(maxsize=65536)
def _dimensions(message: bytes) -> tuple[int, ...]:
    """Sizes of a shape; one that is left out is 0."""
    spans = [(first, last) for number, first, last in _fields(message, 0, len(message)) if number == 2]
    return tuple(
        next((size for number, size, _ in _fields(message, first, last) if number == 1), 0)
        for first, last in spans
    )


def _array(data: Buffer, begin: int, end: int) -> Any:
    dtype, content, texts = 0, (0, 0), []
    shape: tuple[int, ...] = ()
    for number, first, last in _fields(data, begin, end):
        if number == 1:
            dtype = first
        elif number == 2:
            shape = _dimensions(bytes(data[first:last]))
        elif number == 4:
            content = first, last
        elif number == 8:
            texts.append(str(data[first:last], "utf-8"))
    if dtype in (0, _STRING):
        return np.array(texts, dtype=np.str_).reshape(shape)
    raw = data[content[0] : content[1]]
    if dtype == _BFLOAT16:
        return widen_bfloat16(raw).reshape(shape)
    if dtype not in _DTYPE_OF_NUMBER:
        raise SMDebugTypeError(f"Unknown type for Tensor: {dtype}")
    return np.frombuffer(bytearray(raw), dtype=_DTYPE_OF_NUMBER[dtype]).reshape(shape)


def widen_bfloat16(raw: Buffer) -> np.ndarray[Any, Any]:
    """The float32 of each bfloat16, which NumPy does not have: the same bits, sixteen zeros after them."""
    return (np.frombuffer(raw, dtype="<u2").astype("<u4") << 16).view("<f4")
