"""Rows on their way into the engine: one record batch per table, made by the thread that has the data."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.model.metric import MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.schema import DATAPOINTS, LOG_EVENTS, RUN_POINTS
from epochwatch.store.series import SeriesEntry, SeriesIndex

API_SOURCE = 0
"""``source`` of rows that came by an AWS API call."""

LATEST_TS = 2**32 - 1
"""Unix seconds: the last moment a datapoint can have."""
LATEST_MS = LATEST_TS * 1000
LATEST_US = LATEST_TS * 1_000_000


@dataclass(slots=True)
class Rows:
    """What one caller wants committed together."""

    series: Sequence[SeriesEntry] = ()
    """Every series that ``datapoints`` refers to."""
    datapoints: pa.RecordBatch | None = None
    run_points: pa.RecordBatch | None = None
    log_events: pa.RecordBatch | None = None
    announce: Callable[[], None] | None = field(default=None, repr=False)
    """Called after the commit, to tell the live feed."""

    def __len__(self) -> int:
        return sum(
            batch.num_rows for batch in (self.datapoints, self.run_points, self.log_events) if batch is not None
        )


def source_number(tenant: Tenant, source: str) -> int:
    """The 63-bit number by which rows of an agent's source are known; never 0."""
    text = f"{tenant.account}\0{tenant.region}\0{source}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1 or 1


class SequenceNumbers:
    """Increasing numbers for rows of API calls, also across restarts; of two servers never the same."""

    _SERVER_BITS = 12

    def __init__(self) -> None:
        self._server = secrets.randbits(self._SERVER_BITS)
        self._last = 0
        self._lock = threading.Lock()

    def take(self, count: int, above: int = 0) -> NDArray[np.uint64]:
        """The next ``count`` numbers; all greater than ``above``, whatever the clock says."""
        with self._lock:
            first = max(self._last + 1, time.time_ns() // 1000, (above >> self._SERVER_BITS) + 1)
            self._last = first + count - 1
        ticks = np.arange(first, first + count, dtype=np.uint64)
        return (ticks << np.uint64(self._SERVER_BITS)) | np.uint64(self._server)


def datapoint_rows(columns: dict[str, Any]) -> pa.RecordBatch:
    """A batch for ``datapoints``; ``low`` and ``high`` are 0 in rows that are no statistic set. Raises ValueError."""
    _require_times(columns["ts"], LATEST_TS)
    return _batch(DATAPOINTS, columns)


def plain_datapoints(
    index: SeriesIndex,
    tenant: Tenant,
    known: Sequence[tuple[MetricId, str]],
    columns: dict[str, NDArray[Any]],
    policy: int,
    source: int,
) -> Rows:
    """Values that occurred once each. ``columns``: "metric", which of ``known`` (metric and unit) a row is of, "ts",
    "value", "resolution" and "seq". Raises ValueError for a time outside 1970-2106.
    """
    which, count = columns["metric"], len(columns["metric"])
    series = index.ensure_all(tenant, known, which, columns["ts"], columns["value"])
    sids = np.zeros(len(known), np.uint64)
    for number, entry in series.items():
        sids[number] = entry.sid
    zeros = np.zeros(count)
    batch = datapoint_rows(
        {
            **columns,
            "policy": np.full(count, policy, np.uint16),
            "sid": sids[which],
            "weight": np.ones(count),
            "low": zeros,
            "high": zeros,
            "is_set": np.zeros(count, np.uint8),
            "source": np.full(count, source, np.uint64),
        }
    )
    return Rows(series=list(series.values()), datapoints=batch)


def run_point_rows(columns: dict[str, Any]) -> pa.RecordBatch:
    """A batch for ``run_points``. Raises ValueError for a time outside 1970-2106."""
    _require_times(columns["time"], LATEST_US)
    return _batch(RUN_POINTS, columns)


def log_event_rows(columns: dict[str, Any]) -> pa.RecordBatch:
    """A batch for ``log_events``. Raises ValueError for a time outside 1970-2106."""
    _require_times(columns["ts"], LATEST_MS)
    return _batch(LOG_EVENTS, columns)


def constant(text: str, count: int) -> pa.Array:
    """A column that says the same everywhere."""
    return pa.repeat(pa.scalar(text, pa.string()), count)


def taken(names: Sequence[str], index: NDArray[np.uint32]) -> pa.Array:
    """The column ``names[index]``."""
    return pa.array(names, pa.string()).take(pa.array(index))


def _require_times(times: NDArray[np.int64], latest: int) -> None:
    if len(times) and (int(times.min()) < 0 or int(times.max()) > latest):
        raise ValueError("a time lies outside of 1970 to 2106")


def _batch(schema: pa.Schema, columns: dict[str, Any]) -> pa.RecordBatch:
    arrays = []
    for entry in schema:
        column = columns[entry.name]
        if isinstance(column, np.ndarray):
            column = column.astype(entry.type.to_pandas_dtype(), copy=False)
        arrays.append(column if isinstance(column, pa.Array) else pa.array(column, entry.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
