"""SageMaker Debugger's built-in rules with their documented defaults, all of them on, over what is recorded here."""

from collections.abc import Sequence

from benchmarks.faults.detectors.alarm import Alarm, Detector, Recorded
from benchmarks.faults.detectors.steps import TrainSteps
from epochwatch.debugger import invoke_rule
from epochwatch.debugger.exceptions import (
    InsufficientInformationForRuleInvocation,
    RuleEvaluationConditionMet,
)
from epochwatch.debugger.rules.builtin import built_rule

RULES = {
    "VanishingGradient": {},
    "ExplodingTensor": {},
    "PoorWeightInitialization": {},
    "WeightUpdateRatio": {},
    "AllZero": {"collection_names": "weights,gradients"},
    "UnchangedTensor": {"collection_names": "weights"},
    "LossNotDecreasing": {},
    "Overfit": {},
    "Overtraining": {},
}
"""Those that need no tensors but gradients, weights and losses, with the parameters they cannot do without. The others
look at activations, pictures, labels or trees by names that have to be given to them, or wait for half an hour.
"""


def look(run: Recorded) -> Sequence[Alarm]:
    """Each rule where it first fires, the earliest first: SageMaker ranks nothing."""
    steps = TrainSteps(run.trial)
    found = [(met, rule) for rule in RULES if (met := _met(run, rule)) is not None]
    return [Alarm(rule, steps.number(step)) for step, rule in sorted(found)]


def _met(run: Recorded, name: str) -> int | None:
    """The first global step at which the condition is met; None also for a rule that finds nothing to look at."""
    try:
        invoke_rule(built_rule(name, RULES[name], run.trial), raise_eval_cond=True)
    except RuleEvaluationConditionMet as met:
        return met.step
    except InsufficientInformationForRuleInvocation:
        return None
    return None


_STANDSTILL = {
    "stale_optimizer",
    "not_in_optimizer",
    "steps_skipped",
    "rate_collapses",
    "rate_too_low",
    "detached",
}
SAGEMAKER = Detector(
    "SageMaker defaults",
    look,
    {
        "VanishingGradient": frozenset(
            {
                "deep_sigmoid",
                "saturated_tanh",
                "small_init",
                "zero_init",
                "underflow",
                "dead_relu",
                "rectified_output",
            }
        ),
        "ExplodingTensor": frozenset(
            {
                "nan_inputs",
                "overflow",
                "rate_too_high",
                "rate_jumps",
                "large_init",
                "unnormalised",
                "inputs_change",
            }
        ),
        "PoorWeightInitialization": frozenset(
            {"zero_init", "identical_units", "large_init", "small_init", "dead_relu", "saturated_tanh"}
        ),
        "WeightUpdateRatio": frozenset(
            _STANDSTILL | {"rate_too_high", "rate_jumps", "clipped_to_nothing", "excessive_decay", "zero_init"}
        ),
        "AllZero": frozenset(
            {"zero_init", "underflow", "dead_relu", "rectified_output", "inputs_vanish", "detached"}
        ),
        "UnchangedTensor": frozenset(_STANDSTILL | {"underflow", "clipped_to_nothing", "dead_relu", "zero_init"}),
        "LossNotDecreasing": frozenset(
            _STANDSTILL
            | {"rate_too_high", "rate_jumps", "wrong_sign", "random_labels", "labels_shift", "double_softmax"}
            | {"clipped_to_nothing", "excessive_decay", "excessive_momentum", "gradients_not_reset"}
        ),
        "Overfit": frozenset({"overfit", "repeated_batch", "random_labels"}),
        "Overtraining": frozenset({"overfit", "repeated_batch"}),
    },
)
