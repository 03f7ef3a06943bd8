"""What DescribeTrainingJob says in each phase of a job's life, as SageMaker is documented to say it.

Each trace is a table: ten seconds pass before each row; the row holds the word of the job's runner (or ``stop``), what
the answer then has as status, secondary status and status message, and the members that are there from now on. Times
are seconds since the job was made.
"""

from typing import Any, NamedTuple

import botocore.session
import pytest
from botocore.validate import ParamValidator

from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import create_training_job, stop_training_job
from tests.services.conftest import Caller
from tests.services.training import tell, training

MODEL = "s3://bucket/out/job/output/model.tar.gz"
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
}
TIMES = ("CreationTime", "LastModifiedTime", "TrainingStartTime", "TrainingEndTime")


class Row(NamedTuple):
    word: str
    status: str
    secondary: str
    message: str
    more: dict[str, Any] = {}
    told: dict[str, Any] = {}


STARTING = Row(
    "", "InProgress", "Starting", "Starting the training job", {"ModelArtifacts": {"S3ModelArtifacts": ""}}
)
DOWNLOADING = Row("Downloading", "InProgress", "Downloading", "Downloading input data", {"TrainingStartTime": 10})
TRAINING = Row("Training", "InProgress", "Training", "Training image download completed. Training in progress.")
UPLOADING = Row("Uploading", "InProgress", "Uploading", "Uploading generated training model")


def over(time: int, billable: int, **more: Any) -> dict[str, Any]:
    """Of a job that has ended ``time`` seconds after it was made and began to download ten seconds after that."""
    return {
        "TrainingEndTime": time,
        "TrainingTimeInSeconds": time - 10,
        "BillableTimeInSeconds": billable,
    } | more


def after_all(end: Row) -> list[Row]:
    return [STARTING, DOWNLOADING, TRAINING, UPLOADING, end]


TRACES: dict[str, list[Row]] = {
    "completed": after_all(
        Row(
            "Completed",
            "Completed",
            "Completed",
            "Training job completed",
            over(40, 28, ModelArtifacts={"S3ModelArtifacts": MODEL}),
            {"artifacts": MODEL, "billable_seconds": 28},
        )
    ),
    "failed": [
        STARTING,
        DOWNLOADING,
        TRAINING,
        Row(
            "Failed",
            "Failed",
            "Failed",
            "Training job failed",
            over(30, 20, FailureReason="AlgorithmError: no data"),
            {"failure_reason": "AlgorithmError: no data"},
        ),
    ],
    "failed-before-training": [
        STARTING,
        Row(
            "Failed",
            "Failed",
            "Failed",
            "Training job failed",
            {"TrainingEndTime": 10, "FailureReason": "ClientError: no such image"},
            {"failure_reason": "ClientError: no such image"},
        ),
    ],
    "stopped": [
        STARTING,
        DOWNLOADING,
        TRAINING,
        Row("stop", "Stopping", "Stopping", "Stopping the training job"),
        Row("Uploading", "Stopping", "Uploading", "Uploading generated training model"),
        Row(
            "Stopped",
            "Stopped",
            "Stopped",
            "Training job stopped",
            over(50, 40, ModelArtifacts={"S3ModelArtifacts": MODEL}),
            {"artifacts": MODEL},
        ),
    ],
    "too-long": after_all(
        Row(
            "MaxRuntimeExceeded",
            "Stopped",
            "MaxRuntimeExceeded",
            "Training job runtime exceeded MaxRuntimeInSeconds provided",
            over(40, 30, ModelArtifacts={"S3ModelArtifacts": MODEL}),
            {"artifacts": MODEL},
        )
    ),
    "spot-interrupted": [
        STARTING,
        DOWNLOADING,
        TRAINING,
        Row(
            "Interrupted",
            "InProgress",
            "Interrupted",
            "Training job interrupted. Waiting for capacity to resume",
        ),
        Row("Restarting", "InProgress", "Restarting", "Restarting the training job"),
        DOWNLOADING,
        TRAINING,
        UPLOADING,
        Row(
            "Completed",
            "Completed",
            "Completed",
            "Training job completed",
            over(80, 50, ModelArtifacts={"S3ModelArtifacts": MODEL}),
            {"artifacts": MODEL, "billable_seconds": 50},
        ),
    ],
    "spot-waited-too-long": [
        STARTING,
        DOWNLOADING,
        TRAINING,
        Row(
            "Interrupted",
            "InProgress",
            "Interrupted",
            "Training job interrupted. Waiting for capacity to resume",
        ),
        Row(
            "MaxWaitTimeExceeded",
            "Stopped",
            "MaxWaitTimeExceeded",
            "Training job runtime exceeded MaxWaitTimeInSeconds provided",
            over(40, 20),
            {"billable_seconds": 20},
        ),
    ],
}


def lived(caller: Caller, name: str) -> list[dict[str, Any]]:
    """The job's description after each row."""
    caller(create_training_job, **training(name, **(SPOT if name.startswith("spot") else {})))
    launch = caller.stores.state.launches.get(caller.tenant, name)
    assert launch is not None
    caller.stores.state.launches.started(launch, "process", {}, caller.now)
    seen = [caller(describe_training_job, TrainingJobName=name)]
    for row in TRACES[name][1:]:
        caller.now += 10
        if row.word == "stop":
            caller(stop_training_job, TrainingJobName=name)
        else:
            tell(caller, row.word, name=name, **row.told)
        seen.append(caller(describe_training_job, TrainingJobName=name))
    return seen


def expected(rows: list[Row], asked: dict[str, Any], account: str) -> dict[str, Any]:
    """The whole answer after the last of ``rows``: a transition lasts until the next one, that of an end no time."""
    last, now = rows[-1], (len(rows) - 1) * 10
    transitions: list[dict[str, Any]] = [
        {
            "Status": row.secondary,
            "StartTime": 10 * number,
            "EndTime": 10 * number + 10,
            "StatusMessage": row.message,
        }
        for number, row in enumerate(rows)
    ]
    transitions[-1]["EndTime"] = now
    if last.status in ("InProgress", "Stopping"):
        del transitions[-1]["EndTime"]
    found: dict[str, Any] = asked | {
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:{account}:training-job/{asked['TrainingJobName']}",
        "TrainingJobStatus": last.status,
        "SecondaryStatus": last.secondary,
        "SecondaryStatusTransitions": transitions,
        "CreationTime": 0,
        "LastModifiedTime": now,
        "FinalMetricDataList": [],
        "AlgorithmSpecification": asked["AlgorithmSpecification"]
        | {"EnableSageMakerMetricsTimeSeries": False, "MetricDefinitions": []},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": asked.get("EnableManagedSpotTraining", False),
        "ProfilingStatus": "Disabled",
        "Environment": {},
    }
    for row in rows:
        found |= row.more
    return found


def since(begun: float, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with times as seconds since ``begun``."""
    transitions = [
        {name: value - begun if name in ("StartTime", "EndTime") else value for name, value in one.items()}
        for one in answer["SecondaryStatusTransitions"]
    ]
    times = {name: answer[name] - begun for name in TIMES if name in answer}
    return answer | times | {"SecondaryStatusTransitions": transitions}


@pytest.mark.parametrize("name", TRACES)
def test_each_answer_is_whole_in_each_phase(caller: Caller, name: str) -> None:
    begun = caller.now
    seen = lived(caller, name)

    asked = training(name, **(SPOT if name.startswith("spot") else {}))
    for number, answer in enumerate(seen, 1):
        assert since(begun, answer) == expected(TRACES[name][:number], asked, caller.tenant.account)


@pytest.mark.parametrize("name", TRACES)
def test_clients_can_read_each_answer_and_their_waiters_know_the_end(caller: Caller, name: str) -> None:
    session = botocore.session.get_session()
    shape = session.get_service_model("sagemaker").operation_model("DescribeTrainingJob").output_shape
    waiters = session.get_waiter_model("sagemaker")
    acceptors = waiters.get_waiter("TrainingJobCompletedOrStopped").acceptors
    end = {"Completed": "success", "Stopped": "success", "Failed": "failure"}

    for row, answer in zip(TRACES[name], lived(caller, name), strict=True):
        assert ParamValidator().validate(answer, shape).generate_report() == ""
        known = [one.state for one in acceptors if one.matcher_func(answer)]
        assert known == ([end[row.status]] if row.status in end else [])
