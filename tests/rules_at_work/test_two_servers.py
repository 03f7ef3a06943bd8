"""Two servers on one PostgreSQL, with one directory of jobs, and one S3: each rule is evaluated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launchers.created_jobs import JobServer
from tests.rules_at_work.rule_jobs import CUSTOM, evaluated, rule, said, train
from tests.store.conftest import postgres_url

__all__ = ["postgres_url"]

NOTED = """
from smdebug.rules.rule import Rule

class Noted(Rule):
    def __init__(self, base_trial, label, place):
        super().__init__(base_trial)
        with open(place, "a") as file:
            file.write(label + "\\n")

    def invoke_at_step(self, step):
        return step == 3
"""


@pytest.fixture
def servers(tmp_path: Path, postgres_url: str) -> Iterator[list[JobServer]]:
    (tmp_path / "jobs").mkdir()
    shared = {"state_url": postgres_url, "max_jobs": "2"}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jobs").symlink_to(tmp_path / "jobs")
    with JobServer(tmp_path / "first", **shared) as first:
        shutil.copy(tmp_path / "first" / "credentials.json", tmp_path / "second")
        with JobServer(tmp_path / "second", **shared, s3_url=first.process.url) as second:
            yield [first, second]


def test_each_rule_is_evaluated_once(servers: list[JobServer], tmp_path: Path) -> None:
    first, second = servers
    source = first.put("rules/noted.py", NOTED.encode())
    noted = tmp_path / "noted"

    def custom(label: str) -> dict[str, object]:
        parameters = {"source_s3_uri": source, "rule_to_invoke": "Noted", "label": label, "place": str(noted)}
        return {"RuleConfigurationName": label, "RuleEvaluatorImage": CUSTOM, "RuleParameters": parameters}

    jobs = [
        (server, train(server, name, "own(range(6), pause=0.2)", custom(f"{name} noted"), rule("ExplodingTensor")))
        for server, name in ((first, "one"), (second, "two"), (first, "three"))
    ]

    for number, (_, name) in enumerate(jobs):
        asked = servers[number % 2]  # either knows of both's jobs
        found = evaluated(asked, name)
        shown = {label: one["RuleEvaluationStatus"] for label, one in found.items()}
        expected = {f"{name} noted": "IssuesFound", "ExplodingTensor": "NoIssuesFound"}
        assert shown == expected, said(asked, list(found.values()))
        assert asked.over(name)["TrainingJobStatus"] == "Completed"
    assert sorted(noted.read_text().splitlines()) == ["one noted", "three noted", "two noted"]
    listed = second.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert len(listed) == 2 * len(jobs)
