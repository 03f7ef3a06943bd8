"""SageMaker's operations by unmodified clients against a real server that really runs the jobs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.launchers.created_jobs import JobServer
from tests.peers import peer_python

CLIENT = Path(__file__).with_name("sdk2_client.py")


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


@pytest.fixture(scope="module")
def seen(server: JobServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the SageMaker Python SDK v2 saw."""
    environment = dict(server.process.environment)
    printed = subprocess.run(
        [sys.executable, "-m", "epochwatch", "env", "--json"], env=environment, check=True, capture_output=True
    )
    environment |= json.loads(printed.stdout)
    ran = subprocess.run(
        [str(peer_python("sagemaker2")), "-W", "ignore", str(CLIENT), str(tmp_path_factory.mktemp("source"))],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr[-4000:] + server.said()
    return dict(json.loads(ran.stdout.splitlines()[-1]))


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
