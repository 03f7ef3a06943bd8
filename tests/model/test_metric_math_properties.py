"""Metric math on any series and any expression: it agrees with numpy, and nothing breaks it."""

import contextlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from epochwatch.model.metric_math import InvalidExpression, TimeSeries, evaluate, parse
from epochwatch.model.metric_math.signatures import FUNCTIONS
from epochwatch.model.periods import Buckets

COUNT = 12
GRID = Buckets(600, 600 + COUNT * 60, 60)
SLOTS = np.arange(GRID.start, GRID.end, 60)

whole_values = arrays(np.float64, COUNT, elements=st.floats(-1e6, 1e6))


class Request:
    grid = GRID

    def __init__(self, *series):
        self.series = list(series)

    def value(self, id):
        place = int(id[1:]) if id[1:].isdigit() else 99
        if place >= len(self.series):
            raise InvalidExpression(f"there is no {id}")
        return self.series if id[0] == "s" else self.series[place]

    def period(self, id):
        return 60

    def metrics(self, substring):
        return self.series

    def search(self, query, statistic, period):
        return self.series[:1]

    def band(self, series_id, one, deviations):
        return one, one


def at_slots(values):
    present = ~np.isnan(values)
    return TimeSeries(SLOTS[present], values[present], 60, "x")


POINTWISE = {
    "m0 + m1": np.add,
    "m0 - m1": np.subtract,
    "m0 * m1": np.multiply,
    "m0 / m1": np.divide,
    "-m0 * 2 - m1": lambda a, b: -a * 2 - b,
    "m0 > m1": lambda a, b: (a > b).astype(float),
    "m0 <= m1": lambda a, b: (a <= b).astype(float),
    "m0 != m1": lambda a, b: (a != b).astype(float),
    "IF(m0 > m1, m0, m1)": np.maximum,
    "IF(m0 < m1, m0)": lambda a, b: np.where(a < b, a, np.nan),
    "SUM([m0, m1])": np.add,
    "AVG([m0, m1])": lambda a, b: (a + b) / 2,
    "MAX(METRICS())": np.maximum,
    "MIN(METRICS())": np.minimum,
    "STDDEV([m0, m1])": lambda a, b: np.std([a, b], axis=0),
    "m0 - AVG(m1)": lambda a, b: a - np.mean(b),
    "RUNNING_SUM(m0) + m1": lambda a, b: np.cumsum(a) + b,
    "FILL(m0, m1)": lambda a, b: a,
    "CEIL(m0) - FLOOR(m1)": lambda a, b: np.ceil(a) - np.floor(b),
    "ABS(m0 - m1)": lambda a, b: np.abs(a - b),
    "DIFF(m0 + m1)": lambda a, b: np.diff(a + b, prepend=np.nan),
    "RATE(m1)": lambda a, b: np.diff(b, prepend=np.nan) / 60,
}


@settings(deadline=None)
@given(whole_values, whole_values, st.sampled_from(sorted(POINTWISE)))
def test_on_aligned_series_math_is_numpy(a, b, text):
    with np.errstate(all="ignore"):
        expected = POINTWISE[text](a, b)
    result = evaluate(parse(text), Request(at_slots(a), at_slots(b)))
    kept = np.isfinite(expected)
    np.testing.assert_array_equal(result.timestamps, SLOTS[kept])
    np.testing.assert_allclose(result.values, expected[kept], rtol=1e-12, atol=1e-9)


sparse_values = arrays(np.float64, COUNT, elements=st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)))


@settings(deadline=None)
@given(sparse_values, sparse_values, st.sampled_from(["+", "-", "*", ">=", "AND"]))
def test_between_series_with_gaps_math_is_numpy_with_zeros_where_one_has_a_point(a, b, operator):
    compute = {"+": np.add, "-": np.subtract, "*": np.multiply, ">=": np.greater_equal, "AND": np.logical_and}
    result = evaluate(parse(f"m0 {operator} m1"), Request(at_slots(a), at_slots(b)))
    seen = ~(np.isnan(a) & np.isnan(b))
    np.testing.assert_array_equal(result.timestamps, SLOTS[seen])
    expected = compute[operator](np.nan_to_num(a), np.nan_to_num(b))
    np.testing.assert_allclose(result.values, expected[seen].astype(float))


@settings(deadline=None)
@given(st.lists(sparse_values, min_size=1, max_size=5))
def test_aggregates_of_an_array_are_numpys_over_the_series_that_have_a_point(rows):
    matrix = np.array(rows)
    seen = ~np.isnan(matrix).all(axis=0)
    matrix = matrix[:, seen]
    environment = Request(*(at_slots(row) for row in rows))
    for text, expected in {
        "SUM(METRICS())": np.nansum(matrix, axis=0),
        "AVG(METRICS())": np.nan_to_num(matrix).mean(axis=0),
        "MIN(METRICS())": np.nanmin(matrix, axis=0) if matrix.size else [],
        "MAX(METRICS())": np.nanmax(matrix, axis=0) if matrix.size else [],
        "DATAPOINT_COUNT(METRICS())": (~np.isnan(matrix)).sum(axis=0),
    }.items():
        result = evaluate(parse(text), environment)
        np.testing.assert_array_equal(result.timestamps, SLOTS[seen])
        np.testing.assert_allclose(result.values, expected, rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(sparse_values)
def test_a_filled_series_has_every_point_and_keeps_its_own(values):
    filled = evaluate(parse("FILL(m0, 7)"), Request(at_slots(values)))
    np.testing.assert_array_equal(filled.timestamps, SLOTS)
    np.testing.assert_array_equal(filled.values, np.where(np.isnan(values), 7, values))


atoms = st.sampled_from(
    ["m0", "m1", "m2", "s0", "2", "0", "1e308", "-3", ".5", "nosuch", "METRICS()", "METRICS('x')"]
)
words = st.sampled_from(["REPEAT", "LINEAR", "AVG", "MIN", "MAX", "SUM", "ASC", "DESC", "'x'", "60", "'Sum'"])


def compound(inner):
    arguments = st.lists(st.one_of(inner, words), min_size=0, max_size=4)
    operators = st.sampled_from(["+", "-", "*", "/", "^", "==", "!=", "<", ">=", "AND", "OR", "&&", "||"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.tuples(st.sampled_from(["FILL", "IF", "SLICE"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"IF({', '.join(t)})"),
        inner.map(lambda text: f"SORT({text}, AVG, DESC)"),
        inner.map(lambda text: f"FILL({text}, LINEAR)"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), arguments).map(
            lambda pair: f"{pair[0]}({', '.join(pair[1])})"
        ),
    )


any_values = arrays(np.float64, COUNT, elements=st.floats(allow_infinity=False))


@settings(max_examples=400, deadline=None)
@given(st.recursive(atoms, compound, max_leaves=12), any_values, any_values)
def test_an_expression_gives_finite_ascending_points_or_is_refused(text, a, b):
    coarse = TimeSeries(np.array([600, 780], np.int64), np.array([1.0, -2.0]), 180, "coarse")
    try:
        result = evaluate(parse(text), Request(at_slots(a), at_slots(b), coarse))
    except InvalidExpression:
        return
    for one in result if isinstance(result, list) else [result]:
        if isinstance(one, TimeSeries):
            assert np.isfinite(one.values).all()
            assert (np.diff(one.timestamps) > 0).all()
            assert len(one.values) == len(one.timestamps)
        else:
            assert isinstance(one, float)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("m12 +-*/^()[]<>=!&|,.'\"ANDORSUMIF\\{}e", max_size=60)))
def test_any_text_is_an_expression_or_refused(text):
    with contextlib.suppress(InvalidExpression):
        assert parse(text).source == text
