"""Alarms in one line: what each phrase means, where a wrong one is wrong, and what CloudWatch is asked for."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.alarm.phrase import Form, InvalidPhrase, parse
from epochwatch.model.alarm.training import metric_alarm

ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"
AT_LEAST, AT_MOST = "GreaterThanOrEqualToThreshold", "LessThanOrEqualToThreshold"
USUAL = {
    "metric": "loss", "dimensions": (), "statistic": "Average", "form": Form.THRESHOLD, "comparison": ABOVE,
    "amount": 2.0, "relative": False, "needed": 1, "periods": 1, "period": 60, "host": None,
}  # fmt: skip

THRESHOLDS: list[tuple[str, dict[str, Any]]] = [
    ("loss > 2", {}),
    ("loss>2", {}),
    ("  loss   >  2 ", {}),
    ("loss is above 2", {}),
    ("loss above 2", {}),
    ("loss >= 2", {"comparison": AT_LEAST}),
    ("loss < 2", {"comparison": BELOW}),
    ("loss is below 2", {"comparison": BELOW}),
    ("loss <= -.5e-3", {"comparison": AT_MOST, "amount": -0.0005}),
    ("validation:loss > 2 for 3 of 5", {"metric": "validation:loss", "needed": 3, "periods": 5}),
    ("loss > 2 for 3", {"needed": 3, "periods": 3}),
    ("loss > 2 for 10m", {"needed": 10, "periods": 10}),
    ("loss > 2 for 10 minutes", {"needed": 10, "periods": 10}),
    ("loss > 2 for 1 hour every 5m", {"needed": 12, "periods": 12, "period": 300}),
    ("loss > 2 every 30s for 2 of 3", {"needed": 2, "periods": 3, "period": 30}),
    ("loss > 2 EVERY 10 Seconds", {"period": 10}),
    ("loss max > 2", {"statistic": "Maximum"}),
    ("loss mean > 2", {}),
    ("loss Sum > 2", {"statistic": "Sum"}),
    ("loss count > 2", {"statistic": "SampleCount"}),
    ("loss p99.9 > 2", {"statistic": "p99.9"}),
    ("loss TM(10%:90%) > 2", {"statistic": "TM(10%:90%)"}),
    ("GPUUtilization < 5%", {"metric": "GPUUtilization", "comparison": BELOW, "amount": 5.0}),
    ("GPUUtilization < 5 %", {"metric": "GPUUtilization", "comparison": BELOW, "amount": 5.0}),
    ("JobMemory > 20 GiB", {"metric": "JobMemory", "amount": 20.0 * 2**30}),
    ("DiskWrite > 1.5MB", {"metric": "DiskWrite", "amount": 1.5e6}),
    ("step_time > 250ms", {"metric": "step_time", "amount": 0.25}),
    ("step_time > 5m", {"metric": "step_time", "amount": 300.0}),
    ("loss > 2 on algo-2", {"host": "algo-2"}),
    ("loss > 2 on host algo-2 for 3", {"host": "algo-2", "needed": 3, "periods": 3}),
    ('"eval loss" > 2', {"metric": "eval loss"}),
    ('norm{layer=3, block="a b"} > 2', {"metric": "norm", "dimensions": (("block", "a b"), ("layer", "3"))}),
    ("is > 2", {"metric": "is"}),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("loss is missing", {"form": Form.MISSING, "needed": 10, "periods": 10}),
    ("loss is missing for 10 minutes", {"form": Form.MISSING, "needed": 10, "periods": 10}),
    ("loss missing for 1h every 5m", {"form": Form.MISSING, "needed": 12, "periods": 12, "period": 300}),
    ("loss is missing every 10m", {"form": Form.MISSING, "needed": 3, "periods": 3, "period": 600}),
    ("loss is NaN", {"form": Form.NON_FINITE}),
    ("loss nan every 10s", {"form": Form.NON_FINITE, "period": 10}),
    ("loss rising", {"form": Form.RISING, "needed": 3, "periods": 3, "period": 300}),
    ("loss is rising for 4 of 5 every 1m", {"form": Form.RISING, "needed": 4, "periods": 5, "period": 60}),
    ("loss min rises by 0.5", {"form": Form.RISING, "statistic": "Minimum", "amount": 0.5, "period": 300}),
    (
        "loss falling by 33% every 10m",
        {"form": Form.FALLING, "amount": 33.0, "relative": True, "period": 600},
    ),
]


@pytest.mark.parametrize(("text", "meant"), THRESHOLDS)
def test_a_threshold_means(text: str, meant: dict[str, Any]) -> None:
    assert asdict(parse(text)) == USUAL | meant | {"text": " ".join(text.split())}


@pytest.mark.parametrize(("text", "meant"), OTHERS)
def test_another_form_means(text: str, meant: dict[str, Any]) -> None:
    wanted = USUAL | {"comparison": "", "amount": None} | meant | {"text": text}
    assert asdict(parse(text)) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the phrase ends where a metric's name was expected"),
        ("> 2", "column 1: '>' stands where a metric's name was expected"),
        ("loss", "the phrase ends where a condition, such as > 2, is missing, is NaN or rising was expected"),
        ("loss == 2", "column 6: '==' stands where one of >, >=, < and <= was expected"),
        ("loss big > 2", "column 6: 'big' stands where a statistic or a condition"),
        ("loss p200 > 2", "column 6: 'p200' stands where a statistic or a condition"),
        ("loss > ", "the phrase ends where a number to compare with was expected"),
        ("loss > high", "column 8: 'high' stands where a number to compare with was expected"),
        ("loss > nan", "column 8: 'nan' stands where a number to compare with was expected"),
        ("loss > 2x", "column 8: '2x' stands where a number, or one with a unit"),
        ("loss > 2 if 3", "column 10: 'if' stands where for, every, on, or the end was expected"),
        ("loss > 2 for", "the phrase ends where how long, such as 10m, or how often, such as 3 of 5 was expected"),
        ("loss > 2 for 0", "column 14: '0' stands where how long"),
        ("loss > 2 for 1.5h", "column 14: '1.5h' stands where how long"),
        ("loss > 2 for 3 of 2", "column 19: 3 of how many periods? At least 3, without a unit"),
        ("loss > 2 for 3 of 5m", "column 19: 3 of how many periods? At least 3, without a unit"),
        ("loss > 2 for 90s", "column 10: 90 s is no multiple of a period of 60 s"),
        ("loss > 2 for 3 for 4", "column 16: 'for' stands there twice"),
        ("loss > 2 every 45s", "column 16: a period is 10, 20 or 30 seconds, or full minutes, such as 5m"),
        ("loss > 2 every 5", "column 16: a period is 10, 20 or 30 seconds, or full minutes, such as 5m"),
        ("loss > 2 for 2000", "column 10: 2000 periods are too many: at most 1440"),
        ("loss > 2 on", "the phrase ends where a host's name, such as algo-1 was expected"),
        ("loss > 2 on host *", "column 18: '*' stands where a host's name, such as algo-1, was expected"),
        ("loss is", "the phrase ends where a condition"),
        ("loss max is missing", "a metric that is missing has no statistic, but the phrase names Maximum"),
        ("loss is missing for 2m", "column 17: a metric is missing for at least 3 periods in a row, 180 s here"),
        ("loss is missing for 3 of 5", "column 17: a metric is missing for at least 3 periods in a row"),
        ("loss rising by", "the phrase ends where by how much, such as 10% was expected"),
        ("loss rising by 0%", "column 16: by how much must be above 0, not 0"),
        ("norm{layer} > 2", "in the metric norm{layer}: '=' was expected"),
        ("norm{layer=3} > 2 on algo-1", "column 19: a metric with dimensions in braces is of no host"),
        ('"loss > 2', "column 1: '\"loss' stands where a metric's name was expected"),
    ],
)
def test_a_wrong_phrase_is_told_where_it_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidPhrase) as refusal:
        parse(text)
    assert str(refusal.value).startswith(said)


@given(st.text(alphabet='ab ><=!%"{}.,:019-formisgNevy', max_size=40))
def test_any_text_is_a_phrase_or_is_refused(text: str) -> None:
    try:
        phrase = parse(text)
    except InvalidPhrase:
        return
    assert 0 < phrase.needed <= phrase.periods
    assert metric_alarm(phrase, "resnet")["EvaluationPeriods"] >= 1


JOB = [{"Name": "TrainingJobName", "Value": "resnet"}]
WATCHED = {"Namespace": "/aws/sagemaker/TrainingJobs", "MetricName": "loss", "Dimensions": JOB, "Period": 60}


@pytest.mark.parametrize(
    ("text", "host", "asked"),
    [
        (
            "loss p99 > 2 for 3 of 5",
            None,
            WATCHED
            | {"ExtendedStatistic": "p99", "EvaluationPeriods": 5, "DatapointsToAlarm": 3}
            | {"ComparisonOperator": ABOVE, "Threshold": 2.0},
        ),
        (
            "loss{layer=3} < 2",
            None,
            WATCHED
            | {"Dimensions": [*JOB, {"Name": "layer", "Value": "3"}], "Statistic": "Average"}
            | {"EvaluationPeriods": 1, "DatapointsToAlarm": 1, "ComparisonOperator": BELOW, "Threshold": 2.0},
        ),
        (
            "loss is missing for 10m",
            "algo-1",
            WATCHED
            | {"Dimensions": [{"Name": "Host", "Value": "resnet/algo-1"}], "Statistic": "SampleCount"}
            | {"EvaluationPeriods": 8, "DatapointsToAlarm": 8, "TreatMissingData": "breaching"}
            | {"ComparisonOperator": AT_MOST, "Threshold": 0.0}
            | {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 10}},
        ),
        (
            "loss is NaN",
            None,
            WATCHED
            | {"MetricName": "NonFiniteValues", "Dimensions": [{"Name": "MetricName", "Value": "loss"}, *JOB]}
            | {"Statistic": "Sum", "EvaluationPeriods": 1, "DatapointsToAlarm": 1}
            | {"ComparisonOperator": ABOVE, "Threshold": 0.0, "TreatMissingData": "notBreaching"},
        ),
    ],
)
def test_a_phrase_becomes_an_alarm_on_a_metric(text: str, host: str | None, asked: dict[str, Any]) -> None:
    assert metric_alarm(parse(text), "resnet", host) == asked


@pytest.mark.parametrize(
    ("text", "change", "comparison", "threshold"),
    [
        ("loss rising", "DIFF(m)", ABOVE, 0.0),
        ("loss falling", "DIFF(m)", BELOW, 0.0),
        ("loss rising by 2", "DIFF(m)", AT_LEAST, 2.0),
        ("loss falling by 33%", "100 * DIFF(m) / ABS(m - DIFF(m))", AT_MOST, -33.0),
    ],
)
def test_a_trend_becomes_an_alarm_on_metric_math(
    text: str, change: str, comparison: str, threshold: float
) -> None:
    asked = metric_alarm(parse(text), "resnet")
    [metric, expression] = asked["Metrics"]
    assert metric["MetricStat"]["Metric"]["MetricName"] == "loss"
    assert metric["MetricStat"]["Period"] == 300
    assert expression["Expression"] == change
    assert (asked["ComparisonOperator"], asked["Threshold"]) == (comparison, threshold)
