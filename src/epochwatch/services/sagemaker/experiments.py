"""Experiments and their trials."""

from collections.abc import Mapping
from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resource_list import resource_page
from epochwatch.services.sagemaker.resources import arn, invalid
from epochwatch.services.sagemaker.tags import tags_of
from epochwatch.store.state.resources import EXPERIMENT, TRIAL, TRIAL_COMPONENT, Resource

_NOUNS = {EXPERIMENT: "Experiment", TRIAL: "Trial", TRIAL_COMPONENT: "Trial Component"}


def create_experiment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateExperiment."""
    name = request["ExperimentName"]
    create(call, EXPERIMENT, name, request, _kept(request, "DisplayName", "Description"))
    return {"ExperimentArn": arn(call, EXPERIMENT, name)}


def describe_experiment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeExperiment."""
    return experiment_document(call, known(call, EXPERIMENT, request["ExperimentName"]))


def update_experiment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateExperiment: another display name or description."""
    name = request["ExperimentName"]
    change(call, EXPERIMENT, name, _kept(request, "DisplayName", "Description"))
    return {"ExperimentArn": arn(call, EXPERIMENT, name)}


def delete_experiment(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteExperiment: one without trials."""
    name = request["ExperimentName"]
    known(call, EXPERIMENT, name)
    if call.stores.state.resources.list(call.tenant, TRIAL, parent=name, limit=1)[1]:
        raise invalid(f"Experiment '{name}' has trials: delete them before the experiment.")
    call.stores.state.resources.delete(call.tenant, EXPERIMENT, name)
    return {"ExperimentArn": arn(call, EXPERIMENT, name)}


def list_experiments(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListExperiments: a page, newest first unless asked otherwise."""
    found, token = resource_page(call, request, EXPERIMENT)
    return {"ExperimentSummaries": [experiment_document(call, one) for one in found]} | token


def create_trial(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTrial, in an experiment."""
    name, experiment = request["TrialName"], request["ExperimentName"]
    known(call, EXPERIMENT, experiment)
    create(call, TRIAL, name, request, _kept(request, "DisplayName", "MetadataProperties"), experiment)
    return {"TrialArn": arn(call, TRIAL, name)}


def describe_trial(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTrial."""
    return trial_document(call, known(call, TRIAL, request["TrialName"]))


def update_trial(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateTrial: another display name."""
    name = request["TrialName"]
    change(call, TRIAL, name, _kept(request, "DisplayName"))
    return {"TrialArn": arn(call, TRIAL, name)}


def delete_trial(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTrial: one without components."""
    name = request["TrialName"]
    known(call, TRIAL, name)
    if call.stores.state.resources.memberships(call.tenant, trials=[name]):
        raise invalid(f"Trial '{name}' has trial components: disassociate them before the trial is deleted.")
    call.stores.state.resources.delete(call.tenant, TRIAL, name)
    return {"TrialArn": arn(call, TRIAL, name)}


def list_trials(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrials: of an experiment, with a component, or all."""
    experiment, component = request.get("ExperimentName"), request.get("TrialComponentName")
    names = None
    if experiment is not None:
        known(call, EXPERIMENT, experiment)
    if component is not None:
        known(call, TRIAL_COMPONENT, component)
        members = call.stores.state.resources.memberships(call.tenant, component=component)
        names = [trial for trial, _ in members]
    found, token = resource_page(call, request, TRIAL, parent=experiment, names=names)
    return {"TrialSummaries": [trial_document(call, one) for one in found]} | token


def experiment_document(call: Call, resource: Resource) -> dict[str, Any]:
    """An experiment as DescribeExperiment shows it."""
    return {
        "ExperimentName": resource.name,
        "ExperimentArn": arn(call, EXPERIMENT, resource.name),
        "DisplayName": resource.name,
        **resource.record,
        **times(resource),
    }


def trial_document(call: Call, resource: Resource) -> dict[str, Any]:
    """A trial as DescribeTrial shows it."""
    return {
        "TrialName": resource.name,
        "TrialArn": arn(call, TRIAL, resource.name),
        "ExperimentName": resource.parent,
        "DisplayName": resource.name,
        **resource.record,
        **times(resource),
    }


def times(resource: Resource) -> dict[str, float]:
    """When a resource was made and changed."""
    return {"CreationTime": resource.created, "LastModifiedTime": resource.updated}


def known(call: Call, kind: str, name: str) -> Resource:
    """The resource. Raises AwsError where there is none."""
    found = call.stores.state.resources.get(call.tenant, kind, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"{_NOUNS[kind]} '{name}' does not exist.")
    return found


def create(
    call: Call, kind: str, name: str, request: Mapping[str, Any], record: Mapping[str, Any], parent: str = ""
) -> None:
    """Make a resource. Raises AwsError where its name is taken, as the SDK expects it to be said."""
    tags = tags_of(request.get("Tags", []))
    if not call.stores.state.resources.create(call.tenant, kind, name, record, call.now, parent=parent, tags=tags):
        raise invalid(
            f"{_NOUNS[kind]} names must be unique within an AWS account and region. {_NOUNS[kind]} with name ({name})"
            " already exists."
        )


def change(call: Call, kind: str, name: str, new: Mapping[str, Any]) -> None:
    """Give a resource new members of its record. Raises AwsError where there is none."""
    known(call, kind, name)
    call.stores.state.resources.change(call.tenant, kind, name, lambda record: {**record, **new}, call.now)


def _kept(request: Mapping[str, Any], *members: str) -> dict[str, Any]:
    return {member: request[member] for member in members if member in request}
