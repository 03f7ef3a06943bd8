"""Alarms that a mute rule mutes: their states change, their actions wait for its end."""

import json
from typing import Any

import pytest

from epochwatch.alarms.rounds import Rounds
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.cloudwatch.alarm_mute_rules import delete_alarm_mute_rule, put_alarm_mute_rule
from tests.alarms.conftest import Lab

TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"
# NOON is 10:00 on 26 February 2026.
TEN_MINUTES = {"Expression": "at(2026-02-26T10:00)", "Duration": "PT10M"}


def mute(lab: Lab, *alarms: str, name: str = "maintenance", **schedule: str) -> None:
    targets = {"AlarmNames": list(alarms)}
    lab(put_alarm_mute_rule, Name=name, Rule={"Schedule": TEN_MINUTES | schedule}, MuteTargets=targets)


def message(lab: Lab) -> dict[str, Any]:
    [action] = [one for one in lab.stores.state.alarms.outbox.due(lab.now, 100_000) if one.tenant == lab.tenant]
    return dict(json.loads(action.message))


def test_a_muted_alarm_changes_its_state_and_does_nothing(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    mute(lab, "hot")
    lab.put({5: 30.0})
    lab.run(70)
    assert (lab.state(), lab.actions()) == ("ALARM", [])
    [item] = lab(describe_alarm_history, AlarmName="hot", HistoryItemType="Action")["AlarmHistoryItems"]
    assert item["HistorySummary"] == f"Muted action {TOPIC}"
    assert json.loads(item["HistoryData"])["alarmMuteRule"] == "maintenance"


def test_another_alarm_is_not_muted(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    lab.alarm("other", AlarmActions=[TOPIC])
    mute(lab, "other")
    lab.put({5: 30.0})
    lab.run(70)
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_an_alarm_that_is_still_in_its_state_acts_when_the_window_ends(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC], TreatMissingData="ignore")
    mute(lab, "hot")
    lab.put({5: 30.0})
    lab.run(70)
    lab.run(599)
    assert lab.actions() == []
    lab.run(600)
    assert lab.actions() == [(TOPIC, "ALARM")]
    assert message(lab)["ActionExecutedAfterMuteWindow"] is True
    lab.run(660)
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_an_alarm_that_is_back_in_its_state_does_nothing_when_the_window_ends(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC], OKActions=[TOPIC])
    lab.put({-55: 20.0, 5: 30.0, 65: 20.0})
    lab.run(9)
    assert lab.actions() == [(TOPIC, "OK")]
    mute(lab, "hot")
    lab.run(70)
    lab.run(130)
    assert lab.transitions() == ["OK", "ALARM", "OK"]
    lab.run(600)
    assert lab.actions() == [(TOPIC, "OK")]


def test_a_server_that_was_away_at_the_end_of_the_window_acts_when_it_is_back(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC], TreatMissingData="ignore")
    mute(lab, "hot")
    lab.put({5: 30.0})
    lab.run(70)
    lab.rounds = Rounds(lab.stores)
    lab.run(3600)
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_a_server_that_was_killed_while_it_deleted_a_rule_acts_when_it_is_back(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC], TreatMissingData="ignore")
    mute(lab, "hot")
    lab.set("hot", "ALARM")
    lab.stores.state.resources.delete(lab.tenant, "alarm-mute-rule", "maintenance")
    lab.rounds = Rounds(lab.stores)
    lab.run(70)
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_a_rule_that_is_deleted_unmutes_at_once(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    mute(lab, "hot")
    mute(lab, "hot", name="second")
    lab.set("hot", "ALARM")
    lab(delete_alarm_mute_rule, AlarmMuteRuleName="maintenance")
    assert lab.actions() == []
    lab(delete_alarm_mute_rule, AlarmMuteRuleName="second")
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_a_rule_that_has_other_targets_now_unmutes_the_old_ones(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    lab.alarm("other")
    mute(lab, "hot")
    lab.set("hot", "ALARM")
    mute(lab, "other")
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_actions_that_were_disabled_meanwhile_are_not_performed(lab: Lab):
    lab.alarm(AlarmActions=[TOPIC])
    mute(lab, "hot")
    lab.set("hot", "ALARM")
    lab.alarm(AlarmActions=[TOPIC], ActionsEnabled=False)
    lab(delete_alarm_mute_rule, AlarmMuteRuleName="maintenance")
    assert lab.actions() == []


@pytest.mark.parametrize(("waited", "acted"), [(599, []), (600, [(TOPIC, "ALARM")])])
def test_a_composite_alarm_is_muted_too(lab: Lab, waited: int, acted: list[tuple[str, str]]):
    lab.alarm(TreatMissingData="ignore")
    lab.composite("any", "ALARM(hot)", AlarmActions=[TOPIC])
    mute(lab, "any")
    lab.run(1)
    lab.set("hot", "ALARM")
    lab.run(2)
    assert (lab.state("any"), lab.actions()) == ("ALARM", [])
    lab.run(waited)
    assert lab.actions() == acted
