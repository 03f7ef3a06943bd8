"""Looks at the first lines that give each metric a value for what the authors of definitions cannot have meant."""

from collections.abc import Callable, Sequence
from typing import Any

from epochwatch.extraction.extracted import Extracted
from epochwatch.extraction.forms import as_printed, escape_tabs
from epochwatch.extraction.plan import Rule
from epochwatch.extraction.templates import Template
from epochwatch.model.batch import Ambiguity

ENOUGH = 10
"""Lines looked at for each metric."""
_EXAMPLE = 200
"""Characters of an example."""

Spans = list[tuple[int, int]]
"""Where the values of all matches in a text stand."""
Found = list[tuple[Rule, Spans, list[str]]]
"""The rules that match a text, where, and the names of others that capture the same."""


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
        return [self.looked, self.same, self.several, list(self.examples)]

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
        self._known: dict[Template, list[Found]] = {}  # for lines of these templates, text by text

    def look(
        self,
        out: Extracted,
        numbers_of: Callable[[bytes], Sequence[int]],
        template_of: Callable[[bytes], Template | None],
    ) -> None:
        """Look at lines that gave values; ``numbers_of`` says which definitions may match a line, ``template_of``
        with which lines it has in common where they match.
        """
        if not self._left:
            self._known.clear()
            return
        wanted = {number for number in set(out.name_ids) if out.names[number] in self._left}
        for end, names in self._lines(out, wanted).items() if wanted else ():
            raw = out.lines.text_of(end)
            texts = [escape_tabs(raw), *as_printed(raw)]
            template = template_of(raw)
            found = None if template is None else self._known.get(template)
            if found is None:
                found = self._found(texts, numbers_of(raw))
                if template is not None and not template.searched:
                    self._known[template] = found
            for text, in_text in zip(texts, found, strict=True):
                for rule, spans, same in in_text:
                    if rule.name in names:
                        self._findings[rule.number].see(text, spans, same, every=not rule.limit)

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

    def _found(self, texts: Sequence[bytes], numbers: Sequence[int]) -> list[Found]:
        """What matches each of the texts of a line: its escaped form, for definitions in that, and its segments."""
        rules = [self._rules[number] for number in numbers if number < len(self._rules)]
        rules = [rule for rule in rules if rule.pattern.engine == "re2"]
        return [
            _in_text(text, [rule for rule in rules if rule.pattern.escaped is (part == 0)])
            for part, text in enumerate(texts)
        ]


def _in_text(text: bytes, rules: Sequence[Rule]) -> Found:
    found = [(rule, spans) for rule in rules if text and (spans := rule.pattern.value_spans(text))]
    return [
        (rule, spans, [other.name for other, theirs in found if theirs[0] == spans[0] and other.name != rule.name])
        for rule, spans in found
    ]


def _example(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:_EXAMPLE]
