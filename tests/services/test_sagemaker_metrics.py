"""SageMaker Metrics over real stores."""

import math

import pytest

from epochwatch.model.batch import Registration
from epochwatch.services.sagemaker_metrics import batch_get_metrics, batch_put_metrics
from epochwatch.store.run_points import TRAINING_JOB
from tests.services.conftest import Caller
from tests.services.points import columns


def arn(caller: Caller, resource: str) -> str:
    return caller.tenant.arn("sagemaker", resource)


def put(caller: Caller, *data, component="run-1"):
    return caller(
        batch_put_metrics,
        TrialComponentName=component,
        MetricData=[{"MetricName": "loss", "Timestamp": caller.now, **datum} for datum in data],
    )


def query(caller: Caller, stat="Avg", resource="experiment-trial-component/run-1", **more):
    return {
        "MetricName": "loss",
        "ResourceArn": arn(caller, resource),
        "MetricStat": stat,
        "Period": "IterationNumber",
        "XAxisType": "IterationNumber",
        **more,
    }


def one(caller: Caller, **more) -> dict:
    [result] = caller(batch_get_metrics, MetricQueries=[query(caller, **more)])["MetricQueryResults"]
    return result


def axes(result):
    assert result["Status"] == "Complete"
    return list(zip(result["XAxisValues"], result["MetricValues"], strict=True))


def test_values_come_back_by_iteration(caller: Caller):
    assert put(caller, {"Step": 2, "Value": 0.5}, {"Step": 1, "Value": 1.0}, {"Value": 9.0}) == {"Errors": []}
    assert axes(one(caller)) == [(1, 1.0), (2, 0.5)]


@pytest.mark.parametrize(
    ("stat", "expected"),
    [("Min", 1), ("Max", 7), ("Avg", 4), ("Count", 3), ("StdDev", math.sqrt(6)), ("Last", 4)],
)
def test_statistics_of_a_step(caller: Caller, stat, expected):
    for seconds, value in ((2, 4.0), (0, 1.0), (1, 7.0)):
        put(caller, {"Step": 5, "Value": value, "Timestamp": caller.now - 10 + seconds}, {"Step": 6, "Value": 0.0})
    result = axes(one(caller, stat=stat))
    assert [x for x, _ in result] == [5, 6]
    assert result[0][1] == pytest.approx(expected)


@pytest.mark.parametrize(("period", "seconds"), [("OneMinute", 60), ("FiveMinute", 300), ("OneHour", 3600)])
def test_statistics_of_a_period(caller: Caller, period, seconds):
    start = caller.now // 3600 * 3600 - 7200
    for minute in range(0, 120, 2):
        put(caller, {"Value": float(minute), "Timestamp": start + 60 * minute})
    result = axes(one(caller, stat="Max", Period=period, XAxisType="Timestamp"))
    assert len(result) == {60: 60, 300: 24, 3600: 2}[seconds]
    assert result[0] == (start, {60: 0, 300: 4, 3600: 58}[seconds])
    assert result[-1][1] == 118
    assert all(x % seconds == 0 for x, _ in result)


def test_the_axis_is_bounded_on_both_sides(caller: Caller):
    put(caller, *({"Step": n, "Value": float(n)} for n in range(10)))
    assert [x for x, _ in axes(one(caller, Start=3, End=5))] == [3, 4, 5]
    assert axes(one(caller, Start=50)) == []
    put(caller, *({"MetricName": "t", "Value": float(n), "Timestamp": caller.now - n} for n in range(3)))
    bounded = one(
        caller, MetricName="t", stat="Count", Period="OneHour", XAxisType="Timestamp", Start=int(caller.now) - 1
    )
    assert sum(y for _, y in axes(bounded)) == 2


def test_bad_values_are_told_one_by_one(caller: Caller):
    answer = put(
        caller,
        {"Step": 1, "Value": 1.0},
        {"Step": 2, "Value": math.nan},
        {"Step": 1, "Value": 2.0},
        {"Step": 3, "Value": math.inf},
        {"Step": 4, "Value": 1.0, "Timestamp": -1.0},
        {"Step": 5, "Value": 1.0, "Timestamp": 2.0**40},
        {"Value": 1.0},
        {"Value": 2.0},
        {"MetricName": "acc", "Step": 1, "Value": 3.0},
    )
    assert answer == {
        "Errors": [
            {"Code": "VALIDATION_ERROR", "MetricIndex": 1},
            {"Code": "CONFLICT_ERROR", "MetricIndex": 2},
            {"Code": "VALIDATION_ERROR", "MetricIndex": 3},
            {"Code": "VALIDATION_ERROR", "MetricIndex": 4},
            {"Code": "VALIDATION_ERROR", "MetricIndex": 5},
            {"Code": "CONFLICT_ERROR", "MetricIndex": 7},
        ]
    }
    assert axes(one(caller)) == [(1, 1.0)]
    assert axes(one(caller, MetricName="acc")) == [(1, 3.0)]


def test_a_training_jobs_points_are_read_by_its_arn_or_its_component(caller: Caller):
    caller.stores.state.jobs.register(
        caller.tenant, Registration(run_id=caller.tenant.account, name="job", started=caller.now), caller.now
    )
    caller.stores.run_points.write(
        caller.tenant, TRAINING_JOB, "job", columns("loss", [3.0, math.nan, 1.0], caller.now, step=[1, 2, 3])
    )
    for resource in ("training-job/job", "experiment-trial-component/job-aws-training-job"):
        assert axes(one(caller, resource=resource)) == [(1, 3.0), (3, 1.0)]


def test_each_query_has_its_own_status(caller: Caller):
    put(caller, {"Step": 1, "Value": 1.0})
    queries = [
        query(caller),
        query(caller, MetricName="unknown"),
        query(caller, resource="experiment-trial-component/none"),
        query(caller, resource="training-job/none"),
        query(caller, resource="model/run-1"),
        query(caller, Period="OneMinute"),
        query(caller, XAxisType="Timestamp"),
        query(caller, Start=5, End=4),
        {
            **query(caller),
            "ResourceArn": "arn:aws:sagemaker:eu-west-1:000000000000:experiment-trial-component/run-1",
        },
    ]
    results = caller(batch_get_metrics, MetricQueries=queries)["MetricQueryResults"]
    assert [r["Status"] for r in results] == ["Complete"] * 2 + ["ValidationError"] * 7
    assert axes(results[0]) == [(1, 1.0)]
    assert all(r["XAxisValues"] == r["MetricValues"] == [] for r in results[1:])
    assert all(r["Message"] for r in results[2:])


def test_more_values_than_an_answer_holds_are_truncated(caller: Caller):
    caller.stores.state.jobs.register(
        caller.tenant, Registration(run_id=caller.tenant.account, name="job", started=caller.now), caller.now
    )
    steps = list(range(100_002))
    written = columns("loss", [float(n) for n in steps], caller.now - 200_000, step=steps)
    caller.stores.run_points.write(caller.tenant, TRAINING_JOB, "job", written)
    result = one(caller, resource="training-job/job", stat="Last")
    assert result["Status"] == "Truncated"
    assert len(result["XAxisValues"]) == len(result["MetricValues"]) == 100_000
    assert "100000" in result["Message"]
    assert axes(one(caller, resource="training-job/job", Start=100_000)) == [
        (100_000, 100_000),
        (100_001, 100_001),
    ]
