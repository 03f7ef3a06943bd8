"""A tuning job goes on where it was when its server is killed."""

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.launchers.created_jobs import BUCKET, ROLE, JobServer

SCRIPT = b"import sys, time; time.sleep(1); print('loss=' + sys.argv[sys.argv.index('--lr') + 1])"
VALUES = ["1", "2", "3", "4"]


def test_no_training_is_lost_or_doubled(tmp_path: Path) -> None:
    server = JobServer(tmp_path / "home", max_jobs="2").start()
    try:
        start(server)
        for number in (1, 3):
            until(server, number)
            server.kill()
            server.start()
        found = ended(server)
        listed = server.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="killed", MaxResults=100
        )["TrainingJobSummaries"]
        assert [one["TunedHyperParameters"]["lr"] for one in listed] == VALUES
        assert [one["TrainingJobStatus"] for one in listed] == ["Completed"] * 4
        assert [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in listed] == [1, 2, 3, 4]
        assert len(server.sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 4
        assert found["BestTrainingJob"]["TunedHyperParameters"] == {"lr": "4"}
    finally:
        server.stop()


def start(server: JobServer) -> None:
    """A grid of four values, two at a time."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(SCRIPT)
        tar.addfile(entry, io.BytesIO(SCRIPT))
    code = server.put("code/sourcedir.tar.gz", archive.getvalue())
    server.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="killed",
        HyperParameterTuningJobConfig={
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "lr", "Values": VALUES}]},
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {
                "sagemaker_program": json.dumps("train.py"),
                "sagemaker_submit_directory": json.dumps(code),
            },
            "AlgorithmSpecification": {
                "TrainingImage": "process",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )


def describe(server: JobServer) -> dict[str, Any]:
    found: dict[str, Any] = server.sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="killed"
    )
    return found


def until(server: JobServer, launched: int) -> None:
    """Wait until so many trainings were launched."""
    deadline = time.monotonic() + 120
    while sum(describe(server)["TrainingJobStatusCounters"].values()) < launched:
        assert time.monotonic() < deadline, server.said()
        time.sleep(0.05)


def ended(server: JobServer) -> dict[str, Any]:
    """The tuning job when it has ended."""
    deadline = time.monotonic() + 240
    while (found := describe(server))["HyperParameterTuningJobStatus"] == "InProgress":
        assert time.monotonic() < deadline, (found, server.said())
        time.sleep(0.2)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    return found
