"""Our own rules: each looks at statistics that a hook takes by default, and keeps silent on a healthy training."""

from typing import Final

from epochwatch.debugger.rules.own.attention import AttentionLogitGrowth, ExpertImbalance, RouterCollapse
from epochwatch.debugger.rules.own.data import ClassImbalance, InputScale, NotShuffled, RepeatedBatches
from epochwatch.debugger.rules.own.generalisation import NoGeneralisation, Overfit, UnchangedEvaluation
from epochwatch.debugger.rules.own.gradients import (
    ExplodingGradients,
    GradientsNotReset,
    IdenticalUnits,
    VanishingGradients,
    ZeroGradients,
)
from epochwatch.debugger.rules.own.life import ReplicasDiffer, Stalled
from epochwatch.debugger.rules.own.logits import DoubleSoftmax, LogitDrift, LogitGrowth, RectifiedOutput
from epochwatch.debugger.rules.own.loss import (
    Divergence,
    LossSpike,
    NeverLearned,
    Plateau,
    PoorInitialLoss,
    WrongSign,
)
from epochwatch.debugger.rules.own.numbers import NonFinite, SkippedSteps
from epochwatch.debugger.rules.own.pace import SlowSteps
from epochwatch.debugger.rules.own.shift import LossShift
from epochwatch.debugger.rules.own.units import DeadUnits, Saturated
from epochwatch.debugger.rules.own.updates import (
    FrozenParameters,
    MissingGradients,
    UpdateTooLarge,
    UpdateTooSmall,
)
from epochwatch.debugger.rules.own.weights import ConstantWeights, InitialScale, WeightGrowth, WeightsCollapse
from epochwatch.debugger.rules.stream import StreamRule

DEFAULT_RULES: Final[tuple[type[StreamRule], ...]] = (
    InputScale,
    RepeatedBatches,
    NotShuffled,
    ClassImbalance,
    ConstantWeights,
    InitialScale,
    PoorInitialLoss,
    WrongSign,
    IdenticalUnits,
    DoubleSoftmax,
    RectifiedOutput,
    GradientsNotReset,
    MissingGradients,
    FrozenParameters,
    UpdateTooLarge,
    UpdateTooSmall,
    WeightsCollapse,
    WeightGrowth,
    ZeroGradients,
    VanishingGradients,
    ExplodingGradients,
    DeadUnits,
    Saturated,
    LogitGrowth,
    LogitDrift,
    AttentionLogitGrowth,
    RouterCollapse,
    ExpertImbalance,
    NonFinite,
    SkippedSteps,
    ReplicasDiffer,
    LossSpike,
    LossShift,
    Divergence,
    NeverLearned,
    UnchangedEvaluation,
    NoGeneralisation,
    Overfit,
    Plateau,
    SlowSteps,
    Stalled,
)
"""Those that a diagnosis runs."""
