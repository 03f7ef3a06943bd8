"""Trial components: what was run, with which parameters and artifacts, and its metrics."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from epochwatch.model.job import PROCESSING, TRAINING, JobKind, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.experiments import create, known, times
from epochwatch.services.sagemaker.resource_list import resource_page
from epochwatch.services.sagemaker.resources import arn, invalid, job_arn
from epochwatch.store.run_points import PROCESSING_JOB, TRAINING_JOB, Owner
from epochwatch.store.run_points import TRIAL_COMPONENT as COMPONENT_POINTS
from epochwatch.store.state.resources import EXPERIMENT, TRIAL, TRIAL_COMPONENT, Resource

JOB_COMPONENTS: Final = {TRAINING: "-aws-training-job", PROCESSING: "-aws-processing-job"}
"""Behind a job's name, by kind: the component that is made for it."""
_POINTS: Final[dict[JobKind, Owner]] = {TRAINING: TRAINING_JOB, PROCESSING: PROCESSING_JOB}
_KEPT: Final = (
    "DisplayName",
    "Status",
    "StartTime",
    "EndTime",
    "Parameters",
    "InputArtifacts",
    "OutputArtifacts",
    "MetadataProperties",
)
_MERGED: Final = ("Parameters", "InputArtifacts", "OutputArtifacts")
_SUMMARY: Final = ("DisplayName", "Status", "StartTime", "EndTime")


def create_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTrialComponent."""
    name = request["TrialComponentName"]
    _require_values(request)
    create(call, TRIAL_COMPONENT, name, request, _kept(request))
    return {"TrialComponentArn": arn(call, TRIAL_COMPONENT, name)}


def describe_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTrialComponent, by name or ARN; also of the one that is made for a training job."""
    name = request["TrialComponentName"].removeprefix(arn(call, TRIAL_COMPONENT, ""))
    return component_document(call, known(call, TRIAL_COMPONENT, name))


def update_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateTrialComponent: what is given replaces what is there; parameters and artifacts key by key."""
    name = request["TrialComponentName"]
    known(call, TRIAL_COMPONENT, name)
    _require_values(request)

    def updated(record: dict[str, Any]) -> dict[str, Any]:
        new = {**record, **_kept(request)}
        for key in _MERGED:
            merged: dict[str, Any] = {**record.get(key, {}), **request.get(key, {})}
            gone = request.get(f"{key}ToRemove", [])
            new[key] = {name: value for name, value in merged.items() if name not in gone}
        return new

    call.stores.state.resources.change(call.tenant, TRIAL_COMPONENT, name, updated, call.now)
    return {"TrialComponentArn": arn(call, TRIAL_COMPONENT, name)}


def delete_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTrialComponent: one that belongs to no trial."""
    name = request["TrialComponentName"]
    known(call, TRIAL_COMPONENT, name)
    if call.stores.state.resources.memberships(call.tenant, component=name):
        raise invalid(f"Trial Component '{name}' is associated with trials: disassociate it before it is deleted.")
    call.stores.state.resources.delete(call.tenant, TRIAL_COMPONENT, name)
    return {"TrialComponentArn": arn(call, TRIAL_COMPONENT, name)}


def list_trial_components(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrialComponents: of an experiment, of a trial, with a source, or all."""
    filters = [name for name in ("ExperimentName", "TrialName", "SourceArn") if name in request]
    if len(filters) > 1:
        raise invalid(
            f"Only one of ExperimentName, TrialName and SourceArn can be given, not {' and '.join(filters)}."
        )
    found, token = resource_page(call, request, TRIAL_COMPONENT, names=_names(call, request))
    return {"TrialComponentSummaries": [_summary(call, one) for one in found]} | token


def associate_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """AssociateTrialComponent: it belongs to the trial from now on."""
    trial, component = request["TrialName"], request["TrialComponentName"]
    known(call, TRIAL, trial)
    known(call, TRIAL_COMPONENT, component)
    call.stores.state.resources.associate(call.tenant, trial, component)
    return _association(call, trial, component)


def disassociate_trial_component(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DisassociateTrialComponent: it does not belong to the trial any more."""
    trial, component = request["TrialName"], request["TrialComponentName"]
    known(call, TRIAL, trial)
    known(call, TRIAL_COMPONENT, component)
    call.stores.state.resources.disassociate(call.tenant, trial, component)
    return _association(call, trial, component)


def component_document(call: Call, resource: Resource, *, metrics: bool = True) -> dict[str, Any]:
    """A component as DescribeTrialComponent shows it; its metrics only where they are asked for."""
    document: dict[str, Any] = {
        "TrialComponentName": resource.name,
        "TrialComponentArn": arn(call, TRIAL_COMPONENT, resource.name),
        "DisplayName": resource.name,
        "Parameters": {},
        "InputArtifacts": {},
        "OutputArtifacts": {},
    }
    kind, job = _job(call, resource.name)
    if job is not None:
        document |= _of_job(call, kind, job, call.stores.state.jobs.request(call.tenant, job.name, kind))
    document |= resource.record
    document |= times(resource)
    return with_metrics(call, document) if metrics else document


def with_metrics(call: Call, document: Mapping[str, Any]) -> dict[str, Any]:
    """A component's document with a summary of each metric's finite values."""
    name = document["TrialComponentName"]
    kind, job = _job(call, name)
    owner, owned = (COMPONENT_POINTS, name) if job is None else (_POINTS[kind], job.name)
    return {**document, "Metrics": _metrics(call, name, owner, owned)}


def create_job_component(call: Call, kind: JobKind, job: TrainingJob, config: Mapping[str, Any]) -> None:
    """The component of a job that was asked for with an experiment: made, and put into the trial."""
    name = job.name + JOB_COMPONENTS[kind]
    display = {"DisplayName": config["TrialComponentDisplayName"]} if "TrialComponentDisplayName" in config else {}
    call.stores.state.resources.create(call.tenant, TRIAL_COMPONENT, name, display, call.now)
    if "TrialName" in config:
        call.stores.state.resources.associate(call.tenant, config["TrialName"], name)


def require_experiment(call: Call, config: Mapping[str, Any]) -> None:
    """Raises AwsError where an ExperimentConfig names what is not there."""
    if "ExperimentName" in config:
        known(call, EXPERIMENT, config["ExperimentName"])
    if "TrialName" in config:
        known(call, TRIAL, config["TrialName"])
    if "RunName" in config:
        known(call, TRIAL_COMPONENT, config["RunName"])


def _kept(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: request[key] for key in _KEPT if key in request}


def _require_values(request: Mapping[str, Any]) -> None:
    for name, value in request.get("Parameters", {}).items():
        if len(value) != 1:
            raise invalid(f"The parameter {name} must have exactly one of StringValue and NumberValue.")


def _summary(call: Call, resource: Resource) -> dict[str, Any]:
    document = component_document(call, resource, metrics=False)
    kept = ("TrialComponentName", "TrialComponentArn", *_SUMMARY, "CreationTime", "LastModifiedTime")
    summary = {key: document[key] for key in kept if key in document}
    return summary | ({"TrialComponentSource": document["Source"]} if "Source" in document else {})


def _association(call: Call, trial: str, component: str) -> dict[str, Any]:
    return {
        "TrialArn": arn(call, TRIAL, trial),
        "TrialComponentArn": arn(call, TRIAL_COMPONENT, component),
    }


def _names(call: Call, request: Mapping[str, Any]) -> list[str] | None:
    """The components that a listing is bound to; None for all."""
    resources = call.stores.state.resources
    if "SourceArn" in request:
        source = request["SourceArn"]
        prefixes = {job_arn(call, kind, ""): suffix for kind, suffix in JOB_COMPONENTS.items()}
        return [source.removeprefix(prefix) + end for prefix, end in prefixes.items() if source.startswith(prefix)]
    if "TrialName" in request:
        trials = [known(call, TRIAL, request["TrialName"]).name]
    elif "ExperimentName" in request:
        known(call, EXPERIMENT, request["ExperimentName"])
        found, _ = resources.list(call.tenant, TRIAL, parent=request["ExperimentName"])
        trials = [trial.name for trial in found]
    else:
        return None
    return [component for _, component in resources.memberships(call.tenant, trials=trials)]


def _job(call: Call, component: str) -> tuple[JobKind, TrainingJob | None]:
    """The job whose component it is, and its kind; of any other, None."""
    for kind, suffix in JOB_COMPONENTS.items():
        if component.endswith(suffix):
            return kind, call.stores.state.jobs.get(call.tenant, component.removesuffix(suffix), kind)
    return TRAINING, None


def _of_job(call: Call, kind: JobKind, job: TrainingJob, created_with: Mapping[str, Any]) -> dict[str, Any]:
    """What a component shows of its job; ``created_with`` is empty where the job was deleted in this moment."""
    shown = _of_training(job, created_with) if kind is TRAINING else _of_processing(created_with)
    message = (
        f"Status: {job.status}, secondary status: {job.secondary_status}, failure reason: {job.failure_reason}."
    )
    document: dict[str, Any] = {
        "DisplayName": kind.name.capitalize(),
        "Source": {
            "SourceArn": job_arn(call, kind, job.name),
            "SourceType": f"SageMaker{kind.name.capitalize()}Job",
        },
        "Status": {"PrimaryStatus": job.status, "Message": message[:1024]},
        **shown,
    }
    if job.training_started is not None:
        document["StartTime"] = job.training_started
    return document if job.ended is None else document | {"EndTime": job.ended}


def _of_training(job: TrainingJob, created_with: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {key: _parameter(value) for key, value in created_with.get("HyperParameters", {}).items()}
    inputs = {
        channel["ChannelName"]: {"Value": source["S3Uri"]}
        for channel in created_with.get("InputDataConfig", [])
        if (source := channel["DataSource"].get("S3DataSource"))
    }
    image = created_with.get("AlgorithmSpecification", {}).get("TrainingImage")
    return {
        "Parameters": parameters | _machine(created_with.get("ResourceConfig", {})),
        "InputArtifacts": inputs | ({"SageMaker.ImageUri": {"Value": image}} if image else {}),
        "OutputArtifacts": {"SageMaker.ModelArtifact": {"Value": job.artifacts}} if job.artifacts else {},
    }


def _of_processing(created_with: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {
        one["InputName"]: {"Value": one["S3Input"]["S3Uri"]}
        for one in created_with.get("ProcessingInputs", [])
        if "S3Input" in one
    }
    outputs = created_with.get("ProcessingOutputConfig", {}).get("Outputs", [])
    image = created_with.get("AppSpecification", {}).get("ImageUri")
    return {
        "Parameters": _machine(created_with.get("ProcessingResources", {}).get("ClusterConfig", {})),
        "InputArtifacts": inputs | ({"SageMaker.ImageUri": {"Value": image}} if image else {}),
        "OutputArtifacts": {
            one["OutputName"]: {"Value": one["S3Output"]["S3Uri"]} for one in outputs if "S3Output" in one
        },
    }


def _machine(resources: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    return {f"SageMaker.{key}": _parameter(resources[key]) for key in wanted if key in resources}


def _parameter(value: Any) -> dict[str, Any]:
    try:
        return {"NumberValue": float(value)}
    except ValueError:
        return {"StringValue": str(value)}


def _metrics(call: Call, component: str, owner: Owner, name: str) -> list[dict[str, Any]]:
    table = call.stores.run_points.points(call.tenant, owner, name)
    names, values = table["metric"].to_numpy(), table["value"].to_numpy()
    moments = table["time"].to_numpy()
    found = []
    for metric in dict.fromkeys(names):
        wanted = (names == metric) & np.isfinite(values)
        if wanted.any():
            found.append(
                {
                    "MetricName": metric,
                    "SourceArn": arn(call, TRIAL_COMPONENT, component),
                    "TimeStamp": float(moments[wanted][-1]) / 1e6,
                    "Max": float(values[wanted].max()),
                    "Min": float(values[wanted].min()),
                    "Last": float(values[wanted][-1]),
                    "Count": int(wanted.sum()),
                    "Avg": float(values[wanted].mean()),
                    "StdDev": float(values[wanted].std()),
                }
            )
    return found
