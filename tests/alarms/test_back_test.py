"""Alarms tried on what is stored: they say what the alarm at work would have done."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.model.aws_error import AwsError
from epochwatch.services.cloudwatch.alarm_back_test import back_test, sweep
from epochwatch.services.cloudwatch.composite_back_test import back_test_composite
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
    assert [one.value for one in found.series[0].observations if one][2:4] == [30.0, 30.0]


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


def test_it_tells_which_datapoint_set_it_off(lab: Lab):
    lab.put({-600 + 60 * minute: 20.0 + 2 * (minute == 4) for minute in range(10)})
    lab.now = NOON + 10
    [alarmed] = [turn for turn in tried(lab).turns if turn.state.value == "ALARM"]
    assert (alarmed.trigger.timestamp, alarmed.trigger.value) == (NOON - 360, 22.0)
    for turn in tried(lab, TreatMissingData="breaching", Threshold=1e6).turns:
        assert turn.trigger is None


def swept(lab: Lab, **more):
    request = {key: value for key, value in (USUAL | more).items() if value is not None}
    return dict(lab(lambda call, _: {"found": sweep(call, request, MINUTES * 60)})["found"])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(-5, 50), min_size=3, max_size=10), periods=st.integers(1, 3))
def test_a_sweep_tells_of_each_threshold_what_trying_it_tells(stores, values, periods):
    lab = Lab(stores)
    lab.put({-600 + 60 * minute: value for minute, value in enumerate(values)})
    lab.now = NOON + 10
    found = swept(lab, EvaluationPeriods=periods)
    assert list(found) == sorted(found)
    assert min(found) <= min(values)
    assert found[max(found)] == 0
    for threshold in list(found)[::5]:
        assert tried(lab, Threshold=threshold, EvaluationPeriods=periods).alarms == found[threshold]


def test_a_sweep_of_a_band_tries_its_widths_and_one_of_nothing_tries_nothing(lab: Lab):
    stat = {"Metric": {"Namespace": "lab", "MetricName": "temperature"}, "Period": 60, "Stat": "Average"}
    banded = {
        **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period", "Threshold")),
        "Metrics": [
            {"Id": "m1", "MetricStat": stat, "ReturnData": True},
            {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1)", "ReturnData": True},
        ],
        "ThresholdMetricId": "ad1",
        "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
    }
    assert swept(lab) == {}
    lab.put({-12_000 + 60 * minute: 20.0 + minute % 5 + 100 * (minute == 195) for minute in range(200)})
    lab.now = NOON + 10
    found = swept(lab, **banded)
    assert found[0.5] >= found[10.0] == 1
    assert all(found[narrow] >= found[wide] for narrow, wide in zip(found, list(found)[1:], strict=False))


def test_a_composite_alarm_is_tried_on_what_its_children_did(lab: Lab):
    def tried_rule(rule: str, seconds: int = 3600):
        request = {"AlarmName": "both", "AlarmRule": rule}
        return lab(lambda call, _: {"found": back_test_composite(call, request, seconds)})["found"]

    lab.now = NOON - 4000
    for name in ("hot", "wet"):
        lab.alarm(name)
        lab.set(name, "OK")
    for after, name, state in ((-1800, "hot", "ALARM"), (-1500, "wet", "ALARM"), (-900, "hot", "OK")):
        lab.now = NOON + after
        lab.set(name, state)
    lab.now = NOON
    found = tried_rule("ALARM(hot) AND ALARM(wet)")
    assert [(turn.time - NOON, turn.state.value, turn.cause) for turn in found.turns] == [
        (-3600, "OK", ""), (-1500, "ALARM", "wet"), (-900, "OK", "hot"),
    ]  # fmt: skip
    assert [(turn.time - NOON, turn.state.value) for turn in found.children["wet"]] == [
        (-3600, "OK"), (-1500, "ALARM"),
    ]  # fmt: skip
    assert tried_rule("ALARM(hot) AND ALARM(wet)", 1200).turns[0].state.value == "ALARM"
    assert tried_rule("ALARM(deleted)").alarms == 0
    with pytest.raises(AwsError, match="AlarmRule"):
        tried_rule("ALARM(hot) AND")


def test_an_alarm_on_promql_is_tried_at_each_of_its_evaluations(lab: Lab):
    lab.put({-600 + 60 * minute: 30.0 if 3 <= minute < 6 else 10.0 for minute in range(10)})
    lab.now = NOON + 10

    def tried_query(query: str, pending: int = 0):
        criteria = {"PromQLCriteria": {"Query": query, "PendingPeriod": pending}}
        request = {"AlarmName": "q", "EvaluationCriteria": criteria, "EvaluationInterval": 60}
        return lab(lambda call, _: {"found": back_test(call, request, 900)})["found"]

    found = tried_query("temperature > 21")
    assert found.alarms == 1
    [alarmed] = [turn for turn in found.turns if turn.state.value == "ALARM"]
    assert alarmed.trigger.value == 30.0
    assert alarmed.cause == found.series[0].label
    assert tried_query("temperature > 21", pending=600).alarms == 0
    for bad in ("1 + 1", "temperature >"):
        with pytest.raises(AwsError, match=r"[Qq]uery"):
            tried_query(bad)
