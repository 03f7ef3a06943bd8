"""Moves datapoints into tiers when their time has come, and drops what has outlived its time.

Every step can be begun again after a crash: what a step writes into the tiers counts only once its progress is
noted, and before a step writes, it takes away what an earlier attempt left there.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from epochwatch.model.retention import Lifetimes
from epochwatch.model.sketch import KEY_SQL
from epochwatch.store.engine import Engine
from epochwatch.store.schema import HOUR, PARTITION_SQL, TIER_SPANS, TIERS, datapoint_span
from epochwatch.store.tiers import GENERATION_SECONDS, Tiers

logger = logging.getLogger(__name__)

CHUNK_ROWS = 2_000_000
"""About so many datapoints are summed up by one statement, which bounds its memory."""
DROP_SECONDS = 120
"""What was rolled stays so long for readers that began before."""
LATE_GRACE_SECONDS = 60
"""A generation is rolled so long after its end: another server's clock may be behind."""

_SINGLE = "low = high AND abs(value - low * weight) <= 1e-9 * abs(low * weight)"
_KEY = KEY_SQL.format(value="if(is_set, low, value)")
_SUMS = (
    "sum(if(is_set, value, value * weight)), sum(weight), min(if(is_set, low, value)), max(if(is_set, high, value)), "
    f"sumMap(if(NOT is_set OR ({_SINGLE}), map({_KEY}, weight), CAST(map(), 'Map(Int32, Float64)')))"
)
_COLUMNS = "policy, sid, ts, generation, sum, count, low, high, sketch"


class Rollup:
    """What `run` does, it does for all servers: one of them may run it at a time."""

    def __init__(self, engine: Engine, tiers: Tiers, paused: Callable[[], AbstractContextManager[object]]) -> None:
        self._engine = engine
        self._tiers = tiers
        self._paused = paused
        self._emptied: dict[tuple[str, str], float] = {}

    def run(self, now: float) -> None:
        """Roll up, and drop, what is due at ``now`` (Unix seconds)."""
        self._engine.settle()  # what came in time is not late because it waited
        policies = self._tiers.policies()
        for policy, kept in policies.items():
            if kept.second is not None:
                self._roll_hours(policy, (int(now) - kept.second) // HOUR * HOUR)
        self.roll_late(now)
        self._drop_rolled()
        self._drop_expired(policies, now)

    def _roll_hours(self, policy: int, until: int) -> None:
        closed = self._tiers.progress.closed.get(policy, 0)
        if until > closed:
            with self._paused():
                self._tiers.close_hours(policy, until)
        # Other servers may still write to an hour until they have heard that it is closed: it waits for the next round.
        until = closed if self._tiers.shared else max(until, closed)
        done = self._tiers.progress.rolled.get(policy, 0)
        if until <= done:
            return
        for hour in sorted(hour for hour in self._hours(policy) if done <= hour < until):
            self._roll_hour(policy, hour)
            self._tiers.hours_rolled(policy, hour + HOUR)
        self._tiers.hours_rolled(policy, until)

    def _roll_hour(self, policy: int, hour: int) -> None:
        begun = time.monotonic()
        own = f"policy = {policy} AND ts >= {hour} AND ts < {hour + HOUR}"
        self._clear(f"{own} AND generation = 0")
        rows = self._count("datapoints", own)
        if not rows:
            return
        for first, last in _chunks(hour, hour + HOUR, rows):
            self._sum_up("datapoints", f"policy = {policy} AND ts >= {first} AND ts < {last}", "0")
        for finer, coarser in ((60, 300), (300, 3600)):
            self._sum_tier(finer, coarser, f"{own} AND generation = 0")
        self._keep_positions("datapoints", own)
        logger.info("summed up %d datapoints of an hour in %.2f s", rows, time.monotonic() - begun)

    def roll_late(self, now: float) -> None:
        """Sum up the generations of late rows that ended before ``now`` (Unix seconds)."""
        newest = int(now - LATE_GRACE_SECONDS) // GENERATION_SECONDS - 1
        found = self._engine.query(
            "SELECT DISTINCT generation FROM late_datapoints WHERE generation > %(done)s AND generation <= %(newest)s",
            {"done": self._tiers.progress.late_rolled, "newest": newest},
        )
        for generation in sorted(found["generation"].to_pylist()):
            self._roll_generation(generation)
            self._tiers.generation_rolled(generation)

    def _roll_generation(self, generation: int) -> None:
        own = f"generation = {generation}"
        rows = self._engine.query(
            f"SELECT intDiv(toUInt32(ts), {HOUR}) AS hour, count() AS rows FROM late_datapoints WHERE {own} "
            "GROUP BY hour ORDER BY hour"
        )
        hours, counts = rows["hour"].to_pylist(), rows["rows"].to_pylist()
        self._clear(f"ts >= {hours[0] * HOUR} AND ts < {(hours[-1] + 1) * HOUR} AND {own}")
        for first, last in _spans(hours, counts):
            for seconds in TIERS:
                self._sum_up("late_datapoints", f"{own} AND ts >= {first} AND ts < {last}", "generation", seconds)
        self._keep_positions("late_datapoints", own)

    def _sum_up(self, table: str, condition: str, generation: str, seconds: int = 60) -> None:
        self._engine.command(
            f"INSERT INTO {TIERS[seconds]} ({_COLUMNS}) "
            f"SELECT policy, sid, {_start(seconds)} AS start, {generation} AS part, "
            f"{_SUMS} FROM {table} WHERE {condition} GROUP BY policy, sid, start, part"
        )

    def _sum_tier(self, finer: int, coarser: int, condition: str) -> None:
        self._engine.command(
            f"INSERT INTO {TIERS[coarser]} ({_COLUMNS}) SELECT policy, sid, {_start(coarser)} AS start, generation, "
            f"sum(sum), sum(count), min(low), max(high), sumMap(sketch) FROM {TIERS[finer]} "
            f"WHERE {condition} GROUP BY policy, sid, start, generation"
        )

    def _clear(self, condition: str) -> None:
        """Take away what an attempt that was cut short wrote."""
        for table in TIERS.values():
            if self._count(table, condition):
                self._engine.command(f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2")

    def _keep_positions(self, table: str, condition: str) -> None:
        """How far each source was stored there must be known when its rows are gone."""
        self._engine.command(
            f"INSERT INTO source_positions SELECT source, {PARTITION_SQL['datapoints']} AS part, max(seq) FROM {table} "
            f"WHERE {condition} AND source != 0 GROUP BY source, part"
        )

    def _drop_rolled(self) -> None:
        """Drop the rows that readers take from the tiers, once no reader can still be at them."""
        progress = self._tiers.progress
        for partition in self._partitions("datapoints"):
            policy, number = _numbers(partition)
            if (number + 1) * datapoint_span(policy) <= progress.rolled.get(policy, 0):
                self._drop_later("datapoints", partition)
        for partition in self._partitions("late_datapoints"):
            if int(partition) <= progress.late_rolled:
                self._drop_later("late_datapoints", partition)

    def _drop_later(self, table: str, partition: str) -> None:
        now = time.monotonic()
        if now - self._emptied.setdefault((table, partition), now) >= DROP_SECONDS:
            self._drop(table, partition)
            del self._emptied[table, partition]

    def _drop_expired(self, policies: dict[int, Lifetimes], now: float) -> None:
        for period, table in TIERS.items():
            for partition in self._partitions(table):
                policy, number = _numbers(partition)
                kept = policies[policy].of(period)
                if kept is not None and (number + 1) * TIER_SPANS[table] + kept <= now:
                    self._drop(table, partition)

    def _drop(self, table: str, partition: str) -> None:
        self._engine.command(f"ALTER TABLE {table} DROP PARTITION {partition}")

    def _hours(self, policy: int) -> list[int]:
        parts = [_numbers(partition) for partition in self._partitions("datapoints")]
        span = datapoint_span(policy)
        return [
            hour
            for owner, number in parts
            if owner == policy
            for hour in range(number * span, (number + 1) * span, HOUR)
        ]

    def _partitions(self, table: str) -> list[str]:
        rows = self._engine.query(
            "SELECT DISTINCT partition FROM system.parts WHERE active AND database = currentDatabase() "
            "AND table = %(table)s",
            {"table": table},
        )
        found: list[str] = rows["partition"].to_pylist()
        return found

    def _count(self, table: str, condition: str) -> int:
        return int(self._engine.query(f"SELECT count() AS rows FROM {table} WHERE {condition}")["rows"][0].as_py())


def _start(seconds: int) -> str:
    return f"toDateTime(intDiv(toUInt32(ts), {seconds}) * {seconds})"


def _numbers(partition: str) -> tuple[int, int]:
    """The policy and the number of a partition such as ``(0,498648)``."""
    policy, number = partition.strip("()").split(",")
    return int(policy), int(number)


def _chunks(start: int, end: int, rows: int) -> Iterator[tuple[int, int]]:
    """Spans of full minutes with about CHUNK_ROWS rows each."""
    step = max(60, (end - start) * CHUNK_ROWS // max(rows, 1) // 60 * 60)
    for first in range(start, end, step):
        yield first, min(first + step, end)


def _spans(hours: Sequence[int], rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Spans of time that cover these hours, in order, with about CHUNK_ROWS of their rows each."""
    first, count = hours[0], 0
    for place, hour in enumerate(hours):
        count += rows[place]
        if count >= CHUNK_ROWS or place == len(hours) - 1:
            yield first * HOUR, (hour + 1) * HOUR
            first, count = hour + 1, 0
