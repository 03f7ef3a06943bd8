"""Our own rules: each looks at statistics that a hook takes by default, and keeps silent on a healthy training."""

from typing import Final

from epochwatch.debugger.rules.own.data import ClassImbalance, InputScale, NotShuffled, RepeatedBatches
from epochwatch.debugger.rules.own.generalisation import NoGeneralisation, Overfit
from epochwatch.debugger.rules.own.gradients import (
    ExplodingGradients,
    GradientsNotReset,
    IdenticalUnits,
    VanishingGradients,
    ZeroGradients,
)
from epochwatch.debugger.rules.own.life import ReplicasDiffer, Stalled
from epochwatch.debugger.rules.own.loss import (
    Divergence,
    LossSpike,
    NeverLearned,
    Plateau,
    PoorInitialLoss,
    WrongSign,
)
from epochwatch.debugger.rules.own.numbers import NonFinite, SkippedSteps
from epochwatch.debugger.rules.own.units import DeadUnits, DoubleSoftmax, LogitGrowth, Saturated
from epochwatch.debugger.rules.own.updates import (
    ConstantWeights,
    FrozenParameters,
    UpdateTooLarge,
    UpdateTooSmall,
    WeightsCollapse,
)
from epochwatch.debugger.rules.stream import StreamRule

DEFAULT_RULES: Final[tuple[type[StreamRule], ...]] = (
    InputScale,
    RepeatedBatches,
    NotShuffled,
    ClassImbalance,
    ConstantWeights,
    PoorInitialLoss,
    WrongSign,
    IdenticalUnits,
    DoubleSoftmax,
    GradientsNotReset,
    FrozenParameters,
    UpdateTooLarge,
    UpdateTooSmall,
    WeightsCollapse,
    ZeroGradients,
    VanishingGradients,
    ExplodingGradients,
    DeadUnits,
    Saturated,
    LogitGrowth,
    NonFinite,
    SkippedSteps,
    ReplicasDiffer,
    LossSpike,
    Divergence,
    NeverLearned,
    NoGeneralisation,
    Overfit,
    Plateau,
    Stalled,
)
"""Those that a diagnosis runs."""
