"""The write-ahead log: rows are durable here before the engine has them.

A log is a directory of segments. A segment begins with MAGIC and the schemas of its tables; then come records: length
and CRC-32 of the payload (both little-endian 32 bit), the table's number (one byte), and the payload, an Arrow record
batch. The last record of a segment that is on its way into the engine is its *seal*, numbered SEAL: the generation
(32 bit) which its late datapoints get. A record that is cut short or damaged ends its segment: nothing behind it was
ever acknowledged. A segment is never written to again after a start.
"""

import os
import struct
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from epochwatch.store.schema import SCHEMAS

MAGIC = b"epochwatch log 1\n"
SEAL = 255
_HEAD = struct.Struct("<IIB")
_SIZE = struct.Struct("<I")
_TABLES = {name: number for number, name in enumerate(SCHEMAS)}


@dataclass(slots=True)
class Segment:
    """What a segment holds: rows by table, and the generation of its seal (None: it has none)."""

    name: str
    rows: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)
    generation: int | None = None


class WriteAheadLog:
    """Appends to one segment at a time. Safe to use from any number of threads."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._lock = threading.Lock()
        self._descriptor = -1
        self._path = directory
        self._size = 0

    def leftovers(self) -> list[Path]:
        """Segments of an earlier process, oldest first."""
        return sorted(self._directory.glob("*.wal"))

    def append(self, rows: Iterable[tuple[str, pa.RecordBatch]]) -> None:
        """Write batches of tables down; durable on return. Raises OSError where that fails: none of them counts."""
        records = b"".join(_record(_TABLES[table], batch.serialize()) for table, batch in rows)
        with self._lock:
            if self._descriptor < 0:
                self._open()
            self._write(records)

    def rotate(self, generation: int) -> str:
        """Seal the segment that was appended to, and begin a new one with the next append; its name. Raises OSError
        where that fails: then the segment goes on.
        """
        with self._lock:
            self._write(_record(SEAL, _SIZE.pack(generation)))
            self._close()
            return self._path.stem

    def remove(self, name: str) -> None:
        """Delete a segment: the engine has its rows."""
        (self._directory / f"{name}.wal").unlink()

    def close(self) -> None:
        """Close the segment; its rows are read back at the next start."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        self._path = self._directory / f"{time.time_ns():020d}.wal"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._size = 0
        schemas = [schema.serialize().to_pybytes() for schema in SCHEMAS.values()]
        self._write(MAGIC + b"".join(_SIZE.pack(len(schema)) + schema for schema in schemas))
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fdatasync(self._descriptor)
        except OSError:  # what was half written must not stand before what follows
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_segment(path: Path) -> Segment:
    """What can be read of a segment."""
    segment = Segment(path.stem)
    data = pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b"")
    place = len(MAGIC)
    schemas: list[pa.Schema] = []
    if data[:place].to_pybytes() != MAGIC:
        return segment
    for _ in SCHEMAS:
        if place + _SIZE.size > data.size:
            return segment
        (size,) = _SIZE.unpack_from(data, place)
        if place + _SIZE.size + size > data.size:
            return segment
        schemas.append(pa.ipc.read_schema(data[place + _SIZE.size : place + _SIZE.size + size]))
        place += _SIZE.size + size
    names = list(SCHEMAS)
    while place + _HEAD.size <= data.size:
        size, check, table = _HEAD.unpack_from(data, place)
        payload = data[place + _HEAD.size : place + _HEAD.size + size]
        if payload.size < size or zlib.crc32(payload) != check:
            break
        if table == SEAL:
            (segment.generation,) = _SIZE.unpack(payload)
        else:
            batch = pa.ipc.read_record_batch(payload, schemas[table])
            segment.rows.setdefault(names[table], []).append(batch)
        place += _HEAD.size + size
    return segment


def _record(table: int, payload: bytes | pa.Buffer) -> bytes:
    data = bytes(payload)
    return _HEAD.pack(len(data), zlib.crc32(data), table) + data
