"""Rules that have said all when they have fired."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.stream import StepStatistics, StreamRule
from epochwatch.debugger.source import Array


class OnceRule(StreamRule):
    """Looks at each step until it has found something."""

    fired = False

    def see(self, step: StepStatistics) -> Iterable[Finding]:
        """See ``StreamRule``."""
        if self.fired:
            return ()
        found = self.look(step)
        if found is None:
            return ()
        self.fired = True
        return (found,)

    @abstractmethod
    def look(self, step: StepStatistics) -> Finding | None:
        """What there is to say at this step."""


@dataclass
class LastingRule(OnceRule):
    """What must be so of a tensor for ``patience`` samples in a row."""

    patience: int = 3
    _since: dict[str, list[int]] = field(default_factory=dict, init=False)

    def lasting(self, step: StepStatistics, places: Array, met: Array) -> list[str]:
        """Those of the tensors at ``places`` for which it was met often enough, the earliest first."""
        for place, is_met in zip(places.tolist(), met.tolist(), strict=True):
            name = step.names[place]
            if is_met:
                self._since.setdefault(name, []).append(step.step)
            else:
                self._since.pop(name, None)
        long = [name for name, steps in self._since.items() if len(steps) >= self.patience]
        return sorted(long, key=lambda name: self._since[name][0])
