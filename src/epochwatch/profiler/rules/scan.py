"""A profile's samples and events, each given to rules once and in the order of time."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.model.host_samples import Samples, within
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.rules.builtin.rule import ProfilerRule

_SECOND: Final = 1_000_000
SETTLE: Final = 60 * _SECOND
"""Microseconds by which a profile that still grows is read behind its end: its nodes send by the minute."""
_PERCENTAGES: Final = (".busy", ".iowait", ".percent")
_BLOCK: Final = 300 * _SECOND
"""What is held at once."""


class Scan:
    """Goes through a profile as far as it is there, and asks each rule at the end of each of its scan intervals."""

    def __init__(self, profile: Profile, rules: Sequence[ProfilerRule]) -> None:
        self._profile = profile
        self._rules = tuple(rules)
        phases = [rule.phases for rule in rules]
        self._phases: frozenset[Phase] | None = None
        if None not in phases:
            self._phases = frozenset(phase for wanted in phases for phase in wanted or ())
        self._at: int | None = None
        self._due: dict[ProfilerRule, int] = {}
        self.scans = 0
        """How often rules were asked; what SageMaker calls the step of a profiler rule."""
        self.met_at: int | None = None
        """The number of the scan that met a condition first."""

    def advance(self, *, last: bool = False) -> list[ProfilerRule]:
        """Go on to where the profile is settled, or, for the ``last`` time, to its end. Gives the rules whose
        condition was met on the way.
        """
        first, end = self._profile.span()
        if (first, end) == (0, 0):
            return []
        if self._at is None:
            self._at = first - first % _SECOND
            self._due = {rule: self._at + rule.scan_interval_us for rule in self._rules}
        until = end if last else end - SETTLE
        if not last and until < min(self._due.values(), default=until):
            return []
        met: dict[ProfilerRule, None] = {}
        while self._at < until:
            stop = min(until, self._at + _BLOCK)
            met |= dict.fromkeys(self._block(self._at, stop))
            self._at = stop
        if last:
            rest = [rule for rule in self._rules if self._due[rule] - rule.scan_interval_us < until]
            met |= dict.fromkeys(self._ask(rest, until))
        return list(met)

    def _block(self, start: int, stop: int) -> list[ProfilerRule]:
        samples = {
            node: _bounded(self._profile.system(node, (start, stop), self._is_wanted))
            for node in self._profile.nodes()
        }
        events = [] if self._phases == frozenset() else list(self._profile.events((start, stop), self._phases))
        met = []
        while start < stop:
            end = min(stop, *self._due.values())
            self._feed(samples, events, start, end)
            due = [rule for rule in self._rules if self._due[rule] == end]
            met += self._ask(due, end)
            for rule in due:
                self._due[rule] = end + rule.scan_interval_us
            start = end
        return met

    def _is_wanted(self, column: str) -> bool:
        return any(rule.wants(column) for rule in self._rules)

    def _feed(self, samples: dict[str, Samples], events: Sequence[pa.Table], start: int, end: int) -> None:
        for node, of_node in samples.items():
            piece = within(of_node, start / _SECOND, end / _SECOND)
            if len(piece.times):
                for rule in self._rules:
                    rule.see_samples(node, piece)
        for table in events:
            part = table.filter(pc.and_(pc.greater_equal(table["start"], start), pc.less(table["start"], end)))
            if len(part):
                for rule in self._rules:
                    if rule.phases is None or rule.phases:
                        rule.see_events(part)

    def _ask(self, rules: Sequence[ProfilerRule], until: int) -> list[ProfilerRule]:
        self.scans += bool(rules)
        met = [rule for rule in rules if rule.scan(until)]
        if met and self.met_at is None:
            self.met_at = self.scans
        return met


def _bounded(samples: Samples) -> Samples:
    """A core's ticks may be counted in the sample after: single percentages are above 100."""
    values = {
        name: column.clip(0.0, 100.0) if name.endswith(_PERCENTAGES) else column
        for name, column in samples.values.items()
    }
    return Samples(samples.times, samples.seconds, values, samples.units)


def scanned(profile: Profile, rules: Sequence[ProfilerRule]) -> list[ProfilerRule]:
    """Rules over a whole profile as it is; those whose condition was met at some time."""
    scan = Scan(profile, rules)
    scan.advance(last=True)
    return [rule for rule in rules if rule.triggered]
