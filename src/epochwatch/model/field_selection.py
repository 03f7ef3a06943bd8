"""Selection criteria on system fields: ``@aws.region = "eu-west-1" AND @aws.account NOT IN ["123456789012"]``."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

SYSTEM_FIELDS: Final = ("@aws.account", "@aws.region")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<field>@[A-Za-z.]+)|(?P<text>"[^"]*"|'[^']*')|(?P<symbol>!=|=|[()\[\],])|(?P<word>[A-Za-z]+))"""
)
_DEEPEST: Final = 64

Criteria: TypeAlias = Callable[[Mapping[str, str]], bool]
"""Whether the values of the system fields are wanted."""


class InvalidCriteria(ValueError):
    """The text is no selection criteria; the message says what is wrong where."""


def parse_criteria(source: str) -> Criteria:
    """The criteria that ``source`` spells; blank selects everything. Raises InvalidCriteria.

    ``=``, ``!=``, ``IN [...]`` and ``NOT IN [...]`` on ``@aws.account`` and ``@aws.region``, under ``AND``, ``OR``
    and ``( )``; ``AND`` binds closer.
    """
    if not source.strip():
        return lambda fields: True
    reader = _Reader(source)
    criteria = reader.alternatives(0)
    if reader.peek() != ("end", ""):
        raise reader.unexpected("AND or OR")
    return criteria


class _Reader:
    def __init__(self, source: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        position, end = 0, len(source.rstrip())
        while position < end:
            match = _TOKEN.match(source, position, end)
            if match is None or match.lastgroup is None:
                raise InvalidCriteria(f"cannot read the criteria at '{source[position:].strip()[:20]}'")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def unexpected(self, wanted: str) -> InvalidCriteria:
        return InvalidCriteria(f"expected {wanted} but found '{self.peek()[1] or 'the end'}'")

    def alternatives(self, depth: int) -> Criteria:
        if depth > _DEEPEST:
            raise InvalidCriteria(f"parentheses are nested more than {_DEEPEST} deep")
        parts = [self._conjunction(depth)]
        while self._accept("OR"):
            parts.append(self._conjunction(depth))
        return lambda fields: any(part(fields) for part in parts)

    def _conjunction(self, depth: int) -> Criteria:
        parts = [self._part(depth)]
        while self._accept("AND"):
            parts.append(self._part(depth))
        return lambda fields: all(part(fields) for part in parts)

    def _part(self, depth: int) -> Criteria:
        if self._accept("("):
            inner = self.alternatives(depth + 1)
            self._expect(")")
            return inner
        field = self.peek()[1]
        if field not in SYSTEM_FIELDS:
            raise self.unexpected(" or ".join(SYSTEM_FIELDS))
        self._next += 1
        if self._accept("="):
            negated, wanted = False, {self._text()}
        elif self._accept("!="):
            negated, wanted = True, {self._text()}
        else:
            negated, wanted = self._accept("NOT"), self._list()
        return lambda fields: (fields[field] in wanted) != negated

    def _list(self) -> set[str]:
        self._expect("IN")
        self._expect("[")
        wanted = {self._text()}
        while self._accept(","):
            wanted.add(self._text())
        self._expect("]")
        return wanted

    def _text(self) -> str:
        kind, text = self.peek()
        if kind != "text":
            raise self.unexpected("a quoted value")
        self._next += 1
        return text[1:-1]

    def _accept(self, text: str) -> bool:
        kind, found = self.peek()
        if kind not in ("symbol", "word") or found != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self.unexpected(f"'{text}'")
