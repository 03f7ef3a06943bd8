"""Alarms tried on what is stored: they say what the alarm at work would have done."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.model.aws_error import AwsError
from epochwatch.services.cloudwatch.alarm_back_test import back_test
from tests.alarms.conftest import NOON, Lab

USUAL = {
    "AlarmName": "tried",
    "Namespace": "lab",
    "MetricName": "temperature",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 21.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
MINUTES = 12


def tried(lab: Lab, minutes: int = MINUTES, **more):
    request = {key: value for key, value in (USUAL | more).items() if value is not None}
    return lab(lambda call, _: {"found": back_test(call, request, minutes * 60)})["found"]


def test_it_tells_how_often_an_alarm_would_have_gone_off_and_when(lab: Lab):
    lab.put({-600 + 60 * minute: 30.0 if minute in (2, 3, 7) else 10.0 for minute in range(10)})
    lab.now = NOON + 10
    found = tried(lab)
    assert found.alarms == 2
    times = [(turn.time - NOON, turn.state.value) for turn in found.turns]
    assert times == [
        (-720, "INSUFFICIENT_DATA"), (-540, "OK"), (-420, "ALARM"), (-300, "OK"), (-120, "ALARM"), (-60, "OK"),
    ]  # fmt: skip
    assert [one.value for one in found.series[0]][2:4] == [30.0, 30.0]


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    values=st.lists(st.sampled_from([None, 10.0, 21.0, 30.0]), min_size=MINUTES, max_size=MINUTES),
    periods=st.integers(1, 4),
    missing=st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
    data=st.data(),
)
def test_it_tells_what_the_alarm_at_work_does(stores, values, periods, missing, data):
    needed = data.draw(st.integers(1, periods))
    more = {"EvaluationPeriods": periods, "DatapointsToAlarm": needed, "TreatMissingData": missing}
    lab = Lab(stores)
    lab.now = NOON - 10_000.0
    lab.alarm("hot", **more)
    start = -60 * MINUTES
    lab.put({start + 60 * minute: value for minute, value in enumerate(values) if value is not None})
    for minute in range(1, MINUTES + 1):
        lab.run(start + 60 * minute + 59)
    found = tried(lab, MINUTES - 1, **more)
    assert found.turns[-1].state.value == lab.state()
    assert found.alarms == lab.transitions().count("ALARM")


def test_bands_and_expressions_are_tried_too(lab: Lab):
    lab.put({-600 + 60 * minute: float(minute) for minute in range(10)})
    lab.now = NOON + 10
    stat = {"Metric": {"Namespace": "lab", "MetricName": "temperature"}, "Period": 60, "Stat": "Average"}
    queries = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 10", "ReturnData": True},
    ]
    single = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
    found = tried(lab, **single, Metrics=queries, Threshold=55.0)
    assert (found.period, found.alarms) == (60, 1)


def test_what_cannot_be_an_alarm_is_refused_as_putting_it_is(lab: Lab):
    with pytest.raises(AwsError, match="ComparisonOperator"):
        tried(lab, ComparisonOperator=None)
