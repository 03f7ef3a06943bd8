"""What may follow from a fault, by kind: names of rules whose findings are then consequences."""

from typing import Final

OUTCOMES: Final = frozenset({"NeverLearned", "Plateau", "NoGeneralisation", "Overfit", "UnchangedEvaluation"})
"""The training does not get where it should."""
BLOWN_UP: Final = frozenset(
    {"LossSpike", "LossShift", "Divergence", "ExplodingGradients", "NonFinite", "SkippedSteps", "LogitGrowth",
     "LogitDrift", "AttentionLogitGrowth", "UpdateTooLarge", "WeightGrowth"}
)  # fmt: skip
"""Numbers grow."""
DYING: Final = frozenset(
    {"VanishingGradients", "ZeroGradients", "DeadUnits", "Saturated", "UpdateTooSmall", "FrozenParameters",
     "WeightsCollapse"}
)  # fmt: skip
"""Signals and changes get lost."""
ANYTHING: Final = OUTCOMES | BLOWN_UP | DYING
"""What wrong data, weights or steps do to all that comes after them."""
