"""Filters read: words and conditions, joined by and, or, not and parentheses. Bounded in length, terms and depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from epochwatch.model.job_filter.attributes import Attribute, UnknownAttribute, quoted_name
from epochwatch.model.job_filter.attributes import attribute as attribute_of
from epochwatch.model.job_filter.conditions import (
    STATES,
    Condition,
    Loose,
    among,
    compared,
    folded,
    literal,
    matching,
    named,
    present,
)
from epochwatch.model.job_filter.errors import InvalidFilter
from epochwatch.model.job_filter.row import TableRow
from epochwatch.model.job_filter.tokens import Token, tokens

LONGEST: Final = 4000
"""Characters."""
MOST_TERMS: Final = 500
"""Conditions of a filter, values of its lists included."""
DEEPEST: Final = 40
"""Parentheses and nots within each other."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What every job has that the filter lets through, of that which a database has in columns."""

    column: Literal["name", "status", "created", "updated"]
    operator: Literal["holds", "in", "=", "<", "<=", ">", ">="]
    value: str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read."""

    matches: Condition
    narrowings: tuple[Narrowing, ...] = ()
    of_metrics: bool = False
    """Whether it has to know metrics."""


def parse(text: str, now: float) -> Filter:
    """The filter; ``now`` (Unix seconds) is what its relative times count from. Empty text lets every job through.
    Raises InvalidFilter.
    """
    if len(text) > LONGEST:
        raise InvalidFilter(f"a filter has at most {LONGEST} characters", LONGEST + 1)
    return _Reader(list(tokens(text)), now).whole()


def column(text: str) -> Attribute:
    """The attribute that ``text`` names alone, as a column of a table does. Raises InvalidFilter."""
    found = list(tokens(text))
    if len(found) != 2 or found[0].kind != "word":
        raise InvalidFilter(f"'{text[:100]}' names no column: write a name such as created or params.lr", 1)
    return _named(found[0])


def key(text: str) -> Attribute:
    """The attribute that ``text`` names, by which jobs can be put in order or in groups. Raises InvalidFilter."""
    return _comparable(column(text), 1)


class _Reader:
    def __init__(self, found: Sequence[Token], now: float) -> None:
        self._tokens = found
        self._now = now
        self._at = 0
        self._terms = 0
        self._depth = 0
        self._of_metrics = False

    def whole(self) -> Filter:
        if self._next().kind == "end":
            return Filter(_every)
        made = self._alternatives()
        if self._next().kind != "end":
            raise self._unexpected("and, or, or the end")
        return Filter(made.matches, made.narrowings, self._of_metrics)

    def _next(self) -> Token:
        return self._tokens[self._at]

    def _after(self, steps: int) -> Token:
        return self._tokens[min(self._at + steps, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._next()
        self._at += 1
        return token

    def _takes(self, *words: str) -> bool:
        """Whether the next words are these; then they are taken."""
        if any(self._after(step).keyword != word for step, word in enumerate(words)):
            return False
        self._at += len(words)
        return True

    def _unexpected(self, wanted: str) -> InvalidFilter:
        token = self._next()
        what = "the filter ends" if token.kind == "end" else f"'{token.text[:50]}' stands"
        return InvalidFilter(f"{what} where {wanted} should be", token.column)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidFilter(f"conditions are nested more than {DEEPEST} deep", self._next().column)

    def _term(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise InvalidFilter(f"a filter has at most {MOST_TERMS} conditions", self._next().column)

    def _alternatives(self) -> Filter:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        if len(parts) == 1:
            return parts[0]
        tests = [part.matches for part in parts]
        return Filter(lambda row: any(test(row) for test in tests))

    def _all(self) -> Filter:
        """Conditions that all hold; ``and`` may be left out."""
        parts = [self._negated()]
        while self._takes("and") or (self._next().kind in ("word", "(") and self._next().keyword != "or"):
            parts.append(self._negated())
        if len(parts) == 1:
            return parts[0]
        tests = [part.matches for part in parts]
        narrowings = tuple(one for part in parts for one in part.narrowings)
        return Filter(lambda row: all(test(row) for test in tests), narrowings)

    def _negated(self) -> Filter:
        if not self._takes("not"):
            return self._primary()
        self._deeper()
        test = self._negated().matches
        self._depth -= 1
        return Filter(lambda row: not test(row))

    def _primary(self) -> Filter:
        self._term()
        if self._next().kind == "(":
            return self._group()
        if self._next().kind != "word" or self._next().keyword in ("and", "or"):
            raise self._unexpected("a condition")
        if self._next().keyword == "has" and self._after(1).kind == "(":
            return self._has()
        if self._is_compared():
            return self._condition()
        text = self._take().text
        return Filter(named(text), (Narrowing("name", "holds", text),))

    def _is_compared(self) -> bool:
        """Whether something is said of the word that comes; else it is looked for in names."""
        first, second, third = (self._after(step) for step in (1, 2, 3))
        if first.keyword == "in":
            return second.kind == "("
        if first.keyword == "not":
            return second.keyword == "in" and third.kind == "("
        if first.keyword == "is":
            return second.keyword in ("null", "not")
        return first.kind == "operator"

    def _group(self) -> Filter:
        opened = self._take()
        self._deeper()
        made = self._alternatives()
        self._depth -= 1
        if self._next().kind != ")":
            raise InvalidFilter("this parenthesis is not closed", opened.column)
        self._take()
        return made

    def _has(self) -> Filter:
        self._at += 2
        of = self._attribute()
        if self._next().kind != ")":
            raise self._unexpected(")")
        self._take()
        return Filter(present(of))

    def _condition(self) -> Filter:
        of = self._attribute()
        if self._takes("is", "not", "null"):
            return Filter(present(of))
        if self._takes("is", "null"):
            return _opposite(present(of))
        if self._takes("not", "in"):
            return _opposite(self._among(of).matches)
        if self._takes("in"):
            return self._among(of)
        if self._next().kind != "operator":
            raise self._unexpected("null")
        return self._comparison(of)

    def _comparison(self, of: Attribute) -> Filter:
        sign = self._take().text
        if self._next().kind != "word":
            raise self._unexpected("a value")
        value = self._take()
        if sign in ("~", "!~"):
            found = matching(of, value)
            return Filter(found) if sign == "~" else _opposite(found)
        wanted = literal(of, value, self._now)
        if sign == "!=":
            return _opposite(compared(of, "=", wanted))
        return Filter(compared(of, sign, wanted), _narrowed(of, sign, wanted))

    def _among(self, of: Attribute) -> Filter:
        self._take()
        wanted: list[str | float | Loose] = []
        while True:
            if self._next().kind != "word":
                raise self._unexpected("a value of the list")
            self._term()
            wanted.append(literal(of, self._take(), self._now))
            if self._next().kind == ")":
                break
            if self._next().kind != ",":
                raise self._unexpected("a comma or )")
            self._take()
        self._take()
        return Filter(among(of, wanted), _narrowed_to(of, wanted))

    def _attribute(self) -> Attribute:
        if self._next().kind != "word":
            raise self._unexpected("a name")
        token = self._take()
        found = _comparable(_named(token), token.column)
        self._of_metrics |= found.of_metrics
        return found


def _named(token: Token) -> Attribute:
    try:
        return attribute_of(token.segments, token.quoted)
    except UnknownAttribute as error:
        raise InvalidFilter(str(error), token.column) from None


def _comparable(of: Attribute, column: int) -> Attribute:
    if of.kind == "curve":
        number = f"metrics.{quoted_name(of.metric or '')}"
        raise InvalidFilter(f"{of.text} is a shape to look at: compare {number}.last, .best, .min or .max", column)
    return of


def _every(_: TableRow) -> bool:
    return True


def _opposite(test: Condition) -> Filter:
    return Filter(lambda row: not test(row))


def _narrowed(of: Attribute, sign: str, wanted: str | float | Loose) -> tuple[Narrowing, ...]:
    if sign == "=" and of.text in ("name", "status"):
        return _narrowed_to(of, [wanted])
    if of.text in ("created", "updated") and isinstance(wanted, float) and sign in _SIGNS:
        return (Narrowing(_TIMES[of.text], _SIGNS[sign], wanted),)
    return ()


_TIMES: Final[dict[str, Literal["created", "updated"]]] = {"created": "created", "updated": "updated"}
_SIGNS: Final[dict[str, Literal["=", "<", "<=", ">", ">="]]] = {
    "=": "=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


def _narrowed_to(of: Attribute, wanted: Sequence[str | float | Loose]) -> tuple[Narrowing, ...]:
    texts = tuple(one for one in wanted if isinstance(one, str))
    if of.text == "status":
        return (Narrowing("status", "in", tuple(one for one in STATES if folded(one) in texts)),)
    return (Narrowing("name", "in", texts),) if of.text == "name" else ()
