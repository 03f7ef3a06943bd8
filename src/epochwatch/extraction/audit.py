"""Looks at the first lines that give each metric a value for what the authors of definitions cannot have meant."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import as_printed, escape_tabs
from epochwatch.extraction.plan import Rule
from epochwatch.extraction.templates import masked
from epochwatch.model.batch import Ambiguity

ENOUGH = 10
"""Lines looked at for each metric."""
_EXAMPLE = 200
"""Characters of an example."""

Spans = list[tuple[int, int]]
"""Where the values of all matches in a text stand."""
Found = list[tuple[Rule, Spans]]


class Finding:
    """What the lines that one definition matched have shown."""

    __slots__ = ("examples", "looked", "same", "several")

    def __init__(self) -> None:
        self.looked = 0
        """Lines looked at that it matched."""
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
        return [self.looked, self.same, self.several, self.examples]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.looked, self.same, self.several, self.examples = state


class Audit:
    """The findings of all definitions. Which lines are looked at does not depend on how the source arrives."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._findings = [Finding() for _ in rules]
        self._left = {rule.name: ENOUGH for rule in rules if rule.pattern.engine == "re2"}
        """How many lines are still to be looked at for each metric; those that are done are left out."""
        self._shapes: dict[tuple[bytes, tuple[int, ...]], Found] = {}

    def look(self, out: Extracted, numbers_of: Callable[[bytes], Sequence[int]]) -> None:
        """Look at lines that gave values; ``numbers_of`` says which definitions may match a line."""
        if not self._left:
            self._shapes.clear()
        if not self._left or not out.values:
            return
        wanted = {number for number, name in enumerate(out.names) if name in self._left}
        if wanted.isdisjoint(out.name_ids):
            return
        for end, names in self._lines(out, wanted).items():
            raw = out.lines.text_of(end)
            for text, rules in self._seen(raw, numbers_of(raw)):
                if text:
                    self._segment(text, rules, names)

    def _lines(self, out: Extracted, wanted: set[int]) -> dict[int, set[str]]:
        """The ends of the lines to look at, each with the metrics for which."""
        lines: dict[int, set[str]] = {}
        for name_id, end in zip(out.name_ids, out.ends, strict=True):
            if name_id not in wanted:
                continue
            name = out.names[name_id]
            names = lines.setdefault(end, set())
            if name not in names and name in self._left:
                names.add(name)
                self._left[name] -= 1
                if not self._left[name]:
                    del self._left[name]
            if not self._left:
                break
        return lines

    def ambiguities(self, number: int) -> list[Ambiguity]:
        """Of the definition of this number; none of a preset's, which is written with such lines in mind."""
        if self._rules[number].pattern.definition.origin.startswith("preset:"):
            return []
        return self._findings[number].ambiguities()

    def state(self) -> list[Any]:
        """For ``restore``; JSON-able."""
        return [dict(self._left), [finding.state() for finding in self._findings]]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self._left, findings = dict(state[0]), state[1]
        for finding, own in zip(self._findings, findings, strict=True):
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

    def _segment(self, text: bytes, rules: Sequence[Rule], names: set[str]) -> None:
        """Looks at one text for the definitions of these metrics."""
        found = self._spans(text, rules)
        for rule, spans in found:
            if rule.name in names:
                same = [other.name for other, theirs in found if theirs[0] == spans[0] and other.name != rule.name]
                self._findings[rule.number].see(text, spans, same, every=not rule.limit)

    def _spans(self, text: bytes, rules: Sequence[Rule]) -> Found:
        """Where the values are of those rules that match; the same in texts that differ in digits only, where no
        pattern tells digits apart.
        """
        if any(rule.pattern.texts_with_digits is None or rule.pattern.texts_with_digits for rule in rules):
            return _found(text, rules)
        shape = masked(text), tuple([rule.number for rule in rules])
        found = self._shapes.get(shape)
        if found is None:
            found = self._shapes[shape] = _found(text, rules)
        return found


def _found(text: bytes, rules: Sequence[Rule]) -> Found:
    return [(rule, spans) for rule in rules if (spans := rule.pattern.value_spans(text))]


def _example(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:_EXAMPLE]
