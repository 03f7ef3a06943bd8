"""Tags of everything that has an ARN."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.job import KINDS, TRAINING, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resources import invalid, not_found
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.resources import EXPERIMENT, TRIAL, TRIAL_COMPONENT, TUNING_JOB

MOST_TAGS: Final = 50
PAGE: Final = 50
RESERVED: Final = "aws:"

Tags = dict[str, str]
_Change = Callable[[Tags], Tags]


def add_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags: adds tags to a resource, or replaces their values; answers all that it has then."""
    given = tags_of(request["Tags"])

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise invalid(f"A resource can have at most {MOST_TAGS} tags.")
        return new

    return {"Tags": tag_list(_changed(call, request["ResourceArn"], adding))}


def list_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags: a page of a resource's tags."""
    tags = tag_list(_changed(call, request["ResourceArn"], lambda tags: tags))
    bound = {"ResourceArn": request["ResourceArn"]}
    start = 0
    if request.get("NextToken"):
        try:
            start = unseal(bound, request["NextToken"])
        except ValueError as error:
            raise invalid("Invalid pagination token given.") from error
    end = start + request.get("MaxResults", PAGE)
    answer: dict[str, Any] = {"Tags": tags[start:end]}
    return answer | ({"NextToken": seal(bound, end)} if end < len(tags) else {})


def delete_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags: takes tags from a resource; those it has not got are passed over."""
    gone = set(request["TagKeys"])
    _changed(
        call,
        request["ResourceArn"],
        lambda tags: {key: value for key, value in tags.items() if key not in gone},
    )
    return {}


def tags_of(given: Sequence[Mapping[str, str]]) -> Tags:
    """The tags of a request. Raises AwsError for keys that are reserved or given twice."""
    tags: Tags = {}
    for tag in given:
        key = tag["Key"]
        if key.lower().startswith(RESERVED):
            raise invalid(f"Tag keys starting with '{RESERVED}' are reserved for AWS: {key}")
        if key in tags:
            raise invalid(f"Duplicate tag keys found: {key}. Tag keys must be unique.")
        tags[key] = tag["Value"]
    return tags


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as an answer has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _changed(call: Call, resource_arn: str, change: _Change) -> Tags:
    """The tags of a resource after ``change``. Raises AwsError where there is no such resource."""
    prefix = call.tenant.arn("sagemaker", "")
    resource, _, name = resource_arn.removeprefix(prefix).partition("/")
    act = _RESOURCES.get(resource) if resource_arn.startswith(prefix) else None
    tags = act(call, name, change) if act else None
    if tags is None:
        raise not_found()
    return tags


def _job_tags(kind: str) -> Callable[[Call, str, _Change], Tags | None]:
    def act(call: Call, name: str, change: _Change) -> Tags | None:
        others = False

        def changed(job: TrainingJob) -> TrainingJob:
            nonlocal others
            tags = change(job.tags)
            others = tags != job.tags
            return replace(job, tags=tags) if others else job

        job = call.stores.state.jobs.change(call.tenant, name, changed, KINDS[kind])
        if job is None:
            return None
        if others and kind == TRAINING.name:
            call.stores.feed.publish_job(call.tenant, job)
        return job.tags

    return act


def _resource_tags(kind: str) -> Callable[[Call, str, _Change], Tags | None]:
    def act(call: Call, name: str, change: _Change) -> Tags | None:
        resource = call.stores.state.resources.change_tags(call.tenant, kind, name, change)
        return None if resource is None else resource.tags

    return act


_RESOURCES: dict[str, Callable[[Call, str, _Change], Tags | None]] = {
    kind.resource: _job_tags(name) for name, kind in KINDS.items()
} | {kind: _resource_tags(kind) for kind in (EXPERIMENT, TRIAL, TRIAL_COMPONENT, TUNING_JOB)}
"""How to change the tags of a resource, by what its ARN says it is."""
