"""Samples of hosts as columnar files in the object store, kept for good.

``hosts/<account>/<region>/<kind>/<job>/<host>/<YYYYMMDDHH>/``: ``<Unix minute>-<part>.parquet`` as they come; later
``hour.parquet`` of all of them, and ``1s``, ``10s`` and ``60s.parquet`` with least, mean and greatest of such spans.
``hosts-due/`` has an empty object for each host and hour of which minutes are still to be put together.

A percentage is kept as hundredths in 16 bits where all of a file's fit, everything else as it came; what was not
measured is null.
"""

import io
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from epochwatch.model.host_rows import MOST_COLUMNS, HostMinute
from epochwatch.model.host_samples import (
    SPANS,
    Columns,
    Samples,
    Values,
    chosen,
    joined,
    samples_of_rows,
    summed_up,
    within,
)
from epochwatch.model.job import Run
from epochwatch.model.tenant import Tenant
from epochwatch.store.due_hours import HOUR, put_together_due
from epochwatch.store.objects import ObjectStore, checked_key

DUE = "hosts-due"
READERS = 4
"""Hours that are read at once."""
HUNDREDTHS = 100.0
_FITS = 327.0
_UNIT = b"unit"


@dataclass(frozen=True, slots=True)
class HostPlace:
    """Where the samples of one host of one job are."""

    tenant: Tenant
    kind: str
    """``training-job`` or ``processing-job``"""
    job: str
    host: str

    @classmethod
    def of(cls, tenant: Tenant, run: Run) -> "HostPlace":
        """Of the run's own host."""
        return cls(tenant, run.kind.resource, run.job, run.host)

    @property
    def folder(self) -> str:
        """The key of all of them."""
        return f"hosts/{self.tenant.account}/{self.tenant.region}/{self.kind}/{self.job}/{self.host}"

    def hour(self, seconds: float) -> str:
        """The key of an hour's files, by a time within it."""
        return f"{self.folder}/{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H}"

    def due(self, hour: int) -> str:
        """The key that says that an hour's minutes are to be put together; sorted by the hour."""
        words = (self.tenant.account, self.tenant.region, self.kind, self.job, self.host)
        return f"{DUE}/{hour:010d},{','.join(words)}"

    @classmethod
    def of_due(cls, key: str) -> "tuple[HostPlace, int]":
        """The reverse of ``due``: the place and the hour."""
        hour, account, region, kind, job, host = key.rpartition("/")[2].split(",")
        return cls(Tenant(account, region), kind, job, host), int(hour)


def keep_minute(objects: ObjectStore, place: HostPlace, minute: HostMinute) -> None:
    """Store one minute; on disk on return, and the same when it comes again. Raises ValueError for what is none."""
    samples = _unpacked(minute)
    key = f"{place.hour(minute.minute)}/{minute.minute:010d}-{minute.part}.parquet"
    objects.put_durably(checked_key(key), _packed(samples))
    # After the minute: whoever takes this away looks for minutes once more.
    objects.put(place.due(minute.minute // HOUR * HOUR), b"")


def read_samples(
    objects: ObjectStore, place: HostPlace, start: float, end: float, columns: Columns = None
) -> Samples:
    """Every row taken from ``start`` until before ``end`` (Unix seconds), of all columns or of some."""
    wanted = chosen(columns)
    # A row lies in the hour in which its time begins, which may be the one before.
    found = [
        _samples_in(content, wanted)
        for hour in _hours(start - 60, end)
        for _, content in _files(objects, place.hour(hour))
    ]
    return within(joined(found), start, end)


def read_summaries(
    objects: ObjectStore,
    place: HostPlace,
    start: float,
    end: float,
    span: int,
    columns: Columns = None,
) -> Samples:
    """Least, mean and greatest value of spans of 1, 10 or 60 seconds: ``cpu.busy.min``, ``.mean`` and ``.max``.

    Each span is at its beginning. Raises ValueError for another length.
    """
    if span not in SPANS:
        raise ValueError(f"host samples are summed up by {', '.join(map(str, SPANS))} seconds, not {span}")
    wanted = chosen(columns)
    with ThreadPoolExecutor(READERS) as readers:
        hours = readers.map(
            lambda hour: _hour_summed_up(objects, place.hour(hour), span, wanted), _hours(start, end)
        )
        return within(joined([part for parts in hours for part in parts]), start, end)


def _hour_summed_up(objects: ObjectStore, folder: str, span: int, wanted: Callable[[str], bool]) -> list[Samples]:
    """What is summed up already, and minutes that are not."""
    found = []
    ready = objects.get(f"{folder}/{span}s.parquet")
    if ready is not None:
        found.append(_samples_in(ready, lambda name: wanted(name.rpartition(".")[0])))
    late = [content for key in sorted(_minutes(objects, folder)) if (content := objects.get(key)) is not None]
    if late:
        found.append(summed_up(joined([_samples_in(content, wanted) for content in late]), span))
    return found


def compact_due(objects: ObjectStore, now: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Put together the hours of all hosts that are over at ``now`` (Unix seconds), oldest first, as time allows."""
    put_together_due(objects, DUE, HostPlace.of_due, compact, _minutes, now, clock)


def compact(objects: ObjectStore, place: HostPlace, hour: int) -> None:
    """Put an hour's minutes into one file and sum them up; nothing happens when there are none.

    Interrupted anywhere, it leaves files that read the same, and can be done again.
    """
    folder = place.hour(hour)
    minutes = _minutes(objects, folder)
    if not minutes:
        return
    keys = [f"{folder}/hour.parquet", *minutes]
    contents = [content for key in keys if (content := objects.get(key)) is not None]
    samples = joined([_samples_in(content, chosen(None)) for content in contents])
    for span in SPANS:
        objects.put_durably(f"{folder}/{span}s.parquet", _packed(summed_up(samples, span)))
    objects.put_durably(f"{folder}/hour.parquet", _packed(samples))
    for key in minutes:
        objects.delete(key)


# -- what came ------------------------------------------------------------------------------------------------


def _unpacked(minute: HostMinute) -> Samples:
    names = [name for name, _ in minute.columns]
    if len(names) > MOST_COLUMNS or len(set(names)) < len(names) or {"time", "seconds", ""} & set(names):
        raise ValueError("the columns of host samples have different names, and not too many of them")
    if minute.minute % 60 or not 0 <= minute.minute < 1 << 40:
        raise ValueError(f"a minute of host samples begins at a full minute, not at {minute.minute}")
    if "/" in minute.part or not minute.part:
        raise ValueError("a minute of host samples has a part without slashes")
    return samples_of_rows(minute.columns, minute.rows)


# -- files ----------------------------------------------------------------------------------------------------


def _packed(samples: Samples) -> bytes:
    arrays = [pa.array(samples.times), pa.array(samples.seconds)]
    fields = [pa.field("time", pa.int64()), pa.field("seconds", pa.float32())]
    encodings = {"time": "DELTA_BINARY_PACKED", "seconds": "BYTE_STREAM_SPLIT"}
    for name, column in samples.values.items():
        unit = samples.units.get(name, "None")
        missing = np.isnan(column)
        if unit == "Percent" and bool((missing | (np.abs(column) < _FITS)).all()):
            whole = np.where(missing, 0.0, np.round(column * np.float32(HUNDREDTHS))).astype(np.int16)
            array, encodings[name] = pa.array(whole, mask=missing), "DELTA_BINARY_PACKED"
        else:
            array = pa.array(np.ascontiguousarray(column, np.float32), mask=missing)
            encodings[name] = "BYTE_STREAM_SPLIT"
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={_UNIT: unit.encode()}))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    sink = io.BytesIO()
    pq.write_table(
        table, sink, compression="zstd", use_dictionary=False, column_encoding=encodings, write_statistics=False
    )
    return sink.getvalue()


def _samples_in(content: bytes, wanted: Callable[[str], bool]) -> Samples:
    file = pq.ParquetFile(pa.BufferReader(content))
    schema = file.schema_arrow
    names = [name for name in schema.names if name not in ("time", "seconds") and wanted(name)]
    table = file.read(columns=["time", "seconds", *names])
    values: Values = {}
    for name in names:
        column = table.column(name).combine_chunks()
        hundredths = pa.types.is_int16(column.type)
        floats = column.cast(pa.float32()).to_numpy(zero_copy_only=False)
        values[name] = floats / np.float32(HUNDREDTHS) if hundredths else floats
    units = {name: (schema.field(name).metadata or {}).get(_UNIT, b"None").decode() for name in names}
    return Samples(table.column("time").to_numpy(), table.column("seconds").to_numpy(), values, units)


def _files(objects: ObjectStore, folder: str) -> Iterable[tuple[str, bytes]]:
    for key in sorted(key for key, _ in objects.list(folder)):
        if not _is_summary(key) and (content := objects.get(key)) is not None:
            yield key, content


def _hours(start: float, end: float) -> range:
    return range(int(start) // HOUR * HOUR, int(np.ceil(end)), HOUR)


def _minutes(objects: ObjectStore, folder: str) -> list[str]:
    return [key for key, _ in objects.list(folder) if _is_minute(key)]


def _is_minute(key: str) -> bool:
    return key.rpartition("/")[2][:10].isdecimal()


def _is_summary(key: str) -> bool:
    return key.rpartition("/")[2] in {f"{span}s.parquet" for span in SPANS}
