"""StalledTrainingRule: a training of which nothing comes any more."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from epochwatch.debugger.exceptions import NoMoreData, RuleEvaluationConditionMet
from epochwatch.debugger.mode_keys import ModeKeys, StepState
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation
from epochwatch.debugger.trial import Trial

PAUSE_SECONDS: Final = 1.0


class StalledTrainingRule(BuiltinRule):
    """No new step has come for ``threshold`` seconds, and the training has not ended.

    It looks at the clock, not at tensors: ``invoke`` returns when the step has come and raises
    RuleEvaluationConditionMet, which ends the rule, when nothing has come for too long. Who evaluates the rule stops
    the training if ``stop_training_on_fire`` asks for it.
    """

    threshold = parameter.integer(1800, 1)
    stop_training_on_fire = parameter.flag(False)
    training_job_name_prefix = parameter.optional_text()

    def __init__(
        self,
        base_trial: Trial,
        action_str: str | None = None,
        other_trials: Sequence[Trial] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        **parameters: Any,
    ) -> None:
        """``clock`` gives seconds; ``sleep`` waits some."""
        super().__init__(base_trial, action_str, other_trials, **parameters)
        self._clock, self._sleep = clock, sleep
        self._known = self._steps_known()
        self._progress_at = clock()

    def _steps_known(self) -> tuple[int, int]:
        return len(self.base_trial.numbered_steps(ModeKeys.GLOBAL)), self.base_trial.last_complete_step

    def invoke(self, step: int) -> None:
        """See ``Rule``."""
        while (state := self.base_trial.has_passed_step(step)) is StepState.NOT_YET_AVAILABLE:
            if self.invoke_at_step(step):
                raise RuleEvaluationConditionMet(self.rule_name, step, end_of_rule=True)
            self._sleep(min(PAUSE_SECONDS, self.threshold))
        if state is StepState.AVAILABLE:
            self.looked_at()
            self.write_report()
        if state is StepState.UNAVAILABLE and self._is_behind_the_end(step):
            raise NoMoreData(step, ModeKeys.GLOBAL, self.base_trial.last_complete_step)

    def _is_behind_the_end(self, step: int) -> bool:
        return self.base_trial.loaded_all_steps and step > self.base_trial.last_complete_step

    def violations(self, step: int) -> Iterable[Violation]:
        """See ``BuiltinRule``."""
        now, known = self._clock(), self._steps_known()
        if known != self._known:
            self._known, self._progress_at = known, now
        quiet = now - self._progress_at
        if quiet >= self.threshold:
            return [Violation("", f"nothing came for {quiet:.0f} s, {self.threshold} s or more")]
        return []
