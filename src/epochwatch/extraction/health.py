"""How a definition fares on a log."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from epochwatch.extraction.pattern import Pattern
from epochwatch.model.batch import Ambiguity, Definition, DefinitionHealth

_EXAMPLE = 200
"""Characters of an example line."""


class Sighting(NamedTuple):
    """One match: its line, cut to 200 characters, where that ends in the source, and the captured text's value
    (None: no number).
    """

    text: str
    end: int
    value: float | None


class Health:
    """Counts and examples of one definition; ``pattern`` is None for one learnt from the log."""

    __slots__ = (
        "bad",
        "definition",
        "first",
        "matched",
        "non_finite",
        "non_numeric",
        "pattern",
        "refused",
        "shadow",
        "shadowed",
    )

    def __init__(self, definition: Definition, pattern: Pattern | None = None) -> None:
        self.definition = definition
        self.pattern = pattern
        self.matched = 0
        self.non_numeric = 0
        self.non_finite = 0
        self.first: Sighting | None = None
        """The first match."""
        self.bad: Sighting | None = None
        """The first match whose captured text is no number."""
        self.shadowed = 0
        self.shadow: Sighting | None = None
        """The first match whose value was not taken, as an earlier definition of the name had given one."""
        self.refused = 0

    def count(self, value: float | None, text: bytes, end: int) -> None:
        """One match on the line ``text``, with its value (None: it is no number)."""
        self.matched += 1
        if self.first is None or value is None or value - value != 0.0:
            self._note(value, text, end)

    def _note(self, value: float | None, text: bytes, end: int) -> None:
        if value is None:
            self.non_numeric += 1
        elif not math.isfinite(value):
            self.non_finite += 1
        if self.first is None:
            self.first = _sighting(text, end, value)
        if value is None and self.bad is None:
            self.bad = _sighting(text, end, value)

    def overshadow(self, value: float, text: bytes, end: int) -> None:
        """The value of a match that was counted is not taken."""
        self.shadowed += 1
        if self.shadow is None:
            self.shadow = _sighting(text, end, value)

    def report(self, *, disabled: str = "", ambiguous: Sequence[Ambiguity] = ()) -> DefinitionHealth:
        """The record for the job; ``disabled`` says why the definition is run no more."""
        example = self.bad or self.first
        return DefinitionHealth(
            name=self.definition.name,
            regex=self.definition.regex,
            origin=self.definition.origin,
            matched=self.matched,
            non_numeric=self.non_numeric,
            non_finite=self.non_finite,
            example=example.text if example else "",
            engine=self._engine(disabled),
            warning="" if self.pattern is None else self.pattern.warning,
            shadowed=self.shadowed,
            shadowed_example=self.shadow.text if self.shadow else "",
            refused=self.refused,
            ambiguous=list(ambiguous),
        )

    def state(self) -> list[Any]:
        """The counts and examples; JSON-able."""
        sightings = [_state(sighting) for sighting in (self.first, self.bad, self.shadow)]
        return [self.matched, self.non_numeric, self.non_finite, self.shadowed, self.refused, *sightings]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.matched, self.non_numeric, self.non_finite, self.shadowed, self.refused, *sightings = state
        self.first, self.bad, self.shadow = map(_restored, sightings)

    def _engine(self, disabled: str) -> str:
        if disabled:
            return f"disabled: {disabled}"
        return "re2" if self.pattern is None else self.pattern.engine


def _sighting(text: bytes, end: int, value: float | None) -> Sighting:
    return Sighting(text.decode("utf-8", "replace").strip()[:_EXAMPLE], end, value)


def _state(sighting: Sighting | None) -> list[Any] | None:
    # JSON has no NaN.
    return None if sighting is None else [sighting.text, sighting.end, repr(sighting.value)]


def _restored(state: list[Any] | None) -> Sighting | None:
    if state is None:
        return None
    text, end, value = state
    return Sighting(text, end, None if value == "None" else float(value))
