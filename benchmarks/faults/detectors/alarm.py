"""What a detector says of a run, and what it is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from epochwatch.debugger import Trial


class Alarm(NamedTuple):
    """A rule fired; ``step`` is the step of training (evaluations not counted) at which it was known."""

    rule: str
    step: int


@dataclass(frozen=True)
class Recorded:
    """A run as it was recorded: its trial, and what is noted besides (``training.train``)."""

    directory: Path
    trial: Trial
    noted: Mapping[str, Any]


@dataclass(frozen=True)
class Detector:
    """``look`` gives alarms, the one it holds for the cause first; ``names`` says which faults a rule's words mean."""

    name: str
    look: Callable[[Recorded], Sequence[Alarm]]
    names: Mapping[str, frozenset[str]]

    def right(self, alarm: Alarm, fault: str) -> bool:
        """Whether the alarm's rule means this fault."""
        return fault in self.names.get(alarm.rule, frozenset())
