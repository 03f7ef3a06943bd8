"""Bytes of a log in, lines and columns of metric values out."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.forms import Segments, escape_tabs
from epochwatch.extraction.guard import Account, Guard
from epochwatch.extraction.health import Health
from epochwatch.extraction.lines import MAX_LINE, Framer, Line
from epochwatch.extraction.matcher import Matcher
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Capture, Pattern
from epochwatch.extraction.steps import Place, Steps, as_epoch, as_step, context_patterns, is_epoch, is_step
from epochwatch.model.batch import Definition, DefinitionHealth

STATE_VERSION = 1


@dataclass(slots=True)
class Extracted:
    """What some bytes gave: lines, and values as columns with one entry per value, in the order printed."""

    lines: list[Line]
    names: list[str]
    """Every metric name the extractor has met so far; ``name_ids`` index into it. It only grows."""
    name_ids: "array[int]" = field(default_factory=lambda: array("I"))
    """uint32."""
    values: "array[float]" = field(default_factory=lambda: array("d"))
    """float64; NaN and infinities are kept."""
    steps: "array[int]" = field(default_factory=lambda: array("q"))
    """int64."""
    epochs: "array[float]" = field(default_factory=lambda: array("d"))
    """float64; NaN where unknown."""
    ends: "array[int]" = field(default_factory=lambda: array("Q"))
    """uint64: ``end`` of the line that each value came from; never decreases."""

    def add(self, name_id: int, value: float, step: int, epoch: float | None, end: int) -> None:
        """One more value."""
        self.name_ids.append(name_id)
        self.values.append(value)
        self.steps.append(step)
        self.epochs.append(math.nan if epoch is None else epoch)
        self.ends.append(end)


class Extractor:
    """Definitions, and the state of one source: a deterministic function of the bytes fed to it.

    How the bytes are cut into chunks changes nothing, and ``state``/``restore`` may stand between any two. Each
    definition gives at most one value per line (its first match), as SageMaker does; ``all_matches`` gives one
    for every match that does not overlap. Where several definitions of one name match a line, the first of
    them gives the value. With ``automatic``, fields that no definition names are learnt from the log.

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
        self._patterns = [Pattern(definition) for definition in self._definitions]
        context = context_patterns()
        everything = self._patterns + context
        self._tried = everything
        self._tells = [_tells(pattern) for pattern in everything]
        self._escaped = [number for number, pattern in enumerate(everything) if pattern.escaped]
        self._plain = [number for number, pattern in enumerate(everything) if not pattern.escaped]
        self._escaped_matcher = Matcher([everything[n] for n in self._escaped], prefilter=prefilter)
        self._plain_matcher = Matcher([everything[n] for n in self._plain], prefilter=prefilter)
        self._options = {"automatic": automatic, "all_matches": all_matches, "max_line": max_line}
        self._limit = 0 if all_matches else 1
        self._framer = Framer(max_line)
        self._guard = guard or Guard()
        self._steps = Steps()
        self._last = Place()
        self._health = [Health(pattern.definition, pattern) for pattern in self._patterns]
        self._learnt: dict[str, Health] = {}
        taken = frozenset(definition.name for definition in self._definitions)
        self._detector = Detector(taken) if automatic else None
        self._names: list[str] = []
        self._ids: dict[str, int] = {}

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
        given = len(self._health)
        return [
            tally.report(disabled=self._guard.disabled(number) if number < given else "")
            for number, tally in enumerate(self.tallies())
        ]

    def tallies(self) -> list[Health]:
        """Counts and examples of each of ``definitions()``, as they stand; they go on counting."""
        learnt = self._detector.definitions() if self._detector else []
        return self._health + [self._learnt[definition.name] for definition in learnt]

    def state(self) -> dict[str, Any]:
        """Everything that ``restore`` needs to go on behind the last byte fed; JSON-able."""
        return {
            "version": STATE_VERSION,
            "definitions": [[d.name, d.regex, d.origin] for d in self._definitions],
            "options": dict(self._options),
            "framer": self._framer.state(),
            "steps": self._steps.state(),
            "last": self._last.state(),
            "names": list(self._names),
            "health": [health.state() for health in self._health],
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
        self._last = Place(*state["last"])
        self._names = list(state["names"])
        self._ids = {name: number for number, name in enumerate(self._names)}
        for health, counts in zip(self._health, state["health"], strict=True):
            health.restore(counts)
        self._guard.accounts.update({number: Account(*spent) for number, *spent in state["guard"]})
        if self._detector is not None:
            self._detector.restore(state["detector"])
            for definition in self._detector.definitions():
                self._learnt[definition.name] = Health(definition)
                self._learnt[definition.name].restore(state["learnt"][definition.name])

    def _extract(self, lines: list[Line]) -> Extracted:
        out = Extracted(lines, self._names)
        if not lines:
            return out
        segments = Segments([line.text for line in lines])
        tries = self._candidates(segments)
        guarded = self._guarded(tries)
        visited = range(len(segments.texts)) if self._detector else sorted(tries)
        for segment in visited:
            text = segments.texts[segment]
            if text or segment in tries:
                matches = self._matches(segment, tries.get(segment, ()), guarded)
                place = self._place(matches)
                self._values(out, matches, place, lines[segments.line(segment)].end)
                if self._detector is not None:
                    self._learn(out, text, place, lines[segments.line(segment)].end)
        return out

    def _candidates(self, segments: Segments) -> dict[int, list[tuple[int, bytes]]]:
        """By segment, in the order of the patterns: (pattern, the text it is to be tried on)."""
        texts = segments.texts
        tries = {
            segment: [(self._plain[n], texts[segment]) for n in numbers]
            for segment, numbers in self._plain_matcher.candidates(texts, segments.block)
        }
        if self._escaped:
            whole, block = escape_tabs(segments)
            for line, numbers in self._escaped_matcher.candidates(whole, block):
                here = tries.setdefault(segments.first(line), [])
                here.extend((self._escaped[n], whole[line]) for n in numbers)
                here.sort(key=_number)
        return tries

    def _guarded(self, tries: dict[int, list[tuple[int, bytes]]]) -> dict[tuple[int, int], list[Capture]]:
        """What the worker found, by segment and pattern."""
        asked: dict[int, list[tuple[int, bytes]]] = {}
        for segment, pairs in tries.items():
            for number, text in pairs:
                if self._tried[number].engine == "python":
                    asked.setdefault(number, []).append((segment, text))
        found: dict[tuple[int, int], list[Capture]] = {}
        for number, pairs in asked.items():
            pairs.sort(key=_number)
            answers = self._guard.captures(number, self._tried[number], [text for _, text in pairs], self._limit)
            found.update(((segment, number), a) for (segment, _), a in zip(pairs, answers, strict=True))
        return found

    def _matches(
        self,
        segment: int,
        pairs: Sequence[tuple[int, bytes]],
        guarded: dict[tuple[int, int], list[Capture]],
    ) -> list[tuple[int, bytes, list[Capture]]]:
        """(pattern, text, captures) of the patterns that match the segment."""
        matches = []
        for number, text in pairs:
            pattern = self._tried[number]
            if pattern.engine == "python":
                captures = guarded[segment, number]
            elif self._limit:
                first = pattern.capture(text)
                captures = [] if first is None else [first]
            else:
                captures = pattern.captures(text)
            if captures:
                matches.append((number, text, captures))
        return matches

    def _place(self, matches: list[tuple[int, bytes, list[Capture]]]) -> Place:
        """What the matched segment tells of step and epoch; the first pattern to tell it wins."""
        step: int | None = None
        epoch: float | None = None
        for number, _, captures in matches:
            if not self._tells[number]:
                continue
            name, first = self._tried[number].definition.name, captures[0]
            if step is None:
                step = as_step(first.value if is_step(name) else first.step)
            if epoch is None:
                epoch = as_epoch(first.value if is_epoch(name) else first.epoch)
        place = Place(step, epoch, self._last.last_step, self._last.last_epoch)
        if step is not None:
            self._last.last_step = step
        if epoch is not None:
            self._last.last_epoch = epoch
        return place

    def _values(
        self, out: Extracted, matches: list[tuple[int, bytes, list[Capture]]], place: Place, end: int
    ) -> None:
        given: set[str] = set()
        for number, text, captures in matches:
            if number >= len(self._patterns):
                break  # the patterns behind the definitions tell steps only
            name = self._definitions[number].name
            fresh = name not in given
            for capture in captures:
                value = parse_number(capture.value)
                self._health[number].count(value, text, end)
                if value is not None and fresh:
                    given.add(name)
                    epoch = as_epoch(capture.epoch)
                    self._give(out, name, value, step=as_step(capture.step), epoch=epoch, place=place, end=end)

    def _learn(self, out: Extracted, text: bytes, place: Place, end: int) -> None:
        assert self._detector is not None
        for name, value, where in self._detector.observe(text, place):
            health = self._learnt.get(name)
            if health is None:
                health = self._learnt[name] = Health(self._detector.definition(name))
            health.count(value, text, end)
            self._give(out, name, value, step=None, epoch=None, place=where, end=end)

    def _give(
        self,
        out: Extracted,
        name: str,
        value: float,
        *,
        step: int | None,
        epoch: float | None,
        place: Place,
        end: int,
    ) -> None:
        name_id = self._ids.get(name)
        if name_id is None:
            name_id = self._ids[name] = len(self._names)
            self._names.append(name)
        if epoch is None:
            epoch = place.epoch if place.epoch is not None else place.last_epoch
        out.add(name_id, value, self._steps.step(name, step, place), epoch, end)


def _tells(pattern: Pattern) -> bool:
    """Whether a match of the pattern may tell the step or the epoch of its line."""
    name, groups = pattern.definition.name, pattern.groups
    return is_step(name) or is_epoch(name) or groups.step is not None or groups.epoch is not None


def _number(pair: tuple[int, bytes]) -> int:
    return pair[0]
