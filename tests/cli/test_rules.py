"""``epochwatch rules`` over a trial: the diagnosis, single rules, and rules of a file with limits."""

import json
from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import ModeKeys, Statistics, StoreWriter
from tests.cli.commands import epochwatch
from tests.servers import free_port

RULES = """
import time
from epochwatch.debugger import Rule
from epochwatch.debugger.rules.stream import StreamRule


class NormAbove(Rule):
    def __init__(self, base_trial, limit=100.0):
        super().__init__(base_trial)
        self.limit = limit

    def invoke_at_step(self, step):
        print("looking at", step)
        return self.base_trial.tensor("Net_fc.weight").reduction_value(step, "l2") > self.limit


class First(StreamRule):
    def see(self, step):
        return [self.finding(step.step, step.step, "seen")] if step.step == 0 else ()


class Sleeps(Rule):
    def invoke_at_step(self, step):
        time.sleep(60)


class Greedy(Rule):
    def invoke_at_step(self, step):
        return bool(bytearray(2 << 30))
"""


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    path = tmp_path / "trial"
    writer = StoreWriter(str(path))
    for step in range(20):
        numbered = {"mode": ModeKeys.TRAIN, "mode_step": step}
        weight = Statistics(["Net_fc.weight"], {"l2": np.array([float(step)]), "size": np.array([4.0])})
        writer.write_step(step, statistics=weight, **numbered)
        loss = np.nan if step == 15 else 1.0
        writer.write_step(step, statistics=Statistics(["loss"], {"value": np.array([loss])}), **numbered)
    writer.end_training()
    return path


def test_faults_are_shown_with_cause_and_remedy(tmp_path: Path, trial: Path) -> None:
    done = epochwatch(tmp_path, "rules", str(trial))
    assert done.returncode == 1
    assert "NonFinite problem since step 15, known at step 15" in done.stdout
    assert "first loss, the loss, is not finite" in done.stdout
    assert "Remedy: " in done.stdout


def test_a_rule_runs_with_the_parameters_it_is_given(tmp_path: Path, trial: Path) -> None:
    done = epochwatch(tmp_path, "rules", str(trial), "--json", "--rule", "Plateau=least_steps=10")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"findings": []})
    refused = epochwatch(tmp_path, "rules", str(trial), "--rule", "Plateau=steps=10")
    assert refused.returncode == 1
    assert "error: Plateau has no parameter 'steps': it takes least_steps, share, gain" in refused.stderr
    compared = ("--rule", "ExplodingTensor", "--rule", "SimilarAcrossRuns", "--other", str(trial), "--json")
    (found,) = json.loads(epochwatch(tmp_path, "rules", str(trial), *compared).stdout)["findings"]
    assert found["evidence"].startswith("its condition is met at 1 step, first at step 15: loss ")
    unknown = epochwatch(tmp_path, "rules", str(trial), "--rule", "Nonsense")
    assert "error: 'Nonsense' is no built-in rule" in unknown.stderr


def test_rules_of_a_file_run_apart(tmp_path: Path, trial: Path) -> None:
    file = tmp_path / "my_rules.py"
    file.write_text(RULES)
    chosen = ("--file", str(file), "--rule", "NormAbove=limit=11.5", "--rule", "First", "--json")
    done = epochwatch(tmp_path, "rules", str(trial), *chosen)
    found = {one["rule"]: one["evidence"] for one in json.loads(done.stdout)["findings"]}
    assert found == {"First": "seen", "NormAbove": "its condition is met at 8 steps, first at step 12"}


@pytest.mark.parametrize(
    ("rule", "limit", "words"),
    [("Sleeps", ("--seconds", "15"), "took longer than 15 s"), ("Greedy", ("--megabytes", "1536"), "MemoryError")],
)
def test_rules_of_a_file_have_so_much_time_and_memory(
    tmp_path: Path, trial: Path, rule: str, limit: tuple[str, str], words: str
) -> None:
    file = tmp_path / "my_rules.py"
    file.write_text(RULES)
    done = epochwatch(tmp_path, "rules", str(trial), "--file", str(file), "--rule", rule, *limit)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_directory_without_tensors_is_refused(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "rules", str(tmp_path))
    assert (done.returncode, "holds no tensors of a training" in done.stderr) == (2, True)


def test_a_place_that_cannot_be_looked_at_is_told_in_a_line(tmp_path: Path) -> None:
    key = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x")
    nobody = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{free_port()}", "AWS_REGION": "us-east-1", **key}
    done = epochwatch(tmp_path, "rules", "s3://bucket/trial", environment=nobody)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot look into s3://bucket/trial: ")
