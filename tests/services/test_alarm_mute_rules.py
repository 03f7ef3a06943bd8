"""Mute rules as the API puts, tells and refuses them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from epochwatch.services.cloudwatch.alarm_mute_rules import (
    delete_alarm_mute_rule,
    get_alarm_mute_rule,
    list_alarm_mute_rules,
    put_alarm_mute_rule,
)
from epochwatch.services.cloudwatch.alarms import put_metric_alarm
from epochwatch.services.cloudwatch.resource_tags import list_tags_for_resource, tag_resource, untag_resource
from tests.services.conftest import Caller

ALARM = {
    "Namespace": "lab", "MetricName": "temperature", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1,
    "Threshold": 21.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip
NIGHTLY = {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT4H", "Timezone": "Europe/Berlin"}}


def once(begin: float) -> dict[str, Any]:
    """A rule that mutes for an hour."""
    return {
        "Schedule": {"Expression": f"at({datetime.fromtimestamp(begin, UTC):%Y-%m-%dT%H:%M})", "Duration": "PT1H"}
    }


def put(caller: Caller, name: str, rule: dict[str, Any] = NIGHTLY, **more: Any) -> None:
    caller(put_alarm_mute_rule, Name=name, Rule=rule, **more)


def names(caller: Caller, **asked: Any) -> list[str]:
    summaries = caller(list_alarm_mute_rules, **asked)["AlarmMuteRuleSummaries"]
    return [one["AlarmMuteRuleArn"].rpartition(":")[2] for one in summaries]


@pytest.fixture
def hot(caller: Caller) -> str:
    caller(put_metric_alarm, AlarmName="hot", **ALARM)
    return "hot"


def test_a_rule_is_told_as_it_was_put(caller: Caller, hot: str) -> None:
    expire = caller.now + 86_400
    put(caller, "nightly", Description="backups", MuteTargets={"AlarmNames": [hot]}, ExpireDate=expire)
    told = caller(get_alarm_mute_rule, AlarmMuteRuleName="nightly")
    assert told.pop("Status") in ("SCHEDULED", "ACTIVE")
    assert told == {
        "Name": "nightly",
        "AlarmMuteRuleArn": caller.tenant.arn("cloudwatch", "alarm-mute-rule:nightly"),
        "Description": "backups",
        "Rule": NIGHTLY,
        "MuteTargets": {"AlarmNames": [hot]},
        "ExpireDate": expire,
        "LastUpdatedTimestamp": caller.now,
        "MuteType": "RECURRING",
    }


def test_a_rule_that_is_put_again_is_another(caller: Caller, hot: str) -> None:
    put(caller, "window", MuteTargets={"AlarmNames": [hot]})
    caller.now += 60
    put(caller, "window", once(caller.now - 60), Description="now")
    told = caller(get_alarm_mute_rule, AlarmMuteRuleName="window")
    assert (told["Status"], told["MuteType"], told["Description"]) == ("ACTIVE", "ONE_TIME", "now")
    assert told["LastUpdatedTimestamp"] == caller.now
    assert "MuteTargets" not in told


def test_rules_are_listed_by_name_status_and_alarm(caller: Caller, hot: str) -> None:
    put(caller, "c", once(caller.now - 7200), MuteTargets={"AlarmNames": [hot]})
    put(caller, "a", once(caller.now - 60), MuteTargets={"AlarmNames": [hot]})
    put(caller, "b", once(caller.now + 7200))
    assert names(caller) == ["a", "b", "c"]
    assert names(caller, AlarmName=hot) == ["a", "c"]
    assert names(caller, Statuses=["ACTIVE"]) == ["a"]
    assert names(caller, Statuses=["SCHEDULED", "EXPIRED"]) == ["b", "c"]
    assert names(caller, AlarmName=hot, Statuses=["EXPIRED"]) == ["c"]


def test_rules_come_in_pages(caller: Caller) -> None:
    for number in range(5):
        put(caller, f"rule-{number}")
    page = caller(list_alarm_mute_rules, MaxRecords=3)
    assert len(page["AlarmMuteRuleSummaries"]) == 3
    assert names(caller, MaxRecords=3, NextToken=page["NextToken"]) == ["rule-3", "rule-4"]
    code, _ = caller.refused(list_alarm_mute_rules, NextToken="strange")
    assert code == "InvalidNextToken"


def test_a_deleted_rule_is_gone_and_may_be_deleted_again(caller: Caller) -> None:
    put(caller, "nightly")
    for _ in range(2):
        caller(delete_alarm_mute_rule, AlarmMuteRuleName="nightly")
    code, _ = caller.refused(get_alarm_mute_rule, AlarmMuteRuleName="nightly")
    assert code == "ResourceNotFoundException"


def test_a_rule_has_tags(caller: Caller) -> None:
    put(caller, "nightly", Tags=[{"Key": "team", "Value": "vision"}])
    arn = caller.tenant.arn("cloudwatch", "alarm-mute-rule:nightly")
    caller(tag_resource, ResourceARN=arn, Tags=[{"Key": "cost", "Value": "7"}])
    caller(untag_resource, ResourceARN=arn, TagKeys=["team"])
    assert caller(list_tags_for_resource, ResourceARN=arn) == {"Tags": [{"Key": "cost", "Value": "7"}]}
    code, _ = caller.refused(tag_resource, ResourceARN=f"{arn}-2", Tags=[])
    assert code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"Rule": {"Schedule": {"Expression": "cron(0 25 * * *)", "Duration": "PT1H"}}},
            "The mute rule's schedule is invalid: 25 is no value of the field hours of a cron expression.",
        ),
        ({"MuteTargets": {"AlarmNames": ["gone"]}}, "The alarms [gone] in MuteTargets do not exist."),
        ({"ExpireDate": 1.0}, "ExpireDate must be in the future and after StartDate."),
        ({"StartDate": 4e9, "ExpireDate": 3.9e9}, "ExpireDate must be in the future and after StartDate."),
    ],
)
def test_what_is_no_rule_is_refused(caller: Caller, more: dict[str, Any], said: str) -> None:
    asked = {"Name": "wrong", "Rule": NIGHTLY} | more
    assert caller.refused(put_alarm_mute_rule, **asked) == ("ValidationException", said)
