"""Labels of series, as tables of (label, what is shown)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.labels import (
    InvalidLabel,
    check,
    default_labels,
    parse_timezone,
    properties_of,
    render,
    series_labels,
)
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import TimeSeries

NOON = 1_767_268_800  # 1 January 2026, 12:00:00 UTC
NOW = NOON + 3600
LOSS = MetricId.of("/aws/sagemaker/TrainingJobs", "loss", [("TrainingJobName", "digits"), ("Host", "algo-1")])


def series(values, metric=LOSS, statistic="Average", label="", period=60):
    timestamps = NOON + period * np.arange(len(values), dtype=np.int64)
    return TimeSeries(timestamps, np.array(values, np.float64), period, label, metric, statistic)


FOUR = series([2.5, -1, 8, 0.125])
PROPERTIES = properties_of(FOUR, account_id="123456789012", region="eu-west-1")

RENDERED = [
    ("loss", "loss"),
    ("", ""),
    ("costs $5, {not} dynamic $ {LABEL}", "costs $5, {not} dynamic $ {LABEL}"),
    ("${LABEL}", "default"),
    ("a ${LABEL} b", "a default b"),
    ("${AVG}", "2.40625"),
    ("${SUM}", "9.625"),
    ("${MIN}", "-1"),
    ("${MAX}", "8"),
    ("${FIRST}", "2.5"),
    ("${LAST}", "0.125"),
    ("${DATAPOINT_COUNT}", "4"),
    ("${FIRST_LAST_RANGE}", "-2.375"),
    ("${MIN_MAX_RANGE}", "9"),
    ("${FIRST_TIME}", "2026-01-01 12:00:00 UTC"),
    ("${LAST_TIME}", "2026-01-01 12:03:00 UTC"),
    ("${MIN_TIME}", "2026-01-01 12:01:00 UTC"),
    ("${MAX_TIME}", "2026-01-01 12:02:00 UTC"),
    ("${FIRST_LAST_TIME_RANGE}", "2026-01-01 12:00:00 UTC - 2026-01-01 12:03:00 UTC"),
    ("${MIN_MAX_TIME_RANGE}", "2026-01-01 12:01:00 UTC - 2026-01-01 12:02:00 UTC"),
    ("${FIRST_TIME_RELATIVE}", "1h"),
    ("${LAST_TIME_RELATIVE}", "57m"),
    ("${MIN_TIME_RELATIVE}", "59m"),
    ("${MAX_TIME_RELATIVE}", "58m"),
    ("${PROP('MetricName')}", "loss"),
    ("${PROP('Namespace')}", "/aws/sagemaker/TrainingJobs"),
    ("${PROP('Dim.TrainingJobName')}", "digits"),
    ("${PROP('Dim.Host')}", "algo-1"),
    ("${PROP('Dim.host')}", "--"),
    ("${PROP('Dim.No such')}", "--"),
    ("${PROP('Period')}", "60"),
    ("${PROP('Stat')}", "Average"),
    ("${PROP('AccountId')}", "123456789012"),
    ("${PROP('AccountLabel')}", "123456789012"),
    ("${PROP('Region')}", "eu-west-1"),
    ("[max: ${MAX} Errors for Function Name ${LABEL}]", "[max: 8 Errors for Function Name default]"),
    ("${MIN}${MAX}", "-18"),
    ("${PROP('Dim.Host')}/${LAST} ${LAST}", "algo-1/0.125 0.125"),
    ("${AVG} ${SUM} ${MIN} ${MAX} ${LAST} ${PROP('Stat')} ${LABEL}", "2.40625 9.625 -1 8 0.125 Average default"),
]


@pytest.mark.parametrize(("label", "expected"), RENDERED)
def test_a_label_is_rendered(label, expected):
    assert render(label, "default", FOUR, PROPERTIES, None, now=NOW) == expected


EMPTY = [
    ("${LAST} ${AVG} ${SUM}", "-- -- --"),
    ("${LAST_TIME} ${LAST_TIME_RELATIVE}", "-- --"),
    ("${DATAPOINT_COUNT}", "0"),
    ("${LABEL} ${PROP('Stat')}", "default p99"),
    ("${PROP('MetricName')}", "--"),
]


@pytest.mark.parametrize(("label", "expected"), EMPTY)
def test_a_series_without_points_has_no_values(label, expected):
    nothing = series([], metric=None, statistic="p99")
    properties = properties_of(nothing, account_id="1", region="r")
    assert render(label, "default", nothing, properties, None, now=NOW) == expected


NUMBERS = [
    (0.0, "0"),
    (-0.0, "0"),
    (1e6, "1000000"),
    (123456789.0, "123456789"),
    (1234567.891, "1234568"),
    (123456.789, "123457"),
    (1 / 3, "0.333333"),
    (1e-9, "1e-09"),
    (1e20, "1e+20"),
    (-2.5, "-2.5"),
]


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_numbers_are_whole_or_have_six_digits(value, expected):
    assert render("${LAST}", "", series([value]), {}, None, now=NOW) == expected


ZONES = [
    (None, "2026-01-01 12:00:00 UTC"),
    ("+0000", "2026-01-01 12:00:00 UTC"),
    ("+0130", "2026-01-01 13:30:00 UTC+01:30"),
    ("-0930", "2026-01-01 02:30:00 UTC-09:30"),
    ("+1400", "2026-01-02 02:00:00 UTC+14:00"),
]


@pytest.mark.parametrize(("zone", "expected"), ZONES)
def test_times_are_shown_in_the_zone_asked_for(zone, expected):
    assert render("${FIRST_TIME}", "", FOUR, {}, zone, now=NOW) == expected


@pytest.mark.parametrize("zone", ["", "0130", "+130", "+01:30", "UTC", "Z", "+2400", "+0160", "+٠١٣٠", "+0130 "])
def test_a_text_that_is_no_zone_is_refused(zone):
    with pytest.raises(InvalidLabel, match="is no time zone: it must be"):
        parse_timezone(zone)


AGES = [
    (0, "0s"),
    (59.9, "59s"),
    (60, "1m"),
    (61, "1m 1s"),
    (3600, "1h"),
    (3661, "1h 1m"),
    (3601, "1h"),
    (86400 * 3 + 4 * 3600 + 59, "3d 4h"),
    (-90, "1m 30s"),
]


@pytest.mark.parametrize(("age", "expected"), AGES)
def test_relative_times_have_the_two_largest_units(age, expected):
    assert render("${LAST_TIME_RELATIVE}", "", series([1]), {}, None, now=NOON + age) == expected


WRONG = [
    ("${MEDIAN}", r"\$\{MEDIAN\} is no dynamic part of a label; it can be LABEL, AVG, "),
    ("x ${}", r"'\$\{\}' is no dynamic part"),
    ("${last}", r"'\$\{last\}' is no dynamic part"),
    ("${ LAST }", "is no dynamic part"),
    ("${LAST", r"'\$\{LAST' is no dynamic part"),
    ("${PROP(MetricName)}", "is no dynamic part"),
    ("${PROP('')}", "is no dynamic part"),
    ("${PROP('metricname')}", "there is no property 'metricname'; it can be Dim.<dimension name>, AccountId"),
    ("${PROP('Host')}", "there is no property 'Host'"),
    ("${LABEL} ${LABEL}", r"\$\{LABEL\} may stand in a label only once"),
    ("${LAST}" * 7, "a label may hold 6 dynamic values at most"),
]


@pytest.mark.parametrize(("label", "message"), WRONG)
def test_a_label_with_an_unknown_part_is_refused(label, message):
    with pytest.raises(InvalidLabel, match=message):
        check(label)
    with pytest.raises(InvalidLabel, match=message):
        render(label, "default", FOUR, PROPERTIES, None, now=NOW)


def job(name, metric="loss", namespace="N", **more):
    return MetricId.of(namespace, metric, [("TrainingJobName", name), *more.items()])


DEFAULTS = [
    ([(job("a"), "Sum")], ["loss"]),
    ([(job("a"), "Sum"), (job("b"), "Sum")], ["a", "b"]),
    ([(job("a"), "Sum"), (job("a", "acc"), "Sum")], ["loss", "acc"]),
    ([(job("a"), "Sum"), (job("b", "acc"), "Sum")], ["loss a", "acc b"]),
    ([(job("a", Host="1"), "Sum"), (job("b", Host="1"), "Sum")], ["a", "b"]),
    ([(job("a", Host="1"), "Sum"), (job("b", Host="2"), "Sum")], ["1 a", "2 b"]),
    ([(job("a"), "Sum"), (job("a", Host="2"), "Sum")], ["loss", "2"]),
    ([(job("a"), "Sum"), (job("a", namespace="M"), "Sum")], ["N", "M"]),
    ([(job("a"), "Sum"), (job("b", namespace="M"), "Sum")], ["a", "b"]),
    ([(job("a"), "Sum"), (job("a"), "p99")], ["Sum", "p99"]),
    ([(job("a"), "Sum"), (job("b"), "p99"), (job("a"), "p99")], ["a Sum", "b p99", "a p99"]),
    ([(job("a"), "Sum"), (job("a"), "Sum")], ["loss", "loss"]),
    ([], []),
]


@pytest.mark.parametrize(("metrics", "expected"), DEFAULTS)
def test_series_are_called_by_what_tells_them_apart(metrics, expected):
    assert default_labels([series([1], metric, statistic) for metric, statistic in metrics]) == expected


def test_a_series_with_a_label_of_its_own_keeps_it():
    mixed = [series([1], job("a"), label="mine"), series([1], job("b")), series([1], job("c")), series([1], None)]
    assert default_labels(mixed) == ["mine", "b", "c", ""]


OF_ARRAYS = [
    (None, ["a", "b"]),
    ("", ["a", "b"]),
    ("Filled With 0:", ["Filled With 0: a", "Filled With 0: b"]),
    ("${LABEL}", ["a", "b"]),
    ("[max: ${MAX}] ${LABEL}", ["[max: 3] a", "[max: 7] b"]),
    ("job=${PROP('Dim.TrainingJobName')}", ["job=a", "job=b"]),
    ("${PROP('Region')} ${PROP('AccountId')} ${LAST}", ["eu-west-1 1 3", "eu-west-1 1 7"]),
]


@pytest.mark.parametrize(("label", "expected"), OF_ARRAYS)
def test_the_label_of_an_expression_applies_to_each_series_it_gives(label, expected):
    several = [series([1, 3], job("a")), series([7], job("b"))]
    labels = series_labels(label, several, account_id="1", region="eu-west-1", timezone=None, now=NOW)
    assert labels == expected


def test_a_wrong_label_of_an_expression_is_refused_even_without_series():
    with pytest.raises(InvalidLabel, match="MEDIAN"):
        series_labels("${MEDIAN}", [], account_id="1", region="r", timezone=None, now=NOW)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("${}LABEST_PROP('Dim.x') ", max_size=40)))
def test_any_text_is_a_label_or_refused_and_stays_itself_without_dynamic_parts(label):
    try:
        shown = render(label, "default", FOUR, PROPERTIES, None, now=NOW)
    except InvalidLabel:
        return
    assert (shown == label) is ("${" not in label)
