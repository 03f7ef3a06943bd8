"""One training job, as SageMaker describes it."""

import json
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.metric_definitions import final_metrics, metric_definitions
from epochwatch.store.run_points import TRAINING_JOB

LONGEST_RUNTIME_SECONDS: Final = 28 * 86400
"""SageMaker's longest, shown as the limit of a job that has none."""
MOST_HYPERPARAMETERS: Final = 100
_KEY_LIMIT: Final = 256
_VALUE_LIMIT: Final = 2500
_ARGUMENT_LIMIT: Final = 256
_ARGUMENTS: Final = 100


def describe_training_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTrainingJob of a run watched by an agent.

    Such a run has no role, image or model artefacts: these members are absent, or empty where SageMaker
    requires them.
    """
    job = call.stores.state.jobs.get(call.tenant, request["TrainingJobName"])
    if job is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    summaries = call.stores.run_points.summaries(call.tenant, TRAINING_JOB, job.name)[job.name]
    described: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job_arn(call, job),
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "HyperParameters": _hyperparameters(job),
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(job, summaries),
            "EnableSageMakerMetricsTimeSeries": True,
            **_command(job),
        },
        "InputDataConfig": [],
        "OutputDataConfig": {
            "S3OutputPath": f"s3://sagemaker-{call.tenant.region}-{call.tenant.account}/",
        },
        "ResourceConfig": {"InstanceCount": max(1, job.host_count), "VolumeSizeInGB": 0},
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_RUNTIME_SECONDS},
        "CreationTime": job.created,
        "TrainingStartTime": job.started,
        "LastModifiedTime": job.updated,
        "SecondaryStatusTransitions": _transitions(job),
        "FinalMetricDataList": final_metrics(call, job, summaries),
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "ProfilingStatus": "Disabled",
        "Environment": {},
    }
    if job.ended is not None:
        described["TrainingEndTime"] = job.ended
        described["TrainingTimeInSeconds"] = max(1, round(job.ended - job.started))
    if job.failure_reason:
        described["FailureReason"] = job.failure_reason
    return described


def job_arn(call: Call, job: TrainingJob) -> str:
    """The job's ARN."""
    return call.tenant.arn("sagemaker", f"training-job/{job.name}")


def _transitions(job: TrainingJob) -> list[dict[str, Any]]:
    found = []
    for transition in job.transitions:
        entry: dict[str, Any] = {
            "Status": transition.status,
            "StartTime": transition.start,
            "StatusMessage": transition.message,
        }
        if transition.end is not None:
            entry["EndTime"] = transition.end
        found.append(entry)
    return found


def _hyperparameters(job: TrainingJob) -> dict[str, str]:
    """The run's configuration as text, cut to what SageMaker holds: what is no text is written as JSON."""
    found: dict[str, str] = {}
    for key, value in job.config.items():
        if len(found) == MOST_HYPERPARAMETERS:
            break
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        found[key[:_KEY_LIMIT]] = text[:_VALUE_LIMIT]
    return found


def _command(job: TrainingJob) -> dict[str, list[str]]:
    """The command as the container's entry point and arguments, left out where SageMaker could not hold it."""
    if not job.command or any(not 0 < len(word) <= _ARGUMENT_LIMIT for word in job.command):
        return {}
    entry, arguments = job.command[:1], job.command[1:]
    if len(arguments) > _ARGUMENTS:
        return {}
    found = {"ContainerEntrypoint": entry}
    return found | {"ContainerArguments": arguments} if arguments else found
