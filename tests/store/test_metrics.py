"""Datapoints come back as they were put; lists page without loss."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.metric import MetricId, StatisticSet
from epochwatch.model.periods import Buckets
from epochwatch.model.tenant import Tenant
from epochwatch.store.series import SeriesIndex
from epochwatch.store.stores import Stores
from tests.store.parts import NOW
from tests.store.points import Point, put, read, values

_ACCOUNTS = itertools.count(220_000_000_001)

TRICKY = [
    "a'b",
    'a"b',
    "a`b",
    "a\\b",
    "a\\",
    "100%",
    "%s",
    "%(name)s",
    "{name:String}",
    "x'; DROP TABLE series; --",
    "ü π 🙂",
    "a\tb",
]


def _point(metric: MetricId, second: int, *numbers: float, unit: str = "None") -> Point:
    return Point(metric, second, numbers, unit=unit)


def test_values_and_their_counts_come_back(stores: Stores, tenant: Tenant) -> None:
    metric = MetricId.of("app", "latency", [("b", "2"), ("a", "1")])
    put(stores, tenant, Point(metric, NOW, [0.25, -1e300, 0.0], [1.0, 2.5, 1e6], "Seconds"))
    found = read(stores, tenant, metric, NOW, NOW + 1)
    assert list(found) == ["Seconds"]
    summary = found["Seconds"]
    assert summary.timestamps.tolist() == [NOW]
    assert summary.sums.tolist() == [0.25 - 2.5e300]
    assert summary.counts.tolist() == [1_000_003.5]
    assert (summary.lows.tolist(), summary.highs.tolist()) == ([-1e300], [0.25])
    assert values(summary) == [-1e300, 0.0, 0.25]
    assert summary.distribution is not None
    assert summary.distribution.weights.tolist() == [2.5, 1e6, 1.0]


def test_a_statistic_set_comes_back_among_values(stores: Stores, tenant: Tenant) -> None:
    metric = MetricId("app", "latency")
    known = StatisticSet(21.0, 3.0, 7.0, 7.0)
    put(
        stores,
        tenant,
        Point(metric, NOW + 1, statistic_set=StatisticSet(60.0, 4.0, 1.0, 40.0)),
        Point(metric, NOW + 2, statistic_set=known),
        _point(metric, NOW, 7.0),
    )
    summary = read(stores, tenant, metric, 0, 2**40)["None"]
    assert summary.timestamps.tolist() == [NOW, NOW + 1, NOW + 2]
    assert summary.sums.tolist() == [7.0, 60.0, 21.0]
    assert summary.counts.tolist() == [1.0, 4.0, 3.0]
    assert summary.lows.tolist() == [7.0, 1.0, 7.0]
    assert summary.highs.tolist() == [7.0, 40.0, 7.0]
    assert summary.distribution is not None
    assert summary.distribution.bucket.tolist() == [0, 2]
    assert summary.distribution.weights.tolist() == [1.0, 3.0]


def test_units_are_kept_apart(stores: Stores, tenant: Tenant) -> None:
    metric = MetricId("app", "size")
    put(stores, tenant, _point(metric, NOW, 1.0, unit="Bytes"), _point(metric, NOW, 2.0, unit="Bits"))
    put(stores, tenant, _point(metric, NOW + 1, 3.0, unit="Bytes"))
    both = read(stores, tenant, metric, NOW, NOW + 60)
    assert {unit: values(summary) for unit, summary in both.items()} == {"Bits": [2.0], "Bytes": [1.0, 3.0]}
    assert list(both) == ["Bits", "Bytes"]
    assert list(read(stores, tenant, metric, NOW, NOW + 60, "Bytes")) == ["Bytes"]
    assert read(stores, tenant, metric, NOW, NOW + 60, "Count") == {}
    assert stores.metrics.units(tenant, metric) == ["Bits", "Bytes"]


def test_metrics_summed_up_together_are_read_by_group(stores: Stores, tenant: Tenant) -> None:
    metrics = [MetricId("app", f"m{number}") for number in range(4)]
    put(stores, tenant, *(_point(metric, NOW + number // 2, number + 1) for number, metric in enumerate(metrics)))
    put(stores, tenant, _point(metrics[0], NOW, 10.0, unit="Bytes"))
    first, second, none = stores.metrics.read_groups(
        tenant, [metrics[:3], metrics[3:], [MetricId("app", "unknown")]], Buckets(NOW, NOW + 60, 1)
    )
    assert (first.timestamps.tolist(), first.sums.tolist()) == ([NOW, NOW + 1], [13.0, 3.0])
    assert (first.counts.tolist(), first.highs.tolist()) == ([3.0, 1.0], [10.0, 3.0])
    assert (second.timestamps.tolist(), second.sums.tolist()) == ([NOW + 1], [4.0])
    assert none.timestamps.tolist() == []


def test_the_latest_value_is_the_newest_one_whatever_came_last(stores: Stores, tenant: Tenant) -> None:
    metric, silent = MetricId("app", "x"), MetricId("app", "silent")
    put(stores, tenant, _point(metric, NOW + 5, 1.0, 2.0), _point(metric, NOW, 3.0))
    assert stores.metrics.latest(tenant, [metric, silent]) == {metric: (NOW + 5, 2.0)}
    put(stores, tenant, _point(metric, NOW + 4, 9.0), _point(metric, NOW + 6, 8.0, unit="Bytes"))
    assert stores.metrics.latest(tenant, [metric]) == {metric: (NOW + 6, 8.0)}
    put(stores, tenant, Point(metric, NOW + 7, statistic_set=StatisticSet(60.0, 4.0, 1.0, 40.0)))
    assert stores.metrics.latest(tenant, [metric]) == {metric: (NOW + 7, 15.0)}
    put(stores, tenant, Point(metric, NOW + 8, statistic_set=StatisticSet(1e300, 1e-300, 1.0, 2.0)))
    assert stores.metrics.latest(tenant, [metric]) == {metric: (NOW + 8, 2.0)}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (0, 10, [0, 5, 9]),
        (0, 9, [0, 5]),
        (1, 10, [5, 9]),
        (5, 6, [5]),
        (5, 5, []),
        (6, 5, []),
        (-(10**12), 10**12, [0, 5, 9]),
    ],
)
def test_ranges_are_half_open(stores: Stores, tenant: Tenant, start: int, end: int, found: list[int]) -> None:
    metric = MetricId("app", "x")
    put(stores, tenant, *(_point(metric, NOW + second, second) for second in (9, 0, 5)))
    rows = read(stores, tenant, metric, NOW + start, NOW + end)
    assert [value for summary in rows.values() for value in values(summary)] == found


def test_many_metrics_are_read_by_one_query(stores: Stores, tenant: Tenant) -> None:
    metrics = [MetricId("app", f"m{number}") for number in range(20)]
    put(stores, tenant, *(_point(metric, NOW, number) for number, metric in enumerate(metrics)))
    unknown = MetricId("app", "none")
    found = stores.metrics.read(tenant, [*metrics, unknown], Buckets(NOW, NOW + 1, 1))
    assert found.pop(unknown) == {}
    assert [found[metric]["None"].sums.tolist() for metric in metrics] == [[number] for number in range(20)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(stores: Stores, tenant: Tenant, value: float) -> None:
    metric = MetricId("app", "x")
    with pytest.raises(ValueError, match="finite"):
        put(stores, tenant, _point(metric, NOW, value))
    with pytest.raises(ValueError, match="finite"):
        put(stores, tenant, Point(metric, NOW, statistic_set=StatisticSet(1.0, value, 0.0, 1.0)))
    assert stores.metrics.list(tenant) == ([], None)


@pytest.mark.parametrize("second", [-1, 2**32])
def test_times_that_cannot_be_stored_are_refused(stores: Stores, tenant: Tenant, second: int) -> None:
    with pytest.raises(ValueError, match="1970 to 2106"):
        put(stores, tenant, _point(MetricId("app", "x"), second, 1.0))


@pytest.mark.parametrize("second", [0, 2**32 - 1])
def test_the_first_and_the_last_second_are_stored(stores: Stores, tenant: Tenant, second: int) -> None:
    metric = MetricId("app", "x")
    put(stores, tenant, _point(metric, second, 1.0))
    assert read(stores, tenant, metric, second, second + 1)["None"].timestamps.tolist() == [second]
    assert read(stores, tenant, metric, second + 1, second + 2) == {}
    assert stores.metrics.last_seen(tenant, metric) == second


@pytest.mark.parametrize("text", TRICKY)
def test_text_is_data(stores: Stores, tenant: Tenant, text: str) -> None:
    metric = MetricId.of(text, text, [(text, text), ("z", text)])
    put(stores, tenant, _point(metric, NOW, 4.0, unit=text))
    assert values(read(stores, tenant, metric, NOW, NOW + 1, text)[text]) == [4.0]
    assert stores.metrics.list(tenant, text, text, [(text, text), (text, None)]) == ([metric], None)
    assert stores.metrics.list(tenant, text + "x") == ([], None)
    reloaded = SeriesIndex(stores.engine)
    assert list(reloaded.units(tenant, metric)) == [text]


NAMES = st.sampled_from(["a", "b", "ab", "a\0", "Z", "é", "loss"])
METRICS = st.builds(MetricId.of, NAMES, NAMES, st.dictionaries(NAMES, NAMES, max_size=3).map(dict.items))


@settings(max_examples=30, deadline=None)
@given(
    metrics=st.lists(METRICS, min_size=1, max_size=25, unique=True),
    limit=st.integers(1, 9),
    namespace=st.none() | NAMES,
    name=st.none() | NAMES,
    dimensions=st.dictionaries(NAMES, st.none() | NAMES, max_size=2),
)
def test_pages_of_a_list_make_up_what_matches(
    stores: Stores,
    metrics: list[MetricId],
    limit: int,
    namespace: str | None,
    name: str | None,
    dimensions: dict[str, str | None],
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    put(stores, tenant, *(_point(metric, NOW, 1.0) for metric in metrics))

    def matches(metric: MetricId) -> bool:
        own = dict(metric.dimensions)
        return (
            namespace in (None, metric.namespace)
            and name in (None, metric.name)
            and all(n in own and v in (None, own[n]) for n, v in dimensions.items())
        )

    paged: list[MetricId] = []
    token: str | None = None
    for _ in range(len(metrics) + 1):
        page, token = stores.metrics.list(
            tenant, namespace, name, list(dimensions.items()), after=token, limit=limit
        )
        assert len(page) <= limit
        paged += page
        if token is None:
            break
    assert paged == sorted(metric for metric in metrics if matches(metric))
    assert token is None


@pytest.mark.parametrize("token", ["", "x", "bnVsbA==", "WzEsMl0=", "ü", "e30="])
def test_a_strange_token_is_refused(stores: Stores, tenant: Tenant, token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        stores.metrics.list(tenant, after=token)


def test_metrics_that_fell_silent_are_left_out_on_demand(stores: Stores, tenant: Tenant) -> None:
    old, new = MetricId("app", "old"), MetricId("app", "new")
    put(stores, tenant, _point(old, NOW - 7200, 1.0), _point(new, NOW, 1.0), _point(new, NOW - 9000, 1.0))
    assert stores.metrics.list(tenant)[0] == [new, old]
    assert stores.metrics.list(tenant, active_since=NOW)[0] == [new]
    assert stores.metrics.list(tenant, active_since=NOW + 1)[0] == []
    assert stores.metrics.last_seen(tenant, new) == NOW
    assert stores.metrics.last_seen(tenant, MetricId("app", "none")) is None


def test_the_index_is_the_same_after_a_start(stores: Stores, tenant: Tenant) -> None:
    metrics = [MetricId.of("app", "x", [("n", str(number))]) for number in range(5)]
    for number, metric in enumerate(metrics):
        put(stores, tenant, *(_point(metric, NOW + number, 1.0, unit=unit) for unit in ("Bytes", "None")))
    reloaded = SeriesIndex(stores.engine)
    assert list(reloaded.find(tenant, None, None, [], None, None)) == metrics
    for number, metric in enumerate(metrics):
        entries = reloaded.units(tenant, metric)
        assert {unit: entry.last_seen for unit, entry in entries.items()} == {
            "Bytes": NOW + number,
            "None": NOW + number,
        }


@pytest.mark.parametrize("change", [lambda t: Tenant(t.account, "eu-west-1"), lambda t: Tenant("999999999999")])
def test_tenants_do_not_see_each_other(stores: Stores, tenant: Tenant, change: Callable[[Tenant], Tenant]) -> None:
    metric, other = MetricId("app", "private"), change(tenant)
    put(stores, tenant, _point(metric, NOW, 1.0))
    assert stores.metrics.list(other, "app", "private") == ([], None)
    assert read(stores, other, metric, 0, 2**32) == {}
    assert stores.metrics.last_seen(other, metric) is None
