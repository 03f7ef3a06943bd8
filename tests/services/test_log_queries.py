"""StartQuery, GetQueryResults, StopQuery and DescribeQueries: the operations, and an unmodified boto3."""

import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from epochwatch.model.aws_error import AwsError
from epochwatch.services.logs import create_log_group, create_log_stream, put_log_events, put_retention_policy
from epochwatch.services.logs.queries import describe_queries, get_query_results, start_query, stop_query
from tests.servers import ServerProcess
from tests.services.conftest import Caller

ACTIVE = ("Scheduled", "Running")


@pytest.fixture
def logs(caller: Caller) -> Caller:
    for group in ("g", "h"):
        caller(create_log_group, logGroupName=group)
        caller(create_log_stream, logGroupName=group, logStreamName="s")
        events = [{"timestamp": int(caller.now * 1000) - 9000 + 1000 * n, "message": f"n={n}"} for n in range(10)]
        caller(put_log_events, logGroupName=group, logStreamName="s", logEvents=events)
    return caller


def started(logs, query, **request):
    request = {"logGroupName": "g", "startTime": int(logs.now) - 60, "endTime": int(logs.now)} | request
    wanted = {name: value for name, value in request.items() if value is not None}
    return logs(start_query, queryString=query, **wanted)["queryId"]


def results(logs, query_id, **request):
    deadline = time.monotonic() + 60
    while (answer := logs(get_query_results, queryId=query_id, **request))["status"] in ACTIVE:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return answer


def refused(logs, query, **request):
    with pytest.raises(AwsError) as refusal:
        started(logs, query, **request)
    return refusal.value


def test_results_are_rows_of_fields_with_what_was_scanned(logs: Caller):
    answer = results(
        logs, started(logs, "parse @message 'n=*' as n | filter n > 6 | stats count(*) as c, max(n) as m")
    )
    assert answer == {
        "queryLanguage": "CWLI",
        "status": "Complete",
        "results": [[{"field": "c", "value": "3"}, {"field": "m", "value": "9"}]],
        "statistics": {
            "recordsMatched": 3.0,
            "recordsScanned": 10.0,
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": 30.0,
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": 1.0,
            "resultCount": 1.0,
        },
    }


def test_log_events_come_with_a_pointer(logs: Caller):
    rows = results(logs, started(logs, "fields @message | sort @timestamp | limit 1"))["results"]
    assert [[entry["field"] for entry in row] for row in rows] == [["@message", "@ptr"]]
    assert rows[0][0]["value"] == "n=0"


def test_results_come_in_pages(logs: Caller):
    query = started(logs, "fields @message | sort @timestamp")
    found, token = [], None
    while True:
        answer = results(logs, query, maxItems=4, **({"nextToken": token} if token else {}))
        found.append([row[0]["value"] for row in answer["results"]])
        token = answer.get("nextToken")
        if token is None:
            break
    assert found == [["n=0", "n=1", "n=2", "n=3"], ["n=4", "n=5", "n=6", "n=7"], ["n=8", "n=9"]]
    other = started(logs, "limit 1")
    token = logs(get_query_results, queryId=query, maxItems=4)["nextToken"]
    assert logs.refused(get_query_results, queryId=other, nextToken=token)[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("groups", "scanned"),
    [
        ({"logGroupName": "g"}, 10),
        ({"logGroupNames": ["g", "h"]}, 20),
        ({"logGroupNames": ["g", "g"]}, 10),
        ({"logGroupIdentifiers": ["h"]}, 10),
    ],
)
def test_a_query_is_about_the_groups_it_names(logs: Caller, groups, scanned):
    answer = results(logs, started(logs, "stats count(*)", **({"logGroupName": None} | groups)))
    assert answer["statistics"]["recordsScanned"] == scanned


def test_events_past_the_retention_of_their_group_are_not_there(logs: Caller):
    old = [{"timestamp": int(logs.now * 1000) - 3 * 86_400_000, "message": "old"}]
    for group in ("g", "h"):
        logs(put_log_events, logGroupName=group, logStreamName="s", logEvents=old)
    asked = {"startTime": int(logs.now) - 4 * 86_400, "logGroupName": None, "logGroupNames": ["g", "h"]}
    assert results(logs, started(logs, "stats count(*)", **asked))["statistics"]["recordsScanned"] == 22
    logs(put_retention_policy, logGroupName="g", retentionInDays=1)
    assert results(logs, started(logs, "stats count(*)", **asked))["statistics"]["recordsScanned"] == 21


def test_a_group_may_be_named_by_its_arn(logs: Caller):
    arn = logs.tenant.arn("logs", "log-group:g:*")
    answer = results(logs, started(logs, "stats count(*)", logGroupName=None, logGroupIdentifiers=[arn]))
    assert answer["statistics"]["recordsScanned"] == 10


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"logGroupName": "none"}, "ResourceNotFoundException"),
        ({"logGroupName": None}, "InvalidParameterException"),
        ({"logGroupNames": ["h"]}, "InvalidParameterException"),
        ({"logGroupName": None, "logGroupNames": ["g"] * 51}, "InvalidParameterException"),
        ({"startTime": 10, "endTime": 9}, "InvalidParameterException"),
        ({"queryLanguage": "SQL"}, "InvalidParameterException"),
    ],
)
def test_a_request_that_cannot_be_is_refused(logs: Caller, request_, code):
    assert refused(logs, "limit 1", **request_).code == code


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [("fields", 6, 6), ("fields a | filtr b", 11, 16), ("filter count(*) > 1", 7, 15), ("", 0, 0)],
)
def test_a_text_that_is_no_query_is_refused_where_it_is_wrong(logs: Caller, query, start, end):
    refusal = refused(logs, query)
    assert refusal.code == "MalformedQueryException"
    assert refusal.members["queryCompileError"]["location"] == {"startCharOffset": start, "endCharOffset": end}


def test_a_query_that_has_ended_cannot_be_stopped_nor_one_that_never_was(logs: Caller):
    query = started(logs, "limit 1")
    results(logs, query)
    assert logs.refused(stop_query, queryId=query) == (
        "InvalidParameterException",
        "The specified query is not running.",
    )
    for operation in (stop_query, get_query_results):
        assert logs.refused(operation, queryId="none")[0] == "ResourceNotFoundException"


def test_queries_are_listed_from_the_newest_on_by_group_and_status(logs: Caller):
    first, second = started(logs, "limit 1"), started(logs, "limit 2", logGroupName="h")
    for query in (first, second):
        results(logs, query)

    def listed(**request):
        return [query["queryId"] for query in logs(describe_queries, **request)["queries"]]

    assert listed() == [second, first]
    assert listed(logGroupName="g") == [first]
    assert listed(status="Complete") == [second, first]
    assert listed(status="Failed") == []
    assert listed(queryLanguage="PPL") == []
    page = logs(describe_queries, maxResults=1)
    assert [query["queryString"] for query in page["queries"]] == ["limit 2"]
    page = logs(describe_queries, maxResults=1, nextToken=page["nextToken"])
    assert [query["queryString"] for query in page["queries"]] == ["limit 1"]
    assert "nextToken" not in page


def test_boto3_asks_the_log_of_a_server(tmp_path: Path):
    with ServerProcess(tmp_path / "home") as server:
        logs = server.boto3("logs")
        logs.create_log_group(logGroupName="/app")
        logs.create_log_stream(logGroupName="/app", logStreamName="one")
        now = int(time.time())
        events = [
            {"timestamp": now * 1000 + n, "message": f'{{"loss": {n / 10}, "rank": {n % 2}}}'} for n in range(8)
        ]
        logs.put_log_events(logGroupName="/app", logStreamName="one", logEvents=events)
        asked = {"logGroupNames": ["/app"], "startTime": now - 60, "endTime": now + 60}
        query = logs.start_query(queryString="stats min(loss) as best by rank | sort rank", **asked)["queryId"]
        while (answer := logs.get_query_results(queryId=query))["status"] in ACTIVE:
            time.sleep(0.01)
        assert [{entry["field"]: entry["value"] for entry in row} for row in answer["results"]] == [
            {"rank": "0", "best": "0"},
            {"rank": "1", "best": "0.1"},
        ]
        assert answer["statistics"]["recordsScanned"] == 8
        assert [one["status"] for one in logs.describe_queries(logGroupName="/app")["queries"]] == ["Complete"]
        with pytest.raises(ClientError) as refusal:
            logs.start_query(queryString="fields loss | unmask loss", **asked)
        assert refusal.value.response["Error"]["Code"] == "MalformedQueryException"
        assert "'unmask' is not supported" in refusal.value.response["Error"]["Message"]
        assert refusal.value.response["queryCompileError"]["location"] == {
            "startCharOffset": 14,
            "endCharOffset": 20,
        }
        with pytest.raises(ClientError) as refusal:
            logs.stop_query(queryId=query)
        assert refusal.value.response["Error"]["Code"] == "InvalidParameterException"
