"""Reads datapoints as summaries, bucket by bucket, from wherever they are."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.model.aggregation import EMPTY, Distribution, Summary, merged
from epochwatch.model.periods import Buckets
from epochwatch.model.sketch import values as sketch_values
from epochwatch.store.engine import Engine
from epochwatch.store.schema import TIERS
from epochwatch.store.tiers import Tiers

LAST_SECOND = 2**32

_RAW = (
    "sum(if(is_set, value, value * weight)) AS sums, sum(weight) AS counts, "
    "min(if(is_set, low, value)) AS lows, max(if(is_set, high, value)) AS highs"
)
_TIER = "sum(sum) AS sums, sum(count) AS counts, min(low) AS lows, max(high) AS highs"
_RAW_VALUES = (
    "arraySort(groupArrayIf(value, weight = 1 AND NOT is_set)) AS plain, countIf(weight != 1 OR is_set) AS odd"
)
_TIER_VALUES = "sumMap(sketch) AS merged, mapKeys(merged) AS keys, mapValues(merged) AS weights"


class SummaryReader:
    """Sums series up, each on its own or several together."""

    def __init__(self, engine: Engine, tiers: Tiers) -> None:
        self._engine = engine
        self._tiers = tiers

    def read(self, groups: Sequence[Sequence[int]], buckets: Buckets, *, distribution: bool) -> list[Summary]:
        """One summary per group of series (their sids; a series may be in one group only)."""
        read = _Read(self._engine, groups, buckets, distribution)
        if not read.sids or buckets.end <= buckets.start:
            return [EMPTY] * len(groups)
        progress = self._tiers.progress
        raw = read.raw("datapoints", progress.raw_condition())
        if buckets.start >= progress.raw_only_from:
            return [raw.get(number, EMPTY) for number in range(len(groups))]
        late = read.raw("late_datapoints", progress.late_condition())
        tier = read.tier(_tier(buckets), progress.tier_condition())
        return [
            merged([part[number] for part in (tier, late, raw) if number in part]) for number in range(len(groups))
        ]


def _tier(buckets: Buckets) -> str:
    """The coarsest tier whose buckets each lie in one of ``buckets``."""
    fitting = [seconds for seconds in TIERS if buckets.period % seconds == 0 and buckets.start % seconds == 0]
    return TIERS[max(fitting, default=min(TIERS))]


class _Read:
    """The queries of one reading. Each gives the summaries of the groups (by number) of which it found rows."""

    def __init__(
        self, engine: Engine, groups: Sequence[Sequence[int]], buckets: Buckets, distribution: bool
    ) -> None:
        self.sids = [sid for group in groups for sid in group]
        self._engine = engine
        self._groups = groups
        self._buckets = buckets
        self._distribution = distribution
        self._by_sid = {group[0]: number for number, group in enumerate(groups) if len(group) == 1}
        self._single = all(len(group) <= 1 for group in groups)

    def raw(self, table: str, condition: str) -> dict[int, Summary]:
        """From a table of rows as they came."""
        rows = self._query(table, f"{_RAW}, {_RAW_VALUES}" if self._distribution else _RAW, condition)
        if not self._distribution:
            return self._summaries(rows, None)
        lists = rows["plain"].combine_chunks()
        flat, lengths = lists.flatten().to_numpy(), _lengths(lists)
        columns = [np.repeat(np.arange(len(rows)), lengths), flat, np.ones(len(flat))]
        if rows["odd"].to_numpy().any():
            odd = self._odd(table, condition, rows)
            columns = [np.concatenate(pair) for pair in zip(columns, odd, strict=True)]
            order = np.lexsort((columns[1], columns[0]))
            columns = [column[order] for column in columns]
        return self._summaries(rows, columns)

    def tier(self, table: str, condition: str) -> dict[int, Summary]:
        """From a tier: values are those of the sketch's buckets, within its error."""
        rows = self._query(table, f"{_TIER}, {_TIER_VALUES}" if self._distribution else _TIER, condition)
        if not self._distribution:
            return self._summaries(rows, None)
        lists = rows["keys"].combine_chunks()
        place = np.repeat(np.arange(len(rows)), _lengths(lists))
        low, high = rows["lows"].to_numpy(), rows["highs"].to_numpy()
        values = np.clip(sketch_values(lists.flatten().to_numpy()), low[place], high[place])
        return self._summaries(rows, [place, values, rows["weights"].combine_chunks().flatten().to_numpy()])

    def _odd(self, table: str, condition: str, rows: pa.Table) -> list[NDArray[Any]]:
        """Values that occurred not exactly once, and sets of equal values: (row of their bucket, value, weight)."""
        found = self._engine.query(
            f"SELECT {self._keys()}, if(is_set, low, value) AS single, weight FROM {table} "
            f"WHERE {self._where(condition)} AND (weight != 1 OR is_set) AND "
            "(NOT is_set OR (low = high AND abs(value - low * weight) <= 1e-9 * abs(low * weight)))",
            self._parameters(),
        )
        place = np.searchsorted(_places(rows, rows), _places(rows, found))
        return [place, found["single"].to_numpy(), found["weight"].to_numpy()]

    def _query(self, table: str, columns: str, condition: str) -> pa.Table:
        return self._engine.query(
            f"SELECT {self._keys()}, {columns} FROM {table} WHERE {self._where(condition)} "
            "GROUP BY number, bucket ORDER BY number, bucket",
            self._parameters(),
        )

    def _keys(self) -> str:
        bucket = f"intDiv(toUInt32(ts) - {_second(self._buckets.start)}, {self._buckets.period}) AS bucket"
        if self._single:
            return f"sid AS number, {bucket}"
        return f"toUInt64(transform(sid, %(sids)s, %(numbers)s, 0)) AS number, {bucket}"

    def _where(self, condition: str) -> str:
        start, end = _second(self._buckets.start), _second(self._buckets.end)
        return f"sid IN %(sids)s AND ts >= {start} AND ts < {end} AND {condition}"

    def _parameters(self) -> Mapping[str, Any]:
        if self._single:
            return {"sids": self.sids}
        numbers = [number for number, group in enumerate(self._groups) for _ in group]
        return {"sids": self.sids, "numbers": numbers}

    def _summaries(self, rows: pa.Table, values: Sequence[NDArray[Any]] | None) -> dict[int, Summary]:
        """``values``: (row, value, weight), ascending by row and value."""
        keys = rows["number"].to_numpy()
        stamps = self._buckets.start + rows["bucket"].to_numpy().astype(np.int64) * self._buckets.period
        sums, counts, lows, highs = (rows[name].to_numpy() for name in ("sums", "counts", "lows", "highs"))
        cuts = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist(), len(keys)]
        found: dict[int, Summary] = {}
        for first, last in itertools.pairwise(cuts):
            if first < last:
                number = self._by_sid[int(keys[first])] if self._single else int(keys[first])
                span = slice(first, last)
                ranked = _part(values, first, last)
                found[number] = Summary(stamps[span], sums[span], counts[span], lows[span], highs[span], ranked)
        return found


def _part(values: Sequence[NDArray[Any]] | None, first: int, last: int) -> Distribution | None:
    if values is None:
        return None
    place, value, weight = values
    low, high = np.searchsorted(place, [first, last])
    return Distribution(place[low:high] - first, value[low:high], weight[low:high])


def _places(known: pa.Table, rows: pa.Table) -> NDArray[np.int64]:
    """The number and bucket of each row as one number that sorts alike; ``known`` has every number that occurs."""
    group = np.searchsorted(np.unique(known["number"].to_numpy()), rows["number"].to_numpy())
    places: NDArray[np.int64] = group.astype(np.int64) * LAST_SECOND + rows["bucket"].to_numpy().astype(np.int64)
    return places


def _lengths(lists: pa.ListArray) -> NDArray[np.int64]:
    lengths: NDArray[np.int64] = np.diff(lists.offsets.to_numpy())
    return lengths


def _second(moment: int) -> int:
    return min(max(int(moment), 0), LAST_SECOND)
