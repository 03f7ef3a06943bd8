"""Bytes of a log in, lines and columns of metric values out."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Self

from epochwatch.extraction.audit import Audit
from epochwatch.extraction.dimensions import Combinations
from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import as_printed, escape_tabs
from epochwatch.extraction.guard import Account, Guard
from epochwatch.extraction.health import Health
from epochwatch.extraction.learning import Learning
from epochwatch.extraction.lines import MAX_LINE, Framer, Lines
from epochwatch.extraction.lookback import BOTH, LookBack
from epochwatch.extraction.matcher import Finder, Selector, Span
from epochwatch.extraction.pattern import Capture
from epochwatch.extraction.plan import Columns, Plans, Rule, series_of
from epochwatch.extraction.reading import Reader, Rows
from epochwatch.extraction.searching import Guarded, Searcher
from epochwatch.extraction.steps import TELLINGS, Place, Steps, told
from epochwatch.extraction.templates import MOST, Templates, plain_form
from epochwatch.model.batch import Definition, DefinitionHealth

STATE_VERSION = 3


__all__ = ["STATE_VERSION", "Extracted", "Extractor"]

_RARE = 16384  # bytes of log for each line found, from which each looks back by itself for what it does not tell


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
        taken = frozenset(definition.name for definition in self._definitions)
        self._learning = Learning(taken, self._columns, self._steps) if automatic else None
        self._tabled = False
        self._reader = Reader(self._place, self._steps)
        self._searcher = Searcher(self._columns, self._place, self._steps, self._learning)
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
        self._templates = Templates(patterns, self._plans.of, learning=automatic, most=MOST if prefilter else 0)
        self._dense = False  # most of the log gives values
        self._wanted = 0  # what is looked for besides values, where they are many: the step, the epoch

    def feed(self, data: bytes, base_offset: int) -> Extracted:
        """The lines that ``data`` completes and their values. ``base_offset`` is the offset of the first byte
        in the source and must continue what was fed before.
        """
        return self._extract(self._framer.feed(data, base_offset))

    def glimpse(self) -> Extracted:
        """The values that the unfinished last line holds so far, with ``end`` one before ``offset``, and no line.
        A number at its very end is left out, as are values of which it may yet tell the step. The line is read anew
        when its end comes, as though it had not been looked at.
        """
        out = Extracted(Lines(self.offset, b""), self._columns.names, self._columns.series)
        twin = self.restore(self.state(), guard=self._guard)
        found = twin._extract(self._framer.glimpse())
        columns = zip(found.name_ids, found.values, found.steps, found.epochs, found.ends, strict=True)
        for name_id, value, step, epoch, end in columns:
            series = found.series[name_id]
            if twin._steps.told_always(series.label) or not self._steps.told_always(series.label):
                out.add(self._columns.of(series).name_id, value, step, epoch, end)
        return out

    def flush(self) -> Extracted:
        """The unfinished last line, at the end of the source."""
        return self._extract(self._framer.flush())

    def close(self) -> None:
        """Ends the worker process, if one was needed."""
        self._guard.close()

    def definitions(self) -> list[Definition]:
        """The definitions given, then those learnt from the log."""
        return self._definitions + (self._learning.definitions() if self._learning else [])

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
        return [rule.health for rule in self._rules] + (self._learning.tallies() if self._learning else [])

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
            "learning": self._learning.state() if self._learning else None,
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
        if self._learning is not None:
            self._learning.restore(state["learning"])

    def _extract(self, lines: Lines) -> Extracted:
        out = Extracted(lines, self._columns.names, self._columns.series)
        if not lines:
            return out
        guarded = self._guarded(lines) if self._any_guarded else {}
        if self._learning is not None or self._finder.every or self._dense:
            self._every_line(out, guarded)
        else:
            self._some_lines(out, guarded)
        self._reader.count()
        self._audit.look(out, self._selector.numbers, lambda raw: self._templates.of(plain_form(raw)))
        return out

    def _every_line(self, out: Extracted, guarded: Guarded) -> None:
        """One line after the other: where most give values, or fields are learnt."""
        self._look_back.settle()
        ends = out.lines.ends()
        self._lines(out, self._rows(out.lines.block, ends), guarded)
        self._dense = len(out.values) * 2 > len(ends)

    def _some_lines(self, out: Extracted, guarded: Guarded) -> None:
        """Only the lines that may give values, where they are few; where they are not so few, together with those
        that may tell what they do not.
        """
        lines, block = out.lines, out.lines.block
        found = self._finder.lines(block)
        often = len(found) * _RARE > len(block)
        self._look_back.begin(block)
        if found:
            tellers = self._look_back.tellers(found, self._wanted if often else 0)
            spans = list(dict.fromkeys(sorted(chain(found, *tellers.values())))) if tellers else found
            part = b"".join([block[start : newline + 1] for start, newline in spans])
            rows = self._rows(part, lines.ends_of([newline for _, newline in spans]), spans)
            rows.told = rows.telling(tellers)
            self._wanted = rows.wanted()
            self._lines(out, rows, guarded)
            self._dense = len(part) * 2 > len(block)
        self._look_back.end()

    def _rows(self, block: bytes, ends: Sequence[int], spans: Sequence[Span] = ()) -> Rows:
        """The lines of ``block``, which have these ends."""
        plain = plain_form(block)
        texts = plain.split(b"\n")[:-1]
        return Rows(self._templates.of_every(plain, texts), texts, ends, spans).without_idle()

    def _lines(self, out: Extracted, rows: Rows, guarded: Guarded) -> None:
        """Reads the lines of which the templates are ready, and searches the others."""
        begin, missing = 0, BOTH & ~rows.told
        for number in [n for n, t in enumerate(rows.templates) if t is None or not t.ready or t.untold & missing]:
            template = rows.templates[number]
            if template is None or not template.ready:
                self._read(out, rows, begin, number)
                self._search(out, rows, number, guarded)
                begin = number + 1
                if self._learning is not None and self._learning.tabled and not self._tabled:
                    self._tabled = True
                    self._templates.clear()
                    texts = rows.texts[begin:]
                    templates = self._templates.of_every(b"\n".join(texts), texts)
                    return self._lines(out, Rows(templates, texts, rows.ends[begin:]), guarded)
            elif template.untold & missing:  # else it was made ready by a line before
                self._read(out, rows, begin, number)
                self._look_back.catch_up(rows.spans[number][0], template.untold & missing)
                begin = number
        self._read(out, rows, begin, len(rows.texts))

    def _read(self, out: Extracted, rows: Rows, begin: int, until: int) -> None:
        """Reads lines of which the templates are ready, and for which is known what they do not tell."""
        if begin < until:
            self._reader.read(out, rows, begin, until)
            last = rows.last_with_values(begin, until)
            if last >= 0:
                self._look_back.know(BOTH, rows.spans[last][1] + 1)

    def _search(self, out: Extracted, rows: Rows, number: int, guarded: Guarded) -> None:
        """Searches a line of which the template is not ready."""
        text, template, end = rows.texts[number], rows.templates[number], rows.ends[number]
        raw = out.lines.text_of(end)
        plan = self._plans.of(self._selector.numbers(raw))
        sparse = bool(rows.spans and plan.rules)
        if sparse:
            self._look_back.catch_up(rows.spans[number][0], BOTH & ~rows.told)
        self._searcher.search(out, raw, plan, end, guarded)
        if sparse:
            self._look_back.know(BOTH, rows.spans[number][1] + 1)
        if template is None or template.searched:
            return
        if self._learning is None or not text or self._learning.complete(template, text):
            template.make_ready()

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

    def _guarded(self, lines: Lines) -> Guarded:
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
        found: dict[tuple[int, int], dict[int, list[Capture]]] = {}
        for number, pairs in asked.items():
            rule, texts = self._rules[number], [text for _, text in pairs]
            answers = self._guard.captures(number, rule.pattern, texts, rule.limit)
            for (place, _), answer in zip(pairs, answers, strict=True):
                found.setdefault(place, {})[number] = answer
        return found
