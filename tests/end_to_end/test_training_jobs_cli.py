"""A user of the AWS CLI trains, follows, stops and fetches the model, with nothing but `epochwatch env`."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launchers.created_jobs import BUCKET, GROUP, ROLE, JobServer
from tests.peers import peer_python


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("cli"), max_jobs="2") as running:
        yield running


class Shell:
    """The AWS CLI in a folder of the user's."""

    def __init__(self, server: JobServer, folder: Path) -> None:
        self._folder = folder
        self._environment = server.client_environment() | {"AWS_PAGER": ""}

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        program = peer_python("awscli").with_name("aws")
        return subprocess.run(
            [str(program), *words],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def __call__(self, *words: str) -> str:
        """What a command that must succeed prints."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answer(self, *words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self(*words, "--output", "json"))
        return answer


@pytest.fixture
def aws(server: JobServer, tmp_path: Path) -> Shell:
    return Shell(server, tmp_path)


def request(name: str, script: str, folder: Path) -> str:
    """A file for --cli-input-json."""
    (folder / f"{name}.json").write_text(
        json.dumps(
            {
                "TrainingJobName": name,
                "RoleArn": ROLE,
                "AlgorithmSpecification": {
                    "TrainingImage": "process",
                    "TrainingInputMode": "File",
                    "ContainerEntrypoint": ["/bin/bash", "-c", script],
                    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
                },
                "HyperParameters": {"rate": "0.1"},
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                "Tags": [{"Key": "team", "Value": "vision"}],
            }
        )
    )
    return f"file://{name}.json"


def test_a_job_is_created_waited_for_described_read_and_fetched(
    aws: Shell, server: JobServer, tmp_path: Path
) -> None:
    script = "echo loss=0.5; echo loss=0.25; echo weights > /opt/ml/model/weights"

    created = aws.answer(
        "sagemaker", "create-training-job", "--cli-input-json", request("by-cli", script, tmp_path)
    )
    server.over("by-cli")  # the waiter looks at once, and then every two minutes
    aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "by-cli")
    job = aws.answer("sagemaker", "describe-training-job", "--training-job-name", "by-cli")
    listed = aws.answer(
        "sagemaker", "list-training-jobs", "--name-contains", "by-cli", "--status-equals", "Completed"
    )
    # As `aws logs tail` of version 2 reads it.
    log = aws.answer(
        "logs",
        "filter-log-events",
        "--log-group-name",
        GROUP,
        "--log-stream-name-prefix",
        "by-cli/",
        "--interleaved",
    )
    aws("s3", "cp", "--quiet", job["ModelArtifacts"]["S3ModelArtifacts"], "model.tar.gz")
    tags = aws.answer("sagemaker", "list-tags", "--resource-arn", created["TrainingJobArn"])

    assert job["TrainingJobStatus"] == "Completed"
    assert job["HyperParameters"] == {"rate": "0.1"}
    assert [(one["MetricName"], one["Value"]) for one in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert [one["TrainingJobArn"] for one in listed["TrainingJobSummaries"]] == [created["TrainingJobArn"]]
    assert [event["message"] for event in log["events"]] == ["loss=0.5", "loss=0.25"]
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert tar.getnames() == ["weights"]
    assert tags["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_a_job_is_stopped(aws: Shell, server: JobServer, tmp_path: Path) -> None:
    aws("sagemaker", "create-training-job", "--cli-input-json", request("cut", "echo begun; sleep 600", tmp_path))
    server.until_line("cut", "begun")

    aws("sagemaker", "stop-training-job", "--training-job-name", "cut")
    server.over("cut")

    aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "cut")
    stopped = aws.answer("sagemaker", "list-training-jobs", "--status-equals", "Stopped")
    assert [one["TrainingJobName"] for one in stopped["TrainingJobSummaries"]] == ["cut"]


def test_a_failed_job_fails_the_waiter_and_tells_why(aws: Shell, server: JobServer, tmp_path: Path) -> None:
    aws(
        "sagemaker",
        "create-training-job",
        "--cli-input-json",
        request("bad", "echo 'Error: no'; exit 3", tmp_path),
    )
    server.over("bad")

    waited = aws.run("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "bad")
    reason = aws(
        "sagemaker", "describe-training-job", "--training-job-name", "bad", "--query", "FailureReason",
        "--output", "text",
    )  # fmt: skip

    assert waited.returncode == 255
    assert "Waiter encountered a terminal failure state" in waited.stderr
    assert 'ErrorMessage "Error: no"' in reason


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("describe-training-job", "--training-job-name", "never"),
            "(ValidationException) when calling the DescribeTrainingJob operation: Requested resource not found.",
        ),
        (
            ("stop-training-job", "--training-job-name", "never"),
            "(ValidationException) when calling the StopTrainingJob operation: Requested resource not found.",
        ),
        (
            ("delete-training-job", "--training-job-name", "never"),
            "(ResourceNotFound) when calling the DeleteTrainingJob operation: ",
        ),
    ],
)
def test_errors_are_those_of_the_service(aws: Shell, words: tuple[str, ...], message: str) -> None:
    done = aws.run("sagemaker", *words)

    assert done.returncode == 255
    assert message in done.stderr
