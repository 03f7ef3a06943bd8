"""Names of statistics and what they compute."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.aggregation import Samples, aggregate
from epochwatch.model.periods import Buckets
from epochwatch.model.statistics import InvalidStatistic, Kind, parse

HOUR = Buckets(0, 3600, 3600)


def samples(rows):
    """Rows (ts, value, weight) or (ts, sum, count, low, high)."""
    columns = [(r[0], r[1], r[2], r[3] if len(r) > 3 else r[1], r[4] if len(r) > 3 else r[1]) for r in rows]
    ts, value, weight, low, high = zip(*columns, strict=True) if columns else ((),) * 5
    floats = [np.array(c, np.float64) for c in (value, weight, low, high)]
    return Samples(np.array(ts, np.int64), *floats, np.array([len(r) > 3 for r in rows], bool))


def one(statistic, rows, buckets=HOUR):
    [series] = aggregate(samples(rows), buckets, [parse(statistic)])
    return series.values.tolist()


def values(*numbers):
    return [(index, float(number), 1.0) for index, number in enumerate(numbers)]


HUNDRED = values(*range(1, 101))
TEN = values(*range(1, 11))
WEIGHTED = [(0, 1.0, 2.0), (1, 10.0, 4.0)]
SETS = [(0, 30.0, 3.0, 5.0, 15.0), (1, 4.0, 1.0)]

COMPUTED = [
    ("SampleCount", TEN, [10]),
    ("Sum", TEN, [55]),
    ("Average", TEN, [5.5]),
    ("Minimum", TEN, [1]),
    ("Maximum", TEN, [10]),
    ("Minimum", values(0, 3), [0]),
    ("SampleCount", WEIGHTED, [6]),
    ("Sum", WEIGHTED, [42]),
    ("Average", WEIGHTED, [7]),
    ("SampleCount", SETS, [4]),
    ("Sum", SETS, [34]),
    ("Average", SETS, [8.5]),
    ("Minimum", SETS, [4]),
    ("Maximum", SETS, [15]),
    ("p50", HUNDRED, [50]),
    ("p99", HUNDRED, [99]),
    ("p99.9", HUNDRED, [100]),
    ("p100", HUNDRED, [100]),
    ("p0", HUNDRED, [1]),
    ("p7", HUNDRED, [7]),
    ("p0.5", HUNDRED, [1]),
    ("p90", TEN, [9]),
    ("p90.0001", TEN, [10]),
    ("p33", WEIGHTED, [1]),
    ("p34", WEIGHTED, [10]),
    ("p99", values(7), [7]),
    ("tm90", TEN, [5]),
    ("TM(:90%)", TEN, [5]),
    ("TM(10%:)", TEN, [6]),
    ("TM(10%:90%)", TEN, [5.5]),
    ("TM(2:5)", TEN, [4]),
    ("TM(:5)", TEN, [3]),
    ("TM(8:)", TEN, [9.5]),
    ("TM(20:30)", TEN, []),
    ("tm95", TEN, [(45 + 0.5 * 10) / 9.5]),
    ("TM(10%:90%)", values(5, 5, 5, 5), [5]),
    ("IQM", values(1, 2, 3, 4), [2.5]),
    ("IQM", values(7), [7]),
    ("IQM", values(1, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9, 38), [6.5]),
    ("IQM", values(1, 3, 5, 7, 9, 11, 13, 15, 17), [9]),
    ("tm50", WEIGHTED, [(2 * 1 + 1 * 10) / 3]),
    ("tc90", TEN, [9]),
    ("TC(2:5)", TEN, [3]),
    ("TC(20:30)", TEN, [0]),
    ("TC(:2)", WEIGHTED, [2]),
    ("TC(10%:90%)", HUNDRED, [80]),
    ("ts90", TEN, [45]),
    ("TS(2:5)", TEN, [12]),
    ("TS(80%:)", TEN, [19]),
    ("TS(20:30)", TEN, [0]),
    ("TS(2:)", WEIGHTED, [40]),
    ("wm90", TEN, [(45 + 9) / 10]),
    ("WM(10%:90%)", HUNDRED, [(sum(range(10, 91)) + 9 * 10 + 10 * 90) / 100]),
    ("WM(3:8)", TEN, [(3 * 3 + 4 + 5 + 6 + 7 + 3 * 8) / 10]),
    ("WM(:8)", TEN, [(36 + 2 * 8) / 10]),
    ("WM(5:)", WEIGHTED, [(2 * 5 + 40) / 6]),
    ("PR(:5)", TEN, [50]),
    ("PR(5:)", TEN, [50]),
    ("PR(2:5)", TEN, [30]),
    ("PR(:300)", TEN, [100]),
    ("PR(:0)", TEN, [0]),
    ("PR(:5)", WEIGHTED, [100 / 3]),
    ("PR(-3:0)", values(-3, -1, 0, 1), [50]),
    ("p50", values(-3, -2, -1), [-2]),
    # statistic sets: a distribution is known only when all the values must be equal
    ("p99", SETS, []),
    ("tm90", SETS, []),
    ("p99", [(0, 5.0, 1.0, 5.0, 5.0)], [5]),
    ("p99", [(0, 15.0, 3.0, 5.0, 5.0)], [5]),
    ("tc100", [(0, 15.0, 3.0, 5.0, 5.0)], [3]),
    ("p99", [(0, 16.0, 3.0, 5.0, 5.0)], []),
    ("p50", [(0, 15.0, 3.0, 5.0, 5.0), (1, 1.0, 9.0)], [1]),
    ("Sum", [(0, 9.0, 0.0)], []),
    ("Sum", [], []),
    ("p50", [], []),
]

NAMES = [
    ("Average", Kind.AVERAGE, None, None, False),
    ("p99", Kind.PERCENTILE, None, 0.99, True),
    ("p99.9", Kind.PERCENTILE, None, 0.999, True),
    ("p95.", Kind.PERCENTILE, None, 0.95, True),
    ("p99.9999999999", Kind.PERCENTILE, None, 0.999999999999, True),
    ("tm99", Kind.TRIMMED_MEAN, None, 0.99, True),
    ("wm5.5", Kind.WINSORIZED_MEAN, None, 0.055, True),
    ("tc0", Kind.TRIMMED_COUNT, None, 0.0, True),
    ("ts100", Kind.TRIMMED_SUM, None, 1.0, True),
    ("TM(2%:98%)", Kind.TRIMMED_MEAN, 0.02, 0.98, True),
    ("TM(150:1000)", Kind.TRIMMED_MEAN, 150, 1000, False),
    ("TM(:95%)", Kind.TRIMMED_MEAN, None, 0.95, True),
    ("TC(0.005:0.030)", Kind.TRIMMED_COUNT, 0.005, 0.03, False),
    ("TS(80%:)", Kind.TRIMMED_SUM, 0.8, None, True),
    ("WM( 10% : 90% )", Kind.WINSORIZED_MEAN, 0.1, 0.9, True),
    ("PR(100:2000)", Kind.PERCENTILE_RANK, 100, 2000, False),
    ("PR(:300)", Kind.PERCENTILE_RANK, None, 300, False),
    ("PR(-1.5:)", Kind.PERCENTILE_RANK, -1.5, None, False),
    ("IQM", Kind.TRIMMED_MEAN, 0.25, 0.75, True),
]

WRONG = [
    "average",
    "AVG",
    "P99",
    "p",
    "p101",
    "p-1",
    "p1e1",
    "p99.99999999999",
    "tm",
    "tm(1:2)",
    "TM90",
    "TM()",
    "TM(:)",
    "TM(1)",
    "TM(1%:2)",
    "TM(1:2%)",
    "TM(90%:10%)",
    "TM(5:5)",
    "TM(-1%:5%)",
    "TM(0%:101%)",
    "PR(1%:2%)",
    "PR90",
    "pr90",
    "iqm",
    "IQM90",
    "TM(a:b)",
    "p٣",
    "TM(1:2)x",
]


@pytest.mark.parametrize(("statistic", "rows", "expected"), COMPUTED)
def test_computed(statistic, rows, expected):
    assert one(statistic, rows) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "kind", "low", "high", "relative"), NAMES)
def test_names(name, kind, low, high, relative):
    statistic = parse(name)
    assert (statistic.kind, statistic.relative, statistic.name) == (kind, relative, name)
    assert statistic.low == (None if low is None else pytest.approx(low))
    assert statistic.high == (None if high is None else pytest.approx(high))


@pytest.mark.parametrize("name", WRONG)
def test_other_names_are_refused(name):
    with pytest.raises(InvalidStatistic):
        parse(name)


def test_buckets_carry_their_start_and_empty_ones_are_left_out():
    rows = [(59, 9.0, 1.0), (60, 1.0, 1.0), (119, 3.0, 1.0), (240, 5.0, 1.0), (300, 7.0, 1.0)]
    average, median = aggregate(samples(rows), Buckets(60, 300, 60), [parse("Average"), parse("p50")])
    assert average.timestamps.tolist() == median.timestamps.tolist() == [60, 240]
    assert average.values.tolist() == [2, 5]
    assert median.values.tolist() == [1, 5]


def test_a_set_without_distribution_hides_percentiles_of_its_bucket_only():
    rows = [(0, 30.0, 3.0, 5.0, 15.0), (1, 2.0, 1.0), (60, 4.0, 1.0)]
    [median] = aggregate(samples(rows), Buckets(0, 120, 60), [parse("p50")])
    assert median.timestamps.tolist() == [60]
    assert median.values.tolist() == [4]


weighted = st.lists(
    st.tuples(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)), st.integers(1, 5)), min_size=1, max_size=40
)


@given(weighted, st.floats(0, 100).map(lambda v: round(v, 2)))
def test_weights_are_repetitions(pairs, percent):
    together = [(0, value, float(count)) for value, count in pairs]
    apart = [(0, value, 1.0) for value, count in pairs for _ in range(count)]
    for name in (
        "Sum",
        "Average",
        f"p{percent}",
        f"tm{percent}",
        f"wm{percent}",
        f"TS(:{percent}%)",
        "IQM",
        "PR(0:10)",
    ):
        assert one(name, together) == pytest.approx(one(name, apart), rel=1e-6, abs=1e-3)


@given(weighted, st.integers(1, 99))
def test_a_percentile_is_the_least_value_that_share_does_not_exceed(pairs, percent):
    flat = sorted(value for value, count in pairs for _ in range(count))
    rank = -(-percent * len(flat) // 100)
    assert one(f"p{percent}", [(0, value, float(count)) for value, count in pairs]) == [flat[rank - 1]]


@given(weighted, st.integers(1, 99))
def test_trimmed_sum_is_trimmed_mean_times_trimmed_count(pairs, percent):
    rows = [(0, value, float(count)) for value, count in pairs]
    [total], [mean], [count] = (one(f"{kind}{percent}", rows) for kind in ("ts", "tm", "tc"))
    assert total == pytest.approx(mean * count, rel=1e-6, abs=1e-6)
