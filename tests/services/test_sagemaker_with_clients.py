"""SageMaker's operations by unmodified clients against a real server that really runs the jobs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.launchers.created_jobs import ROLE, JobServer
from tests.peers import peer_python


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("clients") / "home", max_jobs="4") as running:
        yield running


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_waiter_sees_a_job_through(server: JobServer) -> None:
    server.shell("waited", "echo loss=0.5")
    waiter = server.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 100})
    job = server.describe("waited")
    assert job["TrainingJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]
    assert job["BillableTimeInSeconds"] >= 1
    with pytest.raises(server.sagemaker.exceptions.ResourceInUse):
        server.shell("waited", "true")
    with pytest.raises(server.sagemaker.exceptions.ResourceNotFound):
        server.sagemaker.delete_training_job(TrainingJobName="never")
    found = server.sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={"Filters": [{"Name": "TrainingJobName", "Operator": "Contains", "Value": "wait"}]},
    )
    assert found["Results"][0]["TrainingJob"]["TrainingJobArn"] == job["TrainingJobArn"]
    server.sagemaker.add_tags(ResourceArn=job["TrainingJobArn"], Tags=[{"Key": "a", "Value": "b"}])
    assert server.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    server.sagemaker.delete_training_job(TrainingJobName="waited")
    with pytest.raises(ClientError, match="Requested resource not found") as error:
        server.describe("waited")
    assert code(error) == "ValidationException"


def test_what_the_service_model_forbids_is_refused_in_its_words(server: JobServer) -> None:
    with pytest.raises(ClientError) as error:
        server.shell("wrong name!", "true", HyperParameters={"k": "v" * 2501})
    assert code(error) == "ValidationException"
    message = error.value.response["Error"]["Message"]
    assert message.startswith("2 validation errors detected: Value 'wrong name!' at 'trainingJobName' failed to")


def test_a_processing_job_runs(server: JobServer) -> None:
    server.sagemaker.create_processing_job(
        ProcessingJobName="sum",
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        AppSpecification={
            "ImageUri": "process",
            "ContainerEntrypoint": ["/bin/bash", "-c"],
            "ContainerArguments": ["echo $((40 + 2))"],
        },
        RoleArn=ROLE,
    )
    waiter = server.sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="sum", WaiterConfig={"Delay": 1, "MaxAttempts": 100})
    job = server.sagemaker.describe_processing_job(ProcessingJobName="sum")
    assert (job["ProcessingJobStatus"], job["StoppingCondition"]) == ("Completed", {"MaxRuntimeInSeconds": 86400})
    [stream] = server.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="sum/"
    )["logStreams"]
    events = server.logs.get_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    assert [event["message"] for event in events] == ["42"]


def sdk(server: JobServer, peer: str, client: str, directory: Path) -> dict[str, Any]:
    """What a client that runs in a peer's environment, with the variables of ``epochwatch env``, saw."""
    environment = dict(server.process.environment)
    printed = subprocess.run(
        [sys.executable, "-m", "epochwatch", "env", "--json"], env=environment, check=True, capture_output=True
    )
    ran = subprocess.run(
        [str(peer_python(peer)), "-W", "ignore", str(Path(__file__).with_name(client)), str(directory)],
        check=False,
        env=environment | json.loads(printed.stdout),
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr[-4000:] + server.said()
    return dict(json.loads(ran.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def seen(server: JobServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the SageMaker Python SDK v2 saw."""
    return sdk(server, "sagemaker2", "sdk2_client.py", tmp_path_factory.mktemp("source2"))


def test_the_sdks_tuner_tunes(seen: dict[str, Any]) -> None:
    tuning = seen["tuning"]
    assert tuning["statuses"] == ["Completed"] * 3
    expected = [
        rate + (optimizer == "sgd") for rate, optimizer in zip(tuning["rates"], tuning["optimizers"], strict=True)
    ]
    assert tuning["objectives"] == pytest.approx(expected, abs=1e-6)
    assert tuning["ranges"] == ["lr", "optimizer"]
    assert tuning["best"] == tuning["attached_best"]


def test_the_sdks_runs_keep_parameters_and_metrics(seen: dict[str, Any]) -> None:
    assert seen["experiment"] == {
        "runs": ["run0", "run1"],
        "rates": [0.1, 0.2],
        "last": [round(1 / 13, 6), round(1 / 12, 6)],
        "counts": [12, 12],
        "late": ["yes"],
    }


def test_the_typed_resources_of_the_sdk_v3_read_every_answer(server: JobServer, tmp_path: Path) -> None:
    seen = sdk(server, "sagemaker3", "sdk3_client.py", tmp_path)
    assert seen["whole"] == {
        "status": "Completed",
        "way": ["Starting", "Downloading", "Training", "Uploading", "Completed"],
        "messages": [
            "Starting the training job",
            "Downloading input data",
            "Training image download completed. Training in progress.",
            "Uploading generated training model",
            "Training job completed",
        ],
        "metric": [0.25],
        "model": "s3://sagemaker-us-east-1-123456789012/out/core-whole/output/model.tar.gz",
        "listed": ["core-whole"],
        "left": [],
    }
    assert seen["stopped"] == ["Stopped", "Stopped"]
    assert seen["failed"].endswith("Failure Reason: AlgorithmError: broken")
    assert seen["tuned"] == {"status": "Completed", "best": {"lr": "2"}, "value": 2.0, "trainings": ["1", "2"]}
    assert seen["experiment"] == {
        "parameters": 0.5,
        "trials": ["core-trial"],
        "components": ["core-component"],
    }
