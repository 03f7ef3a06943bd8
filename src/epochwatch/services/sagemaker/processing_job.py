"""Processing jobs: made, described, stopped and deleted."""

from typing import Any, Final

from epochwatch.model.job import PROCESSING, TERMINAL, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.job_deletion import delete_job
from epochwatch.services.sagemaker.resources import ended, in_use, invalid, job_arn, not_found
from epochwatch.services.sagemaker.tags import tags_of
from epochwatch.services.sagemaker.trial_components import create_job_component, require_experiment
from epochwatch.store.state.job_records import NameTaken

DEFAULT_RUNTIME_SECONDS: Final = 86400
_SHOWN: Final = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
    "TrainingJobArn",
)


def create_processing_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateProcessingJob: the job waits for its launcher from now on."""
    request = _completed(request)
    name = request["ProcessingJobName"]
    require_experiment(call, request.get("ExperimentConfig", {}))
    try:
        job = call.stores.state.jobs.create(
            call.tenant,
            name,
            request,
            [],
            tags_of(request.get("Tags", [])),
            call.now,
            host_count=_instance_count(request),
            kind=PROCESSING,
        )
    except NameTaken as error:
        raise in_use("Processing job", job_arn(call, PROCESSING, name)) from error
    if "ExperimentConfig" in request:
        create_job_component(call, PROCESSING, job, request["ExperimentConfig"])
    return {"ProcessingJobArn": job_arn(call, PROCESSING, name)}


def describe_processing_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeProcessingJob."""
    job = _known(call, request["ProcessingJobName"])
    created_with = call.stores.state.jobs.request(call.tenant, job.name, PROCESSING)
    described: dict[str, Any] = {name: created_with[name] for name in _SHOWN if name in created_with}
    described |= {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job_arn(call, PROCESSING, job.name),
        "ProcessingJobStatus": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.updated,
    }
    if job.training_started is not None:
        described["ProcessingStartTime"] = job.training_started
    if job.ended is not None:
        described["ProcessingEndTime"] = job.ended
    if job.failure_reason:
        described["FailureReason"] = job.failure_reason
    if job.output:
        described["ExitMessage"] = job.output
    return described


def stop_processing_job(call: Call, request: dict[str, Any]) -> None:
    """StopProcessingJob: the job gets SIGTERM, then SIGKILL; one that waits is stopped at once."""
    job = _known(call, request["ProcessingJobName"])
    if job.status in TERMINAL:
        raise ended("processing job", job.status)
    call.stores.state.jobs.stop(call.tenant, job.name, call.now, PROCESSING)


def delete_processing_job(call: Call, request: dict[str, Any]) -> None:
    """DeleteProcessingJob: as DeleteTrainingJob."""
    delete_job(call, PROCESSING, request["ProcessingJobName"])


def _known(call: Call, name: str) -> TrainingJob:
    job = call.stores.state.jobs.get(call.tenant, name, PROCESSING)
    if job is None:
        raise not_found()
    return job


def _instance_count(request: dict[str, Any]) -> int:
    cluster = request["ProcessingResources"]["ClusterConfig"]
    preferred = (cluster.get("InstancePreferences") or [{}])[0].get("InstanceCount")
    return int(cluster.get("InstanceCount") or preferred or 1)


def _completed(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the service's defaults. Raises AwsError where it cannot be."""
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for noun, names in (
        ("Input", [given["InputName"] for given in inputs]),
        ("Output", [given["OutputName"] for given in outputs]),
    ):
        if len(set(names)) < len(names):
            raise invalid(f"{noun} names of a processing job must be unique.")
    for given in inputs:
        if ("S3Input" in given) == ("DatasetDefinition" in given):
            raise invalid(
                f"The input {given['InputName']} must have exactly one of S3Input and DatasetDefinition."
            )
        if "S3Input" in given and not given.get("AppManaged") and "LocalPath" not in given["S3Input"]:
            raise invalid(f"LocalPath of the input {given['InputName']} is required, unless it is AppManaged.")
    for given in outputs:
        if ("S3Output" in given) == ("FeatureStoreOutput" in given):
            raise invalid(
                f"The output {given['OutputName']} must have exactly one of S3Output and FeatureStoreOutput."
            )
    cluster = request["ProcessingResources"]["ClusterConfig"]
    if "InstancePreferences" not in cluster:
        for name in ("InstanceType", "InstanceCount"):
            if name not in cluster:
                raise invalid(f"{name} is required in ClusterConfig.")
    condition = {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECONDS} | request.get("StoppingCondition", {})
    return {**request, "StoppingCondition": condition}
