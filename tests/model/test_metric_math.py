"""Metric math: what expressions give, as tables of (expression, result). ``None`` is a missing point."""

import numpy as np
import pytest

from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import InvalidExpression, TimeSeries, evaluate, parse, returned
from epochwatch.model.periods import Buckets

GRID = Buckets(1_700_000_100, 1_700_000_400, 60)
"""Five minutes; 1,700,000,100 is 14 November 2023, 22:15:00 UTC, a Tuesday."""


def series(points, period=60, label="", start=GRID.start, **more):
    present = [(start + place * period, value) for place, value in enumerate(points) if value is not None]
    timestamps, values = zip(*present, strict=True) if present else ((), ())
    return TimeSeries(np.array(timestamps, np.int64), np.array(values, np.float64), period, label, **more)


def points(result, period=None, start=GRID.start, count=5):
    """The values by slot, None where there is none, without the gap at the end."""
    period = period or result.period
    slots = [None] * count
    for timestamp, value in zip(result.timestamps.tolist(), result.values.tolist(), strict=True):
        assert (timestamp - start) % period == 0
        slots[(timestamp - start) // period] = value
    return slots


class Request:
    """An environment made of series by Id."""

    grid = GRID

    def __init__(self, **metrics):
        self.values = {
            name: value if not isinstance(value, list) else series(value) for name, value in metrics.items()
        }
        self.searched = []

    def value(self, id):
        if id not in self.values:
            raise InvalidExpression(f"there is no {id}")
        return self.values[id]

    def period(self, id):
        return self.value(id).period

    def metrics(self, substring):
        return [one for id, one in self.values.items() if isinstance(one, TimeSeries) and (substring or "") in id]

    def search(self, query, statistic, period):
        self.searched.append((query, statistic, period))
        return [series([1, 2], label="a"), series([3, 4], label="b")]

    def band(self, series_id, one, deviations):
        return (
            one.with_points(one.timestamps, one.values - deviations),
            one.with_points(one.timestamps, one.values + deviations),
        )


def request():
    return Request(
        m1=[1, 2, 3, 4, 5],
        m2=[10, None, 30, None, 50],
        m3=[None, 0, -3, 0, None],
        errors_4xx=[1, None, 1, None, 1],
        errors_5xx=[None, 2, 2, None, None],
        none=[],
    )


def run(text, environment=None):
    result = evaluate(parse(text), environment or request())
    if isinstance(result, TimeSeries):
        return points(result)
    return [points(one) for one in result] if isinstance(result, list) else result


_ = None

ONE_SERIES = [
    # arithmetic
    ("m1", [1, 2, 3, 4, 5]),
    ("m1 + 1", [2, 3, 4, 5, 6]),
    ("5 * m1", [5, 10, 15, 20, 25]),
    ("m1 - 1", [0, 1, 2, 3, 4]),
    ("10 - m1", [9, 8, 7, 6, 5]),
    ("m1 / 2", [0.5, 1, 1.5, 2, 2.5]),
    ("60 / m1", [60, 30, 20, 15, 12]),
    ("m1 ^ 2", [1, 4, 9, 16, 25]),
    ("2 ^ m1", [2, 4, 8, 16, 32]),
    ("-m1", [-1, -2, -3, -4, -5]),
    ("-5*m1", [-5, -10, -15, -20, -25]),
    ("m1 * -1", [-1, -2, -3, -4, -5]),
    ("--m1", [1, 2, 3, 4, 5]),
    # precedence
    ("m1 + m1 * 2", [3, 6, 9, 12, 15]),
    ("(m1 + m1) * 2", [4, 8, 12, 16, 20]),
    ("-m1 ^ 2", [-1, -4, -9, -16, -25]),
    ("m1 - 2 - 3", [-4, -3, -2, -1, 0]),
    ("120 / m1 / 2", [60, 30, 20, 15, 12]),
    ("m1 * 0 + 2 ^ 3 ^ 2", [512] * 5),
    ("m1 * 0 + 2 ^ -1", [0.5] * 5),
    ("m1 * 0 + 2 ^ -2 ^ 2", [1 / 16] * 5),
    ("m1 > 1 + 1", [0, 0, 1, 1, 1]),
    ("m1 > 3 OR m1 < 2 AND m1 > 1", [0, 0, 0, 1, 1]),
    ("(m1 > 3 OR m1 < 2) AND m1 > 1", [0, 0, 0, 1, 1]),
    ("m1 < 2 OR m1 > 1 AND m1 > 4", [1, 0, 0, 0, 1]),
    ("m1 > 2 == 1", [0, 0, 1, 1, 1]),
    # a missing value counts as 0 where the other has a point
    ("m1 + m2", [11, 2, 33, 4, 55]),
    ("m1 - m2", [-9, 2, -27, 4, -45]),
    ("m2 - m1", [9, -2, 27, -4, 45]),
    ("m1 * m2", [10, 0, 90, 0, 250]),
    ("m2 + m3", [10, 0, 27, 0, 50]),
    ("errors_4xx + errors_5xx", [1, 2, 3, _, 1]),
    ("m2 + 1", [11, _, 31, _, 51]),
    # division by zero, and by a missing value, drops the point
    ("m1 / m2", [0.1, _, 0.1, _, 0.1]),
    ("m2 / m1", [10, 0, 10, 0, 10]),
    ("m1 / m3", [_, _, -1, _, _]),
    ("m1 / 0", [_, _, _, _, _]),
    ("m3 ^ 0.5", [_, 0, _, 0, _]),
    ("m3 ^ -1", [_, _, -1 / 3, _, _]),
    ("m1 * 1e308 * 10", [_, _, _, _, _]),
    # scalars
    ("PERIOD(m1) / 60 * m1", [1, 2, 3, 4, 5]),
    ("m1 * (5 > 3)", [1, 2, 3, 4, 5]),
    ("m1 * (5 < 3)", [0, 0, 0, 0, 0]),
    ("m1 * (2 > 1 AND 0 > 1)", [0, 0, 0, 0, 0]),
    ("m1 * (2 > 1 || 0 > 1)", [1, 2, 3, 4, 5]),
    ("m1 + 1 / 0", [_, _, _, _, _]),
    (".5 * m1 + 1.", [1.5, 2, 2.5, 3, 3.5]),
    ("m1 * 1e2", [100, 200, 300, 400, 500]),
    # comparison and logic
    ("m1 == 3", [0, 0, 1, 0, 0]),
    ("m1 != 3", [1, 1, 0, 1, 1]),
    ("m1 <= 3", [1, 1, 1, 0, 0]),
    ("m1 >= 3", [0, 0, 1, 1, 1]),
    ("3 < m1", [0, 0, 0, 1, 1]),
    ("m2 > 15", [0, _, 1, _, 1]),
    ("m2 < m1", [0, 1, 0, 1, 0]),
    ("m2 == m3", [0, 1, 0, 1, 0]),
    ("m1 > 1 && m1 < 4", [0, 1, 1, 0, 0]),
    ("m1 < 2 || m1 > 4", [1, 0, 0, 0, 1]),
    ("m1 AND m2", [1, 0, 1, 0, 1]),
    ("m2 OR m3", [1, 0, 1, 0, 1]),
    ("m3 AND -1", [_, 0, 1, 0, _]),
    ("m1 > AVG(none)", [_, _, _, _, _]),
    # functions of the points
    ("ABS(m3)", [_, 0, 3, 0, _]),
    ("ABS(m1 - 3)", [2, 1, 0, 1, 2]),
    ("CEIL(m1 / 2)", [1, 1, 2, 2, 3]),
    ("FLOOR(m1 / 2)", [0, 1, 1, 2, 2]),
    ("FLOOR(-m1 / 2)", [-1, -1, -2, -2, -3]),
    ("LOG10(10 ^ m1)", [1, 2, 3, 4, 5]),
    ("LOG10(m3)", [_, _, _, _, _]),
    ("LOG(m1 * 0 + 1)", [0, 0, 0, 0, 0]),
    ("DIFF(m1)", [_, 1, 1, 1, 1]),
    ("DIFF(m2)", [_, _, 20, _, 20]),
    ("DIFF(none)", [_, _, _, _, _]),
    ("DIFF_TIME(m1)", [_, 60, 60, 60, 60]),
    ("DIFF_TIME(m2)", [_, _, 120, _, 120]),
    ("RATE(m1)", [_, 1 / 60, 1 / 60, 1 / 60, 1 / 60]),
    ("RATE(m2)", [_, _, 1 / 6, _, 1 / 6]),
    ("RUNNING_SUM(m1)", [1, 3, 6, 10, 15]),
    ("RUNNING_SUM(m2)", [10, _, 40, _, 90]),
    # a series becomes a number
    ("m1 - AVG(m1)", [-2, -1, 0, 1, 2]),
    ("m1 - AVG(m2)", [-29, -28, -27, -26, -25]),
    ("MAX(m1) / m1", [5, 2.5, 5 / 3, 1.25, 1]),
    ("m1 - MIN(m1)", [0, 1, 2, 3, 4]),
    ("m1 * 0 + SUM(m1)", [15] * 5),
    ("m1 * 0 + SUM(m2) / DATAPOINT_COUNT(m2)", [30] * 5),
    ("m1 / STDDEV(m1)", [x / 2**0.5 for x in (1, 2, 3, 4, 5)]),
    ("m1 * 0 + DATAPOINT_COUNT(none)", [0] * 5),
    ("m1 + SUM(none)", [1, 2, 3, 4, 5]),
    ("m1 + AVG(none)", [_, _, _, _, _]),
    ("m1 + MAX(none)", [_, _, _, _, _]),
    ("TIME_SERIES(MAX(m1))", [5] * 5),
    ("TIME_SERIES(5 * AVG(m1))", [15] * 5),
    ("TIME_SERIES(10)", [10] * 5),
    ("TIME_SERIES(-1)", [-1] * 5),
    ("TIME_SERIES(AVG(none))", [_] * 5),
    # an array becomes a series
    ("SUM([m1, m2])", [11, 2, 33, 4, 55]),
    ("AVG([m1, m2])", [5.5, 1, 16.5, 2, 27.5]),
    ("MIN([m1, m2])", [1, 2, 3, 4, 5]),
    ("MAX([m1, m2])", [10, 2, 30, 4, 50]),
    ("MAX([m3, m3 * 2])", [_, 0, -3, 0, _]),
    ("STDDEV([m1, m2])", [4.5, 0, 13.5, 0, 22.5]),
    ("DATAPOINT_COUNT([m1, m2, m3])", [2, 2, 3, 2, 2]),
    ("SUM(METRICS('errors'))", [1, 2, 3, _, 1]),
    ('SUM(METRICS("errors"))', [1, 2, 3, _, 1]),
    ("SUM(METRICS('4xx'))/SUM(METRICS('5xx'))*100", [_, 0, 50, _, _]),
    ("SUM([METRICS('4xx'), METRICS('5xx')])", [1, 2, 3, _, 1]),
    ("AVG([m1,m2]/m1)", [5.5, 0.5, 5.5, 0.5, 5.5]),
    ("SUM(100/[m1, m1])", [200, 100, 200 / 3, 50, 40]),
    ("SUM(-[m1, m2])", [-11, -2, -33, -4, -55]),
    ("MIN(ABS([m3, m1]))", [1, 0, 3, 0, 5]),
    ("m1/METRIC_COUNT(METRICS('errors'))", [0.5, 1, 1.5, 2, 2.5]),
    ("m1 * METRIC_COUNT([m1, none])", [2, 4, 6, 8, 10]),
    ("SUM(METRICS('nosuch'))", [_] * 5),
    ("AVG(REMOVE_EMPTY([m1, none]))", [1, 2, 3, 4, 5]),
    ("AVG([m1, none])", [0.5, 1, 1.5, 2, 2.5]),
    ("FIRST([m1, m2])", [1, 2, 3, 4, 5]),
    ("LAST([m1, m2])", [10, _, 30, _, 50]),
    ("FIRST(METRICS('nosuch'))", [_] * 5),
    ("FIRST(SORT([m1, m2], AVG, DESC))", [10, _, 30, _, 50]),
    ("IF(FIRST(SORT([m1, m2], AVG, ASC))>3, 1, 0)", [0, 0, 0, 1, 1]),
    # gaps
    ("FILL(m2, 0)", [10, 0, 30, 0, 50]),
    ("FILL(m2, m1)", [10, 2, 30, 4, 50]),
    ("FILL(m2, m3)", [10, 0, 30, 0, 50]),
    ("FILL(m3, m2)", [10, 0, -3, 0, 50]),
    ("FILL(m2, MIN(m2))", [10, 10, 30, 10, 50]),
    ("FILL(m2, REPEAT)", [10, 10, 30, 30, 50]),
    ("FILL(m2, LINEAR)", [10, 20, 30, 40, 50]),
    ("FILL(m3, REPEAT)", [_, 0, -3, 0, 0]),
    ("FILL(m3, LINEAR)", [_, 0, -3, 0, _]),
    ("FILL(m3, 7)", [7, 0, -3, 0, 7]),
    ("FILL(none, 1)", [1] * 5),
    ("FILL(none, REPEAT)", [_] * 5),
    ("FILL(none, LINEAR)", [_] * 5),
    ("FILL(none, m2)", [10, _, 30, _, 50]),
    ("FILL(m2, AVG(none))", [10, _, 30, _, 50]),
    ("FILL(m1, 0)", [1, 2, 3, 4, 5]),
    ("AVG([FILL(m2, 0), m1])", [5.5, 1, 16.5, 2, 27.5]),
    # the calendar, without gaps
    ("MINUTE(m2)", [15, 16, 17, 18, 19]),
    ("HOUR(m2)", [22] * 5),
    ("DAY(m1)", [2] * 5),
    ("DATE(m1)", [14] * 5),
    ("MONTH(none)", [11] * 5),
    ("YEAR(m1)", [2023] * 5),
    ("EPOCH(m2) - 1700000100", [0, 60, 120, 180, 240]),
    ("IF(DAY(m1)<6,m1)", [1, 2, 3, 4, 5]),
    ("IF(MONTH(m1) == 4,m1)", [_] * 5),
    ("IF((DAY(m1)<6 AND (HOUR(m1)>=9 AND HOUR(m1)<17)),m1)", [_] * 5),
    ("IF(MINUTE(m2) >= 17, 1, 0)", [0, 0, 1, 1, 1]),
    # anomaly detection: upper first
    ("FIRST(ANOMALY_DETECTION_BAND(m1))", [3, 4, 5, 6, 7]),
    ("LAST(ANOMALY_DETECTION_BAND(m1, 4))", [-3, -2, -1, 0, 1]),
    ("m1 > FIRST(ANOMALY_DETECTION_BAND(m1))", [0] * 5),
]


@pytest.mark.parametrize(("text", "expected"), ONE_SERIES, ids=[text for text, _result in ONE_SERIES])
def test_an_expression_gives_a_series(text, expected):
    assert run(text) == pytest.approx(expected)


DOCUMENTED = Request(metric1=[30, 20, 0, 0], metric2=[20, None, 20, None])
IF_TABLE = Request(metric1=[1, 1, 0, 0, None], metric2=[30, None, 0, 0, 30], metric3=[0, 0, 20, None, 20])

FROM_THE_USER_GUIDE = [
    (DOCUMENTED, "(metric1 < metric2)", [0, 0, 1, 0, _]),
    (DOCUMENTED, "(metric1 >= 30)", [1, 0, 0, 0, _]),
    (DOCUMENTED, "(metric1 > 15 AND metric2 > 15)", [1, 0, 0, 0, _]),
    (DOCUMENTED, "IF(metric1<400, metric1)", [30, 20, 0, 0, _]),
    (DOCUMENTED, "IF(metric1<20, metric1)", [_, _, 0, 0, _]),
    (DOCUMENTED, "IF(metric1<20, 10, 2)", [2, 2, 10, 10, _]),
    (DOCUMENTED, "IF(metric1>metric2, 1, 0)", [1, 1, 0, 0, _]),
    (IF_TABLE, "IF(metric1, metric2, metric3)", [30, 0, 20, _, _]),
    (IF_TABLE, "IF(metric1, metric2)", [30, 0, _, _, _]),
    (IF_TABLE, "IF(metric1, 5, metric3)", [5, 5, 20, _, _]),
    (IF_TABLE, "IF(metric1, 5)", [5, 5, _, _, _]),
    (IF_TABLE, "IF(metric1, metric2, 5)", [30, 0, 5, 5, _]),
    (IF_TABLE, "IF(metric1, 1, 0)", [1, 1, 0, 0, _]),
    (IF_TABLE, "IF(-metric1, 1, 0)", [1, 1, 0, 0, _]),
    (IF_TABLE, "IF(1, metric2, metric3)", [30, _, 0, 0, 30]),
    (IF_TABLE, "IF(-2, metric2, metric3)", [30, _, 0, 0, 30]),
    (IF_TABLE, "IF(0, metric2, metric3)", [0, 0, 20, _, 20]),
    (IF_TABLE, "IF(0, metric2)", [_, _, _, _, _]),
    (IF_TABLE, "IF(SUM(metric1) > 1, metric2, metric3)", [30, _, 0, 0, 30]),
    (IF_TABLE, "IF(AVG(METRICS('metric')) > 10, 1, 0)", [1, 0, 0, 0, 1]),
    (IF_TABLE, "metric2 * IF(1, 2, 3)", [60, _, 0, 0, 60]),
    (Request(metric1=[1]), "IF(AVG(metric1) / 0, metric1, metric1)", [_, _, _, _, _]),
]


@pytest.mark.parametrize(("environment", "text", "expected"), FROM_THE_USER_GUIDE)
def test_the_examples_of_the_user_guide_hold(environment, text, expected):
    assert run(text, environment) == pytest.approx(expected)


SEVERAL = [
    ("[m1, m2]", [[1, 2, 3, 4, 5], [10, _, 30, _, 50]]),
    ("[m1, [m2, m3]]", [[1, 2, 3, 4, 5], [10, _, 30, _, 50], [_, 0, -3, 0, _]]),
    ("METRICS('errors') * 100", [[100, _, 100, _, 100], [_, 200, 200, _, _]]),
    ("METRICS('errors') - errors_4xx", [[0, _, 0, _, 0], [-1, 2, 1, _, -1]]),
    ("m1 - METRICS('errors')", [[0, 2, 2, 4, 4], [1, 0, 1, 4, 5]]),
    ("METRICS('errors') > 1", [[0, _, 0, _, 0], [_, 1, 1, _, _]]),
    ("FILL(METRICS('errors'), 0)", [[1, 0, 1, 0, 1], [0, 2, 2, 0, 0]]),
    ("FILL(METRICS('errors'), m1)", [[1, 2, 1, 4, 1], [1, 2, 2, 4, 5]]),
    ("FILL(METRICS('errors'), LINEAR)", [[1, 1, 1, 1, 1], [_, 2, 2, _, _]]),
    ("RUNNING_SUM([m1, m2])", [[1, 3, 6, 10, 15], [10, _, 40, _, 90]]),
    ("DIFF_TIME(METRICS('errors'))", [[_, _, 120, _, 120], [_, _, 60, _, _]]),
    ("LOG10([m1 * 0 + 100])", [[2] * 5]),
    ("-[m1]", [[-1, -2, -3, -4, -5]]),
    ("REMOVE_EMPTY([m1, none, m1 / 0])", [[1, 2, 3, 4, 5]]),
    ("REMOVE_EMPTY([none])", []),
    ("METRICS('nosuch')", []),
    ("SORT([m1, m2, m3], AVG, ASC)", [[_, 0, -3, 0, _], [1, 2, 3, 4, 5], [10, _, 30, _, 50]]),
    ("SORT([m1, m2, m3], SUM, DESC, 1)", [[10, _, 30, _, 50]]),
    ("SORT([none, m1, m3], MAX, DESC)", [[1, 2, 3, 4, 5], [_, 0, -3, 0, _], [_] * 5]),
    ("SORT([none, m1, m3], MIN, ASC)", [[_, 0, -3, 0, _], [1, 2, 3, 4, 5], [_] * 5]),
    ("SORT([m1, m2], MAX, DESC, 0)", []),
    ("SLICE([m1, m2, m3], 1)", [[10, _, 30, _, 50], [_, 0, -3, 0, _]]),
    ("SLICE([m1, m2, m3], 0, 1)", [[1, 2, 3, 4, 5]]),
    ("SLICE([m1, m2, m3], 2, 10)", [[_, 0, -3, 0, _]]),
    ("SLICE([m1, m2, m3], 5)", []),
    ("SLICE(SORT([m1, m2, m3], SUM, DESC), 0, 2)", [[10, _, 30, _, 50], [1, 2, 3, 4, 5]]),
    ("ANOMALY_DETECTION_BAND(m1)", [[3, 4, 5, 6, 7], [-1, 0, 1, 2, 3]]),
    ("ANOMALY_DETECTION_BAND(m1, 1)", [[2, 3, 4, 5, 6], [0, 1, 2, 3, 4]]),
    ("SEARCH('{AWS/EC2} x', 'Sum')", [[1, 2, _, _, _], [3, 4, _, _, _]]),
    ("SEARCH('x', 'p99', 300) * 2", [[2, 4, _, _, _], [6, 8, _, _, _]]),
]


@pytest.mark.parametrize(("text", "expected"), SEVERAL, ids=[text for text, _result in SEVERAL])
def test_an_expression_gives_an_array(text, expected):
    assert run(text) == [pytest.approx(one) for one in expected]


DAYS = [
    (0, 4, 1, 1, 1970),
    (951_782_400, 2, 29, 2, 2000),
    (1_704_067_199, 7, 31, 12, 2023),
    (1_704_067_200, 1, 1, 1, 2024),
    (1_798_761_599, 4, 31, 12, 2026),
]


@pytest.mark.parametrize(("timestamp", "day", "date", "month", "year"), DAYS)
def test_calendar_functions_say_the_date_in_utc(timestamp, day, date, month, year):
    environment = Request(m1=series([1], start=timestamp))
    environment.grid = Buckets(timestamp, timestamp + 60, 60)
    found = [
        evaluate(parse(f"{name}(m1)"), environment).values.tolist() for name in ("DAY", "DATE", "MONTH", "YEAR")
    ]
    assert found == [[day], [date], [month], [year]]


def test_a_search_is_asked_with_its_statistic_and_period():
    environment = request()
    evaluate(parse("SUM(SEARCH('{A/B, C} d', 'p99.9', 300)) + SUM(SEARCH(\"x 'y'\", 'Sum'))"), environment)
    assert environment.searched == [("{A/B, C} d", "p99.9", 300), ("x 'y'", "Sum", None)]


def test_the_members_of_an_array_keep_their_names():
    metric = MetricId.of("N", "loss", [("Host", "a")])
    environment = Request(
        m1=series([1], label="one", metric=metric, statistic="Sum"), m2=series([2, None, 4], label="two")
    )
    for text in (
        "METRICS()",
        "100 * METRICS()",
        "METRICS() / m2",
        "m1 - METRICS()",
        "-METRICS()",
        "FILL(METRICS(), 0)",
        "FILL(METRICS(), m1)",
        "RATE(METRICS())",
        "SLICE(METRICS(), 0)",
        "SORT(METRICS(), MAX, ASC)",
    ):
        result = evaluate(parse(text), environment)
        assert [one.label for one in result] == ["one", "two"], text
        assert (result[0].metric, result[0].statistic) == (metric, "Sum"), text
    assert evaluate(parse("m1 + m2"), environment).label == ""
    assert evaluate(parse("SUM(METRICS())"), environment).metric is None


PERIODS = [
    ("Sum", "fine + coarse", [6 + 100, 15 + 200]),
    ("SampleCount", "fine * coarse", [600, 3000]),
    ("Minimum", "coarse - fine", [99, 196]),
    ("Maximum", "fine + coarse", [103, 206]),
    ("Average", "fine + coarse", [102, 205]),
    (None, "SUM([fine, coarse])", [102, 205]),
    ("p99", "IF(coarse > 150, fine, coarse)", [100, 5]),
    ("Sum", "FILL(late, fine)", [6, 7]),
    ("Sum", "coarse > fine", [1, 1]),
]


@pytest.mark.parametrize(("statistic", "text", "expected"), PERIODS)
def test_different_periods_meet_at_the_larger_by_the_statistic(statistic, text, expected):
    environment = Request(
        fine=series([1, 2, 3, 4, 5, 6], statistic=statistic), coarse=series([100, 200], period=180)
    )
    environment.values["late"] = series([None, 7], period=180)
    environment.grid = Buckets(GRID.start, GRID.start + 360, 60)
    result = evaluate(parse(text), environment)
    assert result.period == 180
    assert points(result, count=2) == pytest.approx(expected)


def test_periods_of_which_none_is_a_multiple_meet_at_their_common_multiple():
    environment = Request(a=series([1, 2, 3], period=20, statistic="Sum"), b=series([10, 20], period=30))
    result = evaluate(parse("a + b"), environment)
    assert (result.period, result.timestamps.tolist(), result.values.tolist()) == (60, [GRID.start], [21])


def test_periods_without_a_common_multiple_of_a_day_are_refused():
    environment = Request(a=series([1], period=86400), b=series([1], period=420))
    with pytest.raises(InvalidExpression, match=r"420, 86400 seconds have no common period"):
        evaluate(parse("a + b"), environment)


def test_a_series_off_the_grid_is_met_where_it_has_points():
    environment = Request(a=series([1, 2, 3], start=GRID.start + 7), b=series([10, 20]))
    total = evaluate(parse("a + b"), environment)
    start = GRID.start
    assert total.timestamps.tolist() == [start, start + 7, start + 60, start + 67, start + 127]
    assert total.values.tolist() == [10, 1, 20, 2, 3]
    filled = evaluate(parse("FILL(a, 0)"), environment)
    assert filled.timestamps.tolist() == [start + 7 + 60 * slot for slot in range(5)]
    assert filled.values.tolist() == [1, 2, 3, 0, 0]


def test_a_point_before_the_range_stays_where_it_is():
    environment = Request(a=series([1, None, 3], start=GRID.start - 60))
    filled = evaluate(parse("FILL(a, 0)"), environment)
    assert filled.timestamps[0] == GRID.start - 60
    assert filled.values.tolist() == [1, 0, 3, 0, 0, 0]


REFUSED = [
    (
        "[m1, m2] - [m1, m2]",
        r"Unsupported operand type\(s\) for -: '\[Array\[TimeSeries\], Array\[TimeSeries\]\]'",
    ),
    ("[m1] > [m2]", r"Unsupported operand type\(s\) for >"),
    ("[m1, 5]", "an array .* takes time series and arrays, not scalars; TIME_SERIES"),
    ("SUM(5)", "argument 1 of SUM must be a time series or an array of time series, not Scalar"),
    ("ABS(5)", "argument 1 of ABS must be a time series or an array"),
    ("FILL(5, 1)", "argument 1 of FILL must be a time series or an array"),
    ("FILL(m1, [m2])", "FILL takes a scalar, a time series, REPEAT or LINEAR"),
    ("METRIC_COUNT(m1)", "argument 1 of METRIC_COUNT must be an array of time series, not TimeSeries"),
    ("FIRST(m1)", "argument 1 of FIRST must be an array"),
    ("REMOVE_EMPTY(m1)", "argument 1 of REMOVE_EMPTY must be an array"),
    ("SORT(m1, AVG, ASC)", "argument 1 of SORT must be an array"),
    ("SORT([m1], AVG, ASC, m1)", "argument 4 of SORT must be a scalar, not TimeSeries"),
    ("SORT([m1], AVG, ASC, 1.5)", "SORT takes whole numbers from 0 on, not 1.5"),
    ("SLICE([m1], -1)", "SLICE takes whole numbers from 0 on, not -1"),
    ("SLICE([m1], 0, AVG(none))", "SLICE takes whole numbers from 0 on, not nan"),
    ("TIME_SERIES(m1)", "argument 1 of TIME_SERIES must be a scalar, not TimeSeries"),
    ("HOUR([m1])", r"argument 1 of HOUR must be a time series, not Array\[TimeSeries\]"),
    ("IF([m1], 1, 2)", "IF takes time series and scalars, not an array"),
    ("IF(m1, [m2])", "IF takes time series and scalars, not an array"),
    ("ANOMALY_DETECTION_BAND(all)", "argument 1 of ANOMALY_DETECTION_BAND must be a time series"),
    ("ANOMALY_DETECTION_BAND(m1, 0)", "the number of deviations must be above 0"),
    ("ANOMALY_DETECTION_BAND(m1, m1)", "argument 2 of ANOMALY_DETECTION_BAND must be a scalar"),
    ("nosuch + 1", "there is no nosuch"),
    (
        "INSIGHT_RULE_METRIC('rule', 'Sum')",
        "INSIGHT_RULE_METRIC cannot be answered: there are no Contributor Insights",
    ),
    ("m1/SERVICE_QUOTA(m1)*100", "SERVICE_QUOTA cannot be answered: there are no AWS service quotas"),
    ("DB_PERF_INSIGHTS('RDS', 'db-A', 'os.x.avg')", "DB_PERF_INSIGHTS cannot be answered"),
    ("LAMBDA('source', 'metric', 5)", "LAMBDA cannot be answered"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_an_expression_that_cannot_be_evaluated_says_why(text, message):
    environment = request()
    environment.values["all"] = [series([1]), series([2])]
    with pytest.raises(InvalidExpression, match=message):
        evaluate(parse(text), environment)


@pytest.mark.parametrize(
    "text", ["5", "AVG(m1)", "1 + 2 * 3", "PERIOD(m1)", "METRIC_COUNT(METRICS())", "IF(1, 2, 3)"]
)
def test_a_scalar_is_no_final_result(text):
    result = evaluate(parse(text), request())
    assert isinstance(result, float)
    with pytest.raises(InvalidExpression, match=r"must be a time series or an array of time series, not a scalar"):
        returned(result)


def test_series_are_final_results():
    one = series([1])
    assert returned(one) == [one]
    assert returned([one, one]) == [one, one]
