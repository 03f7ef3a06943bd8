"""One compiled definition: how a line is searched with it and what of the match counts."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from epochwatch.extraction.digits import texts_with_digits
from epochwatch.extraction.dimensions import PLACE_GROUPS, dimension_groups
from epochwatch.extraction.forms import ESCAPE, common_part
from epochwatch.extraction.linear import LONGEST, is_cheap, searches_from_start
from epochwatch.extraction.literals import MINIMUM, required_literals
from epochwatch.extraction.syntax import Parsed, UnsupportedError, certain_groups, parse, to_re2
from epochwatch.model.batch import Definition

_NONE = (-1, -1)
# The public search() builds three Python objects a call, which is most of the cost of a capture.
_UNANCHORED = re2._re2.RE2.Anchor.UNANCHORED


class Capture(NamedTuple):
    """What a match gives: the texts of the value and of the named groups ``step``, ``epoch`` and ``scale``."""

    value: bytes
    step: bytes | None = None
    epoch: bytes | None = None
    scale: bytes | None = None
    dimensions: tuple[bytes | None, ...] = ()
    """The texts of the groups that become dimensions, by their names in order."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which groups of the match matter."""

    value: tuple[int, ...]
    """The value is the first of these that took part."""
    every: bool
    """Each match of a line that does not overlap another counts, not only the first."""
    step: int | None
    epoch: int | None
    scale: int | None
    dimensions: tuple[int, ...] = ()

    @property
    def only_value(self) -> bool:
        """Whether the first match tells a value and nothing else."""
        return len(self.value) == 1 and not self.every and not self._others()

    def wanted(self) -> set[int]:
        """Their numbers."""
        return (set(self.value) | self._others()) - {0}

    def _others(self) -> set[int]:
        return {group for group in (*self._place(), *self.dimensions) if group is not None}

    def _place(self) -> tuple[int | None, int | None, int | None]:
        return self.step, self.epoch, self.scale

    def renumbered(self) -> "Groups":
        """The same groups when no others capture."""
        number = {group: index for index, group in enumerate(sorted(self.wanted()), 1)} | {0: 0}
        step, epoch, scale = (None if group is None else number[group] for group in self._place())
        value, dimensions = (tuple(number[group] for group in groups) for groups in (self.value, self.dimensions))
        return Groups(value, self.every, step, epoch, scale, dimensions)

    def capture(self, text: bytes, spans: Sequence[tuple[int, int]]) -> Capture:
        """The capture of a match on ``text`` with these spans by group number."""
        start, end = self.value_span(spans)
        step, epoch, scale = (self._text(text, spans, group) for group in self._place())
        dimensions = tuple([self._text(text, spans, group) for group in self.dimensions])
        return Capture(text[start:end] if start >= 0 else b"", step, epoch, scale, dimensions)

    def value_span(self, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Where the value of such a match stands; it begins at -1 where none of its groups took part."""
        return next((spans[group] for group in self.value if spans[group][0] >= 0), _NONE)

    @staticmethod
    def _text(text: bytes, spans: Sequence[tuple[int, int]], group: int | None) -> bytes | None:
        if group is None or spans[group][0] < 0:
            return None
        return text[spans[group][0] : spans[group][1]]


class Pattern:
    """A definition's regular expression, compiled. Raises ``re.error`` if Python cannot parse it.

    ``engine`` is ``re2``, or ``python`` where ``reason`` says why RE2 cannot run it; such a pattern is run by the
    guarded worker only, never here.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        parsed = parse(definition.regex)
        self.source = parsed.source
        self.wide = parsed.wide
        self.escaped = "#01" in definition.regex
        """It is written for SageMaker's escaped log lines, where a tab is ``#011``."""
        literals, self.folded = required_literals(parsed)
        self.literals = _in_either_form(literals, escaped=self.escaped)
        self.groups = _groups(parsed)
        self.dimensions = tuple(dimension_groups(parsed.names))
        """The names of its groups that become dimensions, in order."""
        self.reason = ""
        self._regexp = self._compile(parsed)
        self.engine = "python" if self._regexp is None else "re2"
        self._spans = self.groups.renumbered()
        self.short: Callable[[bytes], re.Match[bytes] | None] | None = None
        """Finds the first match in a text of at most ``LONGEST`` bytes; None if only RE2 may."""
        if self._regexp is not None and is_cheap(parsed):
            compiled = re.compile(self.source.encode())
            self.short = compiled.match if searches_from_start(parsed) else compiled.search
        self.only_value = self.groups.only_value
        """``value`` tells all that ``capture`` does."""
        self.texts_with_digits = texts_with_digits(parsed)

    @property
    def warning(self) -> str:
        """What the user should know about the definition before it has seen a line; empty if nothing."""
        if self._regexp is None:
            return f"runs in a guarded worker, slower: {self.reason}"
        if not self.literals:
            return "has no fixed text to look for, so every line is tried"
        if self.groups.value == (0,):
            return "has no group: the whole match is the value"
        return ""

    def value(self, text: bytes) -> bytes | None:
        """``capture(text).value``, sooner; None if there is no match. Only where ``only_value``."""
        if self.wide:
            text = self.seen(text)
        span = self.span(text)
        return None if span is None else text[slice(*span)]

    def span(self, text: bytes) -> tuple[int, int] | None:
        """Where in ``text`` (as ``seen``) the ``value`` stands; it begins at -1 where its group took no part."""
        if self.short is not None and len(text) <= LONGEST:
            match = self.short(text)
            return None if match is None else match.span(self.groups.value[0])
        spans = self._regexp.Match(_UNANCHORED, text, 0, len(text))
        return None if spans[0] == _NONE else spans[-1]

    def capture(self, text: bytes) -> Capture | None:
        """The first match in ``text``, in time linear in its length. Only for the engine ``re2``."""
        if self.short is not None and len(text) <= LONGEST:
            match = self.short(text)
            return None if match is None else self.groups.capture(text, match.regs)
        if self.wide:
            text = self.seen(text)
        spans = self._regexp.Match(_UNANCHORED, text, 0, len(text))
        if spans[0] == _NONE:
            return None
        return self._spans.capture(text, spans)

    def captures(self, text: bytes) -> list[Capture]:
        """All matches in ``text`` that do not overlap, as ``re.finditer`` finds them."""
        text = self.seen(text)
        return [self._spans.capture(text, spans) for spans in self._matches(text)]

    def value_spans(self, text: bytes) -> list[tuple[int, int]]:
        """Where in ``text`` (as ``seen``) the values of all ``captures`` stand."""
        return [self._spans.value_span(spans) for spans in self._matches(self.seen(text))]

    def _matches(self, text: bytes) -> Iterator[Sequence[tuple[int, int]]]:
        position = 0
        while position <= len(text):
            spans = self._regexp.Match(_UNANCHORED, text, position, len(text))
            if spans[0] == _NONE:
                return
            yield spans
            start, end = spans[0]
            position = end if end > start else end + 1

    def seen(self, text: bytes) -> bytes:
        """The text as this pattern sees it: valid UTF-8 where it names characters beyond ASCII."""
        if self.wide and not text.isascii():
            return text.decode("utf-8", "replace").encode()
        return text

    def _compile(self, parsed: Parsed) -> Any:
        try:
            translated = to_re2(parsed, self.groups.wanted())
        except UnsupportedError as unsupported:
            self.reason = str(unsupported)
            return None
        options = re2.Options()
        options.log_errors = False
        options.encoding = options.Encoding.UTF8 if parsed.wide else options.Encoding.LATIN1
        try:
            return re2.compile(translated.encode(), options)._regexp
        except re2.error as error:
            message = error.args[0]
            self.reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
            return None


@lru_cache(maxsize=512)
def compiled(definition: Definition) -> Pattern:
    """The definition's pattern. It knows nothing of where it was used, so those who read by one definition share it:
    to compile one takes half a millisecond.
    """
    return Pattern(definition)


def _groups(parsed: Parsed) -> Groups:
    step, epoch, scale = others = [parsed.names.get(name) for name in PLACE_GROUPS]
    named = parsed.names.get("value", parsed.names.get("values"))
    if named is not None:
        value: tuple[int, ...] = (named,)
    else:
        certain = certain_groups(parsed.tree)
        values: list[int] = []
        for group in range(1, parsed.groups + 1):
            if group not in others:
                values.append(group)
                if group in certain:
                    break
        value = tuple(values) or (0,)
    every = "values" in parsed.names and "value" not in parsed.names
    return Groups(value, every, step, epoch, scale, tuple(dimension_groups(parsed.names).values()))


def _in_either_form(literals: frozenset[str], *, escaped: bool) -> frozenset[bytes]:
    """The literals as they stand in a line of either form, or texts that stand for them."""
    common = {common_part(literal, escaped=escaped) for literal in literals}
    found = {text.encode() for text in common if len(text) >= MINIMUM}
    if len(found) < len(common):
        found |= {b"\t", ESCAPE}  # what is not found in both forms holds a tab in one
    return frozenset(found)
