"""Metric filters: put, described, tested, and acting on what PutLogEvents and runs bring."""

import time
from pathlib import Path

import pytest

from epochwatch.model.batch import Batch
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import Buckets
from epochwatch.services import logs as operations
from epochwatch.services.logs import (
    create_log_group,
    create_log_stream,
    delete_log_group,
    delete_metric_filter,
    describe_log_groups,
    describe_metric_filters,
    put_log_events,
    put_metric_filter,
)
from epochwatch.store.batches import commit_batch
from epochwatch.store.metric_filters import put_defaults
from tests.servers import ServerProcess
from tests.services.conftest import Caller
from tests.store.parts import NOW, log_events, registered, run_points

INVALID = "InvalidParameterException"
HERE = {"logGroupName": "g", "logStreamName": "s"}
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /x HTTP/1.0" 200 1534'


@pytest.fixture
def logs(caller: Caller) -> Caller:
    caller(create_log_group, logGroupName="g")
    caller(create_log_stream, **HERE)
    return caller


def filter_(logs, pattern, value="1", *, name="f", group="g", metric="m", extra=None, **transformation):
    """Puts a filter that makes the metric ``metric`` in "app"."""
    made = {"metricName": metric, "metricNamespace": "app", "metricValue": value, **transformation}
    return logs(put_metric_filter, **request(pattern, made, name, group), **(extra or {}))


def request(pattern, transformation, name="f", group="g"):
    return {
        "logGroupName": group,
        "filterName": name,
        "filterPattern": pattern,
        "metricTransformations": [transformation],
    }


def put(logs, *messages, back=0):
    at = int(logs.now * 1000) - back
    logs(put_log_events, **HERE, logEvents=[{"timestamp": at, "message": message} for message in messages])


def points(logs, metric="m", unit="None", **dimensions):
    """(second, sum, count) of each minute with values of the last day and the next."""
    wanted = MetricId.of("app", metric, dimensions.items())
    minute = int(logs.now) // 60 * 60
    buckets = Buckets(minute - 86_400, minute + 86_400, 60)
    summary = logs.stores.metrics.read(logs.tenant, [wanted], buckets)[wanted].get(unit)
    if summary is None:
        return []
    return list(zip(summary.timestamps.tolist(), summary.sums.tolist(), summary.counts.tolist(), strict=True))


def totals(logs, metric="m", **dimensions):
    found = points(logs, metric, **dimensions)
    return sum(total for _, total, _ in found), sum(count for _, _, count in found)


@pytest.mark.parametrize(
    ("pattern", "value", "messages", "total", "count"),
    [
        ("ERROR", "1", ["ERROR a", "fine", "an ERROR"], 2, 2),
        ("", "1", ["a", "b"], 2, 2),
        ("?timeout ?refused", "2.5", ["timeout", "refused", "ok"], 5, 2),
        ("ERROR -known", "-1e1", ["ERROR", "ERROR known"], -10, 1),
        ("%loss=[0-9]%", "1", ["loss=3", "loss="], 1, 1),
        ("{ $.loss = * }", "$.loss", ['{"loss": 0.5}', '{"loss": "1.5"}', '{"other": 1}', "loss"], 2, 2),
        ("{ $.a > 1 }", "$.b[1]", ['{"a": 2, "b": [1, 7]}', '{"a": 2, "b": [1]}'], 7, 1),
        (
            "{ $.a = * }",
            "$.a",
            ['{"a": null}', '{"a": true}', '{"a": "x"}', '{"a": {"b": 1}}', '{"a": 1e999}'],
            0,
            0,
        ),
        ("[ip, id, user, time, request, status = 2*, size]", "$size", [ACCESS, "too short"], 1534, 1),
        ("[..., size]", "$size", [ACCESS, "x 6"], 1540, 2),
    ],
)
def test_matching_events_yield_their_values(logs: Caller, pattern, value, messages, total, count):
    filter_(logs, pattern, value)
    put(logs, *messages)
    assert totals(logs) == (total, count)


def test_a_datapoint_has_the_time_of_its_event_and_the_unit_of_its_filter(logs: Caller):
    filter_(logs, "x", unit="Count")
    put(logs, "x", back=3_600_000)
    put(logs, "x", "x")
    minute = int(logs.now) // 60 * 60
    assert points(logs, unit="Count") == [(minute - 3600, 1, 1), (minute, 2, 2)]


def test_all_filters_of_a_group_act_and_those_of_another_do_not(logs: Caller):
    logs(create_log_group, logGroupName="other")
    filter_(logs, "x", name="one", metric="one")
    filter_(logs, "x", "3", name="two", metric="two")
    filter_(logs, "x", name="elsewhere", metric="elsewhere", group="other")
    put(logs, "x")
    assert [totals(logs, metric) for metric in ("one", "two", "elsewhere")] == [(1, 1), (3, 1), (0, 0)]


def test_a_filter_acts_from_now_on_as_it_is_now(logs: Caller):
    put(logs, "x")
    filter_(logs, "x")
    put(logs, "x")
    filter_(logs, "x", "10")
    put(logs, "x")
    logs(delete_metric_filter, logGroupName="g", filterName="f")
    put(logs, "x")
    assert totals(logs) == (11, 2)


def test_dimensions_are_taken_from_the_event(logs: Caller):
    filter_(logs, "{ $.n = * }", "$.n", dimensions={"Run": "$.run", "Host": "$.host.name"})
    put(logs, '{"n": 1, "run": "a", "host": {"name": "h"}}', '{"n": 2, "run": 7}', '{"n": 4, "run": "a"}')
    assert totals(logs, Run="a", Host="h") == (1, 1)
    assert totals(logs, Run="7") == (2, 1)
    assert totals(logs, Run="a") == (4, 1)


def test_system_fields_may_be_dimensions_and_select(logs: Caller):
    account = logs.tenant.account
    filter_(
        logs, "x", name="one", metric="one", extra={"emitSystemFieldDimensions": ["@aws.account", "@aws.region"]}
    )
    own = f'@aws.account = "{account}" AND @aws.region IN ["{logs.tenant.region}", "nowhere"]'
    filter_(logs, "x", name="two", metric="two", extra={"fieldSelectionCriteria": own})
    filter_(
        logs, "x", name="three", metric="three", extra={"fieldSelectionCriteria": f'@aws.account != "{account}"'}
    )
    put(logs, "x")
    system = {"@aws.account": account, "@aws.region": logs.tenant.region}
    assert [totals(logs, "one", **system), totals(logs, "two"), totals(logs, "three")] == [(1, 1), (1, 1), (0, 0)]


def test_rejected_events_yield_nothing(logs: Caller):
    filter_(logs, "x", defaultValue=0)
    put(logs, "x", back=15 * 86_400_000)
    put_defaults(logs.stores, logs.now + 120)
    assert points(logs) == []


def test_a_default_is_put_once_for_a_minute_in_which_events_came_and_none_matched(logs: Caller):
    filter_(logs, "x", "5", defaultValue=-1, unit="Count")
    minute = int(logs.now) // 60 * 60
    for offset, messages in ((0, ["a"]), (0, ["b"]), (60, ["a", "x"]), (120, ["c"]), (240, ["x"])):
        logs.now = float(minute + offset)
        put(logs, *messages)
    for now in (minute + 59, minute + 64, minute + 65, minute + 66, minute + 184, minute + 400, minute + 500):
        put_defaults(logs.stores, now)
        if now == minute + 64:
            assert [at for at, *_ in points(logs, unit="Count")] == [minute + 60, minute + 240]
    assert points(logs, unit="Count") == [
        (minute, -1, 1),
        (minute + 60, 5, 1),
        (minute + 120, -1, 1),
        (minute + 240, 5, 1),
    ]


def test_a_default_is_put_once_though_what_is_due_was_not_noted_as_done(logs: Caller):
    """As after a crash between the two."""
    filter_(logs, "x", defaultValue=3)
    records = logs.stores.state.metric_filters
    minute = int(logs.now) // 60
    for _ in range(2):
        records.forget()
        records.note(logs.tenant, "g", minute, {"f": False})
        put_defaults(logs.stores, logs.now + 120)
        logs.stores.sources.clear()
    assert points(logs) == [(minute * 60, 3, 1)]


def test_a_filter_that_is_gone_or_new_puts_no_default_for_what_came_before(logs: Caller):
    filter_(logs, "x", defaultValue=3)
    put(logs, "a")
    logs(delete_metric_filter, logGroupName="g", filterName="f")
    filter_(logs, "x", defaultValue=4)
    put_defaults(logs.stores, logs.now + 120)
    assert points(logs) == []


def lines(run, positions):
    return log_events(run, positions, [f'{{"n": {p}}}' if p % 3 else "nothing" for p in positions])


def run_values(caller):
    wanted = MetricId("app", "m")
    summary = caller.stores.metrics.read(caller.tenant, [wanted], Buckets(NOW, NOW + 120_000, 60))[wanted]
    return summary["None"].sums.tolist() if summary else []


def test_lines_of_a_run_yield_their_datapoints_once_however_often_they_are_sent(caller: Caller):
    run = registered(caller.stores, caller.tenant)
    filter_(caller, "{ $.n = * }", "$.n", group=run.log_group)
    for first, last, resend in ((1, 5, False), (1, 5, True), (3, 9, False), (1, 9, True), (8, 12, False)):
        positions = range(first, last)
        batch = Batch(
            run.run_id,
            log_events=[lines(run, positions), lines(run, positions)],
            run_points=[run_points(run, positions)],
            resend=resend,
        )
        commit_batch(caller.stores, caller.tenant, run, batch, NOW)
    assert run_values(caller) == [1, 2, 4, 5, 7, 8, 10, 11]


def test_what_a_crash_kept_from_the_log_is_filtered_once(caller: Caller):
    """What is stored is read back from the tables."""
    run = registered(caller.stores, caller.tenant)
    filter_(caller, "{ $.n = * }", "$.n", group=run.log_group)
    for positions in (range(1, 4), range(1, 7)):
        batch = Batch(run.run_id, log_events=[lines(run, positions)])
        commit_batch(caller.stores, caller.tenant, run, batch, NOW)
        caller.stores.sources.clear()
    assert run_values(caller) == [1, 2, 4, 5]


def test_lines_that_are_stored_meet_no_later_filter(caller: Caller):
    run = registered(caller.stores, caller.tenant)
    commit_batch(caller.stores, caller.tenant, run, Batch(run.run_id, log_events=[lines(run, [1, 2])]), NOW)
    filter_(caller, "{ $.n = * }", "$.n", group=run.log_group)
    resent = Batch(run.run_id, log_events=[lines(run, [1, 2, 4])], resend=True)
    commit_batch(caller.stores, caller.tenant, run, resent, NOW)
    assert run_values(caller) == [4]


def test_lines_of_a_run_have_defaults_too_and_resent_ones_do_not(caller: Caller):
    run = registered(caller.stores, caller.tenant)
    filter_(caller, "none", defaultValue=2, group=run.log_group)
    batch = Batch(run.run_id, log_events=[lines(run, [1, 2])])
    for now in (NOW, NOW + 60):
        commit_batch(caller.stores, caller.tenant, run, batch, now)
        put_defaults(caller.stores, now + 120)
    assert run_values(caller) == [2]


def test_filters_are_described_as_they_were_put(logs: Caller):
    transformation = {
        "metricName": "m",
        "metricNamespace": "app",
        "metricValue": "$.v",
        "dimensions": {"A": "$.a"},
        "unit": "Count",
    }
    logs(put_metric_filter, **request("{ $.v = * }", transformation))
    plain = {"metricName": "n", "metricNamespace": "app", "metricValue": "1", "defaultValue": 0.0}
    logs(put_metric_filter, **request("x", plain, "e"), fieldSelectionCriteria='@aws.region = "x"')
    first, second = logs(describe_metric_filters, logGroupName="g")["metricFilters"]
    assert second == {
        "filterName": "f",
        "filterPattern": "{ $.v = * }",
        "metricTransformations": [transformation],
        "creationTime": int(logs.now * 1000),
        "logGroupName": "g",
        "applyOnTransformedLogs": False,
    }
    assert first["metricTransformations"] == [plain]
    assert first["fieldSelectionCriteria"] == '@aws.region = "x"'
    assert logs(describe_log_groups)["logGroups"][0]["metricFilterCount"] == 2


def test_filters_are_found_by_group_prefix_and_metric_in_pages(logs: Caller):
    logs(create_log_group, logGroupName="h")
    for group, name, metric in (
        ("g", "b", "m"),
        ("g", "a", "n"),
        ("h", "ab", "m"),
        ("h", "b", "m"),
        ("g", "B", "m"),
    ):
        filter_(logs, "x", name=name, group=group, metric=metric)

    def found(**wanted):
        answer, token = [], {}
        while True:
            page = logs(describe_metric_filters, **wanted, **token)
            answer += [(one["filterName"], one["logGroupName"]) for one in page["metricFilters"]]
            if "nextToken" not in page:
                return answer
            token = {"nextToken": page["nextToken"]}

    everything = [("B", "g"), ("a", "g"), ("ab", "h"), ("b", "g"), ("b", "h")]
    for limit in (1, 2, 3, 5, 50):
        assert found(limit=limit) == everything
    assert found(filterNamePrefix="b") == everything  # counts beside a group only
    assert found(logGroupName="h", filterNamePrefix="a") == [("ab", "h")]
    assert found(metricName="n", metricNamespace="app") == [("a", "g")]
    assert found(metricName="n", metricNamespace="other") == []
    assert logs.refused(describe_metric_filters, metricName="n")[0] == INVALID
    assert logs.refused(describe_metric_filters, nextToken="x") == (INVALID, "The specified nextToken is invalid.")


def test_filters_go_with_their_group(logs: Caller):
    filter_(logs, "x")
    logs(delete_log_group, logGroupName="g")
    logs(create_log_group, logGroupName="g")
    logs(create_log_stream, **HERE)
    put(logs, "x")
    assert points(logs) == []
    assert logs(describe_metric_filters)["metricFilters"] == []


def test_what_is_not_there_is_refused(logs: Caller):
    none = ("ResourceNotFoundException", "The specified log group does not exist.")
    good = {"metricName": "m", "metricNamespace": "app", "metricValue": "1"}
    assert logs.refused(put_metric_filter, **request("x", good, group="no")) == none
    assert logs.refused(describe_metric_filters, logGroupName="no") == none
    assert logs.refused(delete_metric_filter, logGroupName="no", filterName="f") == none
    assert logs.refused(delete_metric_filter, logGroupName="g", filterName="f") == (
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    )


@pytest.mark.parametrize(
    ("pattern", "changes", "says"),
    [
        ("{ $.a", {}, "Invalid filter pattern"),
        ("x", {"metricValue": "many"}, "neither a number"),
        ("x", {"metricValue": "inf"}, "neither a number"),
        ("x", {"metricValue": "1e200"}, "neither a number"),
        ("x", {"metricValue": ""}, "metricValue must not be empty"),
        ("x", {"metricName": " "}, "metricName must not be empty"),
        ("x", {"metricNamespace": "AWS/Logs"}, "reserved"),
        ("x", {"metricValue": "$.a"}, "no field"),
        ("[a, b]", {"metricValue": "$c"}, "no field '$c'"),
        ("[a, ...]", {"metricValue": "$2"}, "no field '$2'"),
        ("{ $.a = 1 }", {"metricValue": "$a"}, "not a property selector"),
        ("{ $.a = 1 }", {"metricValue": "$.a["}, "not a property selector"),
        ("x", {"dimensions": {"A": "$a"}}, "no field"),
        ("{ $.a = 1 }", {"dimensions": dict.fromkeys("ABCD", "$.a")}, "at most 3"),
        ("{ $.a = 1 }", {"dimensions": {":A": "$.a"}}, "dimension's name"),
        ("{ $.a = 1 }", {"dimensions": {"A": "$.a"}, "defaultValue": 0.0}, "mutually exclusive"),
        ("x", {"defaultValue": float("inf")}, "default value"),
    ],
)
def test_filters_that_cannot_be_are_refused(logs: Caller, pattern, changes, says):
    transformation = {"metricName": "m", "metricNamespace": "app", "metricValue": "1", **changes}
    code, message = logs.refused(put_metric_filter, **request(pattern, transformation))
    assert code == INVALID
    assert says in message
    assert logs(describe_metric_filters)["metricFilters"] == []


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"applyOnTransformedLogs": True}, "transformer"),
        ({"emitSystemFieldDimensions": ["@aws.user"]}, "no system field"),
        ({"fieldSelectionCriteria": "@aws.user = 'x'"}, "selection criteria"),
        ({"emitSystemFieldDimensions": ["@aws.region"]}, None),
        ({"applyOnTransformedLogs": False}, None),
    ],
)
def test_what_a_filter_may_have_besides(logs: Caller, extra, says):
    good = request("x", {"metricName": "m", "metricNamespace": "app", "metricValue": "1"})
    if says is None:
        logs(put_metric_filter, **good, **extra)
        return
    code, message = logs.refused(put_metric_filter, **good, **extra)
    assert code == INVALID
    assert says in message


def test_a_group_has_at_most_100_filters_and_5_with_regular_expressions(logs: Caller):
    for number in range(5):
        filter_(logs, f"%a{number}%", name=f"r{number}")
    filter_(logs, "%again%", name="r0")
    limit = ("LimitExceededException", "Resource limit exceeded.")
    good = {"metricName": "m", "metricNamespace": "app", "metricValue": "1"}
    assert logs.refused(put_metric_filter, **request("%b%", good, "r5")) == limit
    for number in range(95):
        filter_(logs, "x", name=f"f{number}")
    assert logs.refused(put_metric_filter, **request("x", good, "last")) == limit
    filter_(logs, "y", name="f94")
    assert logs(describe_log_groups)["logGroups"][0]["metricFilterCount"] == 100


def test_only_groups_of_the_standard_class_have_filters(caller: Caller):
    caller(create_log_group, logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
    good = {"metricName": "m", "metricNamespace": "app", "metricValue": "1"}
    assert caller.refused(put_metric_filter, **request("x", good, group="rare"))[0] == "InvalidOperationException"


@pytest.mark.parametrize(
    ("pattern", "message", "values"),
    [
        ("ERROR", "an ERROR", {}),
        ("", "anything", {}),
        ("{ $.a = * && $.b.c[0] > 1 }", '{"a": "x", "b": {"c": [2.50]}}', {"$.a": "x", "$.b.c[0]": "2.50"}),
        ("{ $.a NOT EXISTS || $.b = 1 }", '{"b": 1}', {"$.b": "1"}),
        (
            '{ $.a IS NULL || $["b c"] = 1 || $.d EXISTS }',
            '{"a": null, "b c": true, "d": [1, {"e": 2.0}]}',
            {"$.a": "null", '$["b c"]': "true", "$.d": '[1, {"e": 2.0}]'},
        ),
        ("[a, b]", "one [two three]", {"$a": "one", "$b": "two three"}),
        (
            "[..., status, size > 1000]",
            ACCESS,
            {
                **{"$1": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700"},
                **{"$5": "GET /x HTTP/1.0", "$status": "200", "$size": "1534"},
            },
        ),
        ("[ip, ...]", "a b", {"$ip": "a", "$2": "b"}),
        ("[ip, ...]", "a", {"$ip": "a"}),
    ],
)
def test_a_pattern_is_tested_on_messages(caller: Caller, pattern, message, values):
    answer = caller(
        operations.test_metric_filter, filterPattern=pattern, logEventMessages=["{}", message, "", message]
    )
    matches = [one for one in answer["matches"] if one["eventMessage"] == message]
    assert [one["eventNumber"] for one in matches] == [2, 4]
    assert all(one["extractedValues"] == values for one in matches)


def test_what_does_not_match_is_left_out_and_a_bad_pattern_refused(caller: Caller):
    tested = operations.test_metric_filter
    assert caller(tested, filterPattern="{ $.a = 1 }", logEventMessages=['{"a": 2}', "x"]) == {"matches": []}
    assert caller.refused(tested, filterPattern="[a", logEventMessages=["x"])[0] == INVALID


def test_boto3_puts_a_filter_and_reads_its_metric(tmp_path: Path):
    with ServerProcess(tmp_path / "home") as server:
        logs, cloudwatch = server.boto3("logs"), server.boto3("cloudwatch")
        logs.create_log_group(logGroupName="/app")
        logs.create_log_stream(logGroupName="/app", logStreamName="one")
        transformation = {
            "metricName": "latency",
            "metricNamespace": "App",
            "metricValue": "$.ms",
            "unit": "Milliseconds",
            "dimensions": {"Route": "$.route"},
        }
        logs.put_metric_filter(
            logGroupName="/app",
            filterName="slow",
            filterPattern="{ $.ms > 100 }",
            metricTransformations=[transformation],
        )
        [described] = (
            logs.get_paginator("describe_metric_filters")
            .paginate(logGroupName="/app")
            .build_full_result()["metricFilters"]
        )
        assert described["metricTransformations"] == [transformation]
        tested = logs.test_metric_filter(
            filterPattern="{ $.ms > 100 }", logEventMessages=['{"ms": 7}', '{"ms": 700}']
        )
        assert [one["eventNumber"] for one in tested["matches"]] == [2]
        now = int(time.time() * 1000)
        messages = ['{"ms": 250, "route": "/a"}', '{"ms": 50, "route": "/a"}', '{"ms": 350, "route": "/a"}']
        logs.put_log_events(
            logGroupName="/app",
            logStreamName="one",
            logEvents=[{"timestamp": now, "message": message} for message in messages],
        )
        answer = cloudwatch.get_metric_statistics(
            Namespace="App",
            MetricName="latency",
            Dimensions=[{"Name": "Route", "Value": "/a"}],
            StartTime=now / 1000 - 300,
            EndTime=now / 1000 + 60,
            Period=3600,
            Statistics=["SampleCount", "Average"],
        )
        assert [(p["SampleCount"], p["Average"]) for p in answer["Datapoints"]] == [(2.0, 300.0)]
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.put_metric_filter(
                logGroupName="/app", filterName="bad", filterPattern="{", metricTransformations=[transformation]
            )
