"""Rules over a trial: what a rule is, which tensors it asks for, and how it is run over the steps."""

import logging
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from epochwatch.debugger.exceptions import (
    NoMoreData,
    RuleEvaluationConditionMet,
    SMDebugNotImplementedError,
    StepUnavailable,
    TensorUnavailable,
    TensorUnavailableForStep,
)
from epochwatch.debugger.mode_keys import ModeKeys, StepState
from epochwatch.debugger.tensor import Tensor
from epochwatch.debugger.trial import Trial, no_refresh

_LOG = logging.getLogger(__name__)


class RequiredTensors:
    """The tensors and steps a rule needs, of its own trial and of others."""

    def __init__(self, base_trial: Trial, other_trials: Sequence[Trial] | None = None) -> None:
        self.base_trial = base_trial
        self._steps: dict[Trial, dict[str, list[int]]] = {
            trial: {} for trial in (base_trial, *(other_trials or ()))
        }

    def add(
        self, name: str, steps: Iterable[int], trial: Trial | None = None, should_match_regex: bool = False
    ) -> None:
        """Ask for a tensor, or all that a pattern matches, at some steps. Raises TensorUnavailable."""
        trial = trial or self.base_trial
        steps = list(steps)
        names = trial.tensor_names(regex=[name]) if should_match_regex else [trial.tensor(name).name]
        for found in names:
            self._steps[trial].setdefault(found, []).extend(steps)

    def get_tensor_steps(self, name: str, trial: Trial | None = None) -> list[int]:
        """The steps asked for of a tensor."""
        return self._steps[trial or self.base_trial][name]

    def get_names(self, trial: Trial | None = None) -> list[str]:
        """The names asked for."""
        return list(self._steps[trial or self.base_trial])

    def get(self, trial: Trial | None = None) -> list[Tensor]:
        """The tensors asked for."""
        trial = trial or self.base_trial
        return [trial.tensor(name) for name in self._steps[trial]]

    def clear(self) -> None:
        """Ask for nothing."""
        for asked in self._steps.values():
            asked.clear()

    def fetch(self) -> None:
        """Wait for the steps asked for. Raises TensorUnavailableForStep where a tensor was not saved at one."""
        for trial, asked in self._steps.items():
            trial.wait_for_steps(sorted({step for steps in asked.values() for step in steps}))
            for name, steps in asked.items():
                for step in steps:
                    trial.tensor(name).entry(step)


class Rule(ABC):
    """Something to look for in a trial. A subclass says at ``invoke_at_step`` whether it is there."""

    def __init__(
        self, base_trial: Trial, action_str: str | None = None, other_trials: Sequence[Trial] | None = None
    ) -> None:
        if action_str and action_str.strip():
            raise SMDebugNotImplementedError(
                "actions are carried out where a rule runs as a part of a job: leave action_str out"
            )
        self.base_trial = base_trial
        self.other_trials = other_trials
        self.trials = [base_trial, *(other_trials or ())]
        self.req_tensors = RequiredTensors(base_trial, other_trials)
        self.rule_name = type(self).__name__
        self.logger = _LOG
        self.report = {"RuleTriggered": 0, "Violations": 0, "Details": {}, "Datapoints": 0, "RuleParameters": ""}

    def set_required_tensors(self, step: int) -> None:  # noqa: B027 - a rule may need none
        """Tell ``req_tensors`` what is needed at a global step; nothing unless overridden."""

    @abstractmethod
    def invoke_at_step(self, step: int) -> bool:
        """Whether the condition is met at a global step."""

    def invoke(self, step: int) -> None:
        """Wait for a global step and look at it. Raises RuleEvaluationConditionMet if the condition is met, and
        what ``Trial.wait_for_steps`` raises.
        """
        with no_refresh(self.base_trial):
            is_here = self.base_trial.has_passed_step(step) is StepState.AVAILABLE
        if not is_here:
            self.base_trial.wait_for_steps([step])
        with no_refresh(self.trials):
            self.req_tensors.clear()
            self.set_required_tensors(step)
            self.req_tensors.fetch()
            met = self.invoke_at_step(step)
        if met:
            raise RuleEvaluationConditionMet(self.rule_name, step)


def invoke_rule(
    rule_obj: Rule, start_step: int | None = 0, end_step: int | None = None, raise_eval_cond: bool = False
) -> None:
    """Look at each step from ``start_step`` up to, not including, ``end_step``, or to the training's end. With
    ``raise_eval_cond`` the first condition met is raised. Steps and tensors that were not saved are passed over.
    """
    for met in conditions_met(rule_obj, start_step or 0, end_step):
        if raise_eval_cond:
            raise met
        _LOG.info("%s", met)


def conditions_met(
    rule: Rule, start_step: int = 0, end_step: int | None = None, *, live: bool = True
) -> Iterator[RuleEvaluationConditionMet]:
    """The conditions that a rule meets at the steps from ``start_step`` up to, not including, ``end_step``, to the
    training's end; with ``live`` off, at those that are there now. What was not saved is passed over.
    """
    trial = rule.base_trial
    trial.maybe_refresh()
    step = _next_saved(trial, start_step)
    while live or step is not None:
        asked = start_step if step is None else step
        if end_step is not None and asked >= end_step:
            return
        try:
            rule.invoke(asked)
        except (TensorUnavailableForStep, StepUnavailable, TensorUnavailable) as error:
            _LOG.debug("%s", error)
        except RuleEvaluationConditionMet as met:
            yield met
            if met.end_of_rule:
                return
        except NoMoreData as error:
            _LOG.info("%s", error)
            return
        start_step = asked + 1
        step = _next_saved(trial, start_step)


def _next_saved(trial: Trial, step: int) -> int | None:
    """The first complete step from this one on, of those that are known; None where it may be yet to come."""
    known = trial.numbered_steps(ModeKeys.GLOBAL)
    place = bisect_left(known, (step, step))
    return known[place][0] if place < len(known) and trial.is_complete(known[place][0]) else None
