"""What the SageMaker SDK prints of a job's life, from what DescribeTrainingJob said at each change."""

import json
import subprocess
from typing import Any

import pytest

from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import create_training_job, stop_training_job
from tests.peers import peer_python
from tests.services.conftest import Caller
from tests.services.training import tell, training

PRINTER = """
import datetime, json, sys
from sagemaker.utils import secondary_training_status_changed, secondary_training_status_message

printed = {}
for name, descriptions in json.load(sys.stdin).items():
    before, lines = None, []
    for now in descriptions:
        now["LastModifiedTime"] = datetime.datetime.fromtimestamp(now["LastModifiedTime"], datetime.timezone.utc)
        if secondary_training_status_changed(now, before):
            lines += secondary_training_status_message(now, before).splitlines()
        before = now
    printed[name] = [line.split(" ", 2)[2] for line in lines]
print(json.dumps(printed))
"""
WAITING = "Starting - Starting the training job"
LOADING = "Downloading - Downloading input data"
RUNNING = "Training - Training image download completed. Training in progress."
SAVING = "Uploading - Uploading generated training model"
TRACES: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "completed": (
        [
            ("Starting", "Preparing the instances for training"),
            ("Downloading", ""),
            ("Training", "Downloading the training image"),
            ("Training", ""),
            ("Uploading", ""),
            ("Completed", ""),
        ],
        [
            WAITING,
            "Starting - Preparing the instances for training",
            LOADING,
            "Training - Downloading the training image",
            RUNNING,
            SAVING,
            "Completed - Training job completed",
        ],
    ),
    "interrupted": (
        [("Training", ""), ("Interrupted", ""), ("Restarting", ""), ("Training", ""), ("Completed", "")],
        [
            WAITING,
            RUNNING,
            "Interrupted - Training job interrupted. Waiting for capacity to resume",
            "Restarting - Restarting the training job",
            RUNNING,
            "Completed - Training job completed",
        ],
    ),
    "failed": ([("Training", ""), ("Failed", "")], [WAITING, RUNNING, "Failed - Training job failed"]),
    "too-long": (
        [("Pending", ""), ("Training", ""), ("Uploading", ""), ("MaxRuntimeExceeded", "")],
        [
            WAITING,
            "Pending - Training job waiting for capacity",
            RUNNING,
            SAVING,
            "MaxRuntimeExceeded - Training job runtime exceeded MaxRuntimeInSeconds provided",
        ],
    ),
    "stopped": (
        [("Training", ""), ("stop", ""), ("Uploading", ""), ("Stopped", "")],
        [
            WAITING,
            RUNNING,
            "Stopping - Stopping the training job",
            SAVING,
            "Stopped - Training job stopped",
        ],
    ),
}


def told(caller: Caller, name: str, words: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The job's description after its creation and after each word."""
    caller(create_training_job, **training(name))
    launch = caller.stores.state.launches.get(caller.tenant, name)
    assert launch is not None
    caller.stores.state.launches.started(launch, "process", {}, caller.now)
    seen = [caller(describe_training_job, TrainingJobName=name)]
    for status, message in words:
        caller.now += 10
        if status == "stop":
            caller(stop_training_job, TrainingJobName=name)
        else:
            tell(caller, status, name=name, message=message)
        seen.append(caller(describe_training_job, TrainingJobName=name))
    return seen


@pytest.fixture
def printed(caller: Caller) -> dict[str, list[str]]:
    """What the SDK v2 prints of each trace."""
    seen = {name: told(caller, name, words) for name, (words, _) in TRACES.items()}
    ran = subprocess.run(
        [str(peer_python("sagemaker2")), "-W", "ignore", "-c", PRINTER],
        input=json.dumps(seen),
        capture_output=True,
        check=True,
        text=True,
        timeout=240,
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def test_the_sdk_prints_each_change_once(printed: dict[str, list[str]]) -> None:
    assert printed == {name: lines for name, (_, lines) in TRACES.items()}
