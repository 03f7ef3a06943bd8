"""What alarms would have done, told in one way for all kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from epochwatch.model.alarm.evaluation import Observation
from epochwatch.model.alarm.state import State

MOST_PERIODS: Final = 10_000
"""Periods, or evaluations, that are replayed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of the state, at the end of a period (Unix seconds)."""

    time: float
    state: State
    trigger: Observation | None = None
    """The newest datapoint that put it into ALARM, where one did."""
    cause: str = ""
    """The other alarm, or the series, that did."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One series that is watched."""

    label: str
    observations: Sequence[Observation | None]
    """At each of the times."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """What the alarm would have seen and been in."""

    period: int
    """Seconds."""
    turns: Sequence[Turn]
    """From the first period on, before which there was too little data."""
    times: Sequence[int] = ()
    """The begins of the periods, in Unix seconds."""
    series: Sequence[Seen] = ()
    """What there was of each series that is watched; none of alarms on alarms."""
    children: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    """The states of the alarms that a composite alarm refers to."""

    @property
    def alarms(self) -> int:
        """How often it would have gone off."""
        return sum(turn.state is State.ALARM for turn in self.turns)
