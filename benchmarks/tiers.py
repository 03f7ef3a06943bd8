"""A day of data through all tiers on a simulated clock: sums, counts and extremes stay exactly what they were.

Every series gets several values a second; some stand for several equal ones, some are statistic sets, and some come
hours late. While they are fed into the store, they are summed up here by the minute, by five minutes and by the hour.
The store does what a server does from time to time. When all is rolled up, each bucket of each series must be there
and equal, bit for bit, in the tables of the tiers and as it is read; and each sketch must hold as many values as came.
Values are multiples of 1/1024, so that their sums are exact in any order.

Run: ``python -m benchmarks.tiers``, a quarter of a day at a fifth of the rate. The whole: ``--hours 24 --rate 10000``.
"""

import argparse
import heapq
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stored_points import TENANT, open_stores
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import HOUR, MINUTE, Buckets
from epochwatch.store.rows import API_SOURCE, Rows, SequenceNumbers, datapoint_rows
from epochwatch.store.schema import TIERS
from epochwatch.store.stores import Stores

NAMESPACE = "Bench/Tiers"
BLOCK_ROWS = 300_000
"""At most so many rows are written by one commit."""
MAINTENANCE_SECONDS = 600
REPEATED, SETS, LATE = 0.1, 0.01, 0.02
"""Shares of the rows that stand for several values, are statistic sets, come late."""
LATEST_HOURS = 5
TOGETHER = 100
COLUMNS = ("sums", "counts", "lows", "highs")

Row = dict[str, Any]
Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]


@dataclass(slots=True)
class Sums:
    """What the values of each bucket (first axis) of each series (second axis) amount to."""

    buckets: int
    series: int
    sums: Floats = field(init=False)
    counts: Floats = field(init=False)
    lows: Floats = field(init=False)
    highs: Floats = field(init=False)
    known: Floats = field(init=False)
    """How many of the values are known one by one."""

    def __post_init__(self) -> None:
        shape = (self.buckets, self.series)
        self.sums, self.counts, self.known = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.lows, self.highs = np.full(shape, np.inf), np.full(shape, -np.inf)

    def add(self, bucket: int, rows: Columns) -> None:
        """Rows whose axes are seconds, series, and values of a second; all of them are of one bucket."""
        weighted = np.where(rows["is_set"], rows["value"], rows["value"] * rows["weight"])
        self.sums[bucket] += weighted.sum(axis=(0, 2))
        self.counts[bucket] += rows["weight"].sum(axis=(0, 2))
        self.known[bucket] += np.where(rows["is_set"], 0.0, rows["weight"]).sum(axis=(0, 2))
        lows = np.where(rows["is_set"], rows["low"], rows["value"]).min(axis=(0, 2))
        highs = np.where(rows["is_set"], rows["high"], rows["value"]).max(axis=(0, 2))
        self.lows[bucket] = np.minimum(self.lows[bucket], lows)
        self.highs[bucket] = np.maximum(self.highs[bucket], highs)


class Day:
    """Feeds the store, and knows what must come out. The simulated clock runs ahead of the real one."""

    def __init__(self, stores: Stores, hours: int, rate: int, series: int) -> None:
        self._stores = stores
        self._draw = np.random.default_rng(20261120)
        self._numbers = SequenceNumbers()
        self._start = (int(time.time()) // HOUR + 1) * HOUR
        self._end = self._start + hours * HOUR
        self._each_second = rate // series
        self._block = max(
            d for d in range(1, MINUTE + 1) if MINUTE % d == 0 and (d == 1 or d * rate <= BLOCK_ROWS)
        )
        self._metrics = [MetricId(NAMESPACE, "x", (("Series", f"{number:05d}"),)) for number in range(series)]
        self._expected = {period: Sums(hours * HOUR // period, series) for period in TIERS}
        self._held: list[tuple[int, int, Columns]] = []
        self.rows = self.late = 0
        self.feeding = self.rolling = 0.0

    def run(self) -> None:
        """The whole time, until everything is rolled up."""
        for now in range(self._start, self._end, self._block):
            self._feed(now)
            self._bring_late(now + self._block)
            if (now + self._block) % MAINTENANCE_SECONDS == 0:
                self._maintain(now + self._block)
        self._bring_late(self._end + LATEST_HOURS * HOUR)
        for hours in (4, 8):
            self._maintain(self._end + hours * HOUR)

    def check(self) -> Iterator[Row]:
        """Every bucket. Ends the benchmark at the first that is not what it must be."""
        for period, table in TIERS.items():
            expected = self._expected[period]
            self._check_table(table, period, expected)
            self._check_reading(period, expected)
            yield {
                "tier": f"{period} s",
                "series": len(self._metrics),
                "buckets": expected.sums.size,
                "equal": True,
            }

    def _feed(self, now: int) -> None:
        rows = self._made()
        for period, sums in self._expected.items():
            sums.add((now - self._start) // period, rows)
        seconds = np.arange(now, now + self._block)[:, None, None]
        number = np.arange(len(self._metrics))[None, :, None]
        shape = rows["value"].shape
        flat = {name: column.ravel() for name, column in rows.items()}
        flat["ts"] = np.broadcast_to(seconds, shape).ravel()
        flat["series"] = np.broadcast_to(number, shape).ravel()
        held = self._draw.random(len(flat["ts"])) < LATE
        due = now + self._block + int(self._draw.integers(1, LATEST_HOURS * HOUR))
        heapq.heappush(self._held, (due, now, {name: column[held] for name, column in flat.items()}))
        self._write({name: column[~held] for name, column in flat.items()})

    def _made(self) -> Columns:
        draw, shape = self._draw, (self._block, len(self._metrics), self._each_second)
        value = draw.integers(-(2**20), 2**20, shape) / 1024
        chance = draw.random(shape, np.float32)
        is_set = chance < SETS
        repeated = is_set | (chance > 1 - REPEATED)
        width = draw.integers(1, 1000, shape) / 1024
        return {
            "value": value,
            "weight": np.where(repeated, draw.integers(1, 6, shape), 1).astype(np.float64),
            "low": np.where(is_set, value - width, 0.0),
            "high": np.where(is_set, value + width, 0.0),
            "is_set": is_set.astype(np.uint8),
        }

    def _bring_late(self, now: int) -> None:
        while self._held and self._held[0][0] <= now:
            rows = heapq.heappop(self._held)[2]
            self.late += len(rows["ts"])
            self._write(rows)

    def _write(self, rows: Columns) -> None:
        begin = time.perf_counter()
        count = len(rows["ts"])
        newest, value = int(rows["ts"].max()), float(rows["value"][-1])
        entries = [self._stores.series.ensure(TENANT, metric, "None", newest, value) for metric in self._metrics]
        sids = np.array([entry.sid for entry in entries], np.uint64)
        columns = {name: rows[name] for name in ("ts", "value", "weight", "low", "high", "is_set")}
        columns |= {
            "policy": np.full(count, self._stores.tiers.policy(NAMESPACE), np.uint16),
            "sid": sids[rows["series"]],
            "resolution": np.ones(count, np.uint8),
            "source": np.full(count, API_SOURCE, np.uint64),
            "seq": self._numbers.take(count),
        }
        self._stores.ingest.write(Rows(series=entries, datapoints=datapoint_rows(columns)))
        self.rows += count
        self.feeding += time.perf_counter() - begin

    def _maintain(self, now: int) -> None:
        begin = time.perf_counter()
        self._stores.maintain(now)
        self.rolling += time.perf_counter() - begin

    def _check_table(self, table: str, period: int, expected: Sums) -> None:
        found = self._stores.engine.query(
            "SELECT sid, toUInt32(ts) AS at, sum(sum) AS sums, sum(count) AS counts, min(low) AS lows, "
            f"max(high) AS highs, sum(arraySum(mapValues(sketch))) AS known FROM {table} GROUP BY sid, at "
            "ORDER BY sid, at"
        )
        order = np.argsort(
            [next(iter(self._stores.series.units(TENANT, metric).values())).sid for metric in self._metrics]
        )
        starts = np.tile(np.arange(self._start, self._end, period), len(order))
        _require(f"starts of {table}", found["at"].to_numpy(), starts)
        for column in (*COLUMNS, "known"):
            wanted = getattr(expected, column).T[order].ravel()
            _require(f"{column} of {table}", found[column].to_numpy(), wanted)

    def _check_reading(self, period: int, expected: Sums) -> None:
        buckets = Buckets(self._start, self._end, period)
        starts = np.arange(self._start, self._end, period)
        for first in range(0, len(self._metrics), TOGETHER):
            found = self._stores.metrics.read(TENANT, self._metrics[first : first + TOGETHER], buckets)
            for number, units in enumerate(found.values(), first):
                _require(f"starts of series {number} at {period} s", units["None"].timestamps, starts)
                for column in COLUMNS:
                    wanted = getattr(expected, column)[:, number]
                    _require(f"{column} of series {number} at {period} s", getattr(units["None"], column), wanted)


def _require(what: str, found: NDArray[Any], expected: NDArray[Any]) -> None:
    if len(found) != len(expected):
        raise SystemExit(f"{what}: {len(found)} buckets, but there must be {len(expected)}")
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        one = wrong[0]
        raise SystemExit(
            f"{what}: {len(wrong)} buckets differ; the first is {found[one]!r}, not {expected[one]!r}"
        )


def main() -> None:
    """Prints one line of JSON a tier, and how long feeding and rolling up took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=6, help="simulated hours")
    parser.add_argument("--rate", type=int, default=2000, help="rows a second: a multiple of the series")
    parser.add_argument("--series", type=int, default=1000)
    options = parser.parse_args()
    if options.rate % options.series or options.rate < options.series:
        parser.error("--rate must be a multiple of --series")
    with tempfile.TemporaryDirectory() as directory:
        stores = open_stores(Path(directory))
        try:
            day = Day(stores, options.hours, options.rate, options.series)
            cpu = time.process_time()
            day.run()
            cpu = time.process_time() - cpu
            for row in day.check():
                print(json.dumps(row), flush=True)
        finally:
            stores.close()
    fed = {"hours": options.hours, "rows": day.rows, "of them late": day.late, "feeding s": round(day.feeding, 1)}
    costs = {"rolling up s": round(day.rolling, 1), "CPU-s / million, all": round(cpu / day.rows * 1e6, 2)}
    print(json.dumps(fed | costs))


if __name__ == "__main__":
    main()
