"""Looks at the first lines that each definition matches for what its author cannot have meant."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from epochwatch.extraction.forms import as_printed, escape_tabs
from epochwatch.extraction.plan import Rule
from epochwatch.model.batch import Ambiguity

ENOUGH = 50
"""Lines looked at of each definition."""
_EXAMPLE = 200
"""Characters of an example."""

Spans = list[tuple[int, int]]
"""Where the values of all matches in a text stand."""


class Finding:
    """What the lines that one definition matched have shown."""

    __slots__ = ("examples", "looked", "matched", "same", "several")

    def __init__(self) -> None:
        self.looked = 0
        """Lines looked at."""
        self.matched = 0
        """Matches that were counted when it was looked last."""
        self.same: list[str] | None = None
        """Other names whose definitions captured the same text on every line so far; None before the first."""
        self.several = 0
        """Lines with several matches whose texts differ."""
        self.examples: list[str] = ["", ""]
        """Of the same text, and of several matches."""

    def see(self, text: bytes, spans: Spans, others: Sequence[str], *, every: bool) -> None:
        """One more line; ``others`` captured the same text there, ``every`` match counts."""
        self.looked += 1
        known = others if self.same is None else self.same
        self.same = [name for name in dict.fromkeys(others) if name in known]
        if self.same and not self.examples[0]:
            self.examples[0] = _example(text)
        if not every and len({text[start:end] for start, end in spans}) > 1:
            self.several += 1
            self.examples[1] = self.examples[1] or _example(text)

    def ambiguities(self) -> list[Ambiguity]:
        """What to tell of the definition."""
        found = [
            Ambiguity("same-text", self.looked, self.looked, self.examples[0], name) for name in self.same or ()
        ]
        if self.several:
            found.append(Ambiguity("several-matches", self.several, self.looked, self.examples[1]))
        return found

    def state(self) -> list[Any]:
        """For ``restore``; JSON-able."""
        return [self.looked, self.matched, self.same, self.several, self.examples]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.looked, self.matched, self.same, self.several, self.examples = state


class Audit:
    """The findings of all definitions. Which lines are looked at does not depend on how the source arrives."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._findings = [Finding() for _ in rules]

    def due(self) -> set[int]:
        """The definitions that have matched since they were looked at, and need to be looked at still."""
        due = set()
        for rule, finding in zip(self._rules, self._findings, strict=True):
            if finding.looked < ENOUGH and rule.health.matched > finding.matched and rule.pattern.engine == "re2":
                finding.matched = rule.health.matched
                due.add(rule.number)
        return due

    def look(self, lines: Iterable[tuple[bytes, Sequence[int]]], due: set[int]) -> None:
        """Look for ``due`` at new lines; with each the definitions that may match it."""
        for raw, numbers in lines:
            if not due:
                return
            if due.isdisjoint(numbers):
                continue
            for text, rules in self._seen(raw, numbers):
                if text:
                    due -= self._segment(text, rules, due)

    def ambiguities(self, number: int) -> list[Ambiguity]:
        """Of the definition of this number; none of a preset's, which is written with such lines in mind."""
        if self._rules[number].pattern.definition.origin.startswith("preset:"):
            return []
        return self._findings[number].ambiguities()

    def state(self) -> list[list[Any]]:
        """For ``restore``; JSON-able."""
        return [finding.state() for finding in self._findings]

    def restore(self, state: Sequence[list[Any]]) -> None:
        """Goes on where ``state`` was taken."""
        for finding, own in zip(self._findings, state, strict=True):
            finding.restore(own)

    def _seen(self, raw: bytes, numbers: Sequence[int]) -> Iterator[tuple[bytes, list[Rule]]]:
        """The texts in which definitions look for their values, each with the definitions that do."""
        rules = [self._rules[number] for number in numbers if number < len(self._rules)]
        rules = [rule for rule in rules if rule.pattern.engine == "re2"]
        escaped = [rule for rule in rules if rule.pattern.escaped]
        if escaped:
            yield escape_tabs(raw), escaped
        for text in as_printed(raw):
            yield text, [rule for rule in rules if not rule.pattern.escaped]

    def _segment(self, text: bytes, rules: Sequence[Rule], due: set[int]) -> set[int]:
        """Looks at one text; the definitions that were looked at often enough."""
        found = [(rule, spans) for rule in rules if (spans := rule.pattern.value_spans(text))]
        done = set()
        for rule, spans in found:
            if rule.number in due:
                same = [other.name for other, theirs in found if theirs[0] == spans[0] and other.name != rule.name]
                finding = self._findings[rule.number]
                finding.see(text, spans, same, every=not rule.limit)
                if finding.looked >= ENOUGH:
                    done.add(rule.number)
        return done


def _example(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:_EXAMPLE]
