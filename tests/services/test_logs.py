"""CloudWatch Logs' operations over real stores."""

import pytest

from epochwatch.services.logs import (
    create_log_group,
    create_log_stream,
    describe_log_groups,
    describe_log_streams,
    filter_log_events,
    get_log_events,
    put_log_events,
)
from tests.services.conftest import Caller

INVALID = "InvalidParameterException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
HOUR = 3_600_000
DAY = 24 * HOUR
HERE = {"logGroupName": "g", "logStreamName": "s"}


@pytest.fixture
def logs(caller: Caller) -> Caller:
    caller(create_log_group, logGroupName="g")
    caller(create_log_stream, **HERE)
    return caller


def now(logs: Caller) -> int:
    return int(logs.now * 1000)


def put(logs, *events, stream="s", **more):
    """Events (ms before now, message)."""
    return logs(
        put_log_events,
        logGroupName="g",
        logStreamName=stream,
        logEvents=[{"timestamp": now(logs) - back, "message": message} for back, message in events],
        **more,
    )


def get(logs, **request):
    return logs(get_log_events, **HERE, **request)


def messages(answer):
    return [event["message"] for event in answer["events"]]


def test_a_group_and_stream_exist_once(logs: Caller):
    assert logs.refused(create_log_group, logGroupName="g") == (EXISTS, "The specified log group already exists")
    assert logs.refused(create_log_stream, **HERE) == (EXISTS, "The specified log stream already exists")
    assert logs.refused(create_log_stream, logGroupName="no", logStreamName="s") == (
        NOT_FOUND,
        "The specified log group does not exist.",
    )
    assert logs.refused(create_log_group, logGroupName="aws/x")[0] == INVALID


def test_groups_are_described(caller: Caller):
    caller(create_log_group, logGroupName="/a/b", kmsKeyId="k", logGroupClass="INFREQUENT_ACCESS", tags={"x": "y"})
    [group] = caller(describe_log_groups)["logGroups"]
    arn = f"arn:aws:logs:us-east-1:{caller.tenant.account}:log-group:/a/b"
    assert group == {
        "logGroupName": "/a/b",
        "creationTime": now(caller),
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "logGroupClass": "INFREQUENT_ACCESS",
        "storedBytes": 0,
        "deletionProtectionEnabled": False,
        "kmsKeyId": "k",
    }


def test_groups_are_found(caller: Caller):
    for name in ("/aws/one", "/aws/two", "Logs", "a_b", "axb"):
        caller(create_log_group, logGroupName=name)

    def found(**request):
        return [g["logGroupName"] for g in caller(describe_log_groups, **request)["logGroups"]]

    assert found() == ["/aws/one", "/aws/two", "Logs", "a_b", "axb"]
    assert found(logGroupNamePrefix="/aws") == ["/aws/one", "/aws/two"]
    assert found(logGroupNamePrefix="a_") == ["a_b"]
    assert found(logGroupNamePattern="ogs") == ["Logs"]
    assert found(logGroupNamePattern="logs") == []
    assert found(logGroupClass="INFREQUENT_ACCESS") == []
    assert found(logGroupIdentifiers=["Logs", caller.tenant.arn("logs", "log-group:axb"), "none"]) == [
        "Logs",
        "axb",
    ]
    assert found(accountIdentifiers=["000000000000"]) == []
    assert found(accountIdentifiers=[caller.tenant.account]) != []
    [group] = caller(describe_log_groups, logGroupNamePattern="Logs")["logGroups"]
    assert set(group) == {"logGroupName", "arn", "creationTime"}
    assert caller.refused(describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="b") == (
        INVALID,
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )
    assert caller.refused(describe_log_groups, logGroupNamePrefix="a", logGroupIdentifiers=["b"])[0] == INVALID


def test_groups_come_in_pages(caller: Caller):
    names = [f"g{n:02}" for n in range(7)]
    for name in names:
        caller(create_log_group, logGroupName=name)
    found, token = [], {}
    for count in (3, 3, 1):
        page = caller(describe_log_groups, limit=3, **token)
        assert len(page["logGroups"]) == count
        found += [g["logGroupName"] for g in page["logGroups"]]
        token = {"nextToken": page.get("nextToken")}
    assert found == names
    assert token == {"nextToken": None}
    assert "nextToken" not in caller(describe_log_groups, limit=7)
    assert caller.refused(describe_log_groups, nextToken="x") == (INVALID, "The specified nextToken is invalid.")


def test_streams_come_by_name_or_by_last_event(logs: Caller):
    for name in ("job/b", "job/a", "other"):
        logs(create_log_stream, logGroupName="g", logStreamName=name)
    put(logs, (5000, "x"), (3000, "y"), stream="other")
    put(logs, (1000, "x"), stream="job/b")

    def found(**request):
        answer = logs(describe_log_streams, logGroupName="g", **request)
        assert "nextToken" not in answer
        return [s["logStreamName"] for s in answer["logStreams"]]

    assert found() == ["job/a", "job/b", "other", "s"]
    assert found(descending=True) == ["s", "other", "job/b", "job/a"]
    assert found(logStreamNamePrefix="job/") == ["job/a", "job/b"]
    assert found(logStreamNamePrefix="job/", limit=2, orderBy="LogStreamName") == ["job/a", "job/b"]
    assert found(orderBy="LastEventTime", descending=True) == ["job/b", "other", "s", "job/a"]
    [other] = logs(describe_log_streams, logGroupName="g", logStreamNamePrefix="other")["logStreams"]
    assert other["firstEventTimestamp"] == now(logs) - 5000
    assert other["lastEventTimestamp"] == now(logs) - 3000
    assert other["lastIngestionTime"] == now(logs)
    assert other["arn"] == logs.tenant.arn("logs", "log-group:g:log-stream:other")
    assert other["storedBytes"] == 0
    assert other["uploadSequenceToken"]
    [empty] = logs(describe_log_streams, logGroupName="g", logStreamNamePrefix="job/a")["logStreams"]
    assert "lastEventTimestamp" not in empty
    assert logs.refused(
        describe_log_streams, logGroupName="g", logStreamNamePrefix="j", orderBy="LastEventTime"
    ) == (INVALID, "Cannot order by LastEventTime with a logStreamNamePrefix.")
    assert logs.refused(describe_log_streams, logGroupName="no")[0] == NOT_FOUND


@pytest.mark.parametrize("order", ["LogStreamName", "LastEventTime"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_of_streams_join(logs: Caller, order, descending):
    for number in range(6):
        logs(create_log_stream, logGroupName="g", logStreamName=f"s{number}")
    put(logs, (1000, "x"), stream="s3")
    request = {"logGroupName": "g", "orderBy": order, "descending": descending}
    whole = [s["logStreamName"] for s in logs(describe_log_streams, **request)["logStreams"]]
    found, token = [], {}
    for _ in range(4):
        page = logs(describe_log_streams, limit=2, **request, **token)
        found += [s["logStreamName"] for s in page["logStreams"]]
        token = {"nextToken": page.get("nextToken")}
        if token["nextToken"] is None:
            break
    assert found == whole
    assert len(found) == 7


def test_events_are_read_as_written(logs: Caller):
    token = put(logs, (20, "first"), (10, "zweite Zeile — ü"), (10, "third"))["nextSequenceToken"]
    assert token
    put(logs, (5, "fourth"), sequenceToken="anything")
    assert get(logs)["events"] == [
        {"timestamp": now(logs) - back, "message": message, "ingestionTime": now(logs)}
        for back, message in ((20, "first"), (10, "zweite Zeile — ü"), (10, "third"), (5, "fourth"))
    ]


def test_start_is_inclusive_and_end_exclusive(logs: Caller):
    put(logs, (30, "a"), (20, "b"), (10, "c"))
    assert messages(get(logs, startTime=now(logs) - 30, endTime=now(logs) - 10)) == ["a", "b"]
    assert messages(get(logs, startTime=now(logs) - 29)) == ["b", "c"]


def test_a_stream_is_read_forwards_to_a_lasting_end(logs: Caller):
    put(logs, *((100 - n, f"e{n}") for n in range(10)))
    seen, token, tokens = [], {"startFromHead": True}, []
    while True:
        page = get(logs, limit=4, **token)
        seen += messages(page)
        tokens.append(page["nextForwardToken"])
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        token = {"nextToken": page["nextForwardToken"]}
    assert seen == [f"e{n}" for n in range(10)]
    assert messages(page) == []
    put(logs, (1, "late"))
    page = get(logs, nextToken=tokens[-1])
    assert messages(page) == ["late"]
    assert page["nextForwardToken"] != tokens[-1]
    assert messages(get(logs, nextToken=page["nextForwardToken"])) == []


def test_a_stream_is_read_backwards_to_its_head(logs: Caller):
    put(logs, *((100 - n, f"e{n}") for n in range(10)))
    page = get(logs, limit=4)
    assert messages(page) == ["e6", "e7", "e8", "e9"]
    pages = [messages(page)]
    while True:
        token = page["nextBackwardToken"]
        page = get(logs, limit=4, nextToken=token)
        if page["nextBackwardToken"] == token:
            break
        pages.insert(0, messages(page))
    assert [m for p in pages for m in p] == [f"e{n}" for n in range(10)]
    assert messages(page) == []
    assert messages(get(logs, limit=2, nextToken=page["nextForwardToken"])) == ["e0", "e1"]


def test_one_can_turn_round_at_the_end(logs: Caller):
    put(logs, (3, "a"), (2, "b"))
    end = get(logs, startFromHead=True)["nextForwardToken"]
    page = get(logs, nextToken=end)
    assert messages(get(logs, limit=1, nextToken=page["nextBackwardToken"])) == ["b"]


def test_an_empty_stream_has_tokens_that_find_what_comes(logs: Caller):
    page = get(logs)
    assert messages(page) == []
    assert page["nextForwardToken"].startswith("f/")
    assert page["nextBackwardToken"].startswith("b/")
    again = get(logs, nextToken=page["nextForwardToken"])
    assert again["nextForwardToken"] == page["nextForwardToken"]
    put(logs, (1, "x"))
    assert messages(get(logs, nextToken=page["nextForwardToken"])) == ["x"]


def test_pages_hold_a_megabyte(logs: Caller):
    for _ in range(2):
        put(logs, *((n, "x" * 200_000) for n in (5, 4, 3, 2, 1)))
    assert len(get(logs, startFromHead=True)["events"]) == 5
    seen, token = 0, {"startFromHead": True}
    for _ in range(3):
        page = get(logs, **token)
        seen += len(page["events"])
        token = {"nextToken": page["nextForwardToken"]}
    assert seen == 10


def test_groups_are_known_by_name_or_arn(logs: Caller):
    put(logs, (1, "x"))
    arn = logs.tenant.arn("logs", "log-group:g")
    for identifier in ("g", arn, f"{arn}:*"):
        assert messages(logs(get_log_events, logGroupIdentifier=identifier, logStreamName="s")) == ["x"]
        assert messages(logs(filter_log_events, logGroupIdentifier=identifier)) == ["x"]
        assert logs(describe_log_streams, logGroupIdentifier=identifier)["logStreams"]
    other = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    assert logs.refused(get_log_events, logGroupIdentifier=other, logStreamName="s")[0] == NOT_FOUND
    assert logs.refused(get_log_events, logGroupIdentifier="g", **HERE) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    assert logs.refused(get_log_events, logStreamName="s")[0] == INVALID


def test_missing_streams_and_strange_tokens_are_refused(logs: Caller):
    assert logs.refused(get_log_events, logGroupName="g", logStreamName="no") == (
        NOT_FOUND,
        "The specified log stream does not exist.",
    )
    assert logs.refused(get_log_events, logGroupName="no", logStreamName="s")[0] == NOT_FOUND
    event = [{"timestamp": now(logs), "message": "x"}]
    assert logs.refused(put_log_events, logGroupName="g", logStreamName="no", logEvents=event) == (
        NOT_FOUND,
        "The specified log stream does not exist.",
    )
    assert logs.refused(put_log_events, logGroupName="no", logStreamName="s", logEvents=event)[0] == NOT_FOUND
    logs(create_log_stream, logGroupName="g", logStreamName="t")
    token = logs(get_log_events, logGroupName="g", logStreamName="t")["nextForwardToken"]
    for strange in ("x", "f/", "f/AAAA", token, "g/" + token[2:]):
        assert logs.refused(get_log_events, **HERE, nextToken=strange) == (
            INVALID,
            "The specified nextToken is invalid.",
        )


def test_batches_that_are_too_large_or_out_of_order_are_refused(logs: Caller):
    def refused(*events):
        entries = [{"timestamp": now(logs) - back, "message": message} for back, message in events]
        return logs.refused(put_log_events, **HERE, logEvents=entries)

    assert refused((1, "a"), (2, "b")) == (
        INVALID,
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert "24 hours" in refused((DAY + 1, "a"), (0, "b"))[1]
    assert "exceeds limit of 1048576" in refused((0, "x" * (1_048_576 - 25)))[1]
    assert "exceeds limit of 1048576" in refused((0, "ü" * 524_276))[1]
    assert messages(get(logs)) == []
    put(logs, (DAY, "a"), (0, "x" * (1_048_576 - 26 - 27)))
    assert len(get(logs, startFromHead=True, limit=1)["events"]) == 1


def test_events_too_old_or_too_new_are_told(logs: Caller):
    answer = put(logs, (14 * DAY + 1000, "old"), (14 * DAY, "edge"), (14 * DAY - 1000, "fine"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = put(logs, (0, "now"), (-2 * HOUR, "edge"), (-2 * HOUR - 1, "new"), (-3 * HOUR, "newer"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 2}
    answer = put(logs, (15 * DAY, "all"), (15 * DAY, "old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    assert answer["nextSequenceToken"]
    assert "rejectedLogEventsInfo" not in put(logs, (0, "x"))
    assert messages(get(logs)) == ["edge", "fine", "now", "x", "edge"]


@pytest.fixture
def filled(logs: Caller) -> Caller:
    logs(create_log_stream, logGroupName="g", logStreamName="t")
    put(logs, *((100 - 2 * n, f"step={n} loss={10 - n}") for n in range(8)))
    put(logs, *((99 - 2 * n, f'{{"step": {n}, "level": "warn"}}') for n in range(8)), stream="t")
    return logs


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({}, 16),
        ({"filterPattern": ""}, 16),
        ({"filterPattern": "loss"}, 8),
        ({"filterPattern": '"loss=3"'}, 1),
        ({"filterPattern": "-loss"}, 8),
        ({"filterPattern": "?step=1 ?warn"}, 9),
        ({"filterPattern": "%loss=[1-4]$%"}, 2),
        ({"filterPattern": "{ $.step >= 6 }"}, 2),
        ({"filterPattern": '[step="step=7", loss]'}, 1),
        ({"logStreamNames": ["t"]}, 8),
        ({"logStreamNames": ["s", "t"], "filterPattern": "step"}, 16),
        ({"logStreamNamePrefix": "s"}, 8),
        ({"logStreamNamePrefix": "none"}, 0),
        ({"logStreamNames": ["s"], "filterPattern": "warn"}, 0),
        ({"interleaved": True, "unmask": False}, 16),
    ],
)
def test_filtered_events(filled: Caller, request_, count):
    answer = filled(filter_log_events, logGroupName="g", **request_)
    assert len(answer["events"]) == count
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer
    times = [event["timestamp"] for event in answer["events"]]
    assert times == sorted(times)
    assert len({event["eventId"] for event in answer["events"]}) == count


def test_filtered_events_within_a_time(filled: Caller):
    answer = filled(filter_log_events, logGroupName="g", startTime=now(filled) - 100, endTime=now(filled) - 98)
    assert messages(answer) == ["step=0 loss=10", '{"step": 0, "level": "warn"}']
    assert answer["events"][0]["logStreamName"] == "s"
    assert answer["events"][0]["ingestionTime"] == now(filled)


@pytest.mark.parametrize("head", [{}, {"startFromHead": True}, {"startFromHead": False}])
@pytest.mark.parametrize("size", [1, 3, 8, 15, 16])
@pytest.mark.parametrize("pattern", ["", "loss", "none"])
def test_pages_of_filtered_events_join_and_end_without_token(filled: Caller, head, size, pattern):
    request = {"logGroupName": "g", "filterPattern": pattern, **head}
    whole = filled(filter_log_events, **request)
    found, token = [], {}
    for _ in range(20):
        page = filled(filter_log_events, limit=size, **request, **token)
        assert len(page["events"]) <= size
        found += page["events"]
        if "nextToken" not in page:
            break
        assert page["events"]
        token = {"nextToken": page["nextToken"]}
    assert "nextToken" not in page
    assert found == whole["events"]
    times = [event["timestamp"] for event in found]
    assert times == sorted(times, reverse=head.get("startFromHead") is False)


def test_bad_filters_are_refused(filled: Caller):
    def refused(**request):
        return filled.refused(filter_log_events, logGroupName="g", **request)

    assert refused(filterPattern="{ $.a ")[0] == INVALID
    assert "Invalid filter pattern" in refused(filterPattern="{ $.a = }")[1]
    assert refused(logStreamNames=["s"], logStreamNamePrefix="s")[0] == INVALID
    assert refused(logStreamNames=["s", "no"]) == (NOT_FOUND, "The specified log stream does not exist.")
    assert refused(nextToken="x") == (INVALID, "The specified nextToken is invalid.")
    assert refused(startFromHead=False, startTime=0)[0] == INVALID
    assert filled.refused(filter_log_events, logGroupName="no")[0] == NOT_FOUND


def test_tenants_do_not_see_each_others_logs(logs: Caller, stores):
    put(logs, (1, "x"))
    other = Caller(stores)
    assert other(describe_log_groups)["logGroups"] == []
    other(create_log_group, logGroupName="g")
    other(create_log_stream, **HERE)
    assert messages(get(other)) == []
