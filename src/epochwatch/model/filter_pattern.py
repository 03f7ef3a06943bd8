"""The filter pattern language of CloudWatch Logs.

Three forms: terms (``ERROR -"timed out"``), JSON (``{ $.level = "error" }``) and space-delimited fields
(``[ip, ..., status = 5*]``); all may hold ``%regular expressions%``. A pattern never takes more than time linear
in the message.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from epochwatch.model import filter_fields, filter_json
from epochwatch.model.filter_conditions import unquoted
from epochwatch.model.filter_literals import InvalidFilterPattern, Regex

__all__ = ["FilterPattern", "InvalidFilterPattern", "compile_pattern"]

_TERM: Final = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|(\S+))(?=\s|\Z)')


@dataclass(frozen=True, slots=True)
class FilterPattern:
    """A compiled filter pattern."""

    source: str
    matches: Callable[[str], bool]
    """Whether a message matches."""
    required: tuple[str, ...] = ()
    """Texts that every matching message contains: a store may look for these first."""


def compile_pattern(source: str) -> FilterPattern:
    """The pattern ``source``; empty or blank matches everything. Raises InvalidFilterPattern."""
    text = source.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise InvalidFilterPattern("a pattern that begins with { must end with }")
        return FilterPattern(source, filter_json.parse(text[1:-1]))
    if text.startswith("["):
        if not text.endswith("]"):
            raise InvalidFilterPattern("a pattern that begins with [ must end with ]")
        return FilterPattern(source, filter_fields.parse(text[1:-1]))
    return _terms(source, text)


def _terms(source: str, text: str) -> FilterPattern:
    by_sign: dict[str, list[Callable[[str], bool]]] = {"": [], "-": [], "?": []}
    required: list[str] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidFilterPattern(f"cannot read the pattern at '{text[position:].strip()[:20]}'")
        sign, quoted, regex, word = match.groups()
        if word is not None and word[0] in '"%':
            raise InvalidFilterPattern(f"{word[0]} is not closed at '{word[:20]}'")
        position = match.end()
        if regex is not None:
            by_sign[sign].append(Regex(regex).equals)
            continue
        term = word if quoted is None else unquoted(f'"{quoted}"')
        if sign == "" and term:
            required.append(term)
        by_sign[sign].append(_contains(term))
    return FilterPattern(source, _combine(by_sign[""], by_sign["-"], by_sign["?"]), tuple(required))


def _contains(term: str) -> Callable[[str], bool]:
    return lambda message: term in message


def _combine(
    included: Sequence[Callable[[str], bool]],
    excluded: Sequence[Callable[[str], bool]],
    optional: Sequence[Callable[[str], bool]],
) -> Callable[[str], bool]:
    """All of the included, none of the excluded. Optional terms count only when there is nothing else, as in
    CloudWatch Logs.
    """
    if optional and not included and not excluded:
        return lambda message: any(term(message) for term in optional)
    return lambda message: all(term(message) for term in included) and not any(term(message) for term in excluded)
