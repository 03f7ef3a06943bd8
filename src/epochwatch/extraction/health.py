"""How a definition fares on a log."""

import math
from typing import Any

from epochwatch.extraction.guard import STRIKES
from epochwatch.extraction.pattern import Pattern
from epochwatch.model.batch import Definition, DefinitionHealth

_EXAMPLE = 200
"""Characters of an example line."""


class Health:
    """Counts of one definition; ``pattern`` is None for one learnt from the log."""

    __slots__ = ("_bad", "_first", "definition", "matched", "non_finite", "non_numeric", "pattern")

    def __init__(self, definition: Definition, pattern: Pattern | None = None) -> None:
        self.definition = definition
        self.pattern = pattern
        self.matched = 0
        self.non_numeric = 0
        self.non_finite = 0
        self._first = ""
        self._bad = ""

    def count(self, value: float | None, text: bytes) -> None:
        """One match on the line ``text``, with its value (None: it is no number)."""
        self.matched += 1
        if value is None:
            self.non_numeric += 1
            self._bad = self._bad or _example(text)
        elif not math.isfinite(value):
            self.non_finite += 1
        if not self._first:
            self._first = _example(text)

    def report(self, *, disabled: bool = False) -> DefinitionHealth:
        """The record for the job."""
        return DefinitionHealth(
            name=self.definition.name,
            regex=self.definition.regex,
            origin=self.definition.origin,
            matched=self.matched,
            non_numeric=self.non_numeric,
            non_finite=self.non_finite,
            example=self._bad or self._first,
            engine=self._engine(disabled),
            warning=self._warning(),
        )

    def state(self) -> list[Any]:
        """The counts and examples; JSON-able."""
        return [self.matched, self.non_numeric, self.non_finite, self._first, self._bad]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.matched, self.non_numeric, self.non_finite, self._first, self._bad = state

    def _engine(self, disabled: bool) -> str:
        if disabled:
            return f"disabled: {STRIKES} lines took longer than its budget"
        return "re2" if self.pattern is None else self.pattern.engine

    def _warning(self) -> str:
        return "" if self.pattern is None else self.pattern.warning


def _example(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:_EXAMPLE]
