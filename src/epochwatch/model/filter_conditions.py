"""The grammar that JSON and space-delimited filter patterns share: conditions under ``&&``, ``||`` and ``( )``."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from epochwatch.model.filter_literals import InvalidFilterPattern, Literal, Regex, Text

Condition: TypeAlias = Callable[[Any], bool]

MOST_REGEXES: Final = 2
TOO_MANY_REGEXES: Final = f"a pattern may hold {MOST_REGEXES} regular expressions at most"
_DEEPEST = 64
_SELECTOR = r"""\$(?:\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\]|\.[^\s.\[\](){}=!<>&|,"%]+)*"""
_TOKEN: Final = re.compile(
    rf"""\s*(?:
    (?P<symbol>&&|\|\||!=|<=|>=|\.\.\.|[()=<>,])
    |(?P<quoted>"(?:[^"\\]|\\.)*")
    |(?P<regex>%(?:[^%\\]|\\.)*%)
    |(?P<selector>{_SELECTOR})(?=[\s()=!<>&|,]|\Z)
    |(?P<word>(?:[^\s()=!<>&|,"%]|[!&|](?![=&|]))+)
    )""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One word of a pattern: ``symbol``, ``quoted``, ``regex``, ``selector``, ``word`` or ``end``; its text."""

    kind: str
    text: str


class Tokens:
    """The words of a pattern, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[Token] = []
        self._next = 0
        self.regexes = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position, end)
            if match is None or match.lastgroup is None:
                raise InvalidFilterPattern(f"cannot read the pattern at '{text[position:].strip()[:20]}'")
            self._tokens.append(Token(match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self._tokens.append(Token("end", ""))

    def count(self, kind: str) -> int:
        """How many words of a kind the pattern has."""
        return sum(token.kind == kind for token in self._tokens)

    def peek(self) -> Token:
        """The next word, left in place."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """The next word."""
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def accept(self, symbol: str) -> bool:
        """Takes the next word if it is this symbol or unquoted keyword (capitals), and says whether it was."""
        token = self.peek()
        if token.text != symbol or token.kind not in ("symbol", "word"):
            return False
        self.take()
        return True

    def expect(self, symbol: str) -> None:
        """Takes the symbol or raises InvalidFilterPattern."""
        if not self.accept(symbol):
            raise self.unexpected(f"'{symbol}'")

    def unexpected(self, wanted: str) -> InvalidFilterPattern:
        """The error for a next word that does not fit."""
        token = self.peek()
        found = f"'{token.text}'" if token.text else "the end"
        return InvalidFilterPattern(f"expected {wanted} but found {found}")

    def operator(self) -> str:
        """Takes a comparison operator."""
        token = self.peek()
        if token.text not in ("=", "!=", "<", ">", "<=", ">=") or token.kind != "symbol":
            raise self.unexpected("a comparison")
        return self.take().text

    def literal(self) -> Literal:
        """Takes a word, a quoted string or a regular expression (at most two of these in a pattern)."""
        token = self.peek()
        if token.kind == "regex":
            self.regexes += 1
            if self.regexes > MOST_REGEXES:
                raise InvalidFilterPattern(TOO_MANY_REGEXES)
            return Regex(self.take().text[1:-1])
        if token.kind == "quoted":
            return Text(unquoted(self.take().text), quoted=True)
        if token.kind == "word":
            return Text(self.take().text)
        raise self.unexpected("a value")


def unquoted(text: str) -> str:
    """What a quoted string says, without its quotes and the backslashes before quotes and backslashes."""
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])


def parse_conditions(tokens: Tokens, comparison: Callable[[Tokens], Condition], depth: int = 0) -> Condition:
    """``||`` of ``&&`` of comparisons and parentheses; ``comparison`` reads one of them."""
    if depth > _DEEPEST:
        raise InvalidFilterPattern(f"parentheses are nested more than {_DEEPEST} deep")
    alternatives = [_conjunction(tokens, comparison, depth)]
    while tokens.accept("||"):
        alternatives.append(_conjunction(tokens, comparison, depth))
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda record: any(condition(record) for condition in alternatives)


def _conjunction(tokens: Tokens, comparison: Callable[[Tokens], Condition], depth: int) -> Condition:
    parts = [_part(tokens, comparison, depth)]
    while tokens.accept("&&"):
        parts.append(_part(tokens, comparison, depth))
    if len(parts) == 1:
        return parts[0]
    return lambda record: all(condition(record) for condition in parts)


def _part(tokens: Tokens, comparison: Callable[[Tokens], Condition], depth: int) -> Condition:
    if tokens.accept("("):
        condition = parse_conditions(tokens, comparison, depth + 1)
        tokens.expect(")")
        return condition
    return comparison(tokens)
