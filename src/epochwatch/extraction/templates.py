"""Templates: what lines have in common that are equal but for their digits.

A training prints few kinds of lines, each many times. A pattern that cannot tell one digit from another matches
all lines of a template, or none, and at the same places. So it is run on the template; from the lines the values
are cut out.
"""

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

from epochwatch.extraction.forms import ESCAPE, as_printed, escape_tabs
from epochwatch.extraction.health import Health
from epochwatch.extraction.linear import LONGEST
from epochwatch.extraction.matcher import Sought
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.plan import Attempt, Plan
from epochwatch.extraction.steps import where_told

_ONES = bytes.maketrans(b"0123456789", b"1111111111")
masked: Callable[[bytes], bytes] = methodcaller("translate", _ONES)
"""The text (one line or many) with every digit a 1."""

_MARK = b"\0"
_OTHER_ESCAPE = ESCAPE + _MARK
# What float() takes as it is, and never as an infinity or NaN, whatever its digits are.
_PLAIN = re.compile(
    rb"[ \t\"'`(\[{<]*([-+]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][-+]?[0-9]{1,2})?)"
)


def plain_form(raw: bytes) -> bytes:
    """Lines (one or many) with SageMaker's ``#011`` as the tab that it stands for. Other escapes, which part a
    line or are read by few patterns, get a mark by which ``Template.of`` knows them.
    """
    return raw.replace(b"#011", b"\t").replace(ESCAPE, _OTHER_ESCAPE) if ESCAPE in raw else raw


@dataclass(frozen=True, slots=True)
class Masked:
    """What to look for in masked lines in place of a pattern's literals."""

    literals: frozenset[bytes]
    folded: bool

    @classmethod
    def of(cls, sought: Sought) -> "Masked":
        """The same literals, masked."""
        return cls(frozenset(map(masked, sought.literals)), sought.folded)


@dataclass(slots=True, eq=False)
class Template:
    """Where the lines of a template have what is wanted of them."""

    step: slice | None = None
    epoch: slice | None = None
    values: tuple[tuple[slice, list[Any]], ...] = ()
    """Each value, and what ``Steps`` knows of its metric, in the order of the definitions."""
    name_ids: "array[int]" = field(default_factory=lambda: array("I"))
    healths: tuple[Health, ...] = ()
    searched: bool = False
    """Its lines must be searched one by one: what they hold depends on their digits, or is no plain number."""

    @classmethod
    def of(cls, line: bytes, plan: Plan) -> "Template":
        """The template of a (masked) line to which ``plan`` applies."""
        if plan.attempts is None or len(line) > LONGEST or _MARK in line:
            return SEARCHED
        whole = escape_tabs(line) if plan.escaped else line
        found: list[tuple[slice, Attempt]] = []
        for rule, attempt in zip(plan.rules, plan.attempts, strict=True):
            if not rule.pattern.blind_to_digits:
                return SEARCHED
            span = rule.pattern.span(whole if attempt.escaped else line) if line else None
            if span is not None:
                value = _escaped_number(line, whole, span) if attempt.escaped else _number(line, span)
                if value is None:
                    return SEARCHED
                found.append((value, attempt))
        step, epoch = where_told(line, plan.tellings)
        if step is not None and b"," in line[step]:
            return SEARCHED
        return cls(
            step,
            epoch,
            tuple((value, attempt.column.entry) for value, attempt in found),
            array("I", [attempt.column.name_id for _, attempt in found]),
            tuple(attempt.health for _, attempt in found),
        )

    def told(self, text: bytes) -> tuple[int | None, float | None]:
        """The step and the epoch that a line tells."""
        return (
            None if self.step is None else int(text[self.step]),
            None if self.epoch is None else float(text[self.epoch]),
        )


SEARCHED = Template(searched=True)
"""For the lines that must all be searched."""


def _number(line: bytes, span: tuple[int, int]) -> slice | None:
    """Where in the captured text the number stands that ``parse_number`` takes; None if it is not a plain one."""
    start, end = span
    captured = line[start:end] if start >= 0 else b""
    match = _PLAIN.match(captured)
    if match is None or parse_number(captured) != float(match[1]):
        return None
    return slice(start + match.start(1), start + match.end(1))


def _escaped_number(line: bytes, whole: bytes, span: tuple[int, int]) -> slice | None:
    """``_number`` for a span of the line's escaped form."""
    start, end = (len(as_printed(whole[:place])[0]) for place in span)
    return _number(line, (start, end)) if span[0] >= 0 and line[start:end] == whole[slice(*span)] else None
