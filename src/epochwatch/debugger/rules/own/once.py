"""A rule that has said all when it has fired."""

from abc import abstractmethod
from collections.abc import Iterable

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.stream import StepStatistics, StreamRule


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
