"""epochwatch's default rules, and the diagnosis made of what they find."""

from collections.abc import Sequence

from benchmarks.faults.detectors.alarm import Alarm, Detector, Recorded
from benchmarks.faults.detectors.steps import TrainSteps
from epochwatch.debugger.rules.diagnosis import diagnose


def look(run: Recorded) -> Sequence[Alarm]:
    """Problems, and of remarks those on the pace: the root causes in the order of their rank, then what follows."""
    steps = TrainSteps(run.trial)
    causes = diagnose(run.trial).causes
    found = [cause.finding for cause in causes]
    found += [finding for cause in causes for finding in cause.consequences]
    ranked = [finding for finding in found if finding.kind == "problem" or finding.rule == "SlowSteps"]
    return [Alarm(finding.rule, steps.number(finding.step)) for finding in ranked]


_TOO_LARGE_STEPS = frozenset({"rate_too_high", "rate_jumps", "excessive_momentum"})
EPOCHWATCH = Detector(
    "epochwatch",
    look,
    {
        # data
        "InputScale": frozenset({"unnormalised", "inputs_change", "inputs_vanish", "bad_batches"}),
        "RepeatedBatches": frozenset({"repeated_batch", "overfit"}),  # 32 rows in batches of 32 are one batch
        "NotShuffled": frozenset({"not_shuffled"}),
        "ClassImbalance": frozenset({"imbalance"}),
        # how it begins
        "ConstantWeights": frozenset({"zero_init", "identical_units"}),
        "IdenticalUnits": frozenset({"zero_init", "identical_units"}),
        "InitialScale": frozenset({"large_init", "small_init", "saturated_tanh"}),
        "PoorInitialLoss": frozenset({"large_init", "unnormalised", "saturated_tanh"}),
        "DoubleSoftmax": frozenset({"double_softmax"}),
        "RectifiedOutput": frozenset({"rectified_output"}),
        # gradients and updates
        "GradientsNotReset": frozenset({"gradients_not_reset"}),
        "MissingGradients": frozenset({"stale_optimizer"}),
        "FrozenParameters": frozenset({"not_in_optimizer", "stale_optimizer", "steps_skipped", "rate_collapses"}),
        "UpdateTooLarge": _TOO_LARGE_STEPS | {"small_init"},
        "UpdateTooSmall": frozenset({"rate_too_low", "rate_collapses", "clipped_to_nothing", "underflow"}),
        "WeightsCollapse": frozenset({"excessive_decay"}),
        "WeightGrowth": _TOO_LARGE_STEPS,
        "ZeroGradients": frozenset({"detached", "zero_init", "dead_relu", "rectified_output", "underflow"}),
        "VanishingGradients": frozenset({"deep_sigmoid", "saturated_tanh", "small_init"}),
        "ExplodingGradients": _TOO_LARGE_STEPS | {"large_init", "inputs_change", "overflow"},
        "DeadUnits": frozenset({"dead_relu", "rectified_output"}),
        "Saturated": frozenset({"saturated_tanh", "deep_sigmoid", "large_init", "unnormalised"}),
        "LogitGrowth": frozenset({"wrong_sign"}),
        "NonFinite": frozenset({"nan_inputs", "overflow"}),
        "SkippedSteps": frozenset({"steps_skipped", "overflow"}),
        # the loss
        "LossSpike": frozenset({"bad_batches", "inputs_change", "rate_jumps", "nan_inputs"}),
        "LossShift": frozenset({"labels_shift", "inputs_change", "inputs_vanish"}),
        "WrongSign": frozenset({"wrong_sign"}),
        "Divergence": _TOO_LARGE_STEPS | {"wrong_sign"},  # it names both
        "NeverLearned": frozenset({"random_labels", "labels_shift", "rectified_output", "inputs_vanish"}),
        "UnchangedEvaluation": frozenset({"steps_skipped", "stale_optimizer", "rate_collapses"}),
        "SlowSteps": frozenset({"slow_loader", "growing_steps"}),
        "NoGeneralisation": frozenset({"random_labels", "labels_shift", "imbalance"}),
        "Overfit": frozenset({"overfit", "repeated_batch", "random_labels"}),
    },
)
