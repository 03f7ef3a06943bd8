"""JSON filter patterns: ``{ $.error.code = 4* && ($.n > 1 || $.user IS NULL) }``."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from epochwatch.model.filter_conditions import Condition, Tokens, parse_conditions
from epochwatch.model.filter_literals import InvalidFilterPattern, JsonNumber, check, compare

Path: TypeAlias = tuple[str | int, ...]

_STEP: Final = re.compile(
    r"""\.?\[(?:(?P<index>\d+|\*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]|\.(?P<name>[^.\[]+)"""
)
_ANY: Final = "*"
_ANY_STEP: Final = -1
_MISSING: Final = object()
_LONGEST_INT: Final = 1000


class Properties(NamedTuple):
    """What stands inside the braces, as functions of a message's text."""

    matches: Condition
    values: Callable[[str], dict[str, str]]
    """The properties the condition names, by their selectors; those that are not there are left out."""


def parse(body: str) -> Properties:
    """Reads what stands inside the braces. Raises InvalidFilterPattern.

    A message that is no JSON object or array never matches; a property that is not there satisfies nothing
    but ``NOT EXISTS``.
    """
    tokens = Tokens(body)
    paths: dict[str, Path] = {}

    def comparison(inner: Tokens) -> Condition:
        token = inner.peek()
        if token.kind != "selector" or token.text == "$":
            raise inner.unexpected("a property such as $.name")
        path = paths[token.text] = _path(inner.take().text)
        return _comparison(inner, path)

    condition = parse_conditions(tokens, comparison)
    if tokens.peek().kind != "end":
        raise tokens.unexpected("&& or ||")

    def matches(message: str) -> bool:
        document = _document(message)
        return document is not None and condition(document)

    return Properties(matches, lambda message: _values(message, paths))


def reader(selector: str) -> Callable[[str], str | None]:
    """A function that finds a property such as ``$.loss`` or ``$.items[0]`` in a message: its text, None where it is
    not there. Raises InvalidFilterPattern.
    """
    if not selector.startswith(("$.", "$[")):
        raise InvalidFilterPattern(f"'{selector}' is not a property selector")
    paths = {selector: _path(selector)}
    return lambda message: _values(message, paths).get(selector)


def _values(message: str, paths: Mapping[str, Path]) -> dict[str, str]:
    document = _document(message)
    found = {name: next(_select(document, path), _MISSING) for name, path in paths.items()}
    return {name: _text(value) for name, value in found.items() if value is not _MISSING}


def _text(value: Any) -> str:
    if isinstance(value, JsonNumber):
        return value.text
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """``value`` with numbers that JSON can be written of."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if not isinstance(value, JsonNumber):
        return value
    return (
        int(value.text) if value.text.lstrip("-").isdecimal() and len(value.text) < _LONGEST_INT else float(value)
    )


def _document(message: str) -> Any:
    if message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(message, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _comparison(tokens: Tokens, path: Path) -> Condition:
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
