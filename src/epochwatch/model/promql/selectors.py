"""What a selector selects: label matchers, and the two reserved ones that say how datapoints become samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import promql_parser
import re2

from epochwatch.model.periods import is_valid
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import NAME, Labels
from epochwatch.model.statistics import InvalidStatistic, Statistic
from epochwatch.model.statistics import parse as parse_statistic

STATISTIC = "__stat__"
"""Reserved label matcher: the CloudWatch statistic that is a sample's value."""
PERIOD = "__period__"
"""Reserved label matcher: the seconds of datapoints that one sample sums up."""
AVERAGE = parse_statistic("Average")

Operator: TypeAlias = Literal["=", "!=", "=~", "!~"]
_OPERATORS: dict[str, Operator] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label. A label that is not there has the value ""."""

    name: str
    operator: Operator
    value: str
    holds: Callable[[str], bool]

    @classmethod
    def of(cls, name: str, operator: Operator, value: str) -> "Matcher":
        """Raises PromqlError for a wrong regular expression (RE2, anchored at both ends)."""
        if operator == "=":
            return cls(name, operator, value, value.__eq__)
        if operator == "!=":
            return cls(name, operator, value, value.__ne__)
        match = compiled(value).fullmatch
        if operator == "=~":
            return cls(name, operator, value, lambda text: match(text) is not None)
        return cls(name, operator, value, lambda text: match(text) is None)


@dataclass(frozen=True, slots=True)
class Selector:
    """The matchers of a selector, and what a sample's value is: ``statistic`` of ``period`` seconds (1: as stored)."""

    matchers: tuple[Matcher, ...]
    statistic: Statistic = AVERAGE
    period: int = 1

    def matches(self, labels: Labels) -> bool:
        """Whether a series is selected."""
        own = dict(labels)
        return all(matcher.holds(own.get(matcher.name, "")) for matcher in self.matchers)

    def equal_to(self, name: str) -> str | None:
        """The value that ``name`` must have, if there is just one."""
        for matcher in self.matchers:
            if matcher.name == name and matcher.operator == "=" and matcher.value:
                return matcher.value
        return None


def selector_of(expression: promql_parser.VectorSelector) -> Selector:
    """Raises PromqlError."""
    if expression.matchers.or_matchers:
        raise PromqlError(
            '"or" between label matchers is not supported: write two selectors and "or" between them'
        )
    given = [Matcher.of(NAME, "=", expression.name)] if expression.name else []
    given += [
        Matcher.of(one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value)
        for one in expression.matchers.matchers
        if not (one.name == NAME and one.value == expression.name)
    ]
    return _reserved(given)


def _reserved(given: Sequence[Matcher]) -> Selector:
    statistic, period = AVERAGE, 1
    for matcher in given:
        if matcher.name not in (STATISTIC, PERIOD):
            continue
        if matcher.operator != "=":
            raise PromqlError(f"{matcher.name} takes one value: {matcher.name}=...")
        if matcher.name == STATISTIC:
            try:
                statistic = parse_statistic(matcher.value)
            except InvalidStatistic as error:
                raise PromqlError(f"{STATISTIC}: {error}") from error
        elif matcher.value.isascii() and matcher.value.isdecimal() and is_valid(int(matcher.value[:6])):
            period = int(matcher.value)
        else:
            raise PromqlError(f"{PERIOD} must be 1, 5, 10, 20, 30 or a multiple of 60 up to 86400 (seconds)")
    matchers = tuple(matcher for matcher in given if matcher.name not in (STATISTIC, PERIOD))
    if all(matcher.holds("") for matcher in matchers):
        raise PromqlError("vector selector must contain at least one non-empty matcher")
    return Selector(matchers, statistic, period)


def compiled(pattern: str) -> "re2._Regexp[str]":
    """A regular expression in RE2's syntax; a dot matches a line's end, too. Raises PromqlError."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise PromqlError(f'the regular expression "{pattern}" is wrong: {told}') from error
