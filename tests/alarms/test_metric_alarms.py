"""Alarms on metrics, evaluated over real stores."""

import json

import pytest

from epochwatch.alarms.rounds import Rounds
from epochwatch.services.cloudwatch.alarms import disable_alarm_actions
from epochwatch.services.cloudwatch.anomaly_detectors import put_anomaly_detector
from tests.alarms.conftest import NOON, Lab

TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"
SINGLE = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))


def of(metric, id, *, returned=False, stat="Average", period=60):
    return {
        "Id": id,
        "MetricStat": {"Metric": {"Namespace": "lab", "MetricName": metric}, "Period": period, "Stat": stat},
        "ReturnData": returned,
    }


def test_an_alarm_goes_off_and_out_and_says_why(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC], OKActions=[f"{TOPIC}-ok"], Unit="Count")
    lab.put({-30: 20.0, 15: 21.0, 45: 22.0, 75: 20.5}, unit="Count")
    lab.run(10)
    lab.run(65)
    assert lab.state() == "ALARM"
    alarm = lab.described()
    assert alarm["StateReason"] == (
        "Threshold Crossed: 1 datapoint [21.5 (26/02/26 10:00:00)] was greater than the threshold (21.0)."
    )
    data = json.loads(alarm["StateReasonData"])
    assert data["recentDatapoints"] == [21.5]
    assert data["evaluatedDatapoints"] == [
        {"timestamp": "2026-02-26T10:00:00.000+0000", "sampleCount": 2.0, "value": 21.5}
    ]
    assert (data["unit"], data["statistic"], data["period"]) == ("Count", "Average", 60)
    assert alarm["StateTransitionedTimestamp"] == NOON + 65
    lab.run(125)
    assert lab.transitions() == ["OK", "ALARM", "OK"]
    assert lab.actions() == [(f"{TOPIC}-ok", "OK"), (TOPIC, "ALARM"), (f"{TOPIC}-ok", "OK")]


def test_a_period_is_looked_at_when_it_is_over_and_settled(lab: Lab):
    lab.alarm()
    lab.put({5: 30.0})
    for moment in (20, 50, 64):
        lab.run(moment)
        assert lab.state() == "INSUFFICIENT_DATA"
    lab.run(65)
    lab.run(120)
    assert lab.state() == "ALARM"


def test_so_many_of_so_many_datapoints_must_breach(lab: Lab):
    lab.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    lab.put({-170: 30.0, -110: 10.0, -50: 10.0})
    lab.run(10)
    assert lab.state() == "OK"
    lab.put({10: 30.0})
    lab.run(70)
    assert lab.state() == "OK"
    lab.put({70: 30.0})
    lab.run(130)
    assert lab.state() == "ALARM"
    assert lab.described()["StateReason"].startswith("Threshold Crossed: 2 out of the last 3 datapoints [")


def test_missing_datapoints_are_treated_as_the_alarm_says(lab: Lab):
    for treatment in ("missing", "ignore", "breaching", "notBreaching"):
        lab.alarm(treatment, TreatMissingData=treatment, MetricName="absent")
    lab.set("ignore", "ALARM")
    lab.run(10)
    assert [lab.state(one) for one in ("missing", "ignore", "breaching", "notBreaching")] == [
        "INSUFFICIENT_DATA", "ALARM", "ALARM", "OK",
    ]  # fmt: skip
    assert lab.described("breaching")["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
        "[Breaching]."
    )


def test_an_alarm_of_short_periods_is_evaluated_every_ten_seconds(lab: Lab):
    lab.alarm(Period=10)
    lab.put({-5: 30.0, 5: 20.0, 15: 30.0})
    for moment in (9.9, 19.9, 29.9):
        lab.run(moment)
    assert lab.transitions() == ["ALARM", "OK", "ALARM"]


def test_short_periods_of_a_day_look_at_what_is_kept_of_it(lab: Lab):
    lab.alarm(Period=10, EvaluationPeriods=8640, DatapointsToAlarm=1)
    lab.put({-5: 30.0})
    lab.run(10)
    assert lab.state() == "ALARM"


def test_long_periods_move_on_by_the_minute(lab: Lab):
    lab.alarm(Period=3600, Statistic="Sum", Threshold=59.5)
    lab.put({60 * minute - 3600: 1.0 for minute in range(90)})
    lab.run(10)
    assert lab.state() == "ALARM"
    lab.put({-3590: -1.0})
    lab.run(70)
    assert lab.state() == "ALARM"


def test_a_percentile_of_too_few_values_changes_nothing_where_that_is_asked_for(lab: Lab):
    for treatment in ("ignore", "evaluate"):
        lab.alarm(treatment, Statistic=None, ExtendedStatistic="p90", EvaluateLowSampleCountPercentile=treatment)
    lab.put(dict.fromkeys(range(20), 30.0))
    lab.run(70)
    assert [lab.state("ignore"), lab.state("evaluate")] == ["INSUFFICIENT_DATA", "ALARM"]
    lab.put({60 + second / 2: 30.0 for second in range(110)})
    lab.put({60 + second / 2: 30.0 for second in range(110)})
    lab.run(130)
    assert lab.state("ignore") == "ALARM"


def test_an_alarm_on_an_expression_is_computed_from_its_metrics(lab: Lab):
    ratio = {"Id": "e", "Expression": "100 * errors / requests"}
    lab.alarm(Metrics=[of("e", "errors", stat="Sum"), of("r", "requests", stat="Sum"), ratio], **SINGLE)
    lab.put({5: 1.0, 65: 2.0}, "e")
    lab.put({5: 8.0, 65: 4.0}, "r")
    lab.run(67)
    assert lab.state() == "OK"
    lab.run(127)
    assert lab.state() == "ALARM"
    assert "[50.0 (26/02/26 10:01:00)]" in lab.described()["StateReason"]


def test_an_alarm_on_a_band_tells_the_band(lab: Lab):
    level = {-60 * minute: 20.0 + minute % 2 for minute in range(1, 300)}
    lab.put(level | {5: 90.0})
    band = {"Id": "t", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"}
    lab.alarm(
        Metrics=[of("temperature", "m", returned=True), band], ThresholdMetricId="t", Threshold=None,
        ComparisonOperator="GreaterThanUpperThreshold", **SINGLE,
    )  # fmt: skip
    lab.run(10)
    assert lab.state() == "OK"
    lab.run(70)
    assert lab.state() == "ALARM"
    alarm = lab.described()
    assert alarm["StateReason"].startswith(
        "Thresholds Crossed: 1 datapoint [90.0 (26/02/26 10:00:00)] was greater"
    )
    assert json.loads(alarm["StateReasonData"])["recentUpperThresholds"][0] < 90


@pytest.mark.parametrize(("comparison", "value", "state"), [
    ("GreaterThanUpperThreshold", 60.0, "ALARM"),
    ("LessThanLowerThreshold", 60.0, "OK"),
    ("LessThanLowerOrGreaterThanUpperThreshold", 1.0, "ALARM"),
    ("LessThanLowerOrGreaterThanUpperThreshold", 20.5, "OK"),
])  # fmt: skip
def test_the_band_is_that_of_the_metrics_detector(lab: Lab, comparison: str, value: float, state: str):
    level = {-60 * minute: 20.0 + minute % 2 for minute in range(1, 300)}
    outage = {-60 * minute: 95.0 for minute in range(60, 120)}
    lab.put(level | outage | {5: value})
    outage_range = {"StartTime": lab.now - 120 * 60, "EndTime": lab.now - 59 * 60}
    lab(
        put_anomaly_detector,
        SingleMetricAnomalyDetector={"Namespace": "lab", "MetricName": "temperature", "Stat": "Average"},
        Configuration={"ExcludedTimeRanges": [outage_range]},
    )
    band = {"Id": "t", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"}
    lab.alarm(
        Metrics=[of("temperature", "m", returned=True), band], ThresholdMetricId="t", Threshold=None,
        ComparisonOperator=comparison, **SINGLE,
    )  # fmt: skip
    lab.run(70)
    assert lab.state() == state


def test_a_day_by_the_clock_is_the_time_zones_day(lab: Lab):
    window = {"WallClockWindow": {"Timezone": "+03:00"}}
    lab.alarm("clock", Period=86400, Statistic="Sum", EvaluationWindow=window)
    lab.alarm("sliding", Period=86400, Statistic="Sum")
    lab.put({-13 * 3600 - 60: 30.0})  # 26 February 10:00 UTC is 13:00 there: before midnight
    lab.put({-12 * 3600: -30.0})
    lab.run(10)
    assert [lab.state("clock"), lab.state("sliding")] == ["ALARM", "OK"]


def test_a_warming_alarm_is_not_evaluated(lab: Lab):
    for name, whole in (("early", False), ("whole", True)):
        warm_up = {"WarmUpPeriodDurationInMinutes": 10, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": whole}
        lab.alarm(name, WarmUpConfiguration=warm_up, TreatMissingData="breaching")
    lab.run(70)
    assert [lab.state("early"), lab.state("whole")] == ["INSUFFICIENT_DATA"] * 2
    lab.put({65: 30.0})
    lab.run(130)
    assert [lab.state("early"), lab.state("whole")] == ["ALARM", "INSUFFICIENT_DATA"]
    lab.run(610)
    assert lab.state("whole") == "ALARM"


def test_a_query_that_cannot_be_computed_any_more_is_told(lab: Lab):
    lab.alarm(Metrics=[{"Id": "e", "Expression": "SELECT MAX(temperature) FROM lab", "Period": 60}], **SINGLE)
    lab.put({5: 30.0})
    lab.run(70)
    assert lab.state() == "ALARM"
    assert "EvaluationState" not in lab.described()


def test_a_disabled_alarm_changes_its_state_and_does_nothing(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    lab(disable_alarm_actions, AlarmNames=["hot"])
    lab.put({5: 30.0})
    lab.run(70)
    assert lab.state() == "ALARM"
    assert lab.actions() == []


def test_a_state_set_by_hand_holds_until_the_next_evaluation(lab: Lab):
    lab.alarm()
    lab.put({5: 20.0, 65: 20.0})
    lab.run(70)
    lab.set("hot", "ALARM")
    assert lab.state() == "ALARM"
    lab.run(130)
    assert lab.transitions() == ["OK", "ALARM", "OK"]


def test_a_new_alarm_is_evaluated_in_the_next_round(lab: Lab):
    lab.run(70)
    lab.put({5: 30.0})
    lab.alarm()
    lab.run(71)
    assert lab.state() == "ALARM"


def test_nothing_is_recorded_twice_nor_skipped_by_a_server_that_starts_again(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    lab.put({5: 30.0})
    lab.run(70)
    lab.rounds = Rounds(lab.stores)
    lab.run(80)
    assert lab.transitions() == ["ALARM"]
    lab.put({300: 20.0})
    lab.rounds = Rounds(lab.stores)
    lab.run(370)
    assert lab.transitions() == ["ALARM", "OK"]
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_two_servers_record_a_transition_once(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    lab.put({5: 30.0})
    other = Rounds(lab.stores)
    lab.run(70)
    other.run(lab.now)
    assert lab.transitions() == ["ALARM"]
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_a_promql_alarm_waits_until_a_series_breaches_for_long_enough(lab: Lab):
    criteria = {"PromQLCriteria": {"Query": "temperature > 21", "PendingPeriod": 60, "RecoveryPeriod": 60}}
    plain = dict.fromkeys((*SINGLE, "EvaluationPeriods", "Threshold", "ComparisonOperator"))
    lab.alarm(EvaluationCriteria=criteria, EvaluationInterval=60, **plain)
    lab.put({5: 30.0, 65: 30.0, 125: 30.0, 185: 20.0, 245: 20.0, 305: 20.0})
    for moment in (10, 70, 130, 190, 250, 310):
        lab.run(moment)
    assert lab.transitions() == ["ALARM", "OK"]
