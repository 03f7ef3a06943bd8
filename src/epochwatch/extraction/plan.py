"""What is done with a line, by the patterns that may match it: lines of one shape share a plan."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from epochwatch.extraction.dimensions import Combinations, dimensions
from epochwatch.extraction.health import Health
from epochwatch.extraction.pattern import Capture, Pattern, compiled
from epochwatch.extraction.steps import TELLINGS, Steps, Telling, is_epoch, is_step
from epochwatch.model.batch import Definition
from epochwatch.model.metric import Dimensions
from epochwatch.model.run_series import RunSeries

_MOST = 4096


@dataclass(slots=True)
class Column:
    """Where a metric's values go."""

    name_id: int
    entry: list[Any]
    """What ``Steps`` knows of the metric."""


class Columns:
    """The series that values have gone to, numbered as they came."""

    def __init__(self, steps: Steps) -> None:
        self.names: list[str] = []
        """The metric of each."""
        self.series: list[RunSeries] = []
        self._steps = steps
        self._known: dict[RunSeries, Column] = {}

    def of(self, series: RunSeries) -> Column:
        """That of a series; a new one where it is the first time."""
        column = self._known.get(series)
        if column is None:
            column = self._known[series] = Column(len(self.names), self._steps.of(series.label))
            self.names.append(series.name)
            self.series.append(series)
        return column

    def state(self) -> list[list[Any]]:
        """For ``restore``; JSON-able."""
        return [[one.name, one.dimensions, one.unit, one.resolution] for one in self.series]

    def restore(self, state: Sequence[list[Any]]) -> None:
        """Goes on where ``state`` was taken."""
        for of_all in (self.names, self.series, self._known):
            of_all.clear()
        for name, pairs, unit, resolution in state:
            self.of(RunSeries(name, tuple((key, value) for key, value in pairs), unit, resolution))


def series_of(definition: Definition, combination: Dimensions = ()) -> RunSeries:
    """Where values of a definition go that have these dimensions."""
    return RunSeries(definition.name, combination, definition.unit, definition.resolution)


@dataclass(slots=True)
class Rule:
    """A definition at work."""

    number: int
    """Its place among the definitions."""
    name: str
    pattern: Pattern
    health: Health
    column: Column
    limit: int
    """Matches of a line that count; 0: all."""
    combinations: Combinations
    """What its dimensions have been."""

    @classmethod
    def of(cls, number: int, definition: Definition, columns: Columns, *, all_matches: bool) -> "Rule":
        """The definition, not yet at work."""
        pattern = compiled(definition)
        limit = 0 if all_matches or pattern.groups.every else 1
        column = columns.of(series_of(definition))
        return cls(number, definition.name, pattern, Health(definition, pattern), column, limit, Combinations())

    def captures(self, text: bytes, guarded: Mapping[int, list[Capture]]) -> list[Capture]:
        """What its matches in a text give that count; ``guarded`` is what the worker found, by rule."""
        if self.pattern.engine == "python":
            return guarded.get(self.number, [])
        if not self.limit:
            return self.pattern.captures(text)
        first = self.pattern.capture(text)
        return [] if first is None else [first]

    def column_of(self, capture: Capture, columns: Columns) -> Column | None:
        """Where the value of a match goes; None where its dimensions are one combination too many."""
        if not self.pattern.dimensions:
            return self.column
        combination = dimensions(self.pattern.dimensions, capture.dimensions)
        if not self.combinations.admits(combination):
            self.health.refused += 1
            return None
        return columns.of(series_of(self.pattern.definition, combination))

    @property
    def only_value(self) -> bool:
        """Whether all that a line can tell by it is one value."""
        return self.limit == 1 and self.pattern.only_value and self.pattern.engine == "re2" and not self.tells

    @property
    def tells(self) -> bool:
        """Whether a match of the pattern may tell the step or the epoch of its line."""
        groups = self.pattern.groups
        return is_step(self.name) or is_epoch(self.name) or groups.step is not None or groups.epoch is not None


class Attempt(NamedTuple):
    """A rule that gives one value at most, taken apart for speed."""

    short: Callable[[bytes], re.Match[bytes] | None] | None
    """``Pattern.short``."""
    group: int
    value: Callable[[bytes], bytes | None]
    """``Pattern.value``."""
    escaped: bool
    health: Health
    column: Column


class Plan(NamedTuple):
    """What to try on a line."""

    rules: tuple[Rule, ...]
    attempts: tuple[Attempt, ...] | None
    """The same as ``rules`` where each gives one value at most and none tells steps; else None."""
    escaped: bool
    """Some pattern is written for SageMaker's escaped lines."""
    tellings: tuple[Telling, ...]

    @classmethod
    def of(cls, rules: Sequence[Rule], tellings: Sequence[Telling]) -> "Plan":
        """The plan for these rules and ways to tell steps."""
        simple = all(rule.only_value for rule in rules) and len({rule.name for rule in rules}) == len(rules)
        attempts = tuple(map(_attempt, rules)) if simple else None
        return cls(tuple(rules), attempts, any(rule.pattern.escaped for rule in rules), tuple(tellings))

    def as_printed_only(self) -> "Plan":
        """Without the patterns that see the whole of a line, not its segments."""
        return Plan.of([rule for rule in self.rules if not rule.pattern.escaped], self.tellings)


class Plans:
    """The plans for the lines met so far."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._plans: dict[tuple[int, ...], Plan] = {}

    def of(self, numbers: tuple[int, ...]) -> Plan:
        """The plan for some of the rules and, numbered behind them, of the ``TELLINGS``."""
        plan = self._plans.get(numbers)
        if plan is None:
            if len(self._plans) >= _MOST:
                self._plans.clear()
            given = len(self._rules)
            plan = self._plans[numbers] = Plan.of(
                [self._rules[number] for number in numbers if number < given],
                [TELLINGS[number - given] for number in numbers if number >= given],
            )
        return plan

    def clear(self) -> None:
        """Forgets them: the rules have other columns now."""
        self._plans.clear()


def _attempt(rule: Rule) -> Attempt:
    pattern = rule.pattern
    group = pattern.groups.value[0]
    return Attempt(pattern.short, group, pattern.value, pattern.escaped, rule.health, rule.column)
