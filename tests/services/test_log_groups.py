"""Retention, deletion, its protection, tags, and the live feed of log groups."""

import time
from pathlib import Path

import pytest

from epochwatch.model.job import LOG_GROUP
from epochwatch.services.logs import (
    create_log_group,
    create_log_stream,
    delete_log_group,
    delete_log_stream,
    delete_retention_policy,
    describe_log_groups,
    describe_log_streams,
    filter_log_events,
    get_log_events,
    list_tags_for_resource,
    list_tags_log_group,
    put_log_events,
    put_log_group_deletion_protection,
    put_retention_policy,
    tag_log_group,
    tag_resource,
    untag_log_group,
    untag_resource,
)
from epochwatch.services.logs.retention import DAYS
from tests.servers import ServerProcess
from tests.services.conftest import Caller

INVALID, NOT_FOUND = "InvalidParameterException", "ResourceNotFoundException"
NO_GROUP = (NOT_FOUND, "The specified log group does not exist.")
HERE = {"logGroupName": "g", "logStreamName": "s"}
DAY = 86_400_000


@pytest.fixture
def logs(caller: Caller) -> Caller:
    caller(create_log_group, logGroupName="g")
    caller(create_log_stream, **HERE)
    return caller


def put(logs, *ages, stream="s", group="g"):
    now = int(logs.now * 1000)
    for age in ages:
        events = [{"timestamp": now - age, "message": f"{age}"}]
        logs(put_log_events, logGroupName=group, logStreamName=stream, logEvents=events)


def ages(answer):
    return [int(event["message"]) for event in answer["events"]]


def group(logs):
    [found] = logs(describe_log_groups, logGroupNamePrefix="g")["logGroups"]
    return found


def arn(logs, name="g"):
    return logs.tenant.arn("logs", f"log-group:{name}")


@pytest.mark.parametrize("days", DAYS)
def test_a_retention_is_one_of_those_that_aws_has(logs: Caller, days):
    logs(put_retention_policy, logGroupName="g", retentionInDays=days)
    assert group(logs)["retentionInDays"] == days


@pytest.mark.parametrize("days", [-1, 0, 2, 364, 3654])
def test_any_other_retention_is_refused(logs: Caller, days):
    code, message = logs.refused(put_retention_policy, logGroupName="g", retentionInDays=days)
    assert code == INVALID
    assert f"'{days}' at 'retentionInDays'" in message
    assert "retentionInDays" not in group(logs)


def test_retention_acts_at_once_on_what_is_read_and_on_what_is_put(logs: Caller):
    put(logs, 6 * DAY, 2 * DAY, 0)
    logs(put_retention_policy, logGroupName="g", retentionInDays=5)
    assert ages(logs(get_log_events, **HERE)) == [2 * DAY, 0]
    assert ages(logs(filter_log_events, logGroupName="g")) == [2 * DAY, 0]
    assert group(logs)["storedBytes"] == len(f"{2 * DAY}") + 1 + 52
    [stream] = logs(describe_log_streams, logGroupName="g")["logStreams"]
    assert stream["firstEventTimestamp"] == int(logs.now * 1000) - 2 * DAY
    answer = logs(
        put_log_events, **HERE, logEvents=[{"timestamp": int(logs.now * 1000) - 7 * DAY, "message": "x"}]
    )
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    logs(delete_retention_policy, logGroupName="g")
    assert "retentionInDays" not in group(logs)
    assert ages(logs(get_log_events, **HERE)) == [6 * DAY, 2 * DAY, 0]


def test_a_deleted_stream_is_gone_and_one_of_its_name_is_empty(logs: Caller):
    logs(create_log_stream, logGroupName="g", logStreamName="t")
    put(logs, 2, 1)
    put(logs, 3, stream="t")
    logs(delete_log_stream, **HERE)
    assert logs.refused(get_log_events, **HERE) == (NOT_FOUND, "The specified log stream does not exist.")
    assert ages(logs(filter_log_events, logGroupName="g")) == [3]
    logs(create_log_stream, **HERE)
    assert ages(logs(get_log_events, **HERE)) == []
    put(logs, 4)
    assert ages(logs(get_log_events, **HERE)) == [4]


def test_a_deleted_group_is_gone_and_one_of_its_name_is_new(logs: Caller):
    put(logs, 2, 1)
    logs(put_retention_policy, logGroupName="g", retentionInDays=1)
    logs(tag_log_group, logGroupName="g", tags={"a": "b"})
    logs(delete_log_group, logGroupName="g")
    assert logs(describe_log_groups)["logGroups"] == []
    assert logs.refused(describe_log_streams, logGroupName="g") == NO_GROUP
    logs(create_log_group, logGroupName="g")
    assert logs(describe_log_streams, logGroupName="g")["logStreams"] == []
    assert "retentionInDays" not in group(logs)
    assert group(logs)["storedBytes"] == 0
    assert logs(list_tags_log_group, logGroupName="g") == {"tags": {}}
    logs(create_log_stream, **HERE)
    assert ages(logs(get_log_events, **HERE)) == []


def test_a_protected_group_keeps_its_streams_and_itself(logs: Caller):
    put(logs, 1)
    for identifier in ("g", arn(logs), f"{arn(logs)}:*"):
        logs(put_log_group_deletion_protection, logGroupIdentifier=identifier, deletionProtectionEnabled=True)
        assert group(logs)["deletionProtectionEnabled"] is True
        assert logs.refused(delete_log_group, logGroupName="g")[0] == "ValidationException"
        assert logs.refused(delete_log_stream, **HERE)[0] == "ValidationException"
        assert ages(logs(get_log_events, **HERE)) == [1]
        logs(put_log_group_deletion_protection, logGroupIdentifier=identifier, deletionProtectionEnabled=False)
        assert group(logs)["deletionProtectionEnabled"] is False
    logs(delete_log_group, logGroupName="g")
    logs(create_log_group, logGroupName="g", deletionProtectionEnabled=True)
    assert logs.refused(delete_log_group, logGroupName="g")[0] == "ValidationException"


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (delete_log_group, {"logGroupName": "no"}),
        (delete_log_stream, {"logGroupName": "no", "logStreamName": "s"}),
        (put_retention_policy, {"logGroupName": "no", "retentionInDays": 1}),
        (delete_retention_policy, {"logGroupName": "no"}),
        (put_log_group_deletion_protection, {"logGroupIdentifier": "no", "deletionProtectionEnabled": True}),
        (tag_log_group, {"logGroupName": "no", "tags": {"a": "b"}}),
        (untag_log_group, {"logGroupName": "no", "tags": ["a"]}),
        (list_tags_log_group, {"logGroupName": "no"}),
    ],
)
def test_what_is_not_there_is_refused(logs: Caller, operation, request_):
    assert logs.refused(operation, **request_) == NO_GROUP
    other = Caller(logs.stores)
    mine = {**request_, **{name: "g" for name in ("logGroupName", "logGroupIdentifier") if name in request_}}
    assert other.refused(operation, **mine) == NO_GROUP
    assert group(logs)["deletionProtectionEnabled"] is False


def test_a_stream_that_is_not_there_is_refused(logs: Caller):
    refused = logs.refused(delete_log_stream, logGroupName="g", logStreamName="no")
    assert refused == (NOT_FOUND, "The specified log stream does not exist.")


def test_tags_are_added_replaced_and_taken_by_arn_or_by_name(caller: Caller):
    caller(create_log_group, logGroupName="g", tags={"a": "1", "b": "2"})
    here = {"resourceArn": arn(caller)}
    assert caller(list_tags_for_resource, **here) == {"tags": {"a": "1", "b": "2"}}
    caller(tag_resource, **here, tags={"b": "3", "c": ""})
    caller(tag_log_group, logGroupName="g", tags={"d": "4"})
    assert caller(list_tags_log_group, logGroupName="g") == {"tags": {"a": "1", "b": "3", "c": "", "d": "4"}}
    caller(untag_resource, resourceArn=f"{arn(caller)}:*", tagKeys=["a", "none"])
    caller(untag_log_group, logGroupName="g", tags=["d"])
    assert caller(list_tags_for_resource, **here) == {"tags": {"b": "3", "c": ""}}


def test_tags_have_limits(logs: Caller):
    here = {"resourceArn": arn(logs)}
    logs(tag_resource, **here, tags={f"k{n}": "" for n in range(50)})
    assert logs.refused(tag_resource, **here, tags={"more": ""})[0] == "TooManyTagsException"
    assert logs.refused(tag_log_group, logGroupName="g", tags={"more": ""})[0] == INVALID
    assert logs.refused(tag_resource, **here, tags={"aws:x": ""})[0] == INVALID
    assert logs.refused(create_log_group, logGroupName="h", tags={"AWS:x": ""})[0] == INVALID
    logs(tag_resource, **here, tags={"k0": "new"})
    assert len(logs(list_tags_for_resource, **here)["tags"]) == 50


@pytest.mark.parametrize("operation", [tag_resource, untag_resource, list_tags_for_resource])
def test_only_groups_of_the_account_have_tags(logs: Caller, operation):
    more = {tag_resource: {"tags": {"a": "b"}}, untag_resource: {"tagKeys": ["a"]}}.get(operation, {})
    assert logs.refused(operation, resourceArn=arn(logs, "no"), **more) == NO_GROUP
    other = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    assert logs.refused(operation, resourceArn=other, **more)[0] == NOT_FOUND
    assert logs.refused(operation, resourceArn=logs.tenant.arn("logs", "destination:d"), **more)[0] == NOT_FOUND
    assert logs.refused(operation, resourceArn="g", **more)[0] == INVALID


def test_events_put_into_a_jobs_stream_reach_those_who_watch_it(caller: Caller):
    caller(create_log_group, logGroupName=LOG_GROUP)
    for stream in ("job/algo-1-1", "other/algo-1-1", "job"):
        caller(create_log_stream, logGroupName=LOG_GROUP, logStreamName=stream)
    with caller.stores.feed.subscribe(caller.tenant, "job") as watch:
        for stream in ("job/algo-1-1", "other/algo-1-1", "job"):
            put(caller, 2, stream=stream, group=LOG_GROUP)
        [told] = watch.take()
    stored = caller.stores.logs.events(caller.tenant, LOG_GROUP, "job/algo-1-1")
    assert (told.job, list(told.events)) == ("job", stored)


def test_boto3_deletes_what_it_made(tmp_path: Path):
    with ServerProcess(tmp_path / "home") as server:
        logs = server.boto3("logs")
        logs.create_log_group(logGroupName="/app", tags={"team": "lab"})
        logs.create_log_stream(logGroupName="/app", logStreamName="one")
        event = {"timestamp": int(time.time() * 1000), "message": "hello"}
        logs.put_log_events(logGroupName="/app", logStreamName="one", logEvents=[event])
        logs.put_retention_policy(logGroupName="/app", retentionInDays=7)
        [described] = logs.describe_log_groups()["logGroups"]
        assert described["retentionInDays"] == 7
        assert logs.list_tags_for_resource(resourceArn=described["logGroupArn"])["tags"] == {"team": "lab"}
        logs.put_log_group_deletion_protection(logGroupIdentifier="/app", deletionProtectionEnabled=True)
        with pytest.raises(logs.exceptions.ValidationException):
            logs.delete_log_group(logGroupName="/app")
        logs.put_log_group_deletion_protection(logGroupIdentifier="/app", deletionProtectionEnabled=False)
        logs.delete_log_stream(logGroupName="/app", logStreamName="one")
        logs.delete_log_group(logGroupName="/app")
        assert logs.describe_log_groups()["logGroups"] == []
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName="/app")
