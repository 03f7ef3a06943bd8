"""Samples of a host as fixed rows: how the sampler writes them and the server reads them.

A row is a time, the seconds since the row before, and a value for each column. What is a counter in the kernel is a
rate over just those seconds, so that the mean weighted with them is exact over any span; NaN is what could not be read.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

MAGIC = b"EWHOST1\n"
_LENGTH = struct.Struct("<I")
MOST_COLUMNS = 20_000
MOST_HEADER_BYTES = 4 << 20


class Column(NamedTuple):
    """One measured thing: ``cpu.3.busy`` in ``Percent``. Units are CloudWatch's."""

    name: str
    unit: str


class Row(NamedTuple):
    """One sample."""

    time: int
    """Unix microseconds at which it was taken."""
    seconds: float
    """Since the one before."""
    values: tuple[float, ...]


class Layout:
    """The columns of a file of rows, in their order."""

    def __init__(self, columns: Iterable[Column], about: dict[str, str] | None = None) -> None:
        self.columns = tuple(columns)
        self.about = dict(about or {})
        """What the sampler said of the host: ``left-out`` tells what could not be read."""
        self._row = struct.Struct(f"<qf{len(self.columns)}f")
        self.row_size = self._row.size

    def header(self) -> bytes:
        """What a file begins with."""
        text = json.dumps({"columns": self.columns, "about": self.about}).encode()
        return MAGIC + _LENGTH.pack(len(text)) + text

    def pack(self, row: Row) -> bytes:
        """The row as bytes. Raises struct.error where it has another number of values than there are columns."""
        return self._row.pack(row.time, row.seconds, *row.values)

    def unpack(self, data: bytes) -> Iterator[Row]:
        """The whole rows at the beginning of ``data``; a torn one at its end is left out."""
        for time, seconds, *values in self._row.iter_unpack(data[: len(data) - len(data) % self.row_size]):
            yield Row(time, seconds, tuple(values))

    @classmethod
    def read(cls, data: bytes) -> "tuple[Layout, int] | None":
        """The layout and the offset of the first row; None while the header is not complete.

        Raises ValueError where it is no file of rows.
        """
        start = len(MAGIC) + _LENGTH.size
        if len(data) < start and MAGIC.startswith(data[: len(MAGIC)]):
            return None
        if not data.startswith(MAGIC):
            raise ValueError("this is no file of host samples")
        (length,) = _LENGTH.unpack_from(data, len(MAGIC))
        if length > MOST_HEADER_BYTES:
            raise ValueError("the header of the host samples is damaged")
        if len(data) < start + length:
            return None
        found = json.loads(data[start : start + length])
        return cls((Column(*column) for column in found["columns"]), found["about"]), start + length


class HostMinute(msgspec.Struct):
    """The rows of one host that begin within one minute. Idempotent: sent again, it replaces itself."""

    run_id: str
    part: str
    """The file of the spool they come from: a minute in which the columns changed has several."""
    minute: int
    """Unix seconds of its beginning, a multiple of 60."""
    columns: list[Column]
    rows: bytes
    about: dict[str, str] = {}


def weighted_mean(rows: Sequence[Row], index: int) -> float:
    """The mean of a column over the time of the rows; NaN where none has a value."""
    total = seconds = 0.0
    for row in rows:
        value = row.values[index]
        if value == value:  # noqa: PLR0124 (NaN)
            total += value * row.seconds
            seconds += row.seconds
    return total / seconds if seconds else float("nan")
