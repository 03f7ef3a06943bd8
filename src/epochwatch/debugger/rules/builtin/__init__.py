"""SageMaker Debugger's built-in rules, by their names and with their parameters."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin.all_zero import AllZero
from epochwatch.debugger.rules.builtin.check_input_images import CheckInputImages
from epochwatch.debugger.rules.builtin.class_imbalance import ClassImbalance
from epochwatch.debugger.rules.builtin.confusion import Confusion
from epochwatch.debugger.rules.builtin.create_xgboost_report import OUTPUT_DIR, CreateXgboostReport
from epochwatch.debugger.rules.builtin.dead_relu import DeadRelu
from epochwatch.debugger.rules.builtin.exploding_tensor import ExplodingTensor
from epochwatch.debugger.rules.builtin.feature_importance_overweight import FeatureImportanceOverweight
from epochwatch.debugger.rules.builtin.loss_not_decreasing import LossNotDecreasing
from epochwatch.debugger.rules.builtin.nlp_sequence_ratio import NLPSequenceRatio
from epochwatch.debugger.rules.builtin.overfit import Overfit
from epochwatch.debugger.rules.builtin.overtraining import Overtraining
from epochwatch.debugger.rules.builtin.poor_weight_initialization import PoorWeightInitialization
from epochwatch.debugger.rules.builtin.rule import BuiltinRule
from epochwatch.debugger.rules.builtin.saturated_activation import SaturatedActivation
from epochwatch.debugger.rules.builtin.similar_across_runs import SimilarAcrossRuns
from epochwatch.debugger.rules.builtin.stalled_training_rule import StalledTrainingRule
from epochwatch.debugger.rules.builtin.tensor_variance import TensorVariance
from epochwatch.debugger.rules.builtin.tree_depth import TreeDepth
from epochwatch.debugger.rules.builtin.unchanged_tensor import UnchangedTensor
from epochwatch.debugger.rules.builtin.vanishing_gradient import VanishingGradient
from epochwatch.debugger.rules.builtin.weight_update_ratio import WeightUpdateRatio
from epochwatch.debugger.trial import Trial

BUILTIN_RULES: Final[Mapping[str, type[BuiltinRule]]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            AllZero,
            CheckInputImages,
            ClassImbalance,
            Confusion,
            CreateXgboostReport,
            DeadRelu,
            ExplodingTensor,
            FeatureImportanceOverweight,
            LossNotDecreasing,
            NLPSequenceRatio,
            Overfit,
            Overtraining,
            PoorWeightInitialization,
            SaturatedActivation,
            SimilarAcrossRuns,
            StalledTrainingRule,
            TensorVariance,
            TreeDepth,
            UnchangedTensor,
            VanishingGradient,
            WeightUpdateRatio,
        )
    }
)

_OF_THE_EVALUATION: Final = ("rule_to_invoke", "base_trial", "action_json")
"""What requests carry beside a rule's own parameters."""
_OTHER_TRIAL: Final = re.compile(r"other_trial(s|_\d+)?")
"""As guides and SDKs spell it."""


def other_trial_paths(parameters: Mapping[str, Any]) -> list[str]:
    """Where the trials are that a rule compares its own with, by its parameters: for who opens them."""
    found = [value for key, value in sorted(parameters.items()) if _OTHER_TRIAL.fullmatch(key)]
    return [path.strip() for paths in found for path in str(paths).split(",") if path.strip()]


def built_rule(
    name: str,
    parameters: Mapping[str, Any],
    base_trial: Trial,
    other_trials: Sequence[Trial] = (),
    output_dir: str | Path = OUTPUT_DIR,
) -> BuiltinRule:
    """The rule of this name with parameters as a request has them, strings all; ``rule_to_invoke``, ``base_trial`` and
    ``action_json`` among them are who evaluates it to heed.

    A rule that writes a report does so in ``output_dir``. Raises SMDebugValueError for a name that is none, and what
    the rule itself raises for parameters.
    """
    if name not in BUILTIN_RULES:
        raise SMDebugValueError(f"{name!r} is no built-in rule: one of {', '.join(BUILTIN_RULES)} is expected")
    own = {key: value for key, value in parameters.items() if key not in _OF_THE_EVALUATION}
    if name == SimilarAcrossRuns.__name__:
        own = {key: value for key, value in own.items() if not _OTHER_TRIAL.fullmatch(key)}
        own["other_trial"] = ",".join(other_trial_paths(parameters)) or None
    rule = BUILTIN_RULES[name]
    if issubclass(rule, CreateXgboostReport):
        return rule(base_trial, output_dir=output_dir, **own)
    return rule(base_trial, other_trials=list(other_trials) or None, **own)
