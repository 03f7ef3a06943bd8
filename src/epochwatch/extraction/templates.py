"""Templates: what lines have in common that are equal but for their digits.

A training prints few kinds of lines, each many times. A pattern that cannot tell one digit from another matches
all lines of a template, or none, and at the same places. So it is run on the template; from the lines the values
are cut out. Where a pattern asks for certain digits (``layer.7.norm=``), lines must have those in common, too.
"""

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter, methodcaller
from typing import Any

from ahocorasick_rs import BytesAhoCorasick

from epochwatch.extraction.forms import ESCAPE, as_printed, escape_tabs
from epochwatch.extraction.health import Health
from epochwatch.extraction.linear import LONGEST
from epochwatch.extraction.lookback import BOTH, EPOCH, STEP
from epochwatch.extraction.matcher import Selector
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.plan import Column, Plan
from epochwatch.extraction.shapes import ADDRESS, digits_kept
from epochwatch.extraction.steps import TELLINGS, Telling, where_told

MOST = 8192
"""Templates that are remembered; when there are more, all are forgotten, as they may never come again."""

_DIGITS = frozenset(b"0123456789")
_ONES = bytes.maketrans(b"0123456789", b"1111111111")
masked: Callable[[bytes], bytes] = methodcaller("translate", _ONES)
"""The text (one line or many) with every digit a 1."""

_MARK = b"\0"
_OTHER_ESCAPE = ESCAPE + _MARK
_escape = re.compile(ESCAPE).search  # twice as fast as ``in``
# What float() takes as it is, and never as an infinity or NaN, whatever its digits are.
_PLAIN = re.compile(
    rb"[ \t\"'`(\[{<]*([-+]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][-+]?[0-9]{1,2})?)"
)


def plain_form(raw: bytes) -> bytes:
    """Lines (one or many) with SageMaker's ``#011`` as the tab that it stands for. Other escapes, which part a
    line or are read by few patterns, get a mark by which ``Template.of`` knows them.
    """
    if not _escape(raw):
        return raw
    plain = b"\t".join(raw.split(b"#011"))  # replace() looks for it twice
    return plain.replace(ESCAPE, _OTHER_ESCAPE) if _escape(plain) else plain


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
    values: list[slice] = field(default_factory=list)
    """In the order of the definitions; behind them what is learnt, in the order printed."""
    entries: list[list[Any]] = field(default_factory=list)
    """What ``Steps`` knows of the metric of each value."""
    name_ids: "array[int]" = field(default_factory=lambda: array("I"))
    healths: list[Health] = field(default_factory=list)
    untold: int = 0
    """Which of step and epoch (as bits) its values need and its lines do not tell."""
    ready: bool = False
    """Its first line was searched, so that the others need not be."""
    idle: bool = False
    """Its lines give and tell nothing."""
    searched: bool = False
    """Its lines must be searched one by one: what they hold depends on their digits, or is no plain number."""
    kept: Callable[[bytes], Any] | None = None
    """Gives the digits of a line that matter as such: those with the same have a template, in ``variants``."""
    variants: "dict[Any, Template]" = field(default_factory=dict)

    @classmethod
    def of(cls, line: bytes, plan: Plan) -> "Template":
        """The template of a (masked) line to which ``plan`` applies."""
        if plan.attempts is None or len(line) > LONGEST or _MARK in line:
            return SEARCHED
        whole = escape_tabs(line) if plan.escaped else line
        template = cls(*where_told(line, plan.tellings))
        if template.step is not None and b"," in line[template.step]:
            return SEARCHED
        for rule, attempt in zip(plan.rules, plan.attempts, strict=True):
            if rule.pattern.texts_with_digits is None:
                return SEARCHED
            span = rule.pattern.span(whole if attempt.escaped else line) if line else None
            if span is not None:
                value = _escaped_number(line, whole, span) if attempt.escaped else plain_number(line, span)
                if value is None:
                    return SEARCHED
                template.add(value, attempt.column, attempt.health)
        return template

    def add(self, where: slice, column: Column, health: Health) -> None:
        """One more value that its lines have."""
        self.values.append(where)
        self.entries.append(column.entry)
        self.name_ids.append(column.name_id)
        self.healths.append(health)
        self.untold = BOTH & ~self.tells

    def make_ready(self) -> None:
        """Its lines hold what is known by now, and nothing else."""
        self.ready = True
        self.idle = not self.values and not self.tells

    @property
    def tells(self) -> int:
        """Which of step and epoch (as bits) its lines tell."""
        return (STEP if self.step is not None else 0) | (EPOCH if self.epoch is not None else 0)

    def told(self, text: bytes) -> tuple[int | None, float | None]:
        """The step and the epoch that a line tells."""
        return (
            None if self.step is None else int(text[self.step]),
            None if self.epoch is None else float(text[self.epoch]),
        )


SEARCHED = Template(searched=True)
"""For the lines that must all be searched."""


def plain_number(line: bytes, span: tuple[int, int]) -> slice | None:
    """Where in the captured text the number stands that ``parse_number`` takes; None if it is not a plain one."""
    start, end = span
    captured = line[start:end] if start >= 0 else b""
    match = _PLAIN.match(captured)
    if match is None or parse_number(captured) != float(match[1]):
        return None
    return slice(start + match.start(1), start + match.end(1))


def _escaped_number(line: bytes, whole: bytes, span: tuple[int, int]) -> slice | None:
    """``plain_number`` for a span of the line's escaped form."""
    start, end = (len(as_printed(whole[:place])[0]) for place in span)
    return plain_number(line, (start, end)) if span[0] >= 0 and line[start:end] == whole[slice(*span)] else None


class Templates:
    """The templates of the lines met so far, as many as are worth remembering."""

    def __init__(
        self,
        patterns: Sequence[Pattern],
        plan_of: Callable[[tuple[int, ...]], Plan],
        *,
        learning: bool = False,
        most: int = MOST,
    ) -> None:
        """``plan_of`` makes the plan for some of the patterns and, numbered behind them, of the ``TELLINGS``.
        With ``learning``, lines of a template have one shape.
        """
        self._most = most
        self._learning = learning
        self._mask = _masked_addresses if learning and not patterns else masked
        self._plan_of = plan_of
        self._selector = Selector([*patterns, *map(_masked_telling, TELLINGS)])
        texts = {text for pattern in patterns for text in (*pattern.literals, *(pattern.texts_with_digits or ()))}
        with_digits = sorted({masked(text.lower()) for text in texts if not _DIGITS.isdisjoint(text)})
        self._with_digits = BytesAhoCorasick(with_digits) if with_digits else None
        self._once: set[bytes | tuple[bytes, Any]] = set()  # lines met once, and variants
        self._known: dict[bytes, Template] = {}
        self._count = 0  # of them and their variants

    def of(self, text: bytes) -> Template | None:
        """The template of a line; None if it is not known."""
        template = self._known.get(self._mask(text))
        return (
            template if template is None or template.kept is None else template.variants.get(template.kept(text))
        )

    def of_every(self, block: bytes, texts: Sequence[bytes]) -> list[Template | None]:
        """The template of each line of a block, of which these are the texts; those that are not known are met."""
        masks = self._mask(block).split(b"\n")[: len(texts)]
        found: list[Template | None] = list(map(self._known.get, masks))
        if self._with_digits is not None or self._learning:
            found = [
                template
                if template is None or template.kept is None
                else template.variants.get(template.kept(text))
                for text, template in zip(texts, found, strict=True)
            ]
        if None in found:
            unknown = [number for number, template in enumerate(found) if template is None]
            if True in [self.meet(texts[number]) for number in unknown]:
                for number in unknown:
                    found[number] = self.of(texts[number])
        return found

    def clear(self) -> None:
        """Forgets them."""
        self._known.clear()
        self._count = 0

    def meet(self, text: bytes) -> bool:
        """A line whose template is not known. It is made out when a second line has it: most that come once do not
        come again. Whether it is known now.
        """
        if len(text) > LONGEST or not self._most:
            return False
        line = self._mask(text)
        template = self._known.get(line)
        if template is None:
            if not self._again(line):
                return False
            kept = self._kept(line)
            template = self._known[line] = Template(kept=itemgetter(*kept)) if kept else self._template(line)
        if template.kept is None:
            return True
        digits = template.kept(text)
        if not self._again((line, digits)):
            return False
        own = bytearray(line)
        for where in self._kept(line):
            own[where] = text[where]
        template.variants[digits] = self._template(bytes(own))
        return True

    def _again(self, line: bytes | tuple[bytes, Any]) -> bool:
        """Whether such a line was met before."""
        if line not in self._once:
            if len(self._once) >= self._most:
                self._once.clear()
            self._once.add(line)
            return False
        self._once.remove(line)
        if self._count >= self._most:
            self.clear()
        self._count += 1
        return True

    def _template(self, line: bytes) -> Template:
        return Template.of(line, self._plan_of(self._selector.numbers(line)))

    def _kept(self, line: bytes) -> list[slice]:
        """Where digits matter as such."""
        spans = digits_kept(line) if self._learning else []
        if self._with_digits is not None:
            hits = self._with_digits.find_matches_as_indexes(line.lower(), overlapping=True)
            spans += [(start, end) for _, start, end in hits]
        kept: list[slice] = []
        for start, end in sorted(spans):
            if kept and start <= kept[-1].stop:
                kept[-1] = slice(kept[-1].start, max(end, kept[-1].stop))
            else:
                kept.append(slice(start, end))
        return kept


def _masked_telling(telling: Telling) -> _Masked:
    return _Masked(frozenset(map(masked, telling.literals)))


def _masked_addresses(text: bytes) -> bytes:
    """``masked``, with every address in memory as carriage returns, which no line holds: a pattern might tell them
    apart, but no shape does.
    """
    return masked(ADDRESS.sub(_returns, text) if b"0x" in text else text)


def _returns(address: re.Match[bytes]) -> bytes:
    return b"\r" * len(address[0])
