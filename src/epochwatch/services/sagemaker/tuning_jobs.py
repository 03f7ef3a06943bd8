"""Hyperparameter tuning jobs: made, described, listed, stopped and deleted."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import TERMINAL
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resource_list import position, resource_page
from epochwatch.services.sagemaker.resources import ended, in_use, invalid, not_found
from epochwatch.services.sagemaker.tags import tags_of
from epochwatch.services.sagemaker.tuning_requests import completed_tuning_request, require_tuning
from epochwatch.services.sagemaker.tuning_state import Tuning, tuning_arn
from epochwatch.services.tokens import seal
from epochwatch.store.state.resources import TUNING_JOB, Resource

PAGE: Final = 10
_SHOWN: Final = (
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
)
_KEYS: Final = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}


def create_hyper_parameter_tuning_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateHyperParameterTuningJob: its first trainings are launched within moments."""
    require_tuning(request)
    name = request["HyperParameterTuningJobName"]
    for parent in parents_of(request):
        found = call.stores.state.resources.get(call.tenant, TUNING_JOB, parent)
        if found is None:
            raise AwsError("ResourceNotFound", f"The parent hyperparameter tuning job {parent} does not exist.")
        if found.status not in TERMINAL:
            raise invalid(f"The parent hyperparameter tuning job {parent} is in status {found.status}.")
    tags = tags_of(request.get("Tags", []))
    record = {"request": completed_tuning_request(request), "trials": []}
    if not call.stores.state.resources.create(
        call.tenant, TUNING_JOB, name, record, call.now, status="InProgress", tags=tags
    ):
        raise in_use("Hyperparameter tuning job", tuning_arn(call, name))
    return {"HyperParameterTuningJobArn": tuning_arn(call, name)}


def describe_hyper_parameter_tuning_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob, with the best training so far."""
    return tuning_document(call, _known(call, request["HyperParameterTuningJobName"]))


def tuning_document(call: Call, resource: Resource) -> dict[str, Any]:
    """A tuning job as DescribeHyperParameterTuningJob shows it."""
    tuning = Tuning(call, resource)
    described: dict[str, Any] = {
        **_common(call, tuning),
        **{name: tuning.request[name] for name in _SHOWN if name in tuning.request},
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": resource.record.get("not_improving", 0),
            **(
                {"ConvergenceDetectedTime": resource.record["converged"]} if "converged" in resource.record else {}
            ),
        },
        "ConsumedResources": {"RuntimeInSeconds": int(resource.record.get("ended", call.now) - resource.created)},
    }
    best = tuning.best()
    if best is not None:
        described["BestTrainingJob"] = tuning.summaries()[best]
    overall = _overall_best(call, tuning)
    if overall is not None:
        described["OverallBestTrainingJob"] = overall
    if resource.record.get("failure_reason"):
        described["FailureReason"] = resource.record["failure_reason"]
    return described


def list_hyper_parameter_tuning_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListHyperParameterTuningJobs: a page, newest first unless asked otherwise."""
    found, token = resource_page(call, request, TUNING_JOB)
    summaries = []
    for resource in found:
        tuning = Tuning(call, resource)
        summary = {
            **_common(call, tuning),
            "Strategy": tuning.config["Strategy"],
            "ResourceLimits": tuning.config["ResourceLimits"],
        }
        summaries.append(summary)
    return {"HyperParameterTuningJobSummaries": summaries} | token


def list_training_jobs_for_hyper_parameter_tuning_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob: a page, by name unless asked otherwise. Sorted by their objective,
    only trainings that have one are there.
    """
    tuning = Tuning(call, _known(call, request["HyperParameterTuningJobName"]))
    found = [
        one
        for one in tuning.summaries().values()
        if request.get("StatusEquals") in (None, one["TrainingJobStatus"])
    ]
    by = request.get("SortBy", "Name")
    if by == "FinalObjectiveMetricValue":
        found = [one for one in found if one["TrainingJobName"] in tuning.succeeded]
        found.sort(key=lambda one: tuning.succeeded[one["TrainingJobName"]])
    else:
        found.sort(key=lambda one: (one[_KEYS[by]], one["TrainingJobName"]))
    if request.get("SortOrder", "Ascending") == "Descending":
        found.reverse()
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    offset, known_until = position(bound, request.get("NextToken"), call.now)
    page = found[offset : offset + request.get("MaxResults", PAGE)]
    more = page and offset + len(page) < len(found)
    token = {"NextToken": seal(bound, [offset + len(page), known_until])} if more else {}
    return {"TrainingJobSummaries": page} | token


def stop_hyper_parameter_tuning_job(call: Call, request: dict[str, Any]) -> None:
    """StopHyperParameterTuningJob: no training is launched any more, and those that run are stopped."""
    resource = _known(call, request["HyperParameterTuningJobName"])
    if resource.status in TERMINAL:
        raise ended("hyperparameter tuning job", resource.status)
    call.stores.state.resources.change(
        call.tenant, TUNING_JOB, resource.name, lambda record: record, call.now, status="Stopping"
    )


def delete_hyper_parameter_tuning_job(call: Call, request: dict[str, Any]) -> None:
    """DeleteHyperParameterTuningJob: forgets one that has ended, or is not there; its training jobs stay."""
    resource = call.stores.state.resources.get(call.tenant, TUNING_JOB, request["HyperParameterTuningJobName"])
    if resource is None:
        return
    if resource.status not in TERMINAL:
        raise invalid(
            f"The hyperparameter tuning job {resource.name} is in status {resource.status}: stop it before it is"
            " deleted."
        )
    call.stores.state.resources.delete(call.tenant, TUNING_JOB, resource.name)


def parents_of(request: Mapping[str, Any]) -> list[str]:
    """The names of the tuning jobs that one starts from."""
    given = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    names = [one.get("HyperParameterTuningJobName") for one in given]
    return [name for name in names if name]


def _known(call: Call, name: str) -> Resource:
    found = call.stores.state.resources.get(call.tenant, TUNING_JOB, name)
    if found is None:
        raise not_found()
    return found


def _common(call: Call, tuning: Tuning) -> dict[str, Any]:
    """What descriptions and summaries share."""
    resource = tuning.resource
    found: dict[str, Any] = {
        "HyperParameterTuningJobName": resource.name,
        "HyperParameterTuningJobArn": tuning_arn(call, resource.name),
        "HyperParameterTuningJobStatus": resource.status,
        "CreationTime": resource.created,
        "LastModifiedTime": resource.updated,
        "TrainingJobStatusCounters": tuning.status_counters(),
        "ObjectiveStatusCounters": tuning.objective_counters(),
    }
    if "ended" in resource.record:
        found["HyperParameterTuningEndTime"] = resource.record["ended"]
    return found


def _overall_best(call: Call, tuning: Tuning) -> dict[str, Any] | None:
    """The best training of a tuning job and of those it started from; None where it started from none."""
    parents = parents_of(tuning.request)
    if not parents:
        return None
    found: list[tuple[float, dict[str, Any]]] = []
    for name in [tuning.resource.name, *parents]:
        resource = call.stores.state.resources.get(call.tenant, TUNING_JOB, name)
        one = None if resource is None else Tuning(call, resource)
        best = None if one is None else one.best()
        if one is not None and best is not None:
            found.append((one.succeeded[best], {**one.summaries()[best], "TuningJobName": name}))
    if not found:
        return None
    choose = max if tuning.maximize else min
    return choose(found, key=lambda pair: pair[0])[1]
