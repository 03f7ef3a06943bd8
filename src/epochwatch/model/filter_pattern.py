"""The filter pattern language of CloudWatch Logs.

Three forms: terms (``ERROR -"timed out"``), JSON (``{ $.level = "error" }``) and space-delimited fields
(``[ip, ..., status = 5*]``); all may hold ``%regular expressions%``. A pattern never takes more than time linear
in the message.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from epochwatch.model import filter_fields, filter_json
from epochwatch.model.filter_conditions import MOST_REGEXES, TOO_MANY_REGEXES, Tokens, unquoted
from epochwatch.model.filter_literals import InvalidFilterPattern, Regex

__all__ = ["FilterPattern", "InvalidFilterPattern", "compile_pattern"]

_TERM: Final = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|(\S+))(?=\s|\Z)')


def _no_values(_: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class FilterPattern:
    """A compiled filter pattern."""

    source: str
    matches: Callable[[str], bool]
    """Whether a message matches."""
    required: tuple[str, ...] = ()
    """Texts that every matching message contains: a store may look for these first."""
    required_regexes: tuple[str, ...] = ()
    """Regular expressions of RE2 that are found in every matching message."""
    is_required: bool = False
    """Whether a message that has all of these matches."""
    kind: Literal["terms", "json", "fields"] = "terms"
    values: Callable[[str], Mapping[str, str]] = _no_values
    """What the pattern names of a message that matches: properties by their selectors, fields by ``$name``."""
    names: frozenset[str] = frozenset()
    """``$name`` of each field that a space-delimited pattern names."""
    regexes: int = 0
    """How many regular expressions it holds."""

    def reader(self, reference: str) -> Callable[[str], str | None]:
        """A function that finds in a matching message what ``$.property`` or ``$field`` refers to: its text, None
        where it is not there. Raises InvalidFilterPattern for what this pattern has none of.
        """
        if self.kind == "json":
            return filter_json.reader(reference)
        if reference not in self.names:
            raise InvalidFilterPattern(f"the pattern has no field '{reference}'")
        return lambda message: self.values(message).get(reference)


def compile_pattern(source: str) -> FilterPattern:
    """The pattern ``source``; empty or blank matches everything. Raises InvalidFilterPattern."""
    text = source.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise InvalidFilterPattern("a pattern that begins with { must end with }")
        properties = filter_json.parse(text[1:-1])
        return FilterPattern(
            source,
            properties.matches,
            kind="json",
            values=properties.values,
            regexes=Tokens(text[1:-1]).count("regex"),
        )
    if text.startswith("["):
        if not text.endswith("]"):
            raise InvalidFilterPattern("a pattern that begins with [ must end with ]")
        fields = filter_fields.parse(text[1:-1])
        return FilterPattern(
            source,
            fields.matches,
            kind="fields",
            values=fields.values,
            names=fields.names,
            regexes=Tokens(text[1:-1]).count("regex"),
        )
    return _terms(source, text)


def _terms(source: str, text: str) -> FilterPattern:
    by_sign: dict[str, list[Callable[[str], bool]]] = {"": [], "-": [], "?": []}
    required: list[str] = []
    required_regexes: list[str] = []
    position = regexes = 0
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
            if sign == "":
                required_regexes.append(regex)
            regexes += 1
            if regexes > MOST_REGEXES:
                raise InvalidFilterPattern(TOO_MANY_REGEXES)
            continue
        term = word if quoted is None else unquoted(f'"{quoted}"')
        if sign == "" and term:
            required.append(term)
        by_sign[sign].append(_contains(term))
    combined = _combine(by_sign[""], by_sign["-"], by_sign["?"])
    return FilterPattern(
        source,
        combined,
        tuple(required),
        tuple(required_regexes),
        is_required=not by_sign["-"] and (not by_sign["?"] or bool(by_sign[""])),
        regexes=regexes,
    )


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
