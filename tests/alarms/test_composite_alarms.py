"""Composite alarms, evaluated over real stores."""

import json

from tests.alarms.conftest import Lab

TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"


def suppressed(wait, extension):
    return {
        "ActionsSuppressor": "quiet",
        "ActionsSuppressorWaitPeriod": wait,
        "ActionsSuppressorExtensionPeriod": extension,
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
    }


def with_children(lab, *names):
    lab.run(-60)
    for name in names:
        lab.alarm(name, MetricName="absent", TreatMissingData="ignore")


def test_a_composite_alarm_follows_its_children_within_a_round(lab: Lab):
    with_children(lab, "a", "b")
    lab.composite("both", "ALARM(a) AND ALARM(b)", AlarmActions=[TOPIC])
    lab.run(1)
    assert lab.state("both") == "OK"
    arn = lab.described("both")["AlarmArn"]
    assert lab.described("both")["StateReason"] == f"{arn} was created and its alarm rule evaluates to OK"
    lab.set("a", "ALARM")
    lab.run(2)
    assert lab.state("both") == "OK"
    lab.set("b", "ALARM")
    lab.run(3)
    assert lab.state("both") == "ALARM"
    alarm = lab.described("both")
    child = lab.described("b")["AlarmArn"]
    assert alarm["StateReason"] == f"{child} transitioned to ALARM at Thursday 26 February, 2026 10:00:02 UTC"
    triggers = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
    assert [one["state"]["value"] for one in triggers] == ["ALARM", "ALARM"]
    assert lab.actions() == [(TOPIC, "ALARM")]


def test_composite_alarms_of_composite_alarms_follow_in_the_same_round(lab: Lab):
    with_children(lab, "a")
    lab.composite("z", "ALARM(a)")
    lab.composite("y", "ALARM(z)")
    lab.composite("x", "NOT OK(y)")
    lab.run(1)
    lab.set("a", "ALARM")
    lab.run(2)
    assert [lab.state(name) for name in "zyx"] == ["ALARM"] * 3


def test_composite_alarms_in_a_circle_are_not_evaluated(lab: Lab):
    with_children(lab, "a")
    lab.composite("x", "ALARM(a)")
    lab.composite("y", "ALARM(x)")
    lab.composite("x", "ALARM(y)")
    lab.composite("z", "INSUFFICIENT_DATA(x)")
    lab.run(1)
    assert [lab.state(name) for name in "xyz"] == ["INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "ALARM"]


def test_actions_are_suppressed_while_the_suppressor_is_in_alarm(lab: Lab):
    with_children(lab, "a", "quiet")
    lab.composite("c", "ALARM(a)", **suppressed(60, 30))
    lab.set("quiet", "ALARM")
    lab.run(0)
    lab.set("a", "ALARM")
    lab.run(1)
    assert lab.state("c") == "ALARM"
    assert lab.described("c")["ActionsSuppressedBy"] == "Alarm"
    lab.set("quiet", "OK")
    lab.run(10)
    assert lab.described("c")["ActionsSuppressedBy"] == "ExtensionPeriod"
    assert lab.actions() == []
    lab.run(70)
    assert lab.actions() == [(TOPIC, "ALARM")]
    assert "ActionsSuppressedBy" not in lab.described("c")


def test_actions_wait_for_the_suppressor(lab: Lab):
    with_children(lab, "a", "quiet")
    lab.composite("c", "ALARM(a)", **suppressed(20, 0))
    lab.run(0)
    lab.run(60)
    before = lab.actions()
    lab.set("a", "ALARM")
    lab.run(61)
    assert lab.described("c")["ActionsSuppressedBy"] == "WaitPeriod"
    lab.run(120)
    assert lab.actions()[len(before) :] == [(TOPIC, "ALARM")]


def test_a_transition_that_is_taken_back_while_it_waits_calls_for_nothing(lab: Lab):
    with_children(lab, "a", "quiet")
    lab.composite("c", "ALARM(a)", **suppressed(20, 0))
    lab.run(0)
    lab.run(60)
    before = lab.actions()
    lab.set("a", "ALARM")
    lab.run(61)
    lab.set("a", "OK")
    lab.run(62)
    lab.run(180)
    assert lab.transitions("c")[-2:] == ["ALARM", "OK"]
    assert lab.actions() == before
