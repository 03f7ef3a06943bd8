"""Processing jobs over real stores."""

from array import array
from typing import Any

import pytest

from epochwatch.model.batch import Batch, InstanceSamples, Registration, RunPoints
from epochwatch.services.cloudwatch import list_metrics
from epochwatch.services.sagemaker.job_list import list_processing_jobs
from epochwatch.services.sagemaker.processing_job import (
    create_processing_job,
    delete_processing_job,
    describe_processing_job,
    stop_processing_job,
)
from epochwatch.store.batches import commit_batch
from epochwatch.store.run_points import PROCESSING_JOB, TRAINING_JOB
from tests.services.conftest import Caller
from tests.services.training import ROLE, tell

INPUT = {"InputName": "in", "S3Input": {"S3Uri": "s3://b/in", "LocalPath": "/opt/ml/processing/in"}}
OUTPUT = {"OutputName": "out", "S3Output": {"S3Uri": "s3://b/out", "LocalPath": "/opt/ml/processing/out"}}


def processing(name: str = "job", **more: Any) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    return {
        "ProcessingJobName": name,
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "process", "ContainerEntrypoint": ["true"]},
        "RoleArn": ROLE,
    } | more


def describe(caller: Caller) -> dict[str, Any]:
    return caller(describe_processing_job, ProcessingJobName="job")


def test_a_job_shows_what_it_was_asked_for_with_and_how_it_fared(caller: Caller):
    asked = processing(
        ProcessingInputs=[INPUT], ProcessingOutputConfig={"Outputs": [OUTPUT]}, Environment={"A": "b"}
    )
    arn = f"arn:aws:sagemaker:us-east-1:{caller.tenant.account}:processing-job/job"
    begun = caller.now
    assert caller(create_processing_job, **asked) == {"ProcessingJobArn": arn}
    waiting = asked | {
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ProcessingJobArn": arn,
        "ProcessingJobStatus": "InProgress",
        "CreationTime": begun,
        "LastModifiedTime": begun,
    }
    assert describe(caller) == waiting
    launch = caller.stores.state.launches.get(caller.tenant, "job", "processing")
    assert launch is not None
    caller.now += 10
    tell(caller, "Training", kind="processing")
    caller.now += 10
    tell(caller, "Completed", kind="processing", output="done")
    assert describe(caller) == waiting | {
        "ProcessingJobStatus": "Completed",
        "ProcessingStartTime": begun + 10,
        "ProcessingEndTime": begun + 20,
        "LastModifiedTime": begun + 20,
        "ExitMessage": "done",
    }
    [summary] = caller(list_processing_jobs)["ProcessingJobSummaries"]
    assert (summary["ProcessingJobArn"], summary["ProcessingJobStatus"]) == (arn, "Completed")


def test_a_job_is_stopped_and_deleted(caller: Caller):
    caller(create_processing_job, **processing())
    assert caller.refused(create_processing_job, **processing())[0] == "ResourceInUse"
    assert caller.refused(delete_processing_job, ProcessingJobName="job")[0] == "ResourceInUse"
    caller(stop_processing_job, ProcessingJobName="job")
    assert describe(caller)["ProcessingJobStatus"] == "Stopped"
    assert caller.refused(stop_processing_job, ProcessingJobName="job")[1].endswith("in status Stopped.")
    caller(delete_processing_job, ProcessingJobName="job")
    assert caller.refused(delete_processing_job, ProcessingJobName="job")[0] == "ResourceNotFound"
    for operation in (describe_processing_job, stop_processing_job):
        refused = caller.refused(operation, ProcessingJobName="job")
        assert refused == ("ValidationException", "Requested resource not found.")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ProcessingInputs": [INPUT, INPUT]}, "Input names of a processing job must be unique"),
        ({"ProcessingOutputConfig": {"Outputs": [OUTPUT, OUTPUT]}}, "Output names"),
        ({"ProcessingInputs": [{"InputName": "x"}]}, "exactly one of S3Input and DatasetDefinition"),
        ({"ProcessingInputs": [{"InputName": "x", "S3Input": {"S3Uri": "s3://b"}}]}, "LocalPath of the input x"),
        ({"ProcessingOutputConfig": {"Outputs": [{"OutputName": "x"}]}}, "exactly one of S3Output"),
        ({"ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 1}}}, "InstanceType is required"),
    ],
)
def test_what_does_not_fit_together_is_refused(caller: Caller, more: dict[str, Any], message: str):
    code, words = caller.refused(create_processing_job, **processing(**more))
    assert (code, message in words) == ("ValidationException", True)


def test_what_a_host_measures_is_kept_apart_from_training_jobs(caller: Caller):
    caller(create_processing_job, **processing())
    run_id, stores = "d" * 32, caller.stores
    registration = Registration(run_id, "x", started=caller.now, job="processing-job/job")
    run = stores.state.jobs.register(caller.tenant, registration, caller.now)
    moment = array("q", [int(caller.now * 1e6)]).tobytes()
    first, one = array("Q", [1]).tobytes(), array("I", [0]).tobytes()
    value, none = array("d", [1.0]).tobytes(), array("d", [float("nan")]).tobytes()
    step = array("q", [0]).tobytes()
    sample = InstanceSamples(f"{run_id}/samples", first, ["CPUUtilization"], one, moment, value)
    point = RunPoints(f"{run_id}/log", first, ["rows"], one, step, none, moment, value)
    batch = Batch(run_id, samples=[sample], run_points=[point])
    commit_batch(stores, caller.tenant, run, batch, caller.now)
    found = caller(list_metrics, Namespace="/aws/sagemaker/ProcessingJobs")["Metrics"]
    assert {(metric["MetricName"], metric["Dimensions"][0]["Value"]) for metric in found} == {
        ("CPUUtilization", "job/algo-1"),
        ("rows", "job"),
    }
    assert caller(list_metrics, Namespace="/aws/sagemaker/TrainingJobs")["Metrics"] == []
    assert stores.run_points.summaries(caller.tenant, TRAINING_JOB, "job")["job"] == []
    assert [one.name for one in stores.run_points.summaries(caller.tenant, PROCESSING_JOB, "job")["job"]] == [
        "rows"
    ]
