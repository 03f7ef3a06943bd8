"""Log groups."""

from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.logs.names import (
    existing_group,
    group_arn,
    identified,
    invalid,
    require_deletable,
)
from epochwatch.services.logs.paging import position_of
from epochwatch.services.logs.tags import require_tags
from epochwatch.services.tokens import seal
from epochwatch.store.state.log_groups import LogGroup

PAGE = 50
_WITH_PATTERN = ("logGroupName", "creationTime", "arn")
"""What is said of groups found by a pattern."""


def create_log_group(call: Call, request: dict[str, Any]) -> None:
    """CreateLogGroup."""
    name = request["logGroupName"]
    if name.startswith("aws/"):
        raise invalid("Log group names starting with 'aws/' are reserved for use by AWS.")
    tags = request.get("tags")
    require_tags(tags or {})
    made = call.stores.state.log_groups.create_group(
        call.tenant,
        name,
        int(call.now * 1000),
        log_group_class=request.get("logGroupClass", "STANDARD"),
        kms_key=request.get("kmsKeyId"),
        tags=tags,
        deletion_protected=request.get("deletionProtectionEnabled", False),
    )
    if not made:
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


def delete_log_group(call: Call, request: dict[str, Any]) -> None:
    """DeleteLogGroup: the group with its streams, metric filters and events."""
    group = existing_group(call, request)
    require_deletable(group)
    # Events first: were it interrupted in between, a group of the same name would have them again.
    call.stores.logs.delete(call.tenant, group.name)
    call.stores.state.log_groups.delete_group(call.tenant, group.name)
    call.stores.logs.delete(call.tenant, group.name)  # what came meanwhile


def put_log_group_deletion_protection(call: Call, request: dict[str, Any]) -> None:
    """PutLogGroupDeletionProtection."""
    group = existing_group(call, request)
    call.stores.state.log_groups.protect(call.tenant, group.name, request["deletionProtectionEnabled"])


def describe_log_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeLogGroups: a page of groups in order of name. There are no linked accounts."""
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    identifiers = request.get("logGroupIdentifiers")
    if prefix and pattern:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if identifiers and (prefix or pattern):
        raise invalid("LogGroup identifiers and LogGroup name filters are mutually exclusive parameters.")
    accounts = request.get("accountIdentifiers")
    if accounts and call.tenant.account not in accounts:
        return {"logGroups": []}
    limit = request.get("limit", PAGE)
    bound = {name: value for name, value in request.items() if name not in ("nextToken", "limit")}
    found = call.stores.state.log_groups.groups(
        call.tenant,
        prefix=prefix,
        pattern=pattern,
        log_group_class=request.get("logGroupClass"),
        names=_names(call, identifiers),
        after=position_of(bound, request.get("nextToken")),
        limit=limit + 1,
    )
    page = found[:limit]
    sizes = call.stores.logs.group_sizes(call.tenant, [group.name for group in page])
    filters = call.stores.state.metric_filters.counts(call.tenant, [group.name for group in page])
    described = [_described(call, group, sizes.get(group.name, 0), filters.get(group.name, 0)) for group in page]
    if pattern:
        described = [{name: group[name] for name in _WITH_PATTERN} for group in described]
    answer: dict[str, Any] = {"logGroups": described}
    if len(found) > limit:
        answer["nextToken"] = seal(bound, page[-1].name)
    return answer


def _names(call: Call, identifiers: list[str] | None) -> list[str] | None:
    if not identifiers:
        return None
    names = [identified(call.tenant, identifier) for identifier in identifiers]
    return [name for name in names if name is not None]


def _described(call: Call, group: LogGroup, size: int, filters: int) -> dict[str, Any]:
    arn = group_arn(call.tenant, group.name)
    described: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": filters,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "logGroupClass": group.log_group_class,
        "storedBytes": size,
        "deletionProtectionEnabled": group.deletion_protected,
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    if group.kms_key is not None:
        described["kmsKeyId"] = group.kms_key
    return described
