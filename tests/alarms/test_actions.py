"""What alarms call for is performed, and their history tells how it ended."""

import json

import pytest

from epochwatch.alarms import actions
from epochwatch.alarms.actions import MOST_ATTEMPTS, perform_due_actions
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import create_training_job
from tests.alarms.conftest import Lab
from tests.services.training import training

STOP = "arn:aws:epochwatch:us-east-1:123456789012:stop-training-job/"
TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"


def performed(lab: Lab) -> list[tuple[str, str | None]]:
    """Summary and error of each action, the newest first."""
    perform_due_actions(lab.stores, lab.now)
    items = lab(describe_alarm_history, AlarmName="hot", HistoryItemType="Action")["AlarmHistoryItems"]
    return [(item["HistorySummary"], json.loads(item["HistoryData"]).get("error")) for item in items]


def test_an_alarm_stops_the_training_job(lab: Lab):
    lab(create_training_job, **training("diverging"))
    lab.alarm(AlarmActions=[f"{STOP}diverging"])
    lab.put({5: 30.0})
    lab.run(70)
    assert performed(lab) == [(f"Successfully executed action {STOP}diverging", None)]
    assert lab(describe_training_job, TrainingJobName="diverging")["TrainingJobStatus"] in ("Stopping", "Stopped")
    assert performed(lab) == [(f"Successfully executed action {STOP}diverging", None)]


@pytest.mark.parametrize(
    ("arn", "error"),
    [(f"{STOP}gone", "Requested resource not found."), (TOPIC, "this server has no sns to perform it")],
)
def test_what_cannot_be_performed_is_told(lab: Lab, arn: str, error: str):
    lab.alarm(AlarmActions=[arn])
    lab.set("hot", "ALARM")
    assert performed(lab) == [(f"Failed to execute action {arn}", error)]


def test_what_fails_is_tried_again_later_and_given_up_at_last(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    tried = []

    def failing(*_: object) -> None:
        tried.append(lab.now)
        raise ConnectionError

    monkeypatch.setattr(actions, "_performer", lambda _: failing)
    lab.alarm(AlarmActions=[TOPIC])
    lab.set("hot", "ALARM")
    begin = lab.now
    for second in range(0, 1400, 5):
        lab.now = begin + second
        told = performed(lab)
    assert [moment - begin for moment in tried] == [0, 5, 15, 35, 75, 155, 315, 635]
    assert told == [(f"Failed to execute action {TOPIC}", f"it failed {MOST_ATTEMPTS} times: ConnectionError")]
