"""Metrics embedded in log events: by PutLogEvents, in a run's log, and by an unmodified boto3."""

import datetime
import json
import time
from pathlib import Path

import pytest

from epochwatch.model.batch import Batch
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import Buckets
from epochwatch.services.cloudwatch import get_metric_statistics, list_metrics
from epochwatch.services.logs import create_log_group, create_log_stream, get_log_events, put_log_events
from epochwatch.store.batches import commit_batch
from tests.servers import ServerProcess
from tests.services.conftest import Caller
from tests.store.parts import log_events, registered, run_points

HERE = {"logGroupName": "g", "logStreamName": "s"}


def embedded(timestamp_ms, value, namespace="app", name="latency", resolution=60, run="r1"):
    directive = {
        "Namespace": namespace,
        "Dimensions": [["run"]],
        "Metrics": [{"Name": name, "Unit": "Milliseconds", "StorageResolution": resolution}],
    }
    return json.dumps(
        {"_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]}, "run": run, name: value}
    )


@pytest.fixture
def logs(caller: Caller) -> Caller:
    caller(create_log_group, logGroupName="g")
    caller(create_log_stream, **HERE)
    return caller


def put(logs, *messages, back=0):
    """Events ``back`` ms before now; the answer."""
    at = int(logs.now * 1000) - back
    return logs(put_log_events, **HERE, logEvents=[{"timestamp": at, "message": message} for message in messages])


def messages(logs):
    return [event["message"] for event in logs(get_log_events, **HERE, startFromHead=True)["events"]]


def statistics(logs, namespace="app", name="latency", period=60, since=3 * 3600):
    answer = logs(
        get_metric_statistics,
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": "run", "Value": "r1"}],
        StartTime=logs.now - since,
        EndTime=logs.now + 1,
        Period=period,
        Statistics=["SampleCount", "Sum", "Maximum"],
    )
    return [(p["Timestamp"], p["SampleCount"], p["Sum"], p["Maximum"], p["Unit"]) for p in answer["Datapoints"]]


def names(logs):
    return sorted(metric["MetricName"] for metric in logs(list_metrics)["Metrics"])


def test_an_event_is_kept_as_it_is_and_its_metrics_can_be_read(logs: Caller):
    now = int(logs.now * 1000)
    message = embedded(now, [1, 2, 9])
    put(logs, message, "a plain line", embedded(now, 4))
    assert messages(logs) == [message, "a plain line", embedded(now, 4)]
    assert statistics(logs) == [(logs.now - 30, 4, 16, 9, "Milliseconds")]


def test_values_of_high_resolution_are_read_by_the_second(logs: Caller):
    now = int(logs.now * 1000)
    put(logs, embedded(now - 2000, 1, resolution=1), embedded(now, 2, resolution=1))
    assert [(t, total) for t, _, total, _, _ in statistics(logs, period=1, since=60)] == [
        (logs.now - 2, 1),
        (logs.now, 2),
    ]


def test_a_metric_has_the_time_of_its_document(logs: Caller):
    now = int(logs.now * 1000)
    put(logs, embedded(now - 7_200_000, 5), back=60_000)
    assert [t for t, *_ in statistics(logs)] == [logs.now - 30 - 7200]


@pytest.mark.parametrize(
    "message",
    [
        "{" + '"_aws": {"CloudWatchMetrics": "' + "x" * 100,
        '{"_aws": {"CloudWatchMetrics": [{"Namespace": "app", "Dimensions": [[]], "Metrics": [{"Name": "none"}]}]}}',
        embedded(0, 1),
        embedded(9_999_999_999_999, 1),
        embedded("yesterday", 1),
        embedded(1, 1, namespace="AWS/EC2"),
    ],
)
def test_a_document_that_is_wrong_is_a_log_event_and_no_more(logs: Caller, message):
    answer = put(logs, message)
    assert "rejectedLogEventsInfo" not in answer
    assert messages(logs) == [message]
    assert names(logs) == []


def test_an_event_that_is_not_stored_yields_nothing(logs: Caller):
    now = int(logs.now * 1000)
    answer = put(logs, embedded(now, 1), back=15 * 86_400_000)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert names(logs) == []


def line_times(positions):
    """As log_events of tests.store.parts has them, in ms."""
    return {position: int((1_795_200_000 + 1000 * position) * 1000) for position in positions}


def sums(caller, namespace="app", name="latency"):
    metric = MetricId(namespace, name, (("run", "r1"),))
    start = 1_795_200_000
    found = caller.stores.metrics.read(caller.tenant, [metric], Buckets(start, start + 120_000, 60))[metric]
    return [value for summary in found.values() for value in summary.sums.tolist()]


def lines(run, positions):
    times = line_times(positions)
    texts = [
        embedded(times[p], p) if p % 2 else embedded(times[p], p, namespace="other", name="rate")
        for p in positions
    ]
    return log_events(run, positions, texts)


def test_lines_of_a_run_yield_their_metrics_once_however_often_they_are_sent(caller: Caller):
    run = registered(caller.stores, caller.tenant)
    for first, last, resend in ((1, 5, False), (1, 5, True), (3, 9, False), (1, 9, True), (8, 10, False)):
        positions = range(first, last)
        batch = Batch(
            run.run_id,
            log_events=[lines(run, positions), lines(run, positions)],
            run_points=[run_points(run, positions)],
            resend=resend,
        )
        committed = commit_batch(caller.stores, caller.tenant, run, batch, 1_795_200_000)
        assert committed.positions == {f"{run.run_id}/output.log": last - 1}
    assert sums(caller) == [1, 3, 5, 7, 9]
    assert sums(caller, "other", "rate") == [2, 4, 6, 8]
    assert len(caller.stores.logs.events(caller.tenant, run.log_group, run.log_stream)) == 9
    metric = MetricId("/aws/sagemaker/TrainingJobs", "loss", (("TrainingJobName", run.job),))
    buckets = Buckets(1_795_200_000, 1_795_320_000, 60)
    read = caller.stores.metrics.read(caller.tenant, [metric], buckets)[metric]
    assert read["None"].sums.tolist() == list(range(1, 10))


def test_metrics_that_a_crash_kept_from_the_log_are_not_doubled_nor_those_it_kept_lost(caller: Caller):
    """What is stored is read back from the tables, of each table for itself."""
    run = registered(caller.stores, caller.tenant)
    for positions in (range(1, 4), range(1, 7)):
        batch = Batch(run.run_id, log_events=[lines(run, positions)])
        commit_batch(caller.stores, caller.tenant, run, batch, 1_795_200_000)
        caller.stores.sources.clear()
    assert sums(caller) == [1, 3, 5]
    assert sums(caller, "other", "rate") == [2, 4, 6]


def test_plain_lines_of_a_run_yield_no_metrics(caller: Caller):
    run = registered(caller.stores, caller.tenant)
    texts = ["loss=0.5", '{"_aws": {"CloudWatchMetrics": []}}', '{"loss": 1}']
    commit_batch(
        caller.stores, caller.tenant, run, Batch(run.run_id, log_events=[log_events(run, [1, 2, 3], texts)]), 1.0
    )
    assert names(caller) == []


def test_boto3_reads_what_it_embedded(tmp_path: Path):
    with ServerProcess(tmp_path / "home") as server:
        logs, cloudwatch = server.boto3("logs"), server.boto3("cloudwatch")
        logs.create_log_group(logGroupName="/app")
        logs.create_log_stream(logGroupName="/app", logStreamName="one")
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName="/app",
            logStreamName="one",
            logEvents=[
                {"timestamp": now, "message": embedded(now, [3, 5])},
                {"timestamp": now, "message": "done"},
            ],
        )
        at = datetime.datetime.fromtimestamp(now // 60_000 * 60, datetime.UTC)
        found = cloudwatch.get_metric_statistics(
            Namespace="app",
            MetricName="latency",
            Dimensions=[{"Name": "run", "Value": "r1"}],
            StartTime=at,
            EndTime=at + datetime.timedelta(minutes=1),
            Period=60,
            Statistics=["Average", "SampleCount"],
        )
        assert found["Datapoints"] == [
            {"Timestamp": at, "SampleCount": 2.0, "Average": 4.0, "Unit": "Milliseconds"}
        ]
        events = logs.get_log_events(logGroupName="/app", logStreamName="one")["events"]
        assert [event["message"] for event in events] == [embedded(now, [3, 5]), "done"]
