"""What SageMaker's rules have in common: parameters, the choice of tensors, the report of what was found."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from epochwatch.debugger.exceptions import (
    InsufficientInformationForRuleInvocation,
    InvalidWorker,
    TensorUnavailableForStep,
)
from epochwatch.debugger.rule import Rule
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.parameter import Parameterised
from epochwatch.debugger.tensor import Tensor
from epochwatch.debugger.trial import Trial

DETAILS_KEPT: Final = 100


class Violation(NamedTuple):
    """What was found of a tensor (or of several, named together), in words with the numbers that decided."""

    tensor: str
    message: str


class BuiltinRule(Parameterised, Rule):
    """A rule by SageMaker's name, with SageMaker's parameters as attributes.

    ``report`` holds what is known so far: ``RuleTriggered`` (steps at which the condition was met), ``Violations``,
    ``Datapoints`` (what was looked at; 0 says that the trial has nothing of what the rule needs), ``Details`` (the
    first 100 violations) and ``RuleParameters`` (``name:value`` by line).
    """

    def __init__(
        self,
        base_trial: Trial,
        action_str: str | None = None,
        other_trials: Sequence[Trial] | None = None,
        **parameters: Any,
    ) -> None:
        """Raises SMDebugValueError for a parameter that is not the rule's or has a value that cannot be,
        InsufficientInformationForRuleInvocation where one is missing.
        """
        super().__init__(base_trial, action_str, other_trials)
        self.take(parameters)
        self.check_parameters()
        self._triggered = self._violations = self._datapoints = 0
        self._details: list[dict[str, Any]] = []
        self.write_report()

    def check_parameters(self) -> None:
        """Refuse parameters that contradict each other or lack one another."""

    def invoke_at_step(self, step: int) -> bool:
        """See ``Rule``."""
        found = list(self.violations(step))
        self._triggered += bool(found)
        self._violations += len(found)
        for violation in found[: DETAILS_KEPT - len(self._details)]:
            self._details.append({"step": step, **violation._asdict()})
        self.write_report()
        return bool(found)

    @abstractmethod
    def violations(self, step: int) -> Iterable[Violation]:
        """What meets the rule's condition at a global step."""

    def looked_at(self, count: int = 1) -> None:
        """Count what was looked at."""
        self._datapoints += count

    def lacks(self, what: str) -> InsufficientInformationForRuleInvocation:
        """The error of a rule that cannot be run as it is."""
        return InsufficientInformationForRuleInvocation(self.rule_name, what)

    def write_report(self) -> None:
        """Take over what was counted since."""
        self.report = {
            "RuleTriggered": self._triggered,
            "Violations": self._violations,
            "Details": {"violations": self._details},
            "Datapoints": self._datapoints,
            "RuleParameters": self.shown_parameters,
        }


class TensorRule(BuiltinRule):
    """A rule that looks at each tensor by itself, as each worker saved it."""

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``. A tensor of which too little was saved to tell is passed over."""
        for name in self.names(step):
            tensor = self.base_trial.tensor(name)
            for worker in tensor.workers(step):
                try:
                    found = self.judge(tensor, step, worker)
                except (TensorUnavailableForStep, InvalidWorker):
                    continue
                self.looked_at()
                if found is not None:
                    yield Violation(name, found)

    @abstractmethod
    def names(self, step: int) -> Sequence[str]:
        """The tensors to look at."""

    @abstractmethod
    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """What is wrong with it, in words; None if nothing is. Raises TensorUnavailableForStep, or InvalidWorker where
        it takes what this worker saved at other steps, if nothing that was saved can tell.
        """


class ChosenTensorsRule(TensorRule):
    """A rule over tensors that are chosen by their collections, by patterns, or by both."""

    needs_choice: ClassVar[bool] = True
    collection_names = parameter.names()
    tensor_regex = parameter.optional_patterns()

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        if self.needs_choice and self.collection_names is None and self.tensor_regex is None:
            raise self.lacks("give collection_names or tensor_regex")

    def names(self, step: int) -> Sequence[str]:
        """Those chosen; all if a rule needs no choice and none was made."""
        return selected(self.base_trial, step, self.collection_names, self.tensor_regex)


def selected(
    trial: Trial, step: int, collections: Sequence[str] | None, patterns: Sequence[str] | None
) -> list[str]:
    """Tensors saved at a global step that belong to one of the collections or match one of the patterns, sorted; all if
    neither is given.
    """
    if collections is None and patterns is None:
        return trial.tensor_names(step=step)
    found = set(trial.tensor_names(step=step, regex=patterns)) if patterns else set()
    for collection in collections or ():
        found |= set(trial.tensor_names(step=step, collection=collection))
    return sorted(found)
