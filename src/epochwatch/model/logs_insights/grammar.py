"""The grammar of queries, and what is said of a text that does not follow it.

Commands stand between ``|``; keywords and functions may be written in any case. A name with anything but letters,
digits, underscores, ``@`` and dots in it stands in backticks. ``#`` begins a comment that ends with its line.
"""

import re
from functools import cache
from typing import Any, Final

from lark import Lark, UnexpectedCharacters, UnexpectedToken

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.functions import UNITS
from epochwatch.model.logs_insights.reader import commands
from epochwatch.model.logs_insights.syntax import Query, Stats

MOST_COMMANDS: Final = 50
MOST_STATS: Final = 10
_REFUSED: Final = frozenset(
    {
        "unmask",
        "diff",
        "anomaly",
        "unnest",
        "lookup",
        "join",
        "source",
        "filterindex",
        "addtotals",
        "subquery",
    }
)
"""Commands of AWS that are not built."""

_GRAMMAR: Final = r"""
    start: command ("|" command)*
    ?command: FIELDS named ("," named)* -> fields
        | DISPLAY named ("," named)* -> display
        | FILTER or_test -> filter
        | PARSE [source] (STRING | REGEX) [AS name ("," name)*] -> parse
        | STATS named ("," named)* [by] -> stats
        | SORT key ("," key)* -> sort
        | LIMIT NUMBER -> limit
        | DEDUP atom ("," atom)* -> dedup
        | PATTERN atom -> pattern
    by: BY named ("," named)*
    key: sum [ASC | DESC]
    named: or_test [AS name]
    name: NAME
    source: NAME -> field

    ?or_test: and_test (OR and_test)* -> either
    ?and_test: not_test (AND not_test)* -> both
    ?not_test: NOT not_test -> negation | test
    ?test: sum
        | sum (EQUAL | UNEQUAL | LESS | LESS_EQUAL | MORE | MORE_EQUAL) sum -> comparison
        | sum [NOT] (LIKE | MATCHES) (STRING | REGEX) -> matching
        | sum [NOT] IN "[" sum ("," sum)* "]" -> membership
        | sum [NOT] IN "(" sum ("," sum)* ")" -> membership
    ?sum: product | sum (PLUS | MINUS) product -> arithmetic
    ?product: power | product (STAR | SLASH | PERCENT) power -> arithmetic
    ?power: unary | unary CARET power -> arithmetic
    ?unary: MINUS unary -> negative | atom
    ?atom: NAME -> field
        | NAME "(" [STAR | or_test ("," or_test)*] ")" -> call
        | NUMBER -> number
        | PERIOD -> period
        | STRING -> string
        | "(" or_test ")" -> inner

    FIELDS.2: /fields\b/i
    DISPLAY.2: /display\b/i
    FILTER.2: /filter\b/i
    PARSE.2: /parse\b/i
    STATS.2: /stats\b/i
    SORT.2: /sort\b/i
    LIMIT.2: /limit\b/i
    DEDUP.2: /dedup\b/i
    PATTERN.2: /pattern\b/i
    AS.2: /as\b/i
    BY.2: /by\b/i
    ASC.2: /asc\b/i
    DESC.2: /desc\b/i
    OR.2: /or\b/i
    AND.2: /and\b/i
    NOT.2: /not\b/i
    LIKE.2: /like\b/i
    IN.2: /in\b/i
    MATCHES: "=~"
    EQUAL: "="
    UNEQUAL: "!="
    LESS_EQUAL: "<="
    LESS: "<"
    MORE_EQUAL: ">="
    MORE: ">"
    PLUS: "+"
    MINUS: "-"
    STAR: "*"
    SLASH: "/"
    PERCENT: "%"
    CARET: "^"
    PERIOD.3: /[0-9]+[ ]?(?:__UNITS__)\b/i
    NUMBER.1: /[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?/i
    NAME: /(?:[@A-Za-z_][\w@]*|`[^`]+`)(?:\.(?:[\w@]+|`[^`]+`))*/
    STRING: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
    REGEX: /\/(?:[^\/\\\n]|\\.)+\//
    %ignore /\s+/
    %ignore /#[^\n]*/
""".replace("__UNITS__", "|".join(sorted(UNITS, key=len, reverse=True)))

_SPOKEN: Final = {
    "NAME": "a field",
    "STRING": "a text in quotes",
    "REGEX": "a regular expression",
    "NUMBER": "a number",
    "PERIOD": "a period",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "COMMA": "','",
    "VBAR": "'|'",
    "$END": "the end",
    **dict.fromkeys(("EQUAL", "UNEQUAL", "LESS", "LESS_EQUAL", "MORE", "MORE_EQUAL"), "a comparison"),
    **dict.fromkeys(("PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "CARET"), "an operator"),
}
_COMMANDS: Final = frozenset(
    {"FIELDS", "DISPLAY", "FILTER", "PARSE", "STATS", "SORT", "LIMIT", "DEDUP", "PATTERN"}
)


def parse(text: str) -> Query:
    """The query ``text``. Raises MalformedQuery."""
    try:
        found = commands(text, _parser().parse(text))
    except UnexpectedToken as error:
        token = error.token
        start = len(text) if token.type == "$END" else (token.start_pos or 0)
        accepted = error.accepts or error.expected
        raise _unexpected(text, start, accepted) from None
    except UnexpectedCharacters as error:
        raise _unexpected(text, error.pos_in_stream or 0, error.allowed or set()) from None
    if len(found) > MOST_COMMANDS:
        raise MalformedQuery(f"a query may have {MOST_COMMANDS} commands", 0, len(text))
    if sum(isinstance(command, Stats) for command in found) > MOST_STATS:
        raise MalformedQuery(f"a query may have {MOST_STATS} stats commands", 0, len(text))
    return Query(text, found)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=True, propagate_positions=True)


def _unexpected(text: str, start: int, accepted: Any) -> MalformedQuery:
    rest = re.match(r"[\w@.]+|\S", text[start:])
    found = rest[0][:40] if rest else ""
    end = start + len(rest[0]) if rest else start
    if accepted >= _COMMANDS:
        if found.lower() in _REFUSED:
            return MalformedQuery(f"the command '{found}' is not supported", start, end)
        wanted = "a command (" + ", ".join(sorted(name.lower() for name in _COMMANDS)) + ")"
    else:
        names = sorted({_SPOKEN.get(name, f"'{name.lower()}'") for name in accepted})
        wanted = " or ".join(names)
    if not found:
        return MalformedQuery(f"expected {wanted} but the query ends", len(text), len(text))
    return MalformedQuery(f"expected {wanted} but found '{found}' at offset {start}", start, end)
