"""Space-delimited filter patterns: ``[ip, user, ..., status = 4*, bytes > 1000]``."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from epochwatch.model.filter_conditions import Condition, Tokens, parse_conditions
from epochwatch.model.filter_literals import InvalidFilterPattern, check, compare

_FIELD: Final = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_NAME: Final = re.compile(r"[A-Za-z0-9_@.\-]+\Z")
_ELLIPSIS: Final = "..."


def split(message: str) -> list[str]:
    """The fields of a message: words, and what stands in ``[ ]`` or double quotes as one field each."""
    return [
        next((group for group in match.groups() if group is not None), "") for match in _FIELD.finditer(message)
    ]


class Fields(NamedTuple):
    """What stands between the brackets, as functions of a message's text."""

    matches: Condition
    values: Callable[[str], dict[str, str]]
    """The fields of a message that matches, as ``$name``, or ``$3`` where the third one has no name."""
    names: frozenset[str]
    """``$name`` of each named field."""


def parse(body: str) -> Fields:
    """Reads what stands between the brackets. Raises InvalidFilterPattern.

    The message must have exactly the named fields; one ``...`` stands for any number of further ones.
    """
    tokens = Tokens(body)
    names: list[str] = []
    conditions: list[Condition] = []
    while True:
        names.append(_field(tokens, conditions))
        if not tokens.accept(","):
            break
    if tokens.peek().kind != "end":
        raise tokens.unexpected("',' or ']'")
    if names.count(_ELLIPSIS) > 1:
        raise InvalidFilterPattern("a pattern may hold one '...' only")
    named = [name for name in names if name != _ELLIPSIS]
    if len(set(named)) != len(named):
        raise InvalidFilterPattern("two fields have one name")

    def matches(message: str) -> bool:
        fields = _bind(names, split(message))
        return fields is not None and all(condition(fields) for condition in conditions)

    return Fields(matches, lambda message: _named(names, split(message)), frozenset(f"${name}" for name in named))


def _named(names: list[str], fields: list[str]) -> dict[str, str]:
    """The fields of a message that matches, by ``$`` and their name or number."""
    if _ELLIPSIS in names:
        place = names.index(_ELLIPSIS)
        further = len(fields) - len(names) + 1
        names = [*names[:place], *(str(place + number + 1) for number in range(further)), *names[place + 1 :]]
    return {f"${name}": field for name, field in zip(names, fields, strict=True)}


def _bind(names: list[str], fields: list[str]) -> Mapping[str, str] | None:
    if _ELLIPSIS not in names:
        return dict(zip(names, fields, strict=True)) if len(names) == len(fields) else None
    before = names.index(_ELLIPSIS)
    after = len(names) - before - 1
    if len(fields) < before + after:
        return None
    bound = dict(zip(names[:before], fields, strict=False))
    bound.update(zip(names[before + 1 :], fields[len(fields) - after :], strict=True))
    return bound


def _field(tokens: Tokens, conditions: list[Condition]) -> str:
    if tokens.accept(_ELLIPSIS):
        return _ELLIPSIS
    names: list[str] = []

    def comparison(inner: Tokens) -> Condition:
        token = inner.peek()
        if token.kind != "word" or not _NAME.match(token.text):
            raise inner.unexpected("a field's name")
        name = inner.take().text
        names.append(name)
        if inner.peek().text in (",", ")", "", "&&", "||"):
            return lambda fields: True
        operator = inner.operator()
        literal = inner.literal()
        check(operator, literal)
        return lambda fields: compare(fields[name], operator, literal)

    condition = parse_conditions(tokens, comparison)
    if len(set(names)) != 1:
        raise InvalidFilterPattern(f"a field's conditions must name that field only, not {', '.join(names)}")
    conditions.append(condition)
    return names[0]
