"""Profiler rules over a profile that a training writes, as their processing jobs evaluate them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.launchers.algorithms.debugger_rules.profiling import ProfileEvaluation
from epochwatch.launchers.algorithms.debugger_rules.task import Task

BEGUN = 1_700_000_040
"""Unix seconds, a whole minute."""


def write_minutes(folder: Path, minutes: int, first: int = 0, gpu: float = 5.0, cpu: float = 95.0) -> None:
    """A GPU and a core, as SageMaker's profiler writes them twice a second."""
    place = folder / "system" / "incremental" / "2023111422"
    place.mkdir(parents=True, exist_ok=True)
    for minute in range(first, first + minutes):
        lines = []
        for half in range(120):
            time = BEGUN + 60 * minute + half / 2
            for kind, name, dimension, value in (
                ("cpu", "cpu0", "CPUUtilization", cpu),
                ("gpu", "gpu0", "GPUUtilization", gpu),
                ("gpu", "gpu0", "GPUMemoryUtilization", 20.0),
            ):
                event = {"Type": kind, "Name": name, "Dimension": dimension, "Value": value}
                lines.append(json.dumps(event | {"NodeId": "algo-1", "Timestamp": time}))
        (place / f"{BEGUN + 60 * minute}.algo-1.json").write_text("\n".join(lines) + "\n")


def task(tmp_path: Path, name: str = "CPUBottleneck", parameters: Mapping[str, str] | None = None) -> Task:
    """A rule over the profile in the directory ``profile``."""
    given = {"rule_to_invoke": name.partition("-")[0]} | dict(parameters or {})
    output = tmp_path / "output"
    return Task(name, given, "", str(tmp_path / "profile"), "job", output, tmp_path, {})


class Life:
    """A training that writes a minute whenever somebody sleeps, and ends after some."""

    def __init__(self, folder: Path, minutes: int) -> None:
        self._folder, self._minutes, self.written = folder, minutes, 0

    def over(self) -> bool:
        return self.written >= self._minutes

    def sleep(self, _seconds: float) -> None:
        write_minutes(self._folder, 1, self.written)
        self.written += 1


def test_a_rule_ends_while_the_training_goes_on_when_its_condition_is_met(tmp_path: Path) -> None:
    life, told = Life(tmp_path / "profile", 50), list[str]()

    outcome = ProfileEvaluation(task(tmp_path), life.over).run(told.append, life.sleep)

    assert outcome.met
    assert 1 < life.written < 50
    first, second = outcome.message.splitlines()
    assert first == (
        "RuleEvaluationConditionMet: Evaluation of the rule CPUBottleneck at step 1 resulted in the condition being met"
    )
    assert second.startswith("in 100.0% of ")
    assert "samples a GPU is below 10 % and a core busy above 90 %" in second
    assert told == [outcome.message]
    report = json.loads((tmp_path / "output" / "CPUBottleneck.json").read_text())
    assert report["RuleTriggered"] >= 1
    assert report["Violations"] == report["Datapoints"] >= 120 * report["RuleTriggered"]


def test_a_rule_that_finds_nothing_has_seen_all_when_the_training_ends(tmp_path: Path) -> None:
    write_minutes(tmp_path / "profile", 3, gpu=80.0)
    told = list[str]()

    outcome = ProfileEvaluation(task(tmp_path), lambda: True).run(told.append)

    assert (outcome.met, outcome.message, told) == (False, "", [])
    report = json.loads((tmp_path / "output" / "CPUBottleneck.json").read_text())
    assert (report["RuleTriggered"], report["Datapoints"]) == (0, 360)


def test_a_training_of_which_nothing_was_measured_says_so(tmp_path: Path) -> None:
    outcome = ProfileEvaluation(task(tmp_path), lambda: True).run(lambda _: None)
    assert outcome.message == "Nothing that the rule looks at was measured of the training job.\n"


def test_the_report_is_there_while_the_training_goes_on_and_whole_at_its_end(tmp_path: Path) -> None:
    life, told = Life(tmp_path / "profile", 8), list[str]()
    name = "ProfilerReport-1700000000"
    folder = tmp_path / "output" / name / "profiler-output"
    seen = list[int]()

    def sleep(seconds: float) -> None:
        life.sleep(seconds)
        reports = folder / "profiler-reports" / "CPUBottleneck.json"
        if reports.exists():
            seen.append(json.loads(reports.read_text())["Datapoints"])

    parameters = {"CPUBottleneck_threshold": "40", "scan_interval_us": "1000000"}
    outcome = ProfileEvaluation(task(tmp_path, name, parameters), life.over).run(told.append, sleep)

    assert outcome.met
    assert len(told) == 1
    assert 0 < seen[0] < 960
    assert json.loads((folder / "profiler-reports" / "CPUBottleneck.json").read_text())["Datapoints"] == 960
    assert len(list((folder / "profiler-reports").iterdir())) == 11
    assert (folder / "profiler-report.html").read_text().startswith("<!doctype html>")
    assert json.loads((folder / "profiler-report.json").read_text())["complete"] is True
    assert "ProfilerReport" in outcome.message
    assert "CPUBottleneck: in 100.0% of 960 samples" in outcome.message


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("Bottleneck", {}, "'Bottleneck' is no built-in profiler rule"),
        ("CPUBottleneck", {"rule_to_invoke": ""}, "the parameters of the rule CPUBottleneck lack rule_to_invoke"),
        ("CPUBottleneck", {"threshold": "much"}, "threshold must be a number"),
    ],
)
def test_a_rule_that_there_is_not_is_refused_at_once(
    tmp_path: Path, name: str, parameters: dict[str, str], words: str
) -> None:
    with pytest.raises(SMDebugValueError) as refused:
        ProfileEvaluation(task(tmp_path, name, parameters), lambda: True)
    assert words in str(refused.value)
