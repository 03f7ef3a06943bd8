"""One training job, as SageMaker describes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.job import TRAINING, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.debug_rules import rule_evaluations
from epochwatch.services.sagemaker.job_specification import LONGEST_RUNTIME_SECONDS
from epochwatch.services.sagemaker.metric_definitions import final_metrics, metric_definitions
from epochwatch.services.sagemaker.profiler_rules import profiler_rule_evaluations
from epochwatch.services.sagemaker.resources import job_arn, not_found
from epochwatch.services.sagemaker.warm_pools import warm_pool_status
from epochwatch.store.profiles import ProfilePlace
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary

CLOCKS_APART_SECONDS: Final = 60.0
"""How far a host's clock may be behind."""
MOST_HYPERPARAMETERS: Final = 100
_KEY_LIMIT: Final = 256
_VALUE_LIMIT: Final = 2500
_ARGUMENT_LIMIT: Final = 256
_ARGUMENTS: Final = 100
_SHOWN: Final = (
    "TuningJobArn",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "DebugHookConfig",
    "ExperimentConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "ServerlessJobConfig",
    "MlflowConfig",
    "ModelPackageConfig",
)
"""Of what a job was created with, what DescribeTrainingJob shows."""


def describe_training_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTrainingJob of a created job, or of a run watched by an agent.

    A run has no role, image or model artefacts: these members are absent, or empty where SageMaker requires them.
    """
    job = call.stores.state.jobs.get(call.tenant, request["TrainingJobName"])
    if job is None:
        raise not_found()
    return describe(call, job, call.stores.state.jobs.request(call.tenant, job.name), summaries_of(call, job))


def summaries_of(call: Call, job: TrainingJob) -> list[MetricSummary]:
    """The metrics of a job; of a created one, without those of an earlier job of its name."""
    return of_this_job(job, call.stores.run_points.summaries(call.tenant, TRAINING_JOB, job.name)[job.name])


def of_this_job(job: TrainingJob, found: Sequence[MetricSummary]) -> list[MetricSummary]:
    """Of the metrics under a job's name, those that are not an earlier job's."""
    return [one for one in found if not job.created_by_api or one.last_time >= job.created - CLOCKS_APART_SECONDS]


def describe(
    call: Call, job: TrainingJob, created_with: Mapping[str, Any], summaries: Sequence[MetricSummary]
) -> dict[str, Any]:
    """A job as DescribeTrainingJob shows it."""
    described: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job_arn(call, TRAINING, job.name),
        "ModelArtifacts": {"S3ModelArtifacts": job.artifacts},
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "CreationTime": job.created,
        "LastModifiedTime": job.updated,
        "SecondaryStatusTransitions": _transitions(job),
        "FinalMetricDataList": final_metrics(call, job, summaries),
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "Environment": {},
    }
    described |= _created(job, created_with) if job.created_by_api else _watched(call, job)
    if "AlgorithmSpecification" in described:
        described["AlgorithmSpecification"]["MetricDefinitions"] = metric_definitions(job, summaries)
    if job.ended is not None:
        described["TrainingEndTime"] = job.ended
        if "TrainingStartTime" in described:
            seconds = max(1, round(job.ended - described["TrainingStartTime"]))
            described["TrainingTimeInSeconds"] = seconds
            if job.created_by_api:
                described["BillableTimeInSeconds"] = max(1, job.billable_seconds or seconds)
    evaluations = rule_evaluations(call, job, created_with)
    if evaluations:
        described["DebugRuleEvaluationStatuses"] = evaluations
    profiled = profiler_rule_evaluations(call, job, created_with)
    if profiled:
        described["ProfilerRuleEvaluationStatuses"] = profiled
    if job.failure_reason:
        described["FailureReason"] = job.failure_reason
    pool = warm_pool_status(job, created_with, call.now)
    if pool is not None:
        described["WarmPoolStatus"] = pool
    return described


def _created(job: TrainingJob, created_with: Mapping[str, Any]) -> dict[str, Any]:
    """What is particular to a created job: what it was asked for with."""
    shown = {name: created_with[name] for name in _SHOWN if name in created_with}
    specification = shown.get("AlgorithmSpecification")
    if specification is not None:
        shown["AlgorithmSpecification"] = {
            "EnableSageMakerMetricsTimeSeries": bool(job.definitions),
            **specification,
        }
    profiler = created_with.get("ProfilerConfig", {"DisableProfiler": True})
    shown["ProfilingStatus"] = "Disabled" if profiler.get("DisableProfiler") else "Enabled"
    if job.training_started is not None:
        shown["TrainingStartTime"] = job.training_started
    return shown


def _watched(call: Call, job: TrainingJob) -> dict[str, Any]:
    """What is particular to a run that an agent watches."""
    profile = ProfilePlace(call.tenant, TRAINING.resource, job.name)
    return {
        "HyperParameters": _hyperparameters(job),
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "EnableSageMakerMetricsTimeSeries": True,
            **_command(job),
        },
        "InputDataConfig": [],
        "OutputDataConfig": {"S3OutputPath": f"s3://sagemaker-{call.tenant.region}-{call.tenant.account}/"},
        "ResourceConfig": {"InstanceCount": max(1, job.host_count), "VolumeSizeInGB": 0},
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_RUNTIME_SECONDS},
        "TrainingStartTime": job.started,
        "ProfilingStatus": "Enabled" if any(call.stores.objects.list(profile.folder)) else "Disabled",
    }


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
