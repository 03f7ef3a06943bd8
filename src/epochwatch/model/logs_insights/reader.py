"""Makes commands of what the parser finds in a query."""

import re
from typing import Any, Final, cast

from lark import Token, Transformer, Tree
from lark.tree import Meta

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.functions import FUNCTIONS, UNITS
from epochwatch.model.logs_insights.patterns import glob_regex, java_regex
from epochwatch.model.logs_insights.syntax import (
    Arithmetic,
    Call,
    Command,
    Comparison,
    Dedup,
    Display,
    Expression,
    Field,
    Fields,
    Filter,
    Junction,
    Limit,
    Literal,
    Matching,
    Membership,
    Named,
    Negation,
    Negative,
    Parse,
    Pattern,
    Period,
    Sort,
    SortKey,
    Span,
    Stats,
)

MOST_ROWS: Final = 100_000
"""A query answers at most so many rows."""
DEEPEST: Final = 40
"""So many levels an expression may have."""
_LONGEST_NUMBER: Final = 300


def commands(text: str, tree: Tree[Token]) -> tuple[Command, ...]:
    """The commands of the query ``text``, which the parser found to be ``tree``. Raises MalformedQuery."""
    return cast(tuple[Command, ...], _walk(_Reader(text), tree))


class _Reader(Transformer[Token, tuple[Command, ...]]):
    """Works from the inside out; each method is named after the rule of the grammar whose parts it is given."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, meta: Meta, parts: list[Any]) -> tuple[Command, ...]:
        return tuple(parts)

    def fields(self, meta: Meta, parts: list[Any]) -> Fields:
        return Fields(tuple(parts[1:]))

    def display(self, meta: Meta, parts: list[Any]) -> Display:
        return Display(tuple(parts[1:]))

    def filter(self, meta: Meta, parts: list[Any]) -> Filter:
        return Filter(parts[1])

    def parse(self, meta: Meta, parts: list[Any]) -> Parse:
        _, source, pattern, _, *named = parts
        span = _span(pattern)
        if source is None:
            source = Field("@message", (), span)
        if pattern.type == "STRING":
            regex, count, known = glob_regex(_unquoted(pattern), span)
        else:
            regex, count, known = java_regex(pattern[1:-1].replace("\\/", "/"), span)
        names = tuple(name for name in named if name is not None)
        if not names:
            if not known:
                raise MalformedQuery("say 'as' and a name for each part that is parsed", span.start, span.end)
            return Parse(source, regex, tuple(known), tuple(known.values()))
        if len(names) != count:
            message = f"the pattern has {count} parts to parse, but there are {len(names)} names behind 'as'"
            raise MalformedQuery(message, span.start, span.end)
        return Parse(source, regex, names, tuple(range(1, count + 1)))

    def stats(self, meta: Meta, parts: list[Any]) -> Stats:
        _, *items, by = parts
        return Stats(tuple(items), by or ())

    def by(self, meta: Meta, parts: list[Any]) -> tuple[Named, ...]:
        return tuple(parts[1:])

    def sort(self, meta: Meta, parts: list[Any]) -> Sort:
        return Sort(tuple(parts[1:]))

    def key(self, meta: Meta, parts: list[Any]) -> SortKey:
        expression, direction = parts
        return SortKey(expression, direction is not None and direction.type == "DESC")

    def limit(self, meta: Meta, parts: list[Any]) -> Limit:
        token = parts[1]
        if not token.isdecimal() or len(token) > 9 or not 1 <= int(token) <= MOST_ROWS:
            span = _span(token)
            raise MalformedQuery(f"a limit is a number from 1 to {MOST_ROWS}", span.start, span.end)
        return Limit(int(token))

    def dedup(self, meta: Meta, parts: list[Any]) -> Dedup:
        return Dedup(tuple(parts[1:]))

    def pattern(self, meta: Meta, parts: list[Any]) -> Pattern:
        return Pattern(parts[1])

    def named(self, meta: Meta, parts: list[Any]) -> Named:
        expression, _, name = parts
        if name is not None:
            return Named(expression, name)
        if isinstance(expression, Field):
            return Named(expression, expression.name)
        return Named(expression, _written(self._text, meta))

    def name(self, meta: Meta, parts: list[Any]) -> str:
        return str(parts[0]).replace("`", "")

    def either(self, meta: Meta, parts: list[Any]) -> Expression:
        return _joined("or", meta, parts)

    def both(self, meta: Meta, parts: list[Any]) -> Expression:
        return _joined("and", meta, parts)

    def negation(self, meta: Meta, parts: list[Any]) -> Expression:
        return Negation(parts[1], *_place(meta, parts[1:]))

    def comparison(self, meta: Meta, parts: list[Any]) -> Expression:
        left, operator, right = parts
        return Comparison(str(operator), left, right, *_place(meta, (left, right)))

    def matching(self, meta: Meta, parts: list[Any]) -> Expression:
        operand, negated, _, pattern = parts
        place = _place(meta, (operand,))
        if pattern.type == "STRING":
            return Matching(operand, _unquoted(pattern), False, negated is not None, *place)
        regex, _, _ = java_regex(pattern[1:-1].replace("\\/", "/"), _span(pattern))
        return Matching(operand, regex, True, negated is not None, *place)

    def membership(self, meta: Meta, parts: list[Any]) -> Expression:
        operand, negated, _, *values = parts
        return Membership(operand, tuple(values), negated is not None, *_place(meta, (operand, *values)))

    def arithmetic(self, meta: Meta, parts: list[Any]) -> Expression:
        left, operator, right = parts
        return Arithmetic(str(operator), left, right, *_place(meta, (left, right)))

    def negative(self, meta: Meta, parts: list[Any]) -> Expression:
        return Negative(parts[1], *_place(meta, parts[1:]))

    def inner(self, meta: Meta, parts: list[Any]) -> Expression:
        return cast(Expression, parts[0])

    def field(self, meta: Meta, parts: list[Any]) -> Expression:
        name = parts[0].replace("`", "")
        if name.lower() in ("true", "false") and not parts[0].startswith("`"):
            return Literal(float(name.lower() == "true"), _span(parts[0]))
        path = name.removeprefix("@") if name.startswith("@@") else name
        return Field(name, tuple(path.split(".")), _span(parts[0]))

    def call(self, meta: Meta, parts: list[Any]) -> Expression:
        word, *arguments = parts
        given = tuple(argument for argument in arguments if argument is not None and argument != "*")
        function = str(word).lower()
        span = Span(meta.start_pos, meta.end_pos)
        signature = FUNCTIONS.get(function)
        if signature is None:
            raise MalformedQuery(f"there is no function '{str(word)[:100]}'", *_ends(_span(word)))
        starred = len(arguments) == 1 and isinstance(arguments[0], Token)
        if starred and function != "count":
            raise MalformedQuery(f"{signature.name} does not take *", span.start, span.end)
        most = len(given) if signature.most is None else signature.most
        if not signature.least <= len(given) <= most:
            raise MalformedQuery(f"{signature.name} does not take {len(given)} arguments", span.start, span.end)
        return Call(function, given, _written(self._text, meta), *_place(meta, given))

    def number(self, meta: Meta, parts: list[Any]) -> Expression:
        span = _span(parts[0])
        value = float(parts[0]) if len(parts[0]) <= _LONGEST_NUMBER else float("inf")
        if value == float("inf"):
            raise MalformedQuery("the number is too large", span.start, span.end)
        return Literal(value, span)

    def period(self, meta: Meta, parts: list[Any]) -> Expression:
        found = re.match(r"([0-9]+) ?(.*)", parts[0])
        assert found is not None  # the token's own form
        span = _span(parts[0])
        if len(found[1]) > 9 or int(found[1]) == 0:
            raise MalformedQuery("a period is between 1 and 999999999 units", span.start, span.end)
        return Period(int(found[1]), UNITS[found[2].lower()], span)

    def string(self, meta: Meta, parts: list[Any]) -> Expression:
        return Literal(_unquoted(parts[0]), _span(parts[0]))


def _walk(reader: _Reader, tree: Any) -> Any:
    """What ``reader`` makes of ``tree``, without recursion: a query may be nested as deep as it is long."""
    done: list[Any] = []
    waiting: list[tuple[Any, bool]] = [(tree, False)]
    while waiting:
        node, entered = waiting.pop()
        if node is None or isinstance(node, Token):
            done.append(node)
        elif not entered:
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(node.children))
        else:
            count = len(node.children)
            parts = done[len(done) - count :]
            del done[len(done) - count :]
            done.append(getattr(reader, node.data)(node.meta, parts))
    return done[0]


def _joined(operator: str, meta: Meta, parts: list[Any]) -> Expression:
    operands = tuple(part for part in parts if not isinstance(part, Token))
    if len(operands) == 1:
        return cast(Expression, operands[0])
    return Junction(operator, operands, *_place(meta, operands))


def _place(meta: Meta, parts: Any) -> tuple[Span, int]:
    """Where an expression stands, and how many levels it has."""
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEEPEST:
        raise MalformedQuery(f"an expression may be nested {DEEPEST} levels deep", meta.start_pos, meta.end_pos)
    return Span(meta.start_pos, meta.end_pos), depth


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start, start + len(token))


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _written(text: str, meta: Meta) -> str:
    return " ".join(text[meta.start_pos : meta.end_pos].split())


def _unquoted(token: Token) -> str:
    return re.sub(r"\\([\\'\"])", r"\1", token[1:-1])
