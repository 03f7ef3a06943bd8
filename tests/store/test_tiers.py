"""Datapoints move through the tiers, and what is read stays the same.

What the stores of a session have rolled up stays so: each test takes a stretch of past time of its own, later than
those before it and long before what other tests write.
"""

import itertools
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.aggregation import Summary, statistic_of
from epochwatch.model.batch import Batch, InstanceSamples
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId, StatisticSet
from epochwatch.model.periods import DAY, HOUR, Buckets
from epochwatch.model.sketch import ERROR, KEY_SQL, keys
from epochwatch.model.sketch import values as sketch_values
from epochwatch.model.statistics import parse
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.rollup import DROP_SECONDS
from epochwatch.store.stores import Stores
from tests.store.parts import _bytes, registered
from tests.store.points import Point, put, read

_STRETCHES = itertools.count(DAY * 365 * 10, DAY * 2)
_ACCOUNTS = itertools.count(230_000_000_001)
PERIODS = (60, 120, 300, 900, 3600, 7200)


@pytest.fixture
def begin() -> int:
    """Unix seconds: midnight, from which on a test has two days."""
    return next(_STRETCHES)


def roll(stores: Stores, now: int) -> None:
    stores.maintain(now)


def columns(summary: Summary) -> list[Any]:
    return [getattr(summary, name).tolist() for name in ("timestamps", "sums", "counts", "lows", "highs")]


def statistics(stores: Stores, tenant: Tenant, metric: MetricId, begin: int, end: int) -> list[Any]:
    return [columns(read(stores, tenant, metric, begin, end, period=period)["None"]) for period in PERIODS]


dyadic = st.integers(-(2**20), 2**20).map(lambda n: n / 64)
"""Numbers whose sums are exact in any order."""
seconds = st.integers(0, 3 * HOUR - 1)
value_points = st.tuples(seconds, dyadic, st.integers(1, 5))
sets = st.tuples(seconds, st.lists(dyadic, min_size=1, max_size=4))


@settings(max_examples=12, deadline=None)
@given(
    early=st.lists(value_points, min_size=1, max_size=40),
    early_sets=st.lists(sets, max_size=5),
    late=st.lists(value_points, max_size=10),
)
def test_whatever_is_rolled_up_when_sums_counts_and_extremes_stay_exactly_the_same(
    stores: Stores,
    early: list[tuple[int, float, int]],
    early_sets: list[tuple[int, list[float]]],
    late: list[tuple[int, float, int]],
) -> None:
    begin, tenant, metric = next(_STRETCHES), Tenant(str(next(_ACCOUNTS))), MetricId("app", "x")
    end = begin + 3 * HOUR
    points = [Point(metric, begin + second, [value], [count]) for second, value, count in early]
    points += [
        Point(metric, begin + second, statistic_set=StatisticSet(sum(many), len(many), min(many), max(many)))
        for second, many in early_sets
    ]
    latecomers = [Point(metric, begin + second, [value], [count]) for second, value, count in late]
    together = Tenant(str(next(_ACCOUNTS)))
    put(stores, together, *points, *latecomers)
    put(stores, tenant, *points)
    expected = statistics(stores, together, metric, begin, end)

    half = begin + HOUR + 3 * HOUR
    roll(stores, half)
    put(stores, tenant, *latecomers)
    assert statistics(stores, tenant, metric, begin, end) == expected
    roll(stores, end + 3 * HOUR)
    assert statistics(stores, tenant, metric, begin, end) == expected
    stores.rollup.roll_late(time.time() + 3600)
    assert statistics(stores, tenant, metric, begin, end) == expected
    assert statistics(stores, together, metric, begin, end) == expected


@settings(max_examples=12, deadline=None)
@given(
    values=st.lists(
        st.tuples(st.integers(0, 119), st.floats(-1e30, 1e30, allow_subnormal=False)), min_size=1, max_size=60
    ),
    statistic=st.sampled_from(["p0", "p10", "p50", "p90", "p99", "p99.9", "p100"]),
)
def test_percentiles_of_a_tier_are_within_one_percent_of_the_exact_ones(
    stores: Stores, values: list[tuple[int, float]], statistic: str
) -> None:
    begin, tenant, metric = next(_STRETCHES), Tenant(str(next(_ACCOUNTS))), MetricId("app", "x")
    put(stores, tenant, *(Point(metric, begin + second, [value]) for second, value in values))
    exact = statistic_of(read(stores, tenant, metric, begin, begin + 120, period=60)["None"], parse(statistic))
    roll(stores, begin + 4 * HOUR)
    rolled = statistic_of(read(stores, tenant, metric, begin, begin + 120, period=60)["None"], parse(statistic))
    assert rolled.timestamps.tolist() == exact.timestamps.tolist()
    np.testing.assert_allclose(rolled.values, exact.values, rtol=ERROR * 1.001)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_the_engine_and_numpy_put_values_into_the_same_buckets(stores: Stores, values: list[float]) -> None:
    array = np.array(values)
    rows = stores.engine.query(
        f"SELECT {KEY_SQL.format(value='x')} AS k FROM (SELECT arrayJoin(%(v)s::Array(Float64)) AS x)",
        {"v": values},
    )
    assert rows["k"].to_pylist() == keys(array).tolist()
    normal = np.abs(array) > 1e-300
    np.testing.assert_allclose(sketch_values(keys(array))[normal], array[normal], rtol=ERROR * 1.001)


def test_a_set_whose_values_are_unknown_has_no_percentiles_in_a_tier_either(
    stores: Stores, tenant: Tenant, begin: int
) -> None:
    metric = MetricId("app", "x")
    put(
        stores,
        tenant,
        Point(metric, begin, [1.0, 2.0]),
        Point(metric, begin + 60, statistic_set=StatisticSet(10.0, 4.0, 1.0, 4.0)),
        Point(metric, begin + 120, statistic_set=StatisticSet(12.0, 4.0, 3.0, 3.0)),
    )
    for _ in range(2):
        summary = read(stores, tenant, metric, begin, begin + 180, period=60)["None"]
        assert statistic_of(summary, parse("p50")).timestamps.tolist() == [begin, begin + 120]
        assert statistic_of(summary, parse("Sum")).values.tolist() == [3.0, 10.0, 12.0]
        roll(stores, begin + 4 * HOUR)


def test_an_attempt_that_was_cut_short_is_not_counted(stores: Stores, tenant: Tenant, begin: int) -> None:
    metric = MetricId("app", "x")
    put(stores, tenant, *(Point(metric, begin + second, [second]) for second in range(0, 3600, 7)))
    expected = statistics(stores, tenant, metric, begin, begin + HOUR)
    for _ in range(2):  # as if the server had been killed before it noted the progress
        stores.rollup._roll_hour(0, begin)
    assert statistics(stores, tenant, metric, begin, begin + HOUR) == expected
    roll(stores, begin + 4 * HOUR)
    assert statistics(stores, tenant, metric, begin, begin + HOUR) == expected


def test_rows_that_were_rolled_up_are_dropped_later_and_sent_again_stay_known(
    stores: Stores, tenant: Tenant, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = registered(stores, tenant)
    positions = list(range(1, 101))

    def batch(resend: bool) -> Batch:
        part = InstanceSamples(
            source=f"{run.run_id}/samples.bin",
            positions=_bytes(positions, "<u8"),
            names=["CPUUtilization"],
            metrics=_bytes([0] * 100, "<u4"),
            timestamps=_bytes([(begin + p * 60) * 1_000_000 for p in positions], "<i8"),
            values=_bytes(positions, "<f8"),
        )
        return Batch(run_id=run.run_id, samples=[part], resend=resend)

    metric = MetricId(TRAINING_JOBS_NAMESPACE, "CPUUtilization", (("Host", f"{run.job}/algo-1"),))
    commit_batch(stores, tenant, run, batch(False), begin)
    roll(stores, begin + 6 * HOUR)
    clock = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: clock + DROP_SECONDS + 1)
    roll(stores, begin + 6 * HOUR)
    left = stores.engine.query(
        "SELECT count() AS n FROM datapoints WHERE ts >= %(b)s AND ts < %(e)s", {"b": begin, "e": begin + 2 * HOUR}
    )
    assert left["n"].to_pylist() == [0]
    stores.sources.clear()  # as after a start
    commit_batch(stores, tenant, run, batch(True), begin)
    (summary,) = read(stores, tenant, metric, begin, begin + DAY, period=3600).values()
    assert summary.counts.sum() == 100
    assert summary.sums.sum() == sum(positions)


def test_each_tier_goes_when_its_time_is_over(stores: Stores, tenant: Tenant) -> None:
    begin = next(_STRETCHES)
    for _ in range(300):  # this test's own clock runs for more than a year
        next(_STRETCHES)
    metric = MetricId("app", "x")
    put(stores, tenant, *(Point(metric, begin + second, [1.0]) for second in range(0, HOUR, 30)))

    def counted(period: int) -> float:
        found = stores.metrics.read(tenant, [metric], Buckets(begin, begin + HOUR, period))[metric]
        return float(found["None"].counts.sum()) if found else 0.0

    ages = {0: (120, 120, 120), 17: (0, 120, 120), 71: (0, 0, 120), 486: (0, 0, 0)}
    for days, expected in ages.items():
        roll(stores, begin + 5 * HOUR + days * DAY)
        assert tuple(counted(period) for period in (60, 300, 3600)) == expected, days


def test_a_namespace_keeps_its_datapoints_as_long_as_it_is_set(stores: Stores, tenant: Tenant, begin: int) -> None:
    for _ in range(300):
        next(_STRETCHES)
    forever, week = MetricId("Kept/Forever", "x"), MetricId("Kept/Week", "x")
    put(
        stores,
        tenant,
        *(Point(metric, begin + second, [second]) for metric in (forever, week) for second in (0, 1)),
    )
    roll(stores, begin + 6 * DAY)
    for metric in (forever, week):
        assert read(stores, tenant, metric, begin, begin + 60)["None"].sums.tolist() == [0.0, 1.0]
    roll(stores, begin + 8 * DAY)
    assert read(stores, tenant, week, begin, begin + 60)["None"].sums.tolist() == [1.0]
    roll(stores, begin + 500 * DAY)
    assert read(stores, tenant, forever, begin, begin + 60)["None"].sums.tolist() == [0.0, 1.0]
    assert read(stores, tenant, week, begin, begin + 60, period=3600) == {}
    assert stores.metrics.lifetimes("Kept/Forever").finest(500 * DAY) == 1
