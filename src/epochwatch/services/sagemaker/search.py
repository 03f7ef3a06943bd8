"""Search: resources that satisfy an expression."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from epochwatch.model.resource_search import (
    Document,
    InvalidSearch,
    matches,
    ordered,
    require_property,
    require_valid,
)
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.experiments import experiment_document, trial_document
from epochwatch.services.sagemaker.resource_list import position
from epochwatch.services.sagemaker.resources import invalid
from epochwatch.services.sagemaker.tags import tag_list
from epochwatch.services.sagemaker.training_job import describe, describe_training_job, of_this_job
from epochwatch.services.sagemaker.trial_components import component_document, with_metrics
from epochwatch.services.sagemaker.tuning_jobs import tuning_document
from epochwatch.services.tokens import seal
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary
from epochwatch.store.state.resources import EXPERIMENT, TRIAL, TRIAL_COMPONENT, TUNING_JOB

PAGE: Final = 10
JOBS_AT_ONCE: Final = 500
"""Jobs whose metrics are asked for by one query."""
_COMMON: Final = "CreationTime LastModifiedTime Tags DisplayName Source CreatedBy LastModifiedBy"
PROPERTIES: Final = {
    "TrainingJob": "AlgorithmSpecification AutoMLJobArn BillableTimeInSeconds CheckpointConfig CreationTime"
    " DebugHookConfig DebugRuleConfigurations DebugRuleEvaluationStatuses EnableInterContainerTrafficEncryption"
    " EnableManagedSpotTraining EnableNetworkIsolation Environment ExperimentConfig FailureReason FinalMetricDataList"
    " HyperParameters InputDataConfig LabelingJobArn LastModifiedTime Metrics ModelArtifacts ModelPackageConfig"
    " OutputDataConfig OutputModelPackageArn ProfilerConfig ResourceConfig RetryStrategy RoleArn SecondaryStatus"
    " SecondaryStatusTransitions StoppingCondition Tags TensorBoardOutputConfig TrainingEndTime TrainingJobArn"
    " TrainingJobName TrainingJobStatus TrainingStartTime TrainingTimeInSeconds TuningJobArn VpcConfig",
    "Experiment": f"{_COMMON} ExperimentName ExperimentArn Description",
    "ExperimentTrial": f"{_COMMON} TrialName TrialArn ExperimentName MetadataProperties TrialComponentSummaries",
    "ExperimentTrialComponent": f"{_COMMON} TrialComponentName TrialComponentArn Status StartTime EndTime Parameters"
    " InputArtifacts OutputArtifacts Metrics MetadataProperties SourceDetail LineageGroupArn Parents RunName",
    "HyperParameterTuningJob": "BestTrainingJob ConsumedResources CreationTime FailureReason"
    " HyperParameterTuningEndTime HyperParameterTuningJobArn HyperParameterTuningJobConfig HyperParameterTuningJobName"
    " HyperParameterTuningJobStatus LastModifiedTime ObjectiveStatusCounters OverallBestTrainingJob Tags"
    " TrainingJobDefinition TrainingJobDefinitions TrainingJobStatusCounters TuningJobCompletionDetails"
    " WarmStartConfig",
}
"""What can be searched for, by the resources that can be here."""


def search(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Search: a page of the resources that satisfy the expression, those changed last first unless asked otherwise.

    Kinds of resources that epochwatch does not have are never found, and neither is another account's.
    """
    kind = request["Resource"]
    if kind not in _DOCUMENTS or request.get("CrossAccountFilterOption") == "CrossAccount":
        return {"Results": [], "TotalHits": {"Value": 0, "Relation": "EqualTo"}}
    expression, by = request.get("SearchExpression"), request.get("SortBy", "LastModifiedTime")
    properties = PROPERTIES[kind].split()
    try:
        if expression is not None:
            require_valid(expression, properties)
        require_property(by, properties)
    except InvalidSearch as error:
        raise invalid(str(error)) from error
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    offset, known_until = position(bound, request.get("NextToken"), call.now)
    measured = _asks_for_metrics(expression, by)
    found = [
        one
        for one in _DOCUMENTS[kind](call, measured)
        if one["CreationTime"] < known_until and (expression is None or matches(one, expression))
    ]
    found = ordered(found, by, descending=request.get("SortOrder", "Descending") == "Descending")
    page = found[offset : offset + request.get("MaxResults", PAGE)]
    complete = _COMPLETE.get(kind)
    results = [
        {_MEMBERS[kind]: document if complete is None or measured else complete(call, document)}
        for document in page
    ]
    more = page and offset + len(page) < len(found)
    hits = {"Value": len(found), "Relation": "EqualTo"}
    return {"Results": results, "TotalHits": hits} | (
        {"NextToken": seal(bound, [offset + len(page), known_until])} if more else {}
    )


def _asks_for_metrics(expression: Any, by: str) -> bool:
    """Whether the search cannot do without metrics, whose reading is the dear part of a document."""
    if isinstance(expression, Mapping):
        return any(_asks_for_metrics(part, by) for key, part in expression.items() if key != "Value")
    if isinstance(expression, list):
        return any(_asks_for_metrics(part, by) for part in expression)
    return any(str(name).startswith(("Metrics", "FinalMetricDataList")) for name in (expression, by))


def _training_jobs(call: Call, measured: bool) -> list[Document]:
    jobs = call.stores.state.jobs.all(call.tenant)
    summaries: dict[str, list[MetricSummary]] = {job.name: [] for job, _ in jobs}
    for first in range(0, len(jobs) if measured else 0, JOBS_AT_ONCE):
        names = [job.name for job, _ in jobs[first : first + JOBS_AT_ONCE]]
        summaries |= call.stores.run_points.summaries(call.tenant, TRAINING_JOB, names)
    return [
        {
            **describe(call, job, request, of_this_job(job, summaries[job.name])),
            "Tags": tag_list(job.tags),
        }
        for job, request in jobs
    ]


def _experiments(call: Call, _: bool) -> list[Document]:
    found = call.stores.state.resources.list(call.tenant, EXPERIMENT)[0]
    return [{**experiment_document(call, one), "Tags": tag_list(one.tags)} for one in found]


def _trials(call: Call, _: bool) -> list[Document]:
    found = call.stores.state.resources.list(call.tenant, TRIAL)[0]
    components = _grouped(call.stores.state.resources.memberships(call.tenant))
    return [
        {
            **trial_document(call, one),
            "Tags": tag_list(one.tags),
            "TrialComponentSummaries": [{"TrialComponentName": name} for name in components.get(one.name, [])],
        }
        for one in found
    ]


def _components(call: Call, measured: bool) -> list[Document]:
    resources = call.stores.state.resources
    trials = {trial.name: trial.parent for trial in resources.list(call.tenant, TRIAL)[0]}
    parents = _grouped((component, trial) for trial, component in resources.memberships(call.tenant))
    return [
        {
            **component_document(call, one, metrics=measured),
            "Tags": tag_list(one.tags),
            "Parents": [
                {"TrialName": trial, "ExperimentName": trials[trial]}
                for trial in parents.get(one.name, [])
                if trial in trials
            ],
        }
        for one in resources.list(call.tenant, TRIAL_COMPONENT)[0]
    ]


def _tuning_jobs(call: Call, _: bool) -> list[Document]:
    found = call.stores.state.resources.list(call.tenant, TUNING_JOB)[0]
    return [{**tuning_document(call, one), "Tags": tag_list(one.tags)} for one in found]


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for first, second in pairs:
        found.setdefault(first, []).append(second)
    return found


_DOCUMENTS: Mapping[str, Callable[[Call, bool], list[Document]]] = {
    "TrainingJob": _training_jobs,
    "Experiment": _experiments,
    "ExperimentTrial": _trials,
    "ExperimentTrialComponent": _components,
    "HyperParameterTuningJob": _tuning_jobs,
}
_COMPLETE: Mapping[str, Callable[[Call, Document], Document]] = {
    "TrainingJob": lambda call, found: {
        **describe_training_job(call, {"TrainingJobName": found["TrainingJobName"]}),
        "Tags": found["Tags"],
    },
    "ExperimentTrialComponent": with_metrics,
}
"""How to add the metrics to a document without them."""
_MEMBERS: Final = {
    "TrainingJob": "TrainingJob",
    "Experiment": "Experiment",
    "ExperimentTrial": "Trial",
    "ExperimentTrialComponent": "TrialComponent",
    "HyperParameterTuningJob": "HyperParameterTuningJob",
}
"""Under which member of a result a resource stands."""
