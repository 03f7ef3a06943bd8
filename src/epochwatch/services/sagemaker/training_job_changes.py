"""Training jobs that are made, stopped, changed and deleted."""

from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import IN_PROGRESS, TERMINAL, TRAINING, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.debug_rules import completed_debugger, rule_jobs, stop_rules
from epochwatch.services.sagemaker.job_deletion import delete_job
from epochwatch.services.sagemaker.job_specification import (
    CHECKPOINTS,
    definitions_of,
    instance_count,
    require_algorithm,
    require_channels,
    require_resources,
    stopping_condition,
)
from epochwatch.services.sagemaker.profiler import changed_profiler, require_profiler
from epochwatch.services.sagemaker.profiler_rules import (
    RULES,
    add_rules,
    completed_profiler_rules,
    profiler_rule_jobs,
    stop_profiler_rules,
)
from epochwatch.services.sagemaker.resources import ended, in_use, invalid, job_arn, not_found
from epochwatch.services.sagemaker.tags import tags_of
from epochwatch.services.sagemaker.trial_components import create_job_component, require_experiment
from epochwatch.services.sagemaker.warm_pools import close_pool, is_available, require_pool, reuse_pool
from epochwatch.store.state.job_records import NameTaken

_CHANGEABLE: Final = ("ProfilerConfig", RULES, "RemoteDebugConfig")


def create_training_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTrainingJob: the job waits for its launcher from now on.

    What can have no meaning here (roles, networks, keys, instance types) is kept and shown by DescribeTrainingJob.
    """
    job = start_training_job(call, request)
    return {"TrainingJobArn": job_arn(call, TRAINING, job.name)}


def start_training_job(call: Call, request: dict[str, Any]) -> TrainingJob:
    """The job that a request for one makes; also of a tuning job. Raises AwsError."""
    request = completed_training_request(request)
    name = request["TrainingJobName"]
    hyperparameters = request.get("HyperParameters", {})
    require_experiment(call, request.get("ExperimentConfig", {}))
    definitions = definitions_of(request.get("AlgorithmSpecification", {}), hyperparameters)
    try:
        job = call.stores.state.jobs.create(
            call.tenant,
            name,
            request,
            definitions,
            tags_of(request.get("Tags", [])),
            call.now,
            config=hyperparameters,
            host_count=instance_count(request.get("ResourceConfig", {})),
            evaluations=rule_jobs(call, name, request)
            | profiler_rule_jobs(call, name, call.now, request, request.get(RULES, [])),
        )
    except NameTaken as error:
        raise in_use("Training job", job_arn(call, TRAINING, name)) from error
    reuse_pool(call, name, request)
    if "ExperimentConfig" in request:
        create_job_component(call, TRAINING, job, request["ExperimentConfig"])
    call.stores.feed.publish_job(call.tenant, job)
    return job


def stop_training_job(call: Call, request: dict[str, Any]) -> None:
    """StopTrainingJob: the job gets SIGTERM, and 120 seconds later SIGKILL; one that waits is stopped at once."""
    name = request["TrainingJobName"]
    job = _known(call, name)
    if not job.created_by_api and job.status not in TERMINAL:
        raise invalid(
            f"The training job {name} was started by 'epochwatch run' or by an agent, not by CreateTrainingJob:"
            " stop its process where it runs."
        )
    if job.status in TERMINAL:
        raise ended("training job", job.status)
    stopped = call.stores.state.jobs.stop(call.tenant, name, call.now)
    if stopped is not None:
        created_with = call.stores.state.jobs.request(call.tenant, name)
        stop_rules(call, stopped, created_with)
        stop_profiler_rules(call, stopped, created_with)
        call.stores.feed.publish_job(call.tenant, stopped)


def update_training_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateTrainingJob: other profiling, further profiler rules, remote debugging or a longer warm pool, which
    DescribeTrainingJob shows.
    """
    name = request["TrainingJobName"]
    job = _known(call, name)
    changed: dict[str, Any] = {key: request[key] for key in _CHANGEABLE if key in request}
    require_profiler(request.get("ProfilerConfig", {}))
    keep_alive = request.get("ResourceConfig")
    if not changed and keep_alive is None:
        raise invalid("No updates are provided: give a profiler, remote debug or resource configuration.")
    if not job.created_by_api:
        raise invalid(f"The training job {name} was not made by CreateTrainingJob and cannot be updated.")
    if keep_alive is not None and not is_available(
        job, call.stores.state.jobs.request(call.tenant, name), call.now
    ):
        raise invalid(f"The training job {name} has no warm pool in status Available: nothing can be kept alive.")
    if changed and job.status != IN_PROGRESS:
        raise ended("training job", job.status)
    if keep_alive == {"KeepAlivePeriodInSeconds": 0}:
        close_pool(call, name, {"Time": call.now})

    def change(known: dict[str, Any]) -> dict[str, Any]:
        if keep_alive is not None:
            changed["ResourceConfig"] = {**known["ResourceConfig"], **keep_alive}
        if "ProfilerConfig" in changed:
            changed["ProfilerConfig"] = changed_profiler(known.get("ProfilerConfig"), request["ProfilerConfig"])
        if RULES in changed:
            changed[RULES] = [*known.get(RULES, []), *added]
        return {**known, **changed}

    added = []
    if changed.get(RULES):
        created_with = call.stores.state.jobs.request(call.tenant, name)
        profiler = changed_profiler(created_with.get("ProfilerConfig"), request.get("ProfilerConfig", {}))
        added = add_rules(call, job, {**created_with, "ProfilerConfig": profiler}, changed[RULES])
    call.stores.state.jobs.change_request(call.tenant, name, change)
    return {"TrainingJobArn": job_arn(call, TRAINING, name)}


def delete_training_job(call: Call, request: dict[str, Any]) -> None:
    """DeleteTrainingJob: forgets a job that has ended, its run points and its hosts' samples; its name may be used
    again. Its log and its CloudWatch metrics stay, as they are others'.
    """
    name = request["TrainingJobName"]
    job = call.stores.state.jobs.get(call.tenant, name)
    created_with = call.stores.state.jobs.request(call.tenant, name)
    if job is not None and is_available(job, created_with, call.now):
        raise AwsError(
            "ResourceInUse",
            f"The training job {name} retains a warm pool in status Available: set its KeepAlivePeriodInSeconds to 0"
            " with UpdateTrainingJob before it is deleted.",
        )
    delete_job(call, TRAINING, name)
    if job is not None:
        stop_rules(call, job, created_with)
        stop_profiler_rules(call, job, created_with)


def _known(call: Call, name: str) -> TrainingJob:
    job = call.stores.state.jobs.get(call.tenant, name)
    if job is None:
        raise not_found()
    return job


def completed_training_request(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the service's defaults. Raises AwsError where it cannot be."""
    request = dict(request)
    serverless = "ServerlessJobConfig" in request
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in request and not serverless:
            raise invalid(f"{member} is required.")
    resources = request.get("ResourceConfig", {})
    if "AlgorithmSpecification" in request:
        require_algorithm(request["AlgorithmSpecification"])
    if resources:
        require_resources(resources)
        require_pool(request)
    require_profiler(request.get("ProfilerConfig", {}))
    request = completed_profiler_rules(completed_debugger(request))
    groups = [group["InstanceGroupName"] for group in resources.get("InstanceGroups", [])]
    require_channels(request.get("InputDataConfig", []), groups)
    request["StoppingCondition"] = stopping_condition(
        request.get("StoppingCondition", {}), spot=request.get("EnableManagedSpotTraining", False)
    )
    if "CheckpointConfig" in request:
        request["CheckpointConfig"] = {"LocalPath": CHECKPOINTS, **request["CheckpointConfig"]}
    return request
