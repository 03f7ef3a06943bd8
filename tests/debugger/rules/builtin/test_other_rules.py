"""SimilarAcrossRuns and StalledTrainingRule."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import SmdebugWriter, create_trial, invoke_rule
from epochwatch.debugger.exceptions import NoMoreData, RuleEvaluationConditionMet
from epochwatch.debugger.rules.builtin import built_rule
from epochwatch.debugger.rules.builtin.stalled_training_rule import StalledTrainingRule
from tests.debugger.rules.builtin.small_trials import reductions_trial, run, values_trial


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (1.0, 1.0, ""),
        (1.0, 1.0 + 1e-6, ""),
        (float("nan"), float("nan"), ""),
        (1.0, 1.5, "it differs from the other trial by up to 0.5"),
        (float("inf"), 1.0, "up to inf"),
        ([1.0, 2.0], [1.0], "its shape is (2,), and (1,)"),
        (["a"], ["a"], ""),
        (["a"], ["b"], "not the same"),
    ],
)
def test_runs_differ(tmp_path: Path, one: Any, other: Any, message: str) -> None:
    trials = [values_trial(tmp_path / name, [{"a": value}]) for name, value in (("one", one), ("other", other))]
    rule, steps = run("SimilarAcrossRuns", trials[0], [trials[1]], other_trial="other")
    assert steps == ([0] if message else [])
    assert all(message in found["message"] for found in rule.report["Details"]["violations"])


def test_runs_are_compared_by_reductions_where_nothing_else_was_saved(tmp_path: Path) -> None:
    norms = [
        reductions_trial(tmp_path / str(mean), [{"a": {("l2", False): 1.0, ("mean", True): mean}}])
        for mean in (1.0, 2.0)
    ]
    rule, steps = run("SimilarAcrossRuns", norms[0], [norms[1]])
    assert (steps, rule.report["Details"]["violations"][0]["message"]) == (
        [0],
        "abs_mean: it differs from the other trial by up to 1",
    )


def test_only_what_both_runs_saved_and_was_chosen_is_compared(tmp_path: Path) -> None:
    one = values_trial(
        tmp_path / "one", {0: {"loss": 1.0, "a": 1.0, "mine": 1.0}, 1: {"loss": 1.0}, 2: {"loss": 1.0}}
    )
    other = values_trial(tmp_path / "other", {0: {"loss": 1.0, "a": 2.0}, 2: {"loss": 3.0}, 3: {"loss": 3.0}})
    found = {}
    for name, parameters in {
        "all": {},
        "losses": {"collection_names": "losses"},
        "a": {"tensor_regex": "^a$"},
    }.items():
        rule = built_rule("SimilarAcrossRuns", parameters, one, [other])
        invoke_rule(rule)  # steps that the other trial lacks are passed over
        found[name] = [(one["step"], one["tensor"]) for one in rule.report["Details"]["violations"]]
    assert found == {"all": [(0, "a"), (2, "loss")], "losses": [(2, "loss")], "a": [(0, "a")]}


class Clock:
    """A clock that goes on when somebody sleeps; at some moments something happens."""

    def __init__(self, events: dict[float, Any]) -> None:
        self.now = 100.0
        self.events = dict(events)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in sorted(moment for moment in self.events if moment <= self.now):
            self.events.pop(moment)()


def stalled(path: Path, steps_at: dict[float, int], end_at: float, **parameters: Any) -> tuple[Any, Clock]:
    """The rule over a training that writes steps at some moments of the clock, which starts at 100, and ends."""
    writer = SmdebugWriter(str(path))
    events: dict[float, Any] = {moment: lambda step=step: write(writer, step) for moment, step in steps_at.items()}
    clock = Clock(events | {end_at: writer.end_training})
    return StalledTrainingRule(create_trial(str(path)), clock=clock, sleep=clock.sleep, **parameters), clock


def write(writer: SmdebugWriter, step: int) -> None:
    writer.write_step(step, {"loss": np.ones(1)})


def test_a_training_of_which_nothing_comes_is_stalled(tmp_path: Path) -> None:
    rule, clock = stalled(tmp_path, {150.0: 0, 200.0: 10}, 9999.0, threshold="60")
    with pytest.raises(RuleEvaluationConditionMet) as raised:
        invoke_rule(rule, raise_eval_cond=True)
    assert (raised.value.end_of_rule, clock.now) == (True, 260.0)
    assert "nothing came for 60 s" in rule.report["Details"]["violations"][0]["message"]


def test_a_training_that_goes_on_and_ends_is_not_stalled(tmp_path: Path) -> None:
    rule, clock = stalled(tmp_path, {150.0: 0, 200.0: 10, 250.0: 20}, 300.0, threshold="60")
    invoke_rule(rule, raise_eval_cond=True)
    assert (rule.report["RuleTriggered"], rule.report["Datapoints"], clock.now) == (0, 3, 300.0)


def test_a_training_that_never_begins_is_stalled(tmp_path: Path) -> None:
    rule, clock = stalled(tmp_path, {}, 9999.0)
    with pytest.raises(RuleEvaluationConditionMet):
        rule.invoke(0)
    assert clock.now == 1900.0  # after the default of 1,800 s


def test_the_rule_ends_with_the_training(tmp_path: Path) -> None:
    rule, _ = stalled(tmp_path, {101.0: 3}, 102.0)
    rule.invoke(3)
    with pytest.raises(NoMoreData):
        rule.invoke(4)


def test_who_evaluates_the_rule_sees_that_the_training_is_to_be_stopped(tmp_path: Path) -> None:
    rule, _ = stalled(tmp_path, {}, 101.0, stop_training_on_fire="True", training_job_name_prefix="job")
    assert (rule.stop_training_on_fire, rule.training_job_name_prefix) == (True, "job")
