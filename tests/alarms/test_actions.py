"""What alarms call for is performed, and their history tells how it ended."""

import json
import sys
from pathlib import Path

import pytest

from epochwatch.alarms import actions
from epochwatch.alarms.actions import MOST_ATTEMPTS, ActionPerformer
from epochwatch.alarms.commands import read_commands
from epochwatch.errors import UsageError
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import create_training_job
from epochwatch.services.sns import OPERATIONS as SNS
from tests.alarms.conftest import Lab
from tests.services.training import training

STOP = "arn:aws:epochwatch:us-east-1:123456789012:stop-training-job/"
RUN = "arn:aws:epochwatch:us-east-1:123456789012:run-command/"
QUEUE = "arn:aws:lambda:us-east-1:123456789012:function:page"


def perform(lab: Lab, commands: Path = Path("/nowhere")) -> None:
    """Everything that is due."""
    performer = ActionPerformer(lab.stores, commands, Path("/"), lambda: lab.now)
    while tasks := performer.due(lab.now, [], 100):
        for task in tasks:
            task.run()


def told(lab: Lab) -> list[tuple[str, dict]]:
    """Summary and data of each action, the newest first."""
    items = lab(describe_alarm_history, AlarmName="hot", HistoryItemType="Action")["AlarmHistoryItems"]
    return [(item["HistorySummary"], json.loads(item["HistoryData"])) for item in items]


def performed(lab: Lab) -> list[tuple[str, str | None]]:
    """Summary and error of each action after everything that is due, the newest first."""
    perform(lab)
    return [(summary, data.get("error")) for summary, data in told(lab)]


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
    [(f"{STOP}gone", "Requested resource not found."), (QUEUE, "this server has no lambda to perform it")],
)
def test_what_cannot_be_performed_is_told(lab: Lab, arn: str, error: str):
    lab.alarm(AlarmActions=[arn])
    lab.set("hot", "ALARM")
    assert performed(lab) == [(f'Failed to execute action {arn}. Received error: "{error}"', error)]


def test_what_fails_is_tried_again_later_and_given_up_at_last(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    tried = []

    def failing(*_: object) -> None:
        tried.append(lab.now)
        raise ConnectionError

    monkeypatch.setattr(actions, "stop_training_job", failing)
    lab.alarm(AlarmActions=[f"{STOP}x"])
    lab.set("hot", "ALARM")
    begin = lab.now
    for second in range(0, 1400, 5):
        lab.now = begin + second
        ended = performed(lab)
    assert [moment - begin for moment in tried] == [0, 5, 15, 35, 75, 155, 315, 635]
    assert [error for _, error in ended] == [f"it failed {MOST_ATTEMPTS} times: ConnectionError"]


def topic_of(lab: Lab) -> str:
    """A topic with one subscriber, confirmed."""
    topic = lab(SNS["CreateTopic"], Name="pager")["TopicArn"]
    request = {"Protocol": "email", "Endpoint": "a@example.com", "ReturnSubscriptionArn": True}
    arn = lab(SNS["Subscribe"], TopicArn=topic, **request)["SubscriptionArn"]
    found = lab.stores.state.topics.subscription(lab.tenant, arn.rpartition(":")[2])
    assert found is not None
    lab(SNS["ConfirmSubscription"], TopicArn=topic, Token=found.token)
    return str(topic)


def test_an_alarm_is_told_to_the_subscribers_of_a_topic(lab: Lab):
    topic = topic_of(lab)
    lab.alarm(AlarmActions=[topic], AlarmDescription="too hot")
    lab.put({5: 30.0})
    lab.run(70)
    perform(lab)
    perform(lab)
    outbox = lab.stores.state.topics.deliveries
    sent = []
    while due := [one for one in outbox.due(lab.now, [], 1000) if one.tenant == lab.tenant]:
        sent += due
        for one in due:
            outbox.done(one)
    [notification] = [one.notification for one in sent if one.notification.type == "Notification"]
    message = json.loads(notification.message)
    assert notification.subject == 'ALARM: "hot" in US East (N. Virginia)'
    assert (message["NewStateValue"], message["Trigger"]["MetricName"]) == ("ALARM", "temperature")
    text = notification.message_for("email")
    assert text.startswith('The alarm "hot" in US East (N. Virginia) went from INSUFFICIENT_DATA to ALARM at Thu')
    assert "too hot" in text
    assert "Condition: GreaterThanThreshold 21.0 for 1 of 1 periods" in text
    [(summary, data)] = told(lab)
    assert summary == f"Successfully executed action {topic}"
    assert (data["actionState"], data["notificationResource"]) == ("Succeeded", topic)
    assert json.loads(data["publishedMessage"]) == {"default": notification.message}


def test_a_topic_that_is_not_there_is_told(lab: Lab):
    topic = lab.tenant.arn("sns", "gone")
    lab.alarm(AlarmActions=[topic])
    lab.set("hot", "ALARM")
    why = f"Resource: {topic} does not exist"
    assert performed(lab) == [(f'Failed to execute action {topic}. Received error: "{why}"', why)]


def test_a_topic_of_another_account_is_not_reached(lab: Lab):
    topic = topic_of(Lab(lab.stores))
    lab.alarm(AlarmActions=[topic])
    lab.set("hot", "ALARM")
    [(_, why)] = performed(lab)
    assert why == "the topic belongs to another account"


def commands(path: Path, program: str, timeout: float = 60) -> Path:
    """A file that allows one command, a Python program."""
    words = json.dumps([sys.executable, "-c", program])
    path.write_text(f"[page]\ncommand = {words}\ntimeout = {timeout}\n")
    return path


def test_an_alarm_runs_a_command_that_is_allowed_with_its_message_at_standard_input(lab: Lab, tmp_path: Path):
    program = "import json, sys; print(json.load(sys.stdin)['AlarmName'], sys.argv[1:])"
    allowed = commands(tmp_path / "commands.toml", program)
    allowed.write_text(allowed.read_text().replace('"]', '", "$HOME; ls"]'))
    lab.alarm(AlarmActions=[f"{RUN}page"])
    lab.set("hot", "ALARM")
    perform(lab, allowed)
    [(summary, data)] = told(lab)
    assert summary == f"Successfully executed action {RUN}page"
    assert (data["exitStatus"], data["output"]) == (0, "hot ['$HOME; ls']\n")


@pytest.mark.parametrize(
    ("program", "timeout", "error", "output"),
    [
        ("import sys; print('x' * 500_000); sys.exit(3)", 60, "its exit status was 3", "x" * 1000),
        ("import time; print('begun', flush=True); time.sleep(600)", 3, "it took longer than 3 seconds", None),
    ],
)
def test_how_a_command_failed_is_told(
    lab: Lab, tmp_path: Path, program: str, timeout: float, error: str, output: str | None
):
    lab.alarm(AlarmActions=[f"{RUN}page"])
    lab.set("hot", "ALARM")
    perform(lab, commands(tmp_path / "commands.toml", program, timeout))
    [(_, data)] = told(lab)
    assert (data["actionState"], data["error"]) == ("Failed", error)
    assert output is None or data["output"] == output


def test_a_command_that_leaves_something_running_has_ended(lab: Lab, tmp_path: Path):
    program = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)']).pid)"
    )
    lab.alarm(AlarmActions=[f"{RUN}page"])
    lab.set("hot", "ALARM")
    perform(lab, commands(tmp_path / "commands.toml", program, 15))
    [(_, data)] = told(lab)
    assert data["exitStatus"] == 0


def test_a_command_that_is_not_allowed_is_not_run(lab: Lab, tmp_path: Path):
    file = commands(tmp_path / "commands.toml", "pass")
    lab.alarm(AlarmActions=[f"{RUN}other"])
    lab.set("hot", "ALARM")
    perform(lab, file)
    [(_, data)] = told(lab)
    assert data["error"] == f"{file} has no command [other]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[page", "is not valid TOML"),
        ("page = 1", "[page] must be a table"),
        ('[page]\ncommand = "ls"', "command must be a list of texts"),
        ("[page]\ncommand = []", "command must be a list of texts"),
        ('[page]\ncommand = ["ls"]\ntimeout = 0', "timeout must be a number of seconds"),
        ('[page]\ncommand = ["ls"]\nshell = true', "unknown key 'shell'"),
    ],
)
def test_a_file_of_commands_that_cannot_be_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "commands.toml").write_text(text)
    with pytest.raises(UsageError) as refusal:
        read_commands(tmp_path / "commands.toml")
    assert message in str(refusal.value)
