"""Which state the datapoints of a metric alarm put it in.

An alarm looks further back than its evaluation periods. Real datapoints count first, the newest of them; only where
they are fewer than the evaluation periods, missing ones count too, in the way the alarm says, and as few as will do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from epochwatch.model.alarm.state import State
from epochwatch.model.statistics import Kind, Statistic

LOOK_BACK: Final = 2
"""Periods before the evaluation periods from which real datapoints count where newer ones are missing."""
_SAMPLES: Final = 10
"""So many values must lie beyond a percentile for it to mean something."""


class Missing(StrEnum):
    """``TreatMissingData``: what a datapoint that is not there stands for."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True)
class Observation:
    """A datapoint as the alarm sees it."""

    timestamp: int
    """Unix seconds, the begin of its period."""
    value: float
    lower: float | None = None
    """The band of expected values; None where the alarm has a threshold, or the band is not known."""
    upper: float | None = None
    samples: float | None = None
    """Values that it is a statistic of, where known."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When the alarm goes off."""

    comparison: str
    """``ComparisonOperator``."""
    periods: int
    """``EvaluationPeriods``."""
    needed: int
    """``DatapointsToAlarm``; at most ``periods``."""
    threshold: float | None = None
    """None: each observation has a band."""
    missing: Missing = Missing.MISSING

    @property
    def reach(self) -> int:
        """How many periods the alarm looks at."""
        return self.periods + LOOK_BACK

    def is_breached_by(self, observation: Observation) -> bool:
        """Whether a datapoint lies on the wrong side. One whose band is not known does not."""
        if self.threshold is not None:
            return _BY_THRESHOLD[self.comparison](observation.value, self.threshold)
        above = observation.upper is not None and observation.value > observation.upper
        below = observation.lower is not None and observation.value < observation.lower
        return (above and self.comparison != _BELOW) or (below and self.comparison != _ABOVE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state, and what it follows from."""

    state: State
    considered: tuple[Observation, ...]
    """The real datapoints that counted, the newest first."""
    filled: int
    """Missing datapoints that counted beside them."""


_ABOVE: Final = "GreaterThanUpperThreshold"
_BELOW: Final = "LessThanLowerThreshold"
BANDS: Final = frozenset({_ABOVE, _BELOW, "LessThanLowerOrGreaterThanUpperThreshold"})
"""The comparisons with a band."""
_BY_THRESHOLD: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
COMPARISONS: Final = frozenset(_BY_THRESHOLD) | BANDS
"""Every ``ComparisonOperator``."""


def evaluate(condition: Condition, observed: Sequence[Observation | None], state: State) -> Verdict:
    """The state by the newest ``condition.reach`` periods, the oldest first; None where one has no datapoint. An alarm
    that is in ``state`` stays in it where the datapoints do not decide.
    """
    real = [(age, one) for age, one in enumerate(reversed(observed), 1) if one is not None][: condition.periods]
    considered = tuple(one for _, one in real)
    filled = condition.periods - len(real)
    breaching = sum(map(condition.is_breached_by, considered))
    if condition.missing is Missing.BREACHING:
        breaching += filled
    if breaching >= condition.needed:
        return Verdict(State.ALARM, considered, filled)
    all_breach = breaching == len(real)
    undecided = filled > 0 and all_breach and condition.missing in (Missing.MISSING, Missing.IGNORE)
    if not undecided:
        return Verdict(State.OK, considered, filled)
    if condition.missing is Missing.MISSING:
        if not real:
            return Verdict(State.INSUFFICIENT_DATA, considered, filled)
        oldest, _ = real[-1]
        if oldest >= condition.needed:  # had the missing ones come, the alarm would have gone off by now
            return Verdict(State.ALARM, considered, filled)
    return Verdict(state, considered, filled)


def is_significant(statistic: Statistic, samples: float) -> bool:
    """Whether a percentile has enough values to say something; any other statistic has."""
    if statistic.kind is not Kind.PERCENTILE or statistic.high is None:
        return True
    rarer = min(statistic.high, 1 - statistic.high)
    return samples * rarer >= _SAMPLES
