"""A segment of a trial: the frames of some hundred steps of a worker.

While it is written it is a log, a record per step with its length and checksum: what was torn off at the end is left
out. A record holds a frame for each set of columns. Then the log is sealed into two Parquet files. The lists of names
travel once as long as they stay the same.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from epochwatch.debugger.source import Array
from epochwatch.debugger.store.checksum import crc32

_HEADER: Final = struct.Struct("<II")
SCALAR: Final = "value"
"""The column of a tensor that is one number: that is its value, not a reduction of it."""


class Column(msgspec.Struct, array_like=True, frozen=True):
    """One statistic of all tensors of a step: NumPy's name of its type, and its bytes."""

    dtype: str
    data: bytes

    @classmethod
    def of(cls, values: Array) -> "Column":
        """Of an array with one element per name."""
        return cls(values.dtype.str, values.tobytes())

    def array(self) -> Array:
        """The array."""
        return np.frombuffer(self.data, dtype=self.dtype)


class TensorPlace(msgspec.Struct, array_like=True, frozen=True):
    """Where the bytes of a tensor are, and what they mean. ``crc32`` is zlib's, of the bytes. Without ``file`` only
    its shape was saved.
    """

    tensor: str
    dtype: str
    shape: tuple[int, ...]
    file: str
    offset: int
    nbytes: int
    crc32: int


class Frame(msgspec.Struct, array_like=True):
    """What a worker saved at a step of tensors with the same columns. ``names`` are those of the columns' rows; None in
    the log where they are the same as in the frame before. ``time`` in nanoseconds.
    """

    step: int
    mode: int
    mode_step: int
    time: int
    names: tuple[str, ...] | None
    columns: dict[str, Column]
    places: list[TensorPlace]


_DECODER: Final = msgspec.msgpack.Decoder(list[Frame])
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_frames(frames: Sequence[Frame]) -> bytes:
    """Frames that become readable together, as the log has them."""
    payload = _ENCODER.encode(frames)
    return _HEADER.pack(len(payload), crc32(payload)) + payload


def decode_frames(data: bytes, names: tuple[str, ...] = ()) -> tuple[list[Frame], int]:
    """(frames, bytes they take) of a stretch of log, up to the first that is not whole. ``names`` are those of the
    frame before the stretch; in what is returned each frame has its names.
    """
    frames, start = [], 0
    while start + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, start)
        payload = data[start + _HEADER.size : start + _HEADER.size + length]
        if len(payload) < length or crc32(payload) != checksum:
            break
        for frame in _DECODER.decode(payload):
            frame.names = names = names if frame.names is None else frame.names
            frames.append(frame)
        start += _HEADER.size + length
    return frames, start


class StepHead(msgspec.Struct, array_like=True):
    """What is known of a step without reading its columns; lists of names by their numbers."""

    step: int
    mode: int
    mode_step: int
    names: int
    columns: int
    tensors: int
    shapes: int


class SegmentHead(msgspec.Struct, array_like=True):
    """The steps of a sealed segment, and how many bytes of log it was made of."""

    log_bytes: int
    lists: list[tuple[str, ...]]
    steps: list[StepHead]

    @classmethod
    def of(cls, frames: Sequence[Frame], log_bytes: int) -> "SegmentHead":
        """Of a segment's frames."""
        numbers: dict[tuple[str, ...], int] = {}

        def number(names: tuple[str, ...]) -> int:
            return numbers.setdefault(names, len(numbers))

        steps = [
            StepHead(
                frame.step,
                frame.mode,
                frame.mode_step,
                number(frame.names or ()),
                number(tuple(frame.columns)),
                number(tuple(place.tensor for place in frame.places if place.file)),
                number(tuple(place.tensor for place in frame.places if not place.file)),
            )
            for frame in frames
        ]
        return cls(log_bytes, list(numbers), steps)

    def encode(self) -> bytes:
        """As the Parquet file's metadata has it."""
        return zlib.compress(_ENCODER.encode(self), 1)

    @classmethod
    def decode(cls, data: bytes) -> "SegmentHead":
        """The same, read."""
        return msgspec.msgpack.decode(zlib.decompress(data), type=cls)


def rows(frames: Sequence[Frame]) -> tuple[list[str], dict[str, Array], dict[str, tuple[Array, Array]]]:
    """A segment's statistics as columns sorted by (tensor, step): sorted names; ``tensor`` (as numbers of names),
    ``step``, ``mode``, ``mode_step`` and ``time``; and each statistic with where it is absent.
    """
    lists = {id(frame.names): frame.names or () for frame in frames}  # one for most steps
    names = sorted(set[str]().union(*lists.values()))
    number = {name: position for position, name in enumerate(names)}
    numbers = {key: np.array([number[name] for name in known], np.int32) for key, known in lists.items()}
    codes = [numbers[id(frame.names)] for frame in frames]
    lengths = [len(known) for known in codes]
    tensor = np.concatenate([np.empty(0, np.int32), *codes])
    keys: dict[str, Array] = {
        "tensor": tensor,
        "step": np.repeat(np.array([frame.step for frame in frames], np.int64), lengths),
        "mode": np.repeat(np.array([frame.mode for frame in frames], np.int8), lengths),
        "mode_step": np.repeat(np.array([frame.mode_step for frame in frames], np.int64), lengths),
        "time": np.repeat(np.array([frame.time for frame in frames], np.int64), lengths),
    }
    order = np.lexsort((keys["step"], tensor))
    statistics = {
        name: tuple(part[order] for part in _statistic(frames, lengths, name)) for name in _statistic_names(frames)
    }
    return names, {name: key[order] for name, key in keys.items()}, statistics  # type: ignore[return-value]


def _statistic_names(frames: Sequence[Frame]) -> list[str]:
    return list(dict.fromkeys(name for frame in frames for name in frame.columns))


def _statistic(frames: Sequence[Frame], lengths: Sequence[int], name: str) -> tuple[Array, Array]:
    parts = [frame.columns[name].array() if name in frame.columns else None for frame in frames]
    dtype: Any = np.result_type(*{part.dtype for part in parts if part is not None})
    filled = [
        np.zeros(length, dtype) if part is None else part for part, length in zip(parts, lengths, strict=True)
    ]
    absent = np.repeat(np.array([part is None for part in parts]), lengths)
    return np.concatenate(filled), absent


def segment_files(worker: str, number: int) -> Mapping[str, str]:
    """The paths of a segment's files."""
    return {
        "log": f"log/{worker}/{number:09d}.log",
        "manifest": f"manifest/{worker}/{number:09d}.parquet",
        "statistics": f"statistics/{worker}/{number:09d}.parquet",
    }


def numbered(names: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """(worker, number, path) of a segment's files of one kind."""
    for name in names:
        _, worker, file = name.split("/")
        yield worker, int(file.partition(".")[0]), name
