"""CloudWatch's alarm operations over real stores."""

import json

import pytest

from epochwatch.services.cloudwatch.alarm_descriptions import describe_alarms, describe_alarms_for_metric
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.cloudwatch.alarms import (
    delete_alarms,
    disable_alarm_actions,
    enable_alarm_actions,
    put_composite_alarm,
    put_metric_alarm,
    set_alarm_state,
)
from epochwatch.services.cloudwatch.resource_tags import list_tags_for_resource, tag_resource, untag_resource
from tests.services.conftest import Caller

HOT = {
    "AlarmName": "hot",
    "Namespace": "lab",
    "MetricName": "temperature",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 21.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"
METRIC_MEMBERS = ("Namespace", "MetricName", "Statistic", "Period")
A = {"Id": "a", "MetricStat": {"Metric": {"Namespace": "lab", "MetricName": "a"}, "Period": 60, "Stat": "Sum"}}
HIDDEN = A | {"ReturnData": False}
RATIO = {"Id": "e", "Expression": "a / 2"}
BAND = {"Id": "t", "Expression": "ANOMALY_DETECTION_BAND(a, 2)"}
PROMQL = {
    "AlarmName": "q",
    "EvaluationCriteria": {"PromQLCriteria": {"Query": "temperature > 21"}},
    "EvaluationInterval": 60,
}


def without(request, *names):
    return {name: value for name, value in request.items() if name not in names}


def on_queries(*queries, **more):
    return without(HOT, *METRIC_MEMBERS) | {"Metrics": list(queries)} | more


def put(caller, **more):
    caller(put_metric_alarm, **(HOT | more))


def described(caller, **request):
    answer = caller(describe_alarms, **request)
    return answer["CompositeAlarms"] + answer["MetricAlarms"]


def names(caller, **request):
    return [alarm["AlarmName"] for alarm in described(caller, **request)]


def history(caller, **request):
    return caller(describe_alarm_history, **request)["AlarmHistoryItems"]


def put_composite(caller, name, rule, **more):
    caller(put_composite_alarm, AlarmName=name, AlarmRule=rule, **more)


def test_a_new_alarm_is_described_as_cloudwatch_does(caller: Caller):
    put(caller, AlarmDescription="<hot>", AlarmActions=[TOPIC])
    answer = caller(describe_alarms, AlarmNames=["hot"])
    assert answer["CompositeAlarms"] == []
    assert answer["LogAlarms"] == []
    [alarm] = answer["MetricAlarms"]
    assert alarm == {
        **HOT,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{caller.tenant.account}:alarm:hot",
        "AlarmDescription": "<hot>",
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Dimensions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "AlarmConfigurationUpdatedTimestamp": caller.now,
        "StateUpdatedTimestamp": caller.now,
        "StateTransitionedTimestamp": caller.now,
    }


def test_an_alarm_that_is_put_again_is_overwritten_and_keeps_its_state(caller: Caller):
    put(caller, AlarmDescription="old", Tags=[{"Key": "team", "Value": "a"}])
    caller(set_alarm_state, AlarmName="hot", StateValue="ALARM", StateReason="by hand")
    put(caller, Threshold=30.0, Tags=[{"Key": "team", "Value": "b"}])
    [alarm] = described(caller)
    assert alarm["Threshold"] == 30.0
    assert "AlarmDescription" not in alarm
    assert alarm["StateValue"] == "ALARM"
    tags = caller(list_tags_for_resource, ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (without(HOT, "MetricName"), "MetricName must not be null"),
        (without(HOT, "Namespace"), "Namespace must not be null"),
        (without(HOT, "Period"), "Period must not be null"),
        (without(HOT, "ComparisonOperator"), "ComparisonOperator must not be null"),
        (without(HOT, "EvaluationPeriods"), "EvaluationPeriods must not be null"),
        (without(HOT, "Statistic"), "Must specify exactly one of Statistic and ExtendedStatistic"),
        (HOT | {"ExtendedStatistic": "p99"}, "Statistic and ExtendedStatistic cannot both be set"),
        (
            without(HOT, "Statistic") | {"ExtendedStatistic": "Average"},
            "The value Average for parameter ExtendedStatistic is not supported.",
        ),
        (without(HOT, "Threshold"), "Must specify exactly one of Threshold and ThresholdMetricId"),
        (HOT | {"Period": 15}, "Period must be 10, 20, 30 or a multiple of 60"),
        (HOT | {"Period": 1}, "Period must be 10, 20, 30 or a multiple of 60"),
        (
            HOT | {"EvaluationPeriods": 1441},
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400) for "
            "alarms using period < 3600",
        ),
        (
            HOT | {"Period": 86400, "EvaluationPeriods": 8},
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800) for "
            "alarms using period >= 3600",
        ),
        (HOT | {"DatapointsToAlarm": 4}, "DatapointsToAlarm must be less than or equal to EvaluationPeriods"),
        (
            HOT | {"TreatMissingData": "zero"},
            "The value zero for parameter TreatMissingData is not supported: it must be one of missing, ignore, "
            "breaching, notBreaching.",
        ),
        (
            HOT | {"EvaluateLowSampleCountPercentile": "ignore"},
            "EvaluateLowSampleCountPercentile can be set only for an alarm on a percentile.",
        ),
        (HOT | {"AlarmActions": ["pager"]}, "Invalid arn syntax: pager"),
        (
            HOT | {"AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:pager"]},
            "Invalid region eu-west-1 specified. Only us-east-1 is supported.",
        ),
        (HOT | {"Metrics": [A]}, "Namespace should not be set if list of Metrics is set."),
        (
            on_queries(A, RATIO),
            "Exactly one element of the metrics list should return data.",
        ),
        (on_queries(HIDDEN, RATIO, ThresholdMetricId="a"), "Threshold and ThresholdMetricId cannot both be set"),
        (
            on_queries({"Id": "e", "Expression": "SUM(SEARCH('{lab} a', 'Sum', 60))"}),
            "Invalid metrics list: Error in expression 'e': SEARCH is not supported on Metric Alarms.",
        ),
        (
            on_queries(HIDDEN, {"Id": "e", "Expression": "a / nothing"}),
            "Invalid metrics list: Error in expression 'e': there is no query with the Id 'nothing'",
        ),
        (
            without(on_queries(A, BAND, ThresholdMetricId="t"), "Threshold"),
            "ComparisonOperator GreaterThanThreshold needs Threshold to be set",
        ),
        (
            without(on_queries(A, ThresholdMetricId="t", ComparisonOperator="GreaterThanUpperThreshold"), "Threshold"),
            "ThresholdMetricId t must be the Id of an element of the metrics list.",
        ),
        (HOT | {"EvaluationInterval": 60}, "EvaluationInterval should not be set if MetricName or list of Metrics is "
         "set."),
        (
            HOT | {"EvaluationWindow": {"WallClockWindow": {}}, "Period": 120},
            "Period must be 60, 300, 3600, 86400 or 604800 with a WallClockWindow",
        ),
        (
            HOT | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "Mars"}}},
            "The value for parameter Timezone is invalid: Mars is no name of the tz database and no offset.",
        ),
        (PROMQL | {"Threshold": 1.0}, "Threshold should not be set if EvaluationCriteria is set."),
        (without(PROMQL, "EvaluationInterval"), "EvaluationInterval must not be null"),
        (PROMQL | {"EvaluationInterval": 45}, "EvaluationInterval must be 10, 20, 30 or a multiple of 60"),
    ],
)  # fmt: skip
def test_what_can_be_no_alarm_is_refused_in_cloudwatchs_words(caller: Caller, request_, words):
    assert caller.refused(put_metric_alarm, **request_) == ("ValidationException", words)
    assert described(caller) == []


def test_a_query_that_is_no_promql_is_refused(caller: Caller):
    code, words = caller.refused(
        put_metric_alarm, **(PROMQL | {"EvaluationCriteria": {"PromQLCriteria": {"Query": "sum("}}})
    )
    assert code == "ValidationException"
    assert words.startswith("Invalid PromQL query: ")


def test_alarms_on_expressions_bands_and_promql_are_kept_as_they_are_said(caller: Caller):
    band = without(
        on_queries(A, BAND, ThresholdMetricId="t", ComparisonOperator="GreaterThanUpperThreshold"), "Threshold"
    )
    for number, request in enumerate([on_queries(HIDDEN, RATIO), band, PROMQL]):
        caller(put_metric_alarm, **(request | {"AlarmName": str(number)}))
    ratio, banded, promql = described(caller)
    assert ratio["Metrics"] == [HIDDEN, RATIO]
    assert banded["ThresholdMetricId"] == "t"
    assert promql["EvaluationCriteria"] == PROMQL["EvaluationCriteria"]
    assert promql["StateValue"] == "OK"


def test_alarms_are_found_by_name_prefix_state_type_and_action(caller: Caller):
    put(caller, AlarmName="a1", OKActions=[TOPIC])
    put(caller, AlarmName="a2")
    put(caller, AlarmName="b%_")
    put_composite(caller, "a0", "ALARM(a1)")
    caller(set_alarm_state, AlarmName="a2", StateValue="OK", StateReason="x")
    both = ["MetricAlarm", "CompositeAlarm"]
    assert names(caller) == ["a1", "a2", "b%_"]
    assert names(caller, AlarmTypes=both) == ["a0", "a1", "a2", "b%_"]
    assert names(caller, AlarmTypes=["LogAlarm"]) == []
    assert names(caller, AlarmNames=["a2", "nothing"]) == ["a2"]
    assert names(caller, AlarmNames=["a0"], AlarmTypes=["CompositeAlarm"]) == ["a0"]
    assert names(caller, AlarmNamePrefix="a", AlarmTypes=both) == ["a0", "a1", "a2"]
    assert names(caller, AlarmNamePrefix="b%_") == ["b%_"]
    assert names(caller, AlarmNamePrefix="_") == []
    assert names(caller, StateValue="OK") == ["a2"]
    assert names(caller, ActionPrefix="arn:aws:sns") == ["a1"]
    code, words = caller.refused(describe_alarms, AlarmNames=["a"], AlarmNamePrefix="a")
    assert (code, words) == ("ValidationException", "AlarmNamePrefix and AlarmNames cannot both be set.")


def test_a_listing_goes_on_where_the_page_ended(caller: Caller):
    for number in range(5):
        put(caller, AlarmName=f"alarm-{number}")
    put_composite(caller, "whole", "ALARM(alarm-0)")
    kinds = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    found, token = [], None
    while True:
        page = caller(describe_alarms, MaxRecords=2, **kinds, **({"NextToken": token} if token else {}))
        found += [alarm["AlarmName"] for alarm in page["CompositeAlarms"] + page["MetricAlarms"]]
        token = page.get("NextToken")
        if token is None:
            break
    assert found == ["whole", *(f"alarm-{number}" for number in range(5))]
    assert caller.refused(describe_alarms, NextToken="abc")[0] == "InvalidNextToken"


def test_children_and_parents_of_composite_alarms_are_found(caller: Caller):
    put(caller, AlarmName="a")
    put(caller, AlarmName="b")
    put_composite(caller, "inner", f"ALARM({caller.tenant.arn('cloudwatch', 'alarm:a')}) OR ALARM(b)")
    put_composite(caller, "outer", "OK(inner) AND ALARM(a)")
    assert names(caller, ChildrenOfAlarmName="outer") == ["inner", "a"]
    assert names(caller, ChildrenOfAlarmName="inner") == ["a", "b"]
    assert names(caller, ParentsOfAlarmName="a") == ["inner", "outer"]
    assert set(described(caller, ChildrenOfAlarmName="inner")[0]) == {
        "AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"
    }  # fmt: skip
    assert set(described(caller, ParentsOfAlarmName="a")[0]) == {"AlarmName", "AlarmArn"}
    code, _ = caller.refused(describe_alarms, ParentsOfAlarmName="a", StateValue="OK")
    assert code == "ValidationException"


def test_the_alarms_of_a_metric_are_found(caller: Caller):
    run = [{"Name": "run", "Value": "r1"}]
    put(caller, AlarmName="plain")
    put(caller, AlarmName="of-run", Dimensions=run)
    caller(put_metric_alarm, **on_queries(HIDDEN, RATIO, AlarmName="ratio"))

    def found(**request):
        alarms = caller(describe_alarms_for_metric, Namespace="lab", **request)["MetricAlarms"]
        return [alarm["AlarmName"] for alarm in alarms]

    assert found(MetricName="temperature") == ["plain"]
    assert found(MetricName="temperature", Dimensions=run) == ["of-run"]
    assert found(MetricName="temperature", Statistic="Sum") == []
    assert found(MetricName="temperature", Statistic="Average", Period=60) == ["plain"]
    assert found(MetricName="a", Statistic="Sum") == ["ratio"]


def test_a_composite_alarm_needs_the_alarms_of_its_rule(caller: Caller):
    put(caller, AlarmName="a")
    refused = caller.refused(put_composite_alarm, AlarmName="c", AlarmRule="ALARM(a) OR OK(gone) OR OK(lost)")
    words = "Could not save the composite alarm as alarms [gone, lost] in the alarm rule do not exist"
    assert refused == ("ValidationException", words)
    assert caller.refused(put_composite_alarm, AlarmName="c", AlarmRule="ALARM(a) OR")[1].startswith(
        "Error in AlarmRule ["
    )
    assert caller.refused(put_composite_alarm, AlarmName="c", AlarmRule="ALARM(a) ")[1] == (
        "AlarmRule must not contain leading or trailing whitespace or be null"
    )
    _, words = caller.refused(put_composite_alarm, AlarmName="c", AlarmRule="ALARM(a)", ActionsSuppressor="a")
    assert words == "ActionsSuppressorWaitPeriod must not be null if ActionsSuppressor is set."
    put_composite(caller, "c", "ALARM(a)")
    assert caller.refused(put_metric_alarm, **(HOT | {"AlarmName": "c"}))[0] == "ValidationException"


def test_what_a_composite_alarm_needs_is_not_deleted(caller: Caller):
    for name in ("a", "b", "quiet"):
        put(caller, AlarmName=name)
    waits = {"ActionsSuppressorWaitPeriod": 1, "ActionsSuppressorExtensionPeriod": 1}
    put_composite(caller, "c", "ALARM(a) AND ALARM(b)", ActionsSuppressor="quiet", **waits)
    put_composite(caller, "d", "ALARM(a)")
    assert caller.refused(delete_alarms, AlarmNames=["b"]) == (
        "ValidationException", "Cannot delete b as there are composite alarm(s) depending on it.",
    )  # fmt: skip
    assert caller.refused(delete_alarms, AlarmNames=["a", "b"])[1] == (
        "Cannot delete a,b as there are composite alarm(s) depending on them."
    )
    assert caller.refused(delete_alarms, AlarmNames=["quiet"])[0] == "ValidationException"
    assert caller.refused(delete_alarms, AlarmNames=["c", "d"])[1] == (
        "You can delete only one composite alarm in one operation."
    )
    assert caller.refused(delete_alarms, AlarmNames=["d", "gone"])[0] == "ResourceNotFound"
    assert len(names(caller, AlarmTypes=["MetricAlarm", "CompositeAlarm"])) == 5
    caller(delete_alarms, AlarmNames=["d"])
    caller(delete_alarms, AlarmNames=["c", "a", "b", "quiet"])
    assert names(caller, AlarmTypes=["MetricAlarm", "CompositeAlarm"]) == []


def test_a_state_that_is_set_is_told_and_remembered(caller: Caller):
    put(caller, AlarmActions=[TOPIC])
    created = caller.now
    caller.now += 10
    caller(set_alarm_state, AlarmName="hot", StateValue="ALARM", StateReason="drill", StateReasonData='{"a": 1}')
    caller.now += 10
    caller(set_alarm_state, AlarmName="hot", StateValue="ALARM", StateReason="drill again")
    [alarm] = described(caller)
    assert alarm["StateValue"] == "ALARM"
    assert alarm["StateReason"] == "drill again"
    assert alarm["StateTransitionedTimestamp"] == created + 10
    newest, oldest = history(caller)
    assert oldest["HistorySummary"] == 'Alarm "hot" created'
    assert oldest["HistoryItemType"] == "ConfigurationUpdate"
    assert newest["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert newest["AlarmType"] == "MetricAlarm"
    assert json.loads(newest["HistoryData"]) == {
        "version": "1.0",
        "oldState": {"stateValue": "INSUFFICIENT_DATA", "stateReason": "Unchecked: Initial alarm creation"},
        "newState": {"stateValue": "ALARM", "stateReason": "drill", "stateReasonData": {"a": 1}},
    }
    [action] = [
        one for one in caller.stores.state.alarms.outbox.due(caller.now, 1000) if one.tenant == caller.tenant
    ]
    told = json.loads(action.message)
    assert action.arn == TOPIC
    assert told["OldStateValue"] == "INSUFFICIENT_DATA"
    assert told["NewStateReason"] == "drill"
    assert told["Region"] == "US East (N. Virginia)"
    assert told["Trigger"]["Statistic"] == "AVERAGE"


def test_a_state_of_no_alarm_or_with_broken_data_is_refused(caller: Caller):
    put(caller)
    request = {"StateValue": "OK", "StateReason": "x"}
    assert caller.refused(set_alarm_state, AlarmName="gone", **request)[0] == "ResourceNotFound"
    assert (
        caller.refused(set_alarm_state, AlarmName="hot", StateReasonData="{", **request)[0] == "InvalidFormatFault"
    )


def test_disabled_actions_are_not_called_for(caller: Caller):
    put(caller, AlarmActions=[TOPIC])
    caller(disable_alarm_actions, AlarmNames=["hot", "gone"])
    assert described(caller)[0]["ActionsEnabled"] is False
    caller(set_alarm_state, AlarmName="hot", StateValue="ALARM", StateReason="drill")
    outbox = caller.stores.state.alarms.outbox
    assert [one for one in outbox.due(caller.now, 1000) if one.tenant == caller.tenant] == []
    caller(enable_alarm_actions, AlarmNames=["hot"])
    caller(set_alarm_state, AlarmName="hot", StateValue="OK", StateReason="drill")
    caller(set_alarm_state, AlarmName="hot", StateValue="ALARM", StateReason="drill")
    assert len([one for one in outbox.due(caller.now, 1000) if one.tenant == caller.tenant]) == 1


def test_history_is_found_by_alarm_type_and_time_and_outlives_the_alarm(caller: Caller):
    begin = caller.now
    put(caller, AlarmName="a")
    put(caller, AlarmName="b")
    for number, state in enumerate(["OK", "ALARM", "OK"], 1):
        caller.now = begin + 10 * number
        caller(set_alarm_state, AlarmName="a", StateValue=state, StateReason="x")
    caller(delete_alarms, AlarmNames=["a"])
    of_a = [item["HistorySummary"] for item in history(caller, AlarmName="a", ScanBy="TimestampAscending")]
    assert of_a == [
        'Alarm "a" created',
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
        'Alarm "a" deleted',
    ]
    assert len(history(caller, HistoryItemType="StateUpdate")) == 3
    assert len(history(caller, StartDate=begin + 10, EndDate=begin + 20)) == 2
    assert history(caller, AlarmTypes=["CompositeAlarm"]) == []
    paged, token = [], None
    while True:
        page = caller(describe_alarm_history, MaxRecords=2, **({"NextToken": token} if token else {}))
        paged += page["AlarmHistoryItems"]
        token = page.get("NextToken")
        if token is None:
            break
    assert paged == history(caller)
    assert len(paged) == 6


def test_tags_are_added_replaced_and_taken_away(caller: Caller):
    put(caller, Tags=[{"Key": "team", "Value": "a"}])
    arn = described(caller)[0]["AlarmArn"]
    caller(tag_resource, ResourceARN=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}])
    caller(untag_resource, ResourceARN=arn, TagKeys=["x", "y"])
    assert caller(list_tags_for_resource, ResourceARN=arn) == {"Tags": [{"Key": "team", "Value": "b"}]}
    caller(delete_alarms, AlarmNames=["hot"])
    assert caller(list_tags_for_resource, ResourceARN=arn) == {"Tags": []}
    more = [{"Key": "a", "Value": "b"}]
    assert caller.refused(tag_resource, ResourceARN=arn, Tags=more)[0] == "ResourceNotFoundException"
    assert caller.refused(tag_resource, ResourceARN="hot", Tags=more)[0] == "InvalidParameterValueException"
