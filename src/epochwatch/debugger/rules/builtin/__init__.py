"""SageMaker Debugger's built-in rules, by their names and with their parameters."""

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

_SPELLINGS: Final = {"other_trials": "other_trial"}
"""The guide has both."""


def built_rule(
    name: str,
    parameters: Mapping[str, Any],
    base_trial: Trial,
    other_trials: Sequence[Trial] = (),
    output_dir: str | Path = OUTPUT_DIR,
) -> BuiltinRule:
    """The rule of this name with parameters as a request has them: strings, by their names in the guide.

    ``base_trial`` among them is passed over, and ``other_trial`` (or ``other_trials``) is for who opens the other
    trials. A rule that writes a report does so in ``output_dir``. Raises SMDebugValueError for a name that is none, and
    what the rule itself raises for parameters.
    """
    if name not in BUILTIN_RULES:
        raise SMDebugValueError(f"{name!r} is no built-in rule: one of {', '.join(BUILTIN_RULES)} is expected")
    rule = BUILTIN_RULES[name]
    own = {_SPELLINGS.get(key, key): value for key, value in parameters.items() if key != "base_trial"}
    rule.refuse_unknown(own)
    if issubclass(rule, CreateXgboostReport):
        return rule(base_trial, output_dir=output_dir, **own)
    return rule(base_trial, other_trials=list(other_trials) or None, **own)
