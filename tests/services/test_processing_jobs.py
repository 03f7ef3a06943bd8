"""Processing jobs over real stores."""

from typing import Any

import pytest

from epochwatch.services.sagemaker.job_list import list_processing_jobs
from epochwatch.services.sagemaker.processing_job import (
    create_processing_job,
    delete_processing_job,
    describe_processing_job,
    stop_processing_job,
)
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
