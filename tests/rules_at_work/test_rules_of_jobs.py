"""Rules of training jobs, evaluated by a real server while real trainings save real tensors."""

import json
from collections.abc import Iterator

import pytest

from tests.launchers.created_jobs import BUCKET, JobServer
from tests.rules_at_work.rule_jobs import CUSTOM, HOOK, RULES_GROUP, evaluated, processing_job, rule, said, train

NO_DATA = (
    "ClientError: No debugging data was saved by the training job. Check that the debugger hook was configured"
    " correctly before starting the training job. Exception: Training job has ended. All the collection files could"
    " not be loaded"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("rules") / "home", max_jobs="1") as running:
        yield running


def test_one_rule_fires_while_the_job_trains_and_one_does_not(server: JobServer) -> None:
    name = train(
        server,
        "first",
        "smdebug(range(40))",
        rule("VanishingGradient", {"threshold": "0.001"}),
        rule("ExplodingTensor"),
    )

    found = evaluated(server, name)

    assert found["VanishingGradient"]["RuleEvaluationStatus"] == "IssuesFound", said(server, list(found.values()))
    assert found["VanishingGradient"]["StatusDetails"].startswith(
        "RuleEvaluationConditionMet: Evaluation of the rule VanishingGradient at step 10 resulted in the condition"
    )
    assert found["ExplodingTensor"]["RuleEvaluationStatus"] == "NoIssuesFound", said(server, list(found.values()))
    job = processing_job(found["VanishingGradient"])
    described = server.sagemaker.describe_processing_job(ProcessingJobName=job)
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ExitMessage"] == found["VanishingGradient"]["StatusDetails"]
    assert any("at step 10" in line for line in server.lines(job, group=RULES_GROUP))
    assert "debug/first/debug-output/training_job_end.ts" in server.keys("debug/first/")
    report = json.loads(server.get("out/first/rule-output/VanishingGradient.json"))
    assert report["RuleTriggered"] == 1
    assert BUCKET in described["Environment"]["DEBUG_TENSORS"]


def test_what_no_rule_can_tell_is_said_so(server: JobServer) -> None:
    name = train(server, "blind", "smdebug(range(3))", rule("TreeDepth"))

    found = evaluated(server, name)["TreeDepth"]

    assert found["RuleEvaluationStatus"] == "NoIssuesFound", said(server, [found])
    assert found["StatusDetails"] == "Nothing that the rule looks at was saved by the training job.\n"


CUSTOM_RULE = """
from smdebug.exceptions import TensorUnavailable
from smdebug.rules.rule import Rule

class Shrunk(Rule):
    def __init__(self, base_trial, threshold="1", other_trials=None):
        super().__init__(base_trial, action_str="", other_trials=other_trials)
        assert [trial.path for trial in other_trials] == [base_trial.path]
        self.threshold = float(threshold)

    def set_required_tensors(self, step):
        for name in self.base_trial.tensor_names(collection="gradients"):
            self.req_tensors.add(name, steps=[step])

    def invoke_at_step(self, step):
        return any(tensor.value(step).max() < self.threshold for tensor in self.req_tensors.get())

class Broken(Rule):
    def invoke_at_step(self, step):
        return {}[f"no {step}"]
"""


def test_a_rule_written_for_smdebug_is_evaluated(server: JobServer) -> None:
    source = server.put("rules/mine.py", CUSTOM_RULE.encode())

    def custom(name: str, **parameters: str) -> dict[str, object]:
        found = {"source_s3_uri": source, "rule_to_invoke": name} | parameters
        return {"RuleConfigurationName": f"my {name}", "RuleEvaluatorImage": CUSTOM, "RuleParameters": found}

    other = {"other_trial_0": f"s3://{BUCKET}/debug/custom/debug-output"}
    rules = [
        custom("Shrunk", threshold="0.01", **other),
        custom("Broken"),
        custom("Absent"),
    ]
    name = train(server, "custom", "own(range(12))", *rules)

    found = evaluated(server, name)

    shown = {rule: (one["RuleEvaluationStatus"], one["StatusDetails"]) for rule, one in found.items()}
    assert shown["my Shrunk"][0] == "IssuesFound", said(server, list(found.values()))
    assert shown["my Shrunk"][1].startswith("RuleEvaluationConditionMet: Evaluation of the rule Shrunk at step 7 ")
    assert shown["my Broken"][0] == "Error"
    assert "KeyError: 'no 0'" in shown["my Broken"][1]
    assert shown["my Absent"] == (
        "Error",
        f"ClientError: {source} has no rule Absent: a subclass of Rule of this name is expected",
    )


def test_rules_that_cannot_run_say_why(server: JobServer) -> None:
    rules = [
        rule("Unheard"),
        rule("VanishingGradient", {"threshold": "small"}),
        rule("ExplodingTensor", {"start_step": "first"}),
        rule("AllZero", {"action_json": "{"}),
    ]
    name = train(server, "wrong", "smdebug(range(3))", *rules)

    found = evaluated(server, name)

    assert {one["RuleEvaluationStatus"] for one in found.values()} == {"Error"}, said(server, list(found.values()))
    details = {rule: one["StatusDetails"] for rule, one in found.items()}
    assert "Unheard" in details["Unheard"]
    assert details["VanishingGradient"].startswith("ClientError: threshold must be a number")
    assert details["ExplodingTensor"] == "ClientError: start_step must be a whole number, not 'first'"
    assert details["AllZero"].startswith("ClientError: action_json is no JSON")


def test_a_training_that_saved_nothing_is_an_error_of_its_rules(server: JobServer) -> None:
    name = train(server, "silent", "print('no hook')", rule("ExplodingTensor"))

    found = evaluated(server, name)["ExplodingTensor"]

    assert (found["RuleEvaluationStatus"], found["StatusDetails"]) == ("Error", NO_DATA)


def test_so_is_one_that_failed_before_it_began(server: JobServer) -> None:
    given = {"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule("ExplodingTensor")]}
    server.create("never", image="tensorflow", **given)

    found = evaluated(server, "never")["ExplodingTensor"]

    assert server.describe("never")["TrainingJobStatus"] == "Failed"
    assert (found["RuleEvaluationStatus"], found["StatusDetails"]) == ("Error", NO_DATA)


def test_rules_are_stopped_with_their_training(server: JobServer) -> None:
    first = train(
        server, "endless", "smdebug(range(3)); print('saved', flush=True); time.sleep(600)", rule("AllZero")
    )
    waits = train(server, "waiting", "smdebug(range(3))", rule("AllZero"))
    server.until_line(first, "saved")

    for name in (first, waits):
        server.sagemaker.stop_training_job(TrainingJobName=name)

    for name in (first, waits):
        found = evaluated(server, name)["AllZero"]
        assert found["RuleEvaluationStatus"] == "Stopped", said(server, [found])
        assert "StatusDetails" not in found
        assert server.over(name)["TrainingJobStatus"] == "Stopped"
