"""Rules of training jobs, evaluated by a real server while real trainings save real tensors."""

import json
from collections.abc import Iterator

import pytest

from tests.launchers.created_jobs import BUCKET, JobServer
from tests.rules_at_work.rule_jobs import RULES_GROUP, evaluated, processing_job, rule, said, train


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("rules") / "home", max_jobs="4") as running:
        yield running
        running.end_jobs()


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
