"""Sealed segments: statistics sorted by (tensor, step), and the manifest of raw tensors, as Parquet."""

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwatch.debugger.places import Place
from epochwatch.debugger.store.segment import Frame, SegmentHead, decode_frames, rows, segment_files

_HEAD: Final = b"epochwatch.segment"
_TENSORS_PER_ROW_GROUP: Final = 32
KEYS: Final = ("tensor", "step", "mode", "mode_step", "time")
"""What each row of statistics is of; ``mode`` is the number of a ModeKeys, ``time`` nanoseconds."""

_OF_A_STEP: Final = ("step", "mode", "mode_step")
MANIFEST: Final = pa.schema(
    {
        "tensor": pa.string(),
        "step": pa.int64(),
        "mode": pa.int8(),
        "mode_step": pa.int64(),
        "dtype": pa.string(),
        "shape": pa.list_(pa.int64()),
        "file": pa.string(),
        "offset": pa.int64(),
        "nbytes": pa.int64(),
        "crc32": pa.uint32(),
    }
)


def seal(place: Place, worker: str, number: int) -> None:
    """Turn a log into Parquet. The log goes last: whoever reads finds the segment in one form or the other."""
    files = segment_files(worker, number)
    frames, log_bytes = decode_frames(place.read(files["log"]))
    manifest = _manifest(frames)
    if len(manifest):
        place.write(files["manifest"], [_written(manifest, len(manifest))])
    table = _statistics(frames)
    # as strings, for else each row group would have the names of all
    table = table.set_column(0, "tensor", table["tensor"].cast(pa.string()))
    table = table.replace_schema_metadata({_HEAD: SegmentHead.of(frames, log_bytes).encode()})
    place.write(files["statistics"], [_written(table, max(1, _TENSORS_PER_ROW_GROUP * len(frames)))])
    place.delete(files["log"])


def _written(table: Any, rows_per_group: int) -> memoryview:
    sink = pa.BufferOutputStream()
    encodings = dict.fromkeys(("step", "mode_step"), "DELTA_BINARY_PACKED")
    encodings |= {field.name: "BYTE_STREAM_SPLIT" for field in table.schema if pa.types.is_floating(field.type)}
    pq.write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=rows_per_group,
        use_dictionary=["tensor", "mode", "time"],
        column_encoding=encodings,
        write_statistics=["tensor", "step"],
    )
    return memoryview(sink.getvalue())


def _statistics(frames: Sequence[Frame]) -> Any:
    names, keys, statistics = rows(frames)
    columns: dict[str, Any] = {
        "tensor": pa.DictionaryArray.from_arrays(pa.array(keys.pop("tensor")), pa.array(names, pa.string())),
        **{name: pa.array(values) for name, values in keys.items()},
    }
    for name, (values, absent) in statistics.items():
        columns[name] = pa.array(values, mask=absent if absent.any() else None)
    return pa.table(columns)


def _manifest(frames: Sequence[Frame]) -> Any:
    found = [(place, frame) for frame in frames for place in frame.places]
    found.sort(key=lambda row: (row[0].tensor, row[1].step))
    columns = {
        name: [getattr(frame if name in _OF_A_STEP else place, name) for place, frame in found]
        for name in MANIFEST.names
    }
    return pa.table(columns, MANIFEST)


class _RangeFile(io.RawIOBase):
    """A file of a place for pyarrow: each read is one range."""

    def __init__(self, place: Place, path: str) -> None:
        self._place, self._path = place, path
        self._size = place.size(path)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        rest = max(0, self._size - self._position)
        size = rest if size < 0 else min(size, rest)
        if not size:
            return b""
        data = bytes(next(self._place.read_ranges(self._path, [(self._position, size)])))
        self._position += len(data)
        return data


class StatisticsFile:
    """A sealed segment's statistics. Only the row groups and columns asked for are read."""

    def __init__(self, place: Place, path: str) -> None:
        self._file = pq.ParquetFile(
            pa.PythonFile(_RangeFile(place, path), mode="r"), pre_buffer=True, read_dictionary=["tensor"]
        )
        metadata = self._file.metadata
        self.head = SegmentHead.decode(self._file.schema_arrow.metadata[_HEAD])
        self.columns = [name for name in self._file.schema_arrow.names if name not in KEYS]
        spans = [metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)]
        self._spans = [(span.min, span.max) if span and span.has_min_max else None for span in spans]

    def read(self, tensors: Sequence[str] | None, statistics: Sequence[str]) -> Any:
        """A table of the keys and some statistics, of some tensors or all; a statistic it lacks is left out."""
        wanted = [*KEYS, *(name for name in statistics if name in self.columns)]
        table = self._file.read_row_groups(self._groups(tensors), columns=wanted)
        return table if tensors is None else _rows_of(table, tensors)

    def read_around(self, tensor: str) -> Any:
        """A table of all statistics of the row groups that hold a tensor, with the others that are in them."""
        return self._file.read_row_groups(self._groups([tensor]), columns=["tensor", "step", *self.columns])

    def _groups(self, tensors: Sequence[str] | None) -> list[int]:
        return [
            number
            for number, span in enumerate(self._spans)
            if tensors is None or span is None or any(span[0] <= name <= span[1] for name in tensors)
        ]


def read_manifest(place: Place, path: str) -> Any:
    """A sealed segment's manifest as a table."""
    return pq.read_table(pa.PythonFile(_RangeFile(place, path), mode="r"), schema=MANIFEST)


def frames_table(frames: Sequence[Frame], tensors: Sequence[str] | None, statistics: Sequence[str]) -> Any:
    """What ``StatisticsFile.read`` gives, of a segment that is still a log."""
    table = _statistics(frames)
    table = table.select([*KEYS, *(name for name in statistics if name in table.column_names)])
    return table if tensors is None else _rows_of(table, tensors)


def _rows_of(table: Any, tensors: Sequence[str]) -> Any:
    wanted = set(tensors)
    column = table["tensor"].unify_dictionaries().combine_chunks()
    chosen = np.array([name in wanted for name in column.dictionary.to_pylist()], bool)
    return table.take(pa.array(np.flatnonzero(chosen[column.indices.to_numpy()])))
