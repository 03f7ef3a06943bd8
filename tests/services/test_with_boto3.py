"""Every operation by an unmodified boto3 against a real server process."""

import datetime
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from epochwatch.client.credentials import Credentials
from tests.servers import ServerProcess
from tests.services.agent import run_a_job

UTC = datetime.UTC


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("boto3") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def cloudwatch(server: ServerProcess) -> Any:
    return server.boto3("cloudwatch")


@pytest.fixture(scope="module")
def logs(server: ServerProcess) -> Any:
    return server.boto3("logs")


@pytest.fixture(scope="module")
def job(server: ServerProcess) -> dict[str, Any]:
    return run_a_job(server)


def minute() -> datetime.datetime:
    return datetime.datetime.now(UTC).replace(second=0, microsecond=0)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_metric_data_round_trip(cloudwatch: Any):
    at = minute() - datetime.timedelta(minutes=2)
    cloudwatch.put_metric_data(
        Namespace="boto",
        MetricData=[
            {"MetricName": "m", "Timestamp": at, "Values": [1.0, 10.0], "Counts": [2.0, 4.0], "Unit": "Count"},
            *({"MetricName": f"filler{n}", "Value": float(n), "Timestamp": at} for n in range(900)),
        ],
    )
    metric = {"Namespace": "boto", "MetricName": "m"}
    span = {"StartTime": at, "EndTime": at + datetime.timedelta(minutes=1)}
    found = cloudwatch.get_metric_statistics(**metric, **span, Period=60, Statistics=["Sum", "Average"])
    assert found["Datapoints"] == [{"Timestamp": at, "Sum": 42.0, "Average": 7.0, "Unit": "Count"}]
    found = cloudwatch.get_metric_statistics(**metric, **span, Period=60, ExtendedStatistics=["p50"])
    assert found["Datapoints"][0]["ExtendedStatistics"] == {"p50": 10.0}
    stat = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
    found = cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "q", "MetricStat": stat}], **span)
    assert found["MetricDataResults"] == [
        {"Id": "q", "Label": "m", "Timestamps": [at], "Values": [10.0], "StatusCode": "Complete"}
    ]
    assert found["Messages"] == []
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="boto"))
    assert [len(page["Metrics"]) for page in pages] == [500, 401]


def test_metric_errors_are_the_modelled_ones(cloudwatch: Any):
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException) as error:
        cloudwatch.put_metric_data(
            Namespace="boto", MetricData=[{"MetricName": "m", "Value": 1.0, "Values": [1.0]}]
        )
    assert code(error) == "InvalidParameterCombination"
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException) as error:
        cloudwatch.put_metric_data(Namespace="boto", MetricData=[{"MetricName": "m", "Value": float("nan")}])
    assert error.value.response["Error"]["Message"] == (
        "The value NaN for parameter MetricData.member.1.Value is invalid."
    )
    span = {"StartTime": minute(), "EndTime": minute() + datetime.timedelta(minutes=1)}
    with pytest.raises(ClientError, match="Error in expression 'e'") as error:
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "a+b"}], **span)
    assert code(error) == "ValidationError"
    stat = {"Metric": {"Namespace": "boto", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    with pytest.raises(cloudwatch.exceptions.InvalidNextToken):
        cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "q", "MetricStat": stat}], NextToken="strange", **span
        )


def test_logs_round_trip(logs: Any):
    here = {"logGroupName": "/boto/group", "logStreamName": "stream"}
    logs.create_log_group(logGroupName="/boto/group", tags={"a": "b"})
    logs.create_log_stream(**here)
    now = int(time.time() * 1000)
    put = logs.put_log_events(
        **here, logEvents=[{"timestamp": now + n, "message": f"step={n} loss={9 - n}"} for n in range(10)]
    )
    assert put["nextSequenceToken"]
    [group] = logs.describe_log_groups(logGroupNamePrefix="/boto")["logGroups"]
    assert group["logGroupClass"] == "STANDARD"
    streams = logs.describe_log_streams(logGroupName="/boto/group", logStreamNamePrefix="str", limit=1)
    assert streams["logStreams"][0]["lastEventTimestamp"] == now + 9
    assert "nextToken" not in streams
    first = logs.get_log_events(**here, startFromHead=True, limit=6)
    second = logs.get_log_events(**here, nextToken=first["nextForwardToken"])
    third = logs.get_log_events(**here, nextToken=second["nextForwardToken"])
    assert [len(page["events"]) for page in (first, second, third)] == [6, 4, 0]
    assert third["nextForwardToken"] == second["nextForwardToken"]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/boto/group", filterPattern="%loss=[0-4]$%", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["events"]) for page in pages] == [2, 2, 1]
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName="/boto/group")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName="/boto/group", logStreamName="no")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.get_log_events(**here, nextToken="strange")


def test_a_job_is_described_listed_and_its_metrics_read(
    server: ServerProcess, job: dict[str, Any], cloudwatch: Any
):
    sagemaker = server.boto3("sagemaker")
    found = sagemaker.describe_training_job(TrainingJobName=job["name"])
    assert found["TrainingJobStatus"] == "Completed"
    names = [d["Name"] for d in found["AlgorithmSpecification"]["MetricDefinitions"]]
    assert names == ["train:loss"]
    assert [(m["MetricName"], m["Value"]) for m in found["FinalMetricDataList"]] == [("train:loss", 1.0)]
    listed = sagemaker.list_training_jobs(NameContains=job["name"])["TrainingJobSummaries"]
    assert [j["TrainingJobName"] for j in listed] == [job["name"]]
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=job["name"], WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    with pytest.raises(ClientError, match="Requested resource not found") as error:
        sagemaker.describe_training_job(TrainingJobName="no-such-job")
    assert code(error) == "ValidationException"
    points = cloudwatch.get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="train:loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": job["name"]}],
        StartTime=found["TrainingStartTime"],
        EndTime=found["TrainingEndTime"] + datetime.timedelta(minutes=1),
        Period=1,
        Statistics=["Average"],
    )["Datapoints"]
    assert [p["Average"] for p in points] == [3.0, 2.0, 1.0]


def test_a_jobs_log_is_read_as_the_sdk_does(server: ServerProcess, job: dict[str, Any], logs: Any):
    group = "/aws/sagemaker/TrainingJobs"
    [stream] = logs.describe_log_streams(
        logGroupName=group, logStreamNamePrefix=f"{job['name']}/", orderBy="LogStreamName", limit=1
    )["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    assert [event["message"] for event in events["events"]] == ["loss=3.0", "loss=2.0", "loss=1.0"]


def test_metrics_by_iteration(server: ServerProcess, job: dict[str, Any]):
    metrics = server.boto3("sagemaker-metrics")
    now = datetime.datetime.now(UTC)
    put = metrics.batch_put_metrics(
        TrialComponentName="run-1",
        MetricData=[
            {"MetricName": "loss", "Timestamp": now, "Step": 1, "Value": 0.5},
            {"MetricName": "loss", "Timestamp": now, "Step": 1, "Value": 0.6},
        ],
    )
    assert put["Errors"] == [{"Code": "CONFLICT_ERROR", "MetricIndex": 1}]
    prefix = f"arn:aws:sagemaker:us-east-1:{Credentials(**server.credentials).account}"
    axis = {"MetricStat": "Last", "Period": "IterationNumber", "XAxisType": "IterationNumber"}
    results = metrics.batch_get_metrics(
        MetricQueries=[
            {"MetricName": "loss", "ResourceArn": f"{prefix}:experiment-trial-component/run-1", **axis},
            {"MetricName": "train:loss", "ResourceArn": job["arn"], **axis},
            {"MetricName": "train:loss", "ResourceArn": f"{prefix}:training-job/none", **axis},
        ]
    )["MetricQueryResults"]
    assert [r["Status"] for r in results] == ["Complete", "Complete", "ValidationError"]
    assert (results[0]["XAxisValues"], results[0]["MetricValues"]) == ([1], [0.5])
    assert (results[1]["XAxisValues"], results[1]["MetricValues"]) == ([0, 1, 2], [3.0, 2.0, 1.0])
