"""Rules run over a trial's steps, live or afterwards."""

from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import Rule, SmdebugWriter, Trial, create_trial, invoke_rule
from epochwatch.debugger.exceptions import (
    NoMoreData,
    RuleEvaluationConditionMet,
    SMDebugNotImplementedError,
    TensorUnavailable,
    TensorUnavailableForStep,
)
from epochwatch.debugger.places import LocalPlace
from epochwatch.debugger.rule import conditions_met
from epochwatch.debugger.smdebug.reader import SmdebugSource


class MeanAbove(Rule):
    """As documented for custom rules: it hands its trial to ``Rule`` and nothing else."""

    def __init__(self, base_trial: Trial, threshold: float) -> None:
        super().__init__(base_trial)
        self.threshold = threshold
        self.looked_at: list[int] = []
        self.met: list[int] = []

    def set_required_tensors(self, step: int) -> None:
        self.req_tensors.add("gradient/.*", [step], should_match_regex=True)

    def invoke_at_step(self, step: int) -> bool:
        self.looked_at.append(step)
        means = [tensor.reduction_value(step, "mean") for tensor in self.req_tensors.get()]
        if max(means) > self.threshold:
            self.met.append(step)
        return bool(max(means) > self.threshold)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    writer = SmdebugWriter(str(tmp_path))
    for step in (0, 2, 3, 5):
        gradients = {f"gradient/{name}": np.full(3, float(step)) for name in ("a", "b")}
        writer.write_step(step, gradients if step != 3 else {"loss": np.ones(1)})
    writer.end_training()
    return create_trial(str(tmp_path))


def test_each_step_is_looked_at_until_the_training_ends(trial: Trial) -> None:
    rule = MeanAbove(trial, 1.5)
    invoke_rule(rule)
    assert (rule.looked_at, rule.met) == ([0, 2, 5], [2, 5])


def test_a_range_of_steps_is_looked_at(trial: Trial) -> None:
    rule = MeanAbove(trial, 99)
    invoke_rule(rule, start_step=1, end_step=5)
    assert rule.looked_at == [2]


def test_the_first_condition_met_is_raised_if_asked_for(trial: Trial) -> None:
    with pytest.raises(RuleEvaluationConditionMet, match="Evaluation of the rule MeanAbove at step 2") as raised:
        invoke_rule(MeanAbove(trial, 1.5), raise_eval_cond=True)
    assert (raised.value.rule_name, raised.value.step) == ("MeanAbove", 2)


def test_a_rule_may_end_its_own_evaluation(trial: Trial) -> None:
    class Once(MeanAbove):
        def invoke_at_step(self, step: int) -> bool:
            if super().invoke_at_step(step):
                raise RuleEvaluationConditionMet(self.rule_name, step, end_of_rule=True)
            return False

    rule = Once(trial, 1.5)
    invoke_rule(rule)
    assert rule.met == [2]


def test_a_rule_invoked_behind_the_end_says_so(trial: Trial) -> None:
    with pytest.raises(NoMoreData):
        MeanAbove(trial, 1).invoke(6)


def test_required_tensors_of_several_trials(trial: Trial, tmp_path: Path) -> None:
    SmdebugWriter(str(tmp_path / "other")).write_step(2, {"gradient/a": np.zeros(3)})
    other = create_trial(str(tmp_path / "other"))

    class Compare(Rule):
        def invoke_at_step(self, step: int) -> bool:
            return False

    required = Compare(trial, other_trials=[other]).req_tensors
    required.add("gradient/a", [2])
    required.add("gradient/a", [0])
    required.add("gradient/a", [2], trial=other)
    required.fetch()
    assert (required.get_tensor_steps("gradient/a"), required.get_names(other)) == ([2, 0], ["gradient/a"])
    assert [tensor.trial for tensor in required.get(other)] == [other]
    with pytest.raises(TensorUnavailable):
        required.add("gradient/b", [2], trial=other)
    required.add("gradient/b", [3])
    with pytest.raises(TensorUnavailableForStep):
        required.fetch()
    required.clear()
    assert required.get() == []


def test_actions_are_refused_where_nothing_could_carry_them_out(trial: Trial) -> None:
    class Acting(Rule):
        def invoke_at_step(self, step: int) -> bool:
            return True

    with pytest.raises(SMDebugNotImplementedError):
        Acting(trial, '{"name": "email", "endpoint": "a@example.com"}')


class Counted(LocalPlace):
    """A place that knows how often it was looked into."""

    looks = 0

    def names(self, folder: str, after: str = "") -> list[str]:
        self.looks += 1
        return super().names(folder, after)


@pytest.mark.parametrize("live", [True, False])
def test_steps_that_were_not_saved_cost_nothing(tmp_path: Path, live: bool) -> None:
    writer = SmdebugWriter(str(tmp_path))
    for step in range(0, 5000, 500):
        writer.write_step(step, {"gradient/a": np.full(3, float(step))})
    writer.end_training()
    place = Counted(tmp_path)
    rule = MeanAbove(Trial("counted", str(tmp_path), SmdebugSource(place)), 3999.0)
    place.looks = 0

    met = [condition.step for condition in conditions_met(rule, live=live)]

    assert (met, rule.looked_at) == ([4000, 4500], list(range(0, 5000, 500)))
    assert place.looks < 5
