"""Bytes of a log in, lines and columns of metric values out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

from epochwatch.extraction.audit import Audit
from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.dimensions import Combinations
from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import ESCAPE, as_printed, escape_tabs
from epochwatch.extraction.guard import Account, Guard
from epochwatch.extraction.health import Health
from epochwatch.extraction.linear import LONGEST
from epochwatch.extraction.lines import MAX_LINE, Framer, Lines
from epochwatch.extraction.lookback import LookBack
from epochwatch.extraction.matcher import Finder, Selector
from epochwatch.extraction.numbers import parse_number, parse_scaled
from epochwatch.extraction.pattern import Capture
from epochwatch.extraction.plan import Column, Columns, Plan, Plans, Rule, series_of
from epochwatch.extraction.steps import TELLINGS, Place, Steps, as_epoch, as_step, is_epoch, is_step, told
from epochwatch.extraction.templates import MOST, Template, Templates, plain_form, reader
from epochwatch.model.batch import Definition, DefinitionHealth
from epochwatch.model.run_series import RunSeries

STATE_VERSION = 2


__all__ = ["STATE_VERSION", "Extracted", "Extractor"]

_SPARSE = 500  # bytes of log for each line found, from which the lines need not be counted

_Match = tuple[Rule, bytes, list[Capture]]  # the rule, the text it saw, what it captured
_Guarded = dict[tuple[int, int], dict[int, list[Capture]]]
"""What the worker found: by line (its end) and segment, and by rule."""


class Extractor:
    """Definitions, and the state of one source: a deterministic function of the bytes fed to it.

    How the bytes are cut into chunks changes nothing, and ``state``/``restore`` may stand between any two. Each
    definition gives at most one value per line (its first match), as SageMaker does; one whose group is named
    ``values``, or each with ``all_matches``, gives one for every match that does not overlap another. Where
    several definitions of one name match a line, the first of them gives the value. With ``automatic``, fields
    that no definition names are learnt from the log.

    ``prefilter=False`` tries every pattern on every line: the same answers, slowly.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        *,
        automatic: bool,
        all_matches: bool = False,
        max_line: int = MAX_LINE,
        prefilter: bool = True,
        guard: Guard | None = None,
    ) -> None:
        self._definitions = list(definitions)
        self._options = {"automatic": automatic, "all_matches": all_matches, "max_line": max_line}
        self._framer = Framer(max_line)
        self._guard = guard or Guard()
        self._steps = Steps()
        self._place = Place()
        self._look_back = LookBack(self._place, self._told)
        self._columns = Columns(self._steps)
        self._rules = [
            Rule.of(number, definition, self._columns, all_matches=all_matches)
            for number, definition in enumerate(self._definitions)
        ]
        self._audit = Audit(self._rules)
        patterns = [rule.pattern for rule in self._rules]
        self._any_guarded = any(pattern.engine == "python" for pattern in patterns)
        self._finder = Finder(patterns, prefilter=prefilter)
        self._selector = Selector([*patterns, *TELLINGS], prefilter=prefilter)
        self._plans = Plans(self._rules)
        self._templates = Templates(patterns, self._plans.of, most=MOST if prefilter else 0)
        self._dense = False  # most lines give values
        self._learnt: dict[str, Health] = {}
        taken = frozenset(definition.name for definition in self._definitions)
        self._detector = Detector(taken) if automatic else None

    def feed(self, data: bytes, base_offset: int) -> Extracted:
        """The lines that ``data`` completes and their values. ``base_offset`` is the offset of the first byte
        in the source and must continue what was fed before.
        """
        return self._extract(self._framer.feed(data, base_offset))

    def flush(self) -> Extracted:
        """The unfinished last line, at the end of the source."""
        return self._extract(self._framer.flush())

    def close(self) -> None:
        """Ends the worker process, if one was needed."""
        self._guard.close()

    def definitions(self) -> list[Definition]:
        """The definitions given, then those learnt from the log."""
        return self._definitions + (self._detector.definitions() if self._detector else [])

    def health(self) -> list[DefinitionHealth]:
        """How each of ``definitions()`` has fared so far."""
        given = len(self._rules)
        return [
            tally.report(disabled=self._guard.disabled(number), ambiguous=self._audit.ambiguities(number))
            if number < given
            else tally.report()
            for number, tally in enumerate(self.tallies())
        ]

    def tallies(self) -> list[Health]:
        """Counts and examples of each of ``definitions()``, as they stand; they go on counting."""
        learnt = self._detector.definitions() if self._detector else []
        return [rule.health for rule in self._rules] + [self._learnt[definition.name] for definition in learnt]

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to go on behind the last byte fed; JSON-able."""
        self._look_back.settle()
        return {
            "version": STATE_VERSION,
            "definitions": [[d.name, d.regex, d.origin, d.unit, d.resolution] for d in self._definitions],
            "options": dict(self._options),
            "framer": self._framer.state(),
            "steps": self._steps.state(),
            "last": self._place.state(),
            "columns": self._columns.state(),
            "combinations": [rule.combinations.state() for rule in self._rules],
            "audit": self._audit.state(),
            "health": [rule.health.state() for rule in self._rules],
            "learnt": {name: health.state() for name, health in self._learnt.items()},
            "detector": self._detector.state() if self._detector else None,
            "guard": [[number, a.strikes, a.texts, a.seconds] for number, a in self._guard.accounts.items()],
        }

    @classmethod
    def restore(cls, state: dict[str, Any], *, guard: Guard | None = None) -> Self:
        """An extractor that goes on where ``state`` was taken. Raises ValueError if the state is of another
        version of this format: read the source from its beginning then.
        """
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"extraction state of version {state.get('version')}, not {STATE_VERSION}")
        extractor = cls([Definition(*words) for words in state["definitions"]], guard=guard, **state["options"])
        extractor._resume(state)
        return extractor

    @property
    def offset(self) -> int:
        """Offset just behind the last byte fed."""
        return self._framer.offset

    def _resume(self, state: dict[str, Any]) -> None:
        self._framer.restore(state["framer"])
        self._steps.restore(state["steps"])
        self._place.restore(state["last"])
        self._columns.restore(state["columns"])
        self._plans.clear()
        own = zip(self._rules, state["health"], state["combinations"], strict=True)
        for rule, counts, combinations in own:
            rule.column = self._columns.of(series_of(rule.pattern.definition))
            rule.health.restore(counts)
            rule.combinations = Combinations.restored(combinations)
        self._audit.restore(state["audit"])
        self._guard.accounts.update({number: Account(*spent) for number, *spent in state["guard"]})
        if self._detector is not None:
            self._detector.restore(state["detector"])
            for definition in self._detector.definitions():
                self._learnt[definition.name] = Health(definition)
                self._learnt[definition.name].restore(state["learnt"][definition.name])

    def _extract(self, lines: Lines) -> Extracted:
        out = Extracted(lines, self._columns.names, self._columns.series)
        if not lines:
            return out
        guarded = self._guarded(lines) if self._any_guarded else {}
        used: list[Template] = []
        if self._detector is not None or self._finder.every or self._dense:
            self._every_line(out, guarded, used)
        else:
            self._some_lines(out, guarded, used)
        for template, times in Counter(used).items():
            for health in template.healths:
                health.matched += times
        self._audit.look(out, self._selector.numbers)
        return out

    def _every_line(self, out: Extracted, guarded: _Guarded, used: list[Template]) -> None:
        """One line after the other: where most give values, or fields are learnt."""
        self._look_back.settle()
        block = plain_form(out.lines.block)
        raws = out.lines.texts()
        texts = raws if block is out.lines.block else block.split(b"\n")
        templates = self._templates.of_every(block)
        read = reader(out, self._place, self._steps)
        for raw, text, end, common in zip(raws, texts, out.lines.ends(), templates, strict=False):
            kept = None if common is None else common.kept
            template = common if common is None or kept is None else common.variants.get(text[kept])
            if template is None or template.searched:
                self._search(out, raw, end, guarded)
                if template is None:
                    self._templates.meet(text)
                continue
            read(template, text, end)
            if template.values:
                used.append(template)
            if self._detector is not None and text:
                self._learn(out, text, end)
        self._dense = len(out.values) * 2 > len(raws)

    def _some_lines(self, out: Extracted, guarded: _Guarded, used: list[Template]) -> None:
        """Only the lines that may give values: where they are few."""
        lines, block = out.lines, out.lines.block
        found = self._finder.lines(block)
        look_back, read = self._look_back, reader(out, self._place, self._steps)
        look_back.begin(block)
        for start, newline in found:
            raw = block[start:newline]
            text = plain_form(raw) if ESCAPE in raw else raw
            template = self._templates.of(text)
            if template is None or template.searched:
                if template is None:
                    self._templates.meet(text)
                numbers = self._selector.numbers(raw)
                if not numbers or numbers[0] >= len(self._rules):
                    continue
                look_back.catch_up(start, step=True, epoch=True)
                self._search(out, raw, lines.end_of(newline), guarded)
            elif template.values:
                look_back.catch_up(start, step=template.step is None, epoch=template.epoch is None)
                read(template, text, lines.end_of(newline))
                used.append(template)
            else:
                continue
            look_back.passed(newline)
        look_back.end()
        self._dense = len(found) * _SPARSE > len(block) and len(found) * 2 > len(lines)

    def _told(self, raw: bytes) -> tuple[int | None, float | None]:
        """The step and the epoch that a line tells where no rule does."""
        text = plain_form(raw)
        template = self._templates.of(text)
        if template is not None and not template.searched:
            return template.told(text)
        if template is None:
            self._templates.meet(text)
        tellings = self._plans.of(self._selector.numbers(raw)).tellings
        step, epoch = None, None
        for segment in as_printed(raw):
            own_step, own_epoch = told(segment, tellings)
            step = step if own_step is None else own_step
            epoch = epoch if own_epoch is None else own_epoch
        return step, epoch

    def _search(self, out: Extracted, raw: bytes, end: int, guarded: _Guarded) -> None:
        """The values of a line, by searching it with every pattern that may match."""
        plan = self._plans.of(self._selector.numbers(raw))
        segments = as_printed(raw) if ESCAPE in raw else (raw,)
        whole = escape_tabs(raw) if plan.escaped else raw
        for part, text in enumerate(segments):
            if part == 1:
                plan = plan.as_printed_only()
            if plan.attempts is not None:
                self._simple(out, plan, text, whole, end)
            else:
                self._general(out, plan, text, whole, guarded.get((end, part), {}), end)
            if self._detector is not None and text:
                self._learn(out, text, end)

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
                if step is not None:
                    column.entry[1] = step
                next_step = self._steps.step(column.entry, None, place) if step is None else step
                out.add(column.name_id, value, next_step, place.last_epoch, end)

    def _general(
        self,
        out: Extracted,
        plan: Plan,
        text: bytes,
        whole: bytes,
        guarded: dict[int, list[Capture]],
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
                    step, epoch = as_step(capture.step), as_epoch(capture.epoch)
                    self._give(out, column, value, step, epoch, self._place, end)

    def _guarded(self, lines: Lines) -> _Guarded:
        """What the worker found."""
        asked: dict[int, list[tuple[tuple[int, int], bytes]]] = {}
        for start, newline in self._finder.lines(lines.block):
            line = lines.block[start:newline]
            for number in self._selector.numbers(line):
                if number >= len(self._rules) or self._rules[number].pattern.engine != "python":
                    continue
                end = lines.end_of(newline)
                texts = [escape_tabs(line)] if self._rules[number].pattern.escaped else as_printed(line)
                asked.setdefault(number, []).extend(((end, part), text) for part, text in enumerate(texts) if text)
        found: _Guarded = {}
        for number, pairs in asked.items():
            rule, texts = self._rules[number], [text for _, text in pairs]
            answers = self._guard.captures(number, rule.pattern, texts, rule.limit)
            for (place, _), answer in zip(pairs, answers, strict=True):
                found.setdefault(place, {})[number] = answer
        return found

    def _learn(self, out: Extracted, text: bytes, end: int) -> None:
        assert self._detector is not None
        for name, value, where in self._detector.observe(text, self._place):
            health = self._learnt.get(name)
            if health is None:
                health = self._learnt[name] = Health(self._detector.definition(name))
            health.count(value, text, end)
            self._give(out, self._columns.of(RunSeries(name)), value, None, None, where, end)

    def _give(
        self,
        out: Extracted,
        column: Column,
        value: float,
        step: int | None,
        epoch: float | None,
        place: Place,
        end: int,
    ) -> None:
        """One more value; ``step`` and ``epoch`` are what its own match says."""
        if epoch is None:
            epoch = place.epoch if place.epoch is not None else place.last_epoch
        out.add(column.name_id, value, self._steps.step(column.entry, step, place), epoch, end)


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
