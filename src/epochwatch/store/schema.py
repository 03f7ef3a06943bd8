"""Tables of the metrics engine: their columns, and how the engine is told to make them.

Units: ``ts`` of datapoints and of tiers Unix seconds; of log events (and ``ingestion``) Unix milliseconds; ``time`` of
run points Unix microseconds. ``size`` is a message's bytes, so that nothing has to read the messages for it; rows are
inserted without it. ``source`` is a hash of the agent's source id (0: an API call), ``seq`` the row's place
in it.

A datapoint is in one place at a time: in ``datapoints`` or ``late_datapoints`` as it came, later in the three tiers,
summed up by 60, 300 and 3,600 seconds (`epochwatch.store.tiers` moves them). ``policy`` numbers the lifetimes that the
row's namespace had when it came; ``generation`` the ten minutes in which late rows came, 0 in a tier: not late.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SERIES = pa.schema(
    [
        ("sid", pa.uint64()),
        ("account", pa.string()),
        ("region", pa.string()),
        ("namespace", pa.string()),
        ("name", pa.string()),
        ("dimension_names", pa.list_(pa.string())),
        ("dimension_values", pa.list_(pa.string())),
        ("unit", pa.string()),
        ("last_seen", pa.int64()),
        ("last_value", pa.float64()),
        ("version", pa.uint64()),
    ]
)
DATAPOINTS = pa.schema(
    [
        ("policy", pa.uint16()),
        ("sid", pa.uint64()),
        ("ts", pa.uint32()),
        ("value", pa.float64()),
        ("weight", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("is_set", pa.uint8()),
        ("resolution", pa.uint8()),
        ("source", pa.uint64()),
        ("seq", pa.uint64()),
    ]
)
RUN_POINTS = pa.schema(
    [
        ("account", pa.string()),
        ("region", pa.string()),
        ("owner", pa.string()),
        ("name", pa.string()),
        ("metric", pa.string()),
        ("host", pa.string()),
        ("step", pa.int64()),
        ("epoch", pa.float64()),
        ("time", pa.int64()),
        ("value", pa.float64()),
        ("source", pa.uint64()),
        ("seq", pa.uint64()),
    ]
)
LOG_EVENTS = pa.schema(
    [
        ("account", pa.string()),
        ("region", pa.string()),
        ("log_group", pa.string()),
        ("stream", pa.string()),
        ("ts", pa.int64()),
        ("ingestion", pa.int64()),
        ("message", pa.string()),
        ("source", pa.uint64()),
        ("seq", pa.uint64()),
    ]
)

LATE_DATAPOINTS = DATAPOINTS.append(pa.field("generation", pa.uint32()))
"""Datapoints of a time whose hour is rolled up already."""

SCHEMAS = {
    "series": SERIES,
    "datapoints": DATAPOINTS,
    "late_datapoints": LATE_DATAPOINTS,
    "run_points": RUN_POINTS,
    "log_events": LOG_EVENTS,
}
"""Tables that commits write, in the order in which one commit does: what refers to a row comes after it."""

TIERS = {60: "rollup_60", 300: "rollup_300", 3600: "rollup_3600"}
"""Tiers by the seconds of their buckets."""

HOUR = 3600
DAY = 86_400
TIER_SPANS = {"rollup_60": DAY, "rollup_300": 7 * DAY, "rollup_3600": 30 * DAY}
"""Seconds of time in one partition of a tier."""
DAY_MS = 86_400_000
POLICY_SHIFT = 32

_TABLES = {
    "series": """
        sid UInt64, account {word}, region {word}, namespace {word}, name String,
        dimension_names Array(String), dimension_values Array(String), unit {word},
        last_seen Int64, last_value Float64, version UInt64
        """,
    "datapoints": """
        policy UInt16 {zstd}, sid UInt64 {zstd}, ts DateTime {delta}, value Float64 {zstd}, weight Float64 {zstd},
        low Float64 {zstd}, high Float64 {zstd}, is_set UInt8 {zstd}, resolution UInt8 {zstd}, source UInt64 {zstd},
        seq UInt64 {delta}
        """,
    "run_points": """
        account {word}, region {word}, owner {word}, name {word}, metric {word}, host {word},
        step Int64 {delta}, epoch Float64 {zstd}, time Int64 {delta}, value Float64 {zstd},
        source UInt64 {zstd}, seq UInt64 {delta}
        """,
    "log_events": """
        account {word}, region {word}, log_group {word}, stream {word}, ts Int64 {delta}, ingestion Int64 {delta},
        message String {zstd}, source UInt64 {zstd}, seq UInt64 {delta}, size UInt32 DEFAULT length(message) {zstd}
        """,
}
_ADDED = {"log_events": "size UInt32 DEFAULT length(message) {zstd}"}
"""Columns that tables of earlier versions lack; the engine makes their values of the others."""
_TIER = """
    policy UInt16 {zstd}, sid UInt64 {zstd}, ts DateTime {delta}, generation UInt32 {zstd},
    sum SimpleAggregateFunction(sum, Float64) {zstd}, count SimpleAggregateFunction(sum, Float64) {zstd},
    low SimpleAggregateFunction(min, Float64) {zstd}, high SimpleAggregateFunction(max, Float64) {zstd},
    sketch SimpleAggregateFunction(sumMap, Map(Int32, Float64)) {zstd}
    """
_TABLES |= {
    "late_datapoints": _TABLES["datapoints"] + ", generation UInt32 {zstd}",
    "source_positions": "source UInt64, part Int64, position UInt64",
    **dict.fromkeys(TIERS.values(), _TIER),
}
_PARTITIONS = {
    "datapoints": f"PARTITION BY (policy, intDiv(toUInt32(ts), if(policy = 0, {HOUR}, {DAY})))",
    "late_datapoints": "PARTITION BY generation",
    **{table: f"PARTITION BY (policy, intDiv(toUInt32(ts), {TIER_SPANS[table]}))" for table in TIERS.values()},
    "log_events": f"PARTITION BY intDiv(ts, {DAY_MS})",
}
_ORDERS = {
    "series": "account, region, namespace, name, sid",
    "datapoints": "sid, ts",
    "late_datapoints": "sid, ts",
    "source_positions": "source, part",
    **dict.fromkeys(TIERS.values(), "sid, ts, generation"),
    "run_points": "account, region, owner, name, metric, time, seq",
    "log_events": "account, region, log_group, stream, ts, seq, source",
}
_FAMILIES = {
    "series": ("ReplacingMergeTree", "version"),
    "source_positions": ("ReplacingMergeTree", "position"),
    **dict.fromkeys(TIERS.values(), ("AggregatingMergeTree", "")),
}
_FINE = frozenset({"datapoints", "late_datapoints", "run_points", *TIERS.values()})
"""Tables in which a query reads few rows of each of many series."""
_WORDS = {"word": "LowCardinality(String)", "zstd": "CODEC(ZSTD(1))", "delta": "CODEC(Delta, ZSTD(1))"}
_SETTINGS = "fsync_after_insert=1, fsync_part_directory=1"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Which family of table engines the tables use. ``cluster`` empty: one server without replicas."""

    cluster: str = ""

    def engine(self, table: str) -> str:
        """The ENGINE expression of ``table``."""
        family, version = _FAMILIES.get(table, ("MergeTree", ""))
        if not self.cluster:
            return f"{family}({version})"
        place = f"'/clickhouse/tables/{{shard}}/epochwatch/{table}', '{{replica}}'"
        return f"Replicated{family}({place}{', ' + version if version else ''})"

    def create(self, table: str) -> str:
        """The CREATE TABLE statement of ``table``."""
        columns = _TABLES[table].format(**_WORDS)
        granularity = 1024 if table in _FINE else 8192
        return (
            f"CREATE TABLE IF NOT EXISTS {table} {self._on_cluster} ({columns}) ENGINE = {self.engine(table)} "
            f"{_PARTITIONS.get(table, '')} ORDER BY ({_ORDERS[table]}) "
            f"SETTINGS index_granularity={granularity}, {_SETTINGS}"
            + ("" if self.cluster or table not in SCHEMAS else ", non_replicated_deduplication_window=1000")
        )

    def statements(self) -> Sequence[str]:
        """Everything to run when a store is opened; harmless where the tables exist."""
        added = [
            f"ALTER TABLE {table} {self._on_cluster} ADD COLUMN IF NOT EXISTS {column.format(**_WORDS)}"
            for table, column in _ADDED.items()
        ]
        return [*(self.create(table) for table in _TABLES), *added]

    @property
    def _on_cluster(self) -> str:
        return f"ON CLUSTER `{self.cluster}`" if self.cluster else ""


def tables() -> Sequence[str]:
    """The names of all tables."""
    return list(_TABLES)


def datapoint_span(policy: int) -> int:
    """Seconds of time in one partition of ``datapoints``. Where they are kept for longer than by default, small
    partitions would be too many.
    """
    return HOUR if policy == 0 else DAY


def partitions(table: str, times: NDArray[np.int64], policy: int = 0) -> NDArray[np.int64]:
    """The partition number of rows of ``table`` by their time column: an insert is atomic within a partition.

    Only equality of these numbers means something: each is of one partition. Of late datapoints, which
    an insert writes into one partition, any number will do: it is that which they would have had in time.
    """
    if table == "datapoints":
        return (policy << POLICY_SHIFT) + times // HOUR
    if table == "log_events":
        return times // DAY_MS
    return np.zeros(len(times), np.int64)


PARTITION_SQL = {
    "datapoints": f"toInt64(policy) * {1 << POLICY_SHIFT} + intDiv(toUInt32(ts), {HOUR})",
    "run_points": "0",
    "log_events": f"intDiv(ts, {DAY_MS})",
}
"""The same numbers computed by the engine."""
