"""What is done when a rule's condition is met: the actions of SageMaker's SDK."""

import json
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.launchers.algorithms.debugger_rules.actions import parsed_actions
from tests.delivery.receivers import Mailbox, mailbox, text_of, visit
from tests.launchers.created_jobs import JobServer, until
from tests.rules_at_work.rule_jobs import RULES_GROUP, evaluated, processing_job, rule, said, train

STOP = '{\\"name\\": \\"stoptraining\\", \\"training_job_prefix\\": \\"job\\"}'
"""As the SDK serialises it."""
EMAIL = {"name": "email", "endpoint": "abc@abc.com"}


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("", []),
        (STOP, [{"name": "stoptraining", "training_job_prefix": "job"}]),
        (f"[{STOP}]", [{"name": "stoptraining", "training_job_prefix": "job"}]),
        (json.dumps([EMAIL, {"name": "stoptraining"}]), [EMAIL, {"name": "stoptraining"}]),
    ],
)
def test_actions_come_one_or_many_and_escaped_or_not(text: str, actions: list[dict[str, Any]]) -> None:
    assert parsed_actions(text) == actions


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "action_json is no JSON"),
        ('{"name": "launch"}', "none of stoptraining, email and sms: "),
        ("3", "none of stoptraining, email and sms: 3"),
        ('{"name": "sms"}', "the action sms of action_json lacks an endpoint"),
    ],
)
def test_other_actions_are_refused(text: str, words: str) -> None:
    with pytest.raises(SMDebugValueError, match=words):
        parsed_actions(text)


@pytest.fixture(scope="module")
def post() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture(scope="module")
def server(post: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": str(post.port), "smtp_security": "none"}
    mail |= {"smtp_sender": "watch@example.com"}
    with JobServer(tmp_path_factory.mktemp("actions") / "home", max_jobs="2", **mail) as running:
        yield running


def until_letters(post: Mailbox, address: str, count: int) -> list[Message]:
    """The letters to an address, once there are as many."""

    def found() -> list[Message]:
        return [one for one in list(post.letters) if one["To"] == address]

    until(lambda: len(found()) >= count)
    return found()


def confirm(post: Mailbox, address: str) -> None:
    """As who was asked does."""
    link = re.search(r"http://\S+", text_of(until_letters(post, address, 1)[0]))
    assert link is not None
    visit(link[0], b"")


def test_a_training_is_stopped_when_its_gradients_vanish_and_those_concerned_are_told(
    server: JobServer, post: Mailbox
) -> None:
    go = server.process.home / "go"
    actions = [
        {"name": "stoptraining", "training_job_prefix": "doomed"},
        EMAIL,
        {"name": "sms", "endpoint": "+1234567890"},
    ]
    name = train(
        server,
        "doomed",
        f"while not os.path.exists({str(go)!r}): time.sleep(0.1)\nown(itertools.count(), pause=0.2)",
        rule("VanishingGradient", {"threshold": "0.001", "action_json": json.dumps(actions)}),
        rule("ExplodingTensor"),
    )

    confirm(post, "abc@abc.com")
    go.touch()

    assert server.over(name)["TrainingJobStatus"] == "Stopped"

    found = evaluated(server, name)
    assert found["VanishingGradient"]["RuleEvaluationStatus"] == "IssuesFound", said(server, list(found.values()))
    assert "at step 10 " in found["VanishingGradient"]["StatusDetails"]
    assert found["ExplodingTensor"]["RuleEvaluationStatus"] in ("Stopped", "NoIssuesFound")
    letter = until_letters(post, "abc@abc.com", 2)[1]
    told = "SMDebugRule:VanishingGradient fired for doomed. RuleEvaluationConditionMet: "
    assert text_of(letter).startswith(told)
    lines = server.lines(processing_job(found["VanishingGradient"]), group=RULES_GROUP)
    assert "INFO told abc@abc.com by the topic SMDebugRules" in lines
    assert "INFO told +1234567890 by the topic SMDebugRules" in lines
    assert any("an action failed (subscribe): " in line and "sms" in line for line in lines)
    assert "INFO stopped the training job doomed" in lines


def test_who_was_asked_once_is_not_asked_again(server: JobServer, post: Mailbox) -> None:
    action = json.dumps({"name": "email", "endpoint": "xyz@abc.com"})
    fires = rule("VanishingGradient", {"threshold": "2", "action_json": action})
    for name in ("once", "again"):
        train(server, name, "smdebug(range(3))", fires)
        assert evaluated(server, name)["VanishingGradient"]["RuleEvaluationStatus"] == "IssuesFound"
        if name == "once":
            confirm(post, "xyz@abc.com")

    letters = until_letters(post, "xyz@abc.com", 2)
    assert [one["Subject"] for one in letters] == ["Confirm your subscription", "Rule VanishingGradient of again"]


def test_no_job_is_stopped_where_several_have_the_prefix(server: JobServer) -> None:
    action = json.dumps({"name": "stoptraining", "training_job_prefix": "twin"})
    last = "smdebug(range(15)); print('saved', flush=True); time.sleep(600)"
    server.shell("twin-a", "sleep 600")
    name = train(server, "twin-b", last, rule("VanishingGradient", {"threshold": "0.01", "action_json": action}))

    found = evaluated(server, name)["VanishingGradient"]

    assert found["RuleEvaluationStatus"] == "IssuesFound", said(server, [found])
    expected = "WARNING no job is stopped: 2 that run have names that begin with twin"
    assert expected in server.lines(processing_job(found), group=RULES_GROUP)
    assert server.describe(name)["TrainingJobStatus"] == "InProgress"
    for job in ("twin-a", "twin-b"):
        server.sagemaker.stop_training_job(TrainingJobName=job)
        server.over(job)
