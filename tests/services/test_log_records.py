"""GetLogRecord, GetLogGroupFields, ListLogGroups and ListLogGroupsForQuery."""

import base64
import json
import time
from typing import Any

import pytest

from epochwatch.services.logs import (
    create_log_group,
    create_log_stream,
    delete_log_stream,
    get_log_group_fields,
    get_log_record,
    list_log_groups,
    list_log_groups_for_query,
    put_log_events,
    put_retention_policy,
)
from epochwatch.services.logs.queries import get_query_results, start_query
from tests.services.conftest import Caller

NESTED = {
    "level": "INFO",
    "loss": 0.10,
    "ok": True,
    "none": None,
    "empty": "",
    "user": {"name": "ü", "tags": ["a", {"b": 7}]},
    "@version": "1",
}


@pytest.fixture
def logs(caller: Caller) -> Caller:
    caller(create_log_group, logGroupName="g")
    caller(create_log_stream, logGroupName="g", logStreamName="s/1")
    return caller


def put(logs: Caller, *messages: str, seconds_ago: float = 1) -> int:
    moment = int((logs.now - seconds_ago) * 1000)
    events = [{"timestamp": moment, "message": message} for message in messages]
    logs(put_log_events, logGroupName="g", logStreamName="s/1", logEvents=events)
    return moment


def queried(logs: Caller, query: str = "fields @message | sort @timestamp", **request: Any) -> str:
    groups = request if request else {"logGroupName": "g"}
    span = {"startTime": int(logs.now) - 3600, "endTime": int(logs.now)}
    return str(logs(start_query, queryString=query, **span, **groups)["queryId"])


def pointers(logs: Caller, query: str = "fields @message | sort @timestamp") -> list[str]:
    query_id, deadline = queried(logs, query), time.monotonic() + 60
    while (answer := logs(get_query_results, queryId=query_id))["status"] != "Complete":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return [entry["value"] for row in answer["results"] for entry in row if entry["field"] == "@ptr"]


def test_a_record_has_all_fields_of_its_event(logs: Caller):
    message = json.dumps(NESTED)
    moment = put(logs, message)
    (pointer,) = pointers(logs, "fields level")
    assert logs(get_log_record, logRecordPointer=pointer)["logRecord"] == {
        "@ingestionTime": str(int(logs.now * 1000)),
        "@log": f"{logs.tenant.account}:g",
        "@logStream": "s/1",
        "@message": message,
        "@ptr": pointer,
        "@timestamp": str(moment),
        "@@version": "1",
        "level": "INFO",
        "loss": "0.1",
        "ok": "1",
        "user.name": "ü",
        "user.tags.0": "a",
        "user.tags.1.b": "7",
    }


def test_each_of_many_events_of_one_moment_is_found(logs: Caller):
    put(logs, *(f"n={number}" for number in range(50)))
    records = [logs(get_log_record, logRecordPointer=pointer)["logRecord"] for pointer in pointers(logs)]
    assert sorted(record["@message"] for record in records) == sorted(f"n={number}" for number in range(50))


def test_a_record_that_is_gone_is_not_found(logs: Caller):
    put(logs, "deleted")
    (pointer,) = pointers(logs)
    logs(delete_log_stream, logGroupName="g", logStreamName="s/1")
    assert logs.refused(get_log_record, logRecordPointer=pointer)[0] == "ResourceNotFoundException"


def test_a_record_that_is_past_its_retention_is_not_found(logs: Caller):
    logs.now -= 3 * 86_400
    put(logs, "old")
    (pointer,) = pointers(logs)
    assert logs(get_log_record, logRecordPointer=pointer)
    logs(put_retention_policy, logGroupName="g", retentionInDays=1)
    assert logs.refused(get_log_record, logRecordPointer=pointer)[0] == "ResourceNotFoundException"


def test_nobody_reads_a_record_of_another_account(logs: Caller):
    put(logs, "mine")
    (pointer,) = pointers(logs)
    assert Caller(logs.stores).refused(get_log_record, logRecordPointer=pointer)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("pointer", ["", "x", "ü", base64.b64encode(b"g\0s/1\0later\0" + b"7").decode(), "AAAA"])
def test_what_is_no_pointer_is_refused(logs: Caller, pointer: str):
    refusal = logs.refused(get_log_record, logRecordPointer=pointer)
    assert refusal == ("InvalidParameterException", "The specified logRecordPointer is invalid.")


def fields(logs: Caller, **request: Any) -> dict[str, int]:
    answer = logs(get_log_group_fields, **{"logGroupName": "g"} | request)
    return {one["name"]: one["percent"] for one in answer["logGroupFields"]}


GENERATED = dict.fromkeys(("@ingestionTime", "@log", "@logStream", "@message", "@ptr", "@timestamp"), 100)


def test_fields_come_with_the_share_of_events_that_have_them(logs: Caller):
    put(logs, "plain", '{"a": 1, "b": {"c": "x"}}', '{"a": 2}', '{"a": 3, "a": 4, "d": null}')
    assert list(fields(logs).items()) == [*GENERATED.items(), ("a", 75), ("b.c", 25)]


def test_fields_are_those_of_the_last_quarter_of_an_hour(logs: Caller):
    put(logs, '{"old": 1}', seconds_ago=16 * 60)
    assert fields(logs) == {}
    put(logs, '{"new": 1}', seconds_ago=14 * 60)
    assert fields(logs) == GENERATED | {"new": 100}


def test_fields_are_those_around_a_moment(logs: Caller):
    for ago, name in ((9 * 60, "before"), (7 * 60, "early"), (0, "late"), (-9 * 60, "after")):
        put(logs, json.dumps({name: 1}), seconds_ago=3600 + ago)
    arn = f"arn:aws:logs:us-east-1:{logs.tenant.account}:log-group:g"
    found = fields(logs, time=int(logs.now) - 3600, logGroupName=None, logGroupIdentifier=arn)
    assert found == GENERATED | {"early": 50, "late": 50}


def test_fields_of_a_group_that_is_not_there_are_refused(logs: Caller):
    assert logs.refused(get_log_group_fields, logGroupName="none")[0] == "ResourceNotFoundException"
    assert logs.refused(get_log_group_fields)[0] == "InvalidParameterException"


@pytest.fixture
def groups(caller: Caller) -> Caller:
    tags = {
        "/aws/a": {"team": "Red"},
        "/aws/b": {"team": "blue", "tier": "1"},
        "lab/aws": {"tier": "2"},
        "zoo": {},
    }
    for name, tagged in tags.items():
        caller(create_log_group, logGroupName=name, tags=tagged)
    caller(create_log_group, logGroupName="lab/cold", logGroupClass="INFREQUENT_ACCESS")
    return caller


def listed(groups: Caller, **request: Any) -> list[str]:
    return [group["logGroupName"] for group in groups(list_log_groups, **request)["logGroups"]]


def tagged(*values: str, key: str = "team") -> dict[str, Any]:
    return {"logGroupTags": [{"key": key, "values": list(values)}]}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ["/aws/a", "/aws/b", "lab/aws", "lab/cold", "zoo"]),
        ({"logGroupNamePattern": "aws"}, ["/aws/a", "/aws/b", "lab/aws"]),
        ({"logGroupNamePattern": "^/aws"}, ["/aws/a", "/aws/b"]),
        ({"logGroupNamePattern": "^zoo|cold"}, ["lab/cold", "zoo"]),
        ({"logGroupNamePattern": "AWS"}, []),
        ({"logGroupClass": "INFREQUENT_ACCESS"}, ["lab/cold"]),
        ({"logGroupClass": "INFREQUENT_ACCESS", "logGroupNamePattern": "zoo"}, []),
        (tagged(), ["/aws/a", "/aws/b"]),
        (tagged("blue", "green"), ["/aws/b"]),
        (tagged("red"), []),
        (tagged("r*"), ["/aws/a"]),
        (tagged("!blue"), ["/aws/a"]),
        (tagged("[Rr]ed"), []),
        ({"logGroupTags": [{"key": "team"}, {"key": "tier", "values": ["1"]}]}, ["/aws/b"]),
        ({"fieldIndexNames": ["x"]}, []),
        ({"dataSources": [{"name": "x"}]}, []),
        ({"includeLinkedAccounts": True, "accountIdentifiers": ["000000000000"]}, []),
        ({"accountIdentifiers": ["000000000000"]}, ["/aws/a", "/aws/b", "lab/aws", "lab/cold", "zoo"]),
    ],
)
def test_groups_are_listed_by_what_they_are(groups: Caller, request_: dict[str, Any], expected: list[str]):
    assert listed(groups, **request_) == expected


def test_a_listed_group_has_its_arn_and_class(groups: Caller):
    assert groups(list_log_groups, logGroupNamePattern="zoo") == {
        "logGroups": [
            {
                "logGroupName": "zoo",
                "logGroupArn": f"arn:aws:logs:us-east-1:{groups.tenant.account}:log-group:zoo",
                "logGroupClass": "STANDARD",
            }
        ]
    }


def test_groups_are_listed_in_pages(groups: Caller):
    first = groups(list_log_groups, limit=2, logGroupNamePattern="aws")
    assert [group["logGroupName"] for group in first["logGroups"]] == ["/aws/a", "/aws/b"]
    second = groups(list_log_groups, limit=2, logGroupNamePattern="aws", nextToken=first["nextToken"])
    assert [group["logGroupName"] for group in second["logGroups"]] == ["lab/aws"]
    assert "nextToken" not in second
    assert groups.refused(list_log_groups, nextToken=first["nextToken"])[0] == "InvalidParameterException"


def test_the_groups_of_a_query_are_listed(logs: Caller):
    logs(create_log_group, logGroupName="h")
    query = queried(logs, logGroupNames=["h", "g"])
    assert logs(list_log_groups_for_query, queryId=query) == {"logGroupIdentifiers": ["h", "g"]}
    assert logs.refused(list_log_groups_for_query, queryId="none")[0] == "ResourceNotFoundException"
    other = Caller(logs.stores)
    assert other.refused(list_log_groups_for_query, queryId=query)[0] == "ResourceNotFoundException"


def test_many_groups_of_a_query_are_listed_in_pages(caller: Caller):
    names = [f"g{number:02d}" for number in range(50)]
    for name in names:
        caller(create_log_group, logGroupName=name)
    query = queried(caller, logGroupNames=names)
    found, token = [], {}
    while True:
        answer = caller(list_log_groups_for_query, queryId=query, maxResults=20, **token)
        found.append(answer["logGroupIdentifiers"])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert [len(page) for page in found] == [20, 20, 10]
    assert [name for page in found for name in page] == names
