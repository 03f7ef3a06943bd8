"""JSON filter patterns: ``{ $.error.code = 4* && ($.n > 1 || $.user IS NULL) }``."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from epochwatch.model.filter_conditions import Condition, Tokens, parse_conditions
from epochwatch.model.filter_literals import InvalidFilterPattern, JsonNumber, check, compare

Path: TypeAlias = tuple[str | int, ...]

_STEP: Final = re.compile(
    r"""\.?\[(?:(?P<index>\d+|\*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]|\.(?P<name>[^.\[]+)"""
)
_ANY: Final = "*"
_ANY_STEP: Final = -1


def parse(body: str) -> Condition:
    """The condition inside the braces, as a function of the message's text. Raises InvalidFilterPattern.

    A message that is no JSON object or array never matches; a property that is not there satisfies nothing
    but ``NOT EXISTS``.
    """
    tokens = Tokens(body)
    condition = parse_conditions(tokens, _comparison)
    if tokens.peek().kind != "end":
        raise tokens.unexpected("&& or ||")

    def matches(message: str) -> bool:
        document = _document(message)
        return document is not None and condition(document)

    return matches


def _document(message: str) -> Any:
    if message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(message, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _comparison(tokens: Tokens) -> Condition:
    token = tokens.peek()
    if token.kind != "selector" or token.text == "$":
        raise tokens.unexpected("a property such as $.name")
    path = _path(tokens.take().text)
    if tokens.accept("IS"):
        return _identity(tokens, path)
    if tokens.accept("NOT"):
        tokens.expect("EXISTS")
        return lambda document: not any(True for _ in _select(document, path))
    if tokens.accept("EXISTS"):
        return lambda document: any(True for _ in _select(document, path))
    operator = tokens.operator()
    literal = tokens.literal()
    check(operator, literal)
    return lambda document: any(
        compare(value, operator, literal)
        for value in _select(document, path)
        if not isinstance(value, (dict, list))
    )


def _identity(tokens: Tokens, path: Path) -> Condition:
    negated = tokens.accept("NOT")
    for word, wanted in (("NULL", None), ("TRUE", True), ("FALSE", False)):
        if tokens.accept(word):
            return lambda document: any((value is wanted) != negated for value in _select(document, path))
    raise tokens.unexpected("NULL, TRUE or FALSE")


def _path(selector: str) -> Path:
    steps: list[str | int] = []
    position = 1
    while position < len(selector):
        match = _STEP.match(selector, position)
        if match is None:
            raise InvalidFilterPattern(f"'{selector}' is not a property selector")
        index, single, double, name = match.group("index", "single", "double", "name")
        if index is not None:
            steps.append(_ANY_STEP if index == _ANY else int(index[:9]))
        else:
            steps.append(next(key for key in (single, double, name) if key is not None))
        position = match.end()
    return tuple(steps)


def _select(value: Any, path: Sequence[str | int]) -> Iterator[Any]:
    for position, step in enumerate(path):
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return
            value = value[step]
        elif not isinstance(value, list):
            return
        elif step == _ANY_STEP:
            for item in value:
                yield from _select(item, path[position + 1 :])
            return
        elif step >= len(value):
            return
        else:
            value = value[step]
    yield value
