"""Searches a line with every pattern that may match it: its values go into the columns one by one."""

from collections.abc import Mapping

from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import ESCAPE, as_printed, escape_tabs
from epochwatch.extraction.learning import Learning
from epochwatch.extraction.linear import LONGEST
from epochwatch.extraction.numbers import parse_number, parse_scaled
from epochwatch.extraction.pattern import Capture
from epochwatch.extraction.plan import Columns, Plan, Rule
from epochwatch.extraction.steps import Place, Steps, as_epoch, as_step, is_epoch, is_step, told

_Match = tuple[Rule, bytes, list[Capture]]  # the rule, the text it saw, what it captured
Guarded = Mapping[tuple[int, int], Mapping[int, list[Capture]]]
"""What the worker found: by line (its end) and segment, and by rule."""


class Searcher:
    """Adds what a search of each line finds; ``place`` and ``steps`` go on from line to line. ``learning`` sees
    every line where fields are learnt.
    """

    def __init__(self, columns: Columns, place: Place, steps: Steps, learning: Learning | None) -> None:
        self._columns = columns
        self._place = place
        self._steps = steps
        self._learning = learning

    def search(self, out: Extracted, raw: bytes, plan: Plan, end: int, guarded: Guarded) -> None:
        """Adds the values of a line that ends there, to which ``plan`` applies."""
        segments = as_printed(raw) if ESCAPE in raw else (raw,)
        whole = escape_tabs(raw) if plan.escaped else raw
        for part, text in enumerate(segments):
            if part == 1:
                plan = plan.as_printed_only()
            if plan.attempts is not None:
                self._simple(out, plan, text, whole, end)
            else:
                self._general(out, plan, text, whole, guarded.get((end, part), {}), end)
            if self._learning is not None and text:
                self._learning.learn(out, text, self._place, end)

    def _simple(self, out: Extracted, plan: Plan, text: bytes, whole: bytes, end: int) -> None:
        """The values of a segment by rules that give one at most."""
        place = self._place
        step, epoch = told(text, plan.tellings) if plan.tellings else (None, None)
        place.set(step, epoch)
        quick = len(whole) <= LONGEST
        for short, group, search, escaped, health, column in plan.attempts or ():
            seen = whole if escaped else text
            if short is not None and quick:
                match = short(seen) if seen else None
                captured = None if match is None else match[group] or b""
            else:
                captured = search(seen) if seen else None
            if captured is None:
                continue
            value = parse_number(captured)
            health.count(value, seen, end)
            if value is not None:
                out.add(column.name_id, value, self._steps.step(column.entry, step, place), place.last_epoch, end)

    def _general(
        self,
        out: Extracted,
        plan: Plan,
        text: bytes,
        whole: bytes,
        guarded: Mapping[int, list[Capture]],
        end: int,
    ) -> None:
        """The values of a segment by any rules."""
        matches: list[_Match] = []
        for rule in plan.rules:
            seen = whole if rule.pattern.escaped else text
            captures = rule.captures(seen, guarded) if seen else []
            if captures:
                matches.append((rule, seen, captures))
        step, epoch = _told(matches)
        if plan.tellings and (step is None or epoch is None):
            own_step, own_epoch = told(text, plan.tellings)
            step = own_step if step is None else step
            epoch = own_epoch if epoch is None else epoch
        self._place.set(step, epoch)
        if matches:
            self._values(out, matches, end)

    def _values(self, out: Extracted, matches: list[_Match], end: int) -> None:
        given: set[str] = set()
        place = self._place
        for rule, text, captures in matches:
            fresh = rule.name not in given
            for capture in captures:
                scale = capture.scale
                value = parse_number(capture.value) if scale is None else parse_scaled(capture.value, scale)
                rule.health.count(value, text, end)
                if value is None:
                    continue
                if not fresh:
                    rule.health.overshadow(value, text, end)
                    continue
                given.add(rule.name)
                column = rule.column_of(capture, self._columns)
                if column is not None:
                    step = self._steps.step(column.entry, as_step(capture.step), place)
                    epoch = as_epoch(capture.epoch)
                    out.add(column.name_id, value, step, place.last_epoch if epoch is None else epoch, end)


def _told(matches: list[_Match]) -> tuple[int | None, float | None]:
    """What the matches tell of step and epoch; the first rule to tell it wins."""
    step: int | None = None
    epoch: float | None = None
    for rule, _, captures in matches:
        if rule.tells:
            first = captures[0]
            if step is None:
                step = as_step(first.value if is_step(rule.name) else first.step)
            if epoch is None:
                epoch = as_epoch(first.value if is_epoch(rule.name) else first.epoch)
    return step, epoch
