"""Templates: what lines have in common that are equal but for their digits.

A training prints few kinds of lines, each many times. A pattern that cannot tell one digit from another matches
all lines of a template, or none, and at the same places. So it is run on the template; from the lines the values
are cut out. Where a pattern asks for certain digits (``layer.7.norm=``), lines must have those in common, too.
"""

import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

from ahocorasick_rs import BytesAhoCorasick

from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import ESCAPE, as_printed, escape_tabs
from epochwatch.extraction.health import Health
from epochwatch.extraction.linear import LONGEST
from epochwatch.extraction.matcher import Selector
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.plan import Attempt, Plan
from epochwatch.extraction.steps import TELLINGS, Place, Steps, Telling, where_told

MOST = 8192
"""Templates that are remembered; when there are more, all are forgotten, as they may never come again."""

_DIGITS = frozenset(b"0123456789")
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
class _Masked:
    """What to look for in a masked line in place of the literals of a way to tell steps."""

    literals: frozenset[bytes]
    folded: bool = False


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
    kept: slice | None = None
    """Where some pattern asks for certain digits: each text there has a template of its own, in ``variants``."""
    variants: "dict[bytes, Template | None]" = field(default_factory=dict)

    @classmethod
    def of(cls, line: bytes, plan: Plan) -> "Template":
        """The template of a (masked) line to which ``plan`` applies."""
        if plan.attempts is None or len(line) > LONGEST or _MARK in line:
            return SEARCHED
        whole = escape_tabs(line) if plan.escaped else line
        found: list[tuple[slice, Attempt]] = []
        for rule, attempt in zip(plan.rules, plan.attempts, strict=True):
            if rule.pattern.texts_with_digits is None:
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


class Templates:
    """The templates of the lines met so far, as many as are worth remembering."""

    def __init__(
        self, patterns: Sequence[Pattern], plan_of: Callable[[tuple[int, ...]], Plan], *, most: int = MOST
    ) -> None:
        """``plan_of`` makes the plan for some of the patterns and, numbered behind them, of the ``TELLINGS``."""
        self._most = most
        self._plan_of = plan_of
        self._selector = Selector([*patterns, *map(_masked_telling, TELLINGS)])
        texts = {text for pattern in patterns for text in (*pattern.literals, *(pattern.texts_with_digits or ()))}
        with_digits = sorted({masked(text.lower()) for text in texts if not _DIGITS.isdisjoint(text)})
        self._with_digits = BytesAhoCorasick(with_digits) if with_digits else None
        self._known: dict[bytes, Template | None] = {}  # None: met once
        self._count = 0  # of them and their variants

    def of(self, text: bytes) -> Template | None:
        """The template of a line; None if it is not known."""
        template = self._known.get(masked(text))
        if template is None or template.kept is None:
            return template
        return template.variants.get(text[template.kept])

    def of_every(self, block: bytes) -> Iterator[Template | None]:
        """The template of each line of a block; of those with ``kept`` the one that has the variants."""
        return map(self._known.get, masked(block).split(b"\n"))

    def meet(self, text: bytes) -> None:
        """A line whose template is not known. It is made out when a second line has it: most that come once do not
        come again.
        """
        if len(text) > LONGEST or not self._most:
            return
        line = masked(text)
        template = self._known.get(line)
        if template is None and self._met(self._known, line):
            kept = self._kept(line)
            template = self._known[line] = self._template(line) if kept is None else Template(kept=kept)
        if template is not None and template.kept is not None:
            kept_text = text[template.kept]
            if self._met(template.variants, kept_text):
                begin, end = template.kept.start, template.kept.stop
                template.variants[kept_text] = self._template(line[:begin] + kept_text + line[end:])

    def _met(self, known: dict[bytes, Template | None], line: bytes) -> bool:
        """Whether the line was met before."""
        if line in known:
            return True
        if self._count >= self._most:
            self._count = 0
            self._known.clear()
        self._count += 1
        known[line] = None
        return False

    def _template(self, line: bytes) -> Template:
        return Template.of(line, self._plan_of(self._selector.numbers(line)))

    def _kept(self, line: bytes) -> slice | None:
        if self._with_digits is None:
            return None
        hits = self._with_digits.find_matches_as_indexes(line.lower(), overlapping=True)
        return slice(min(start for _, start, _ in hits), max(end for _, _, end in hits)) if hits else None


def reader(out: Extracted, place: Place, steps: Steps) -> Callable[[Template, bytes, int], None]:
    """A function that adds the values of a line (template, text and end) to ``out``. It is called once a line."""
    untold = steps.untold
    add_names, add_value, add_step = out.name_ids.extend, out.values.append, out.steps.append
    add_epoch, add_end = out.epochs.append, out.ends.append

    def read(template: Template, text: bytes, end: int) -> None:
        place.step = place.epoch = step = None
        if template.step is not None:
            place.step = place.last_step = step = int(text[template.step])
        if template.epoch is not None:
            place.epoch = place.last_epoch = float(text[template.epoch])
        if not template.values:
            return
        epoch = math.nan if place.last_epoch is None else place.last_epoch
        add_names(template.name_ids)
        for where, entry in template.values:
            add_value(float(text[where]))
            if step is None:
                add_step(untold(entry, place))
            else:
                entry[1] = step
                add_step(step)
            add_epoch(epoch)
            add_end(end)

    return read


def _masked_telling(telling: Telling) -> _Masked:
    return _Masked(frozenset(map(masked, telling.literals)))
