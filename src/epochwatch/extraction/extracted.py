"""What some bytes of a log gave."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from epochwatch.extraction.lines import Lines
from epochwatch.model.run_series import RunSeries


@dataclass(slots=True)
class Extracted:
    """What some bytes gave: lines, and values as columns with one entry per value, in the order printed."""

    lines: Lines
    names: list[str]
    """The metric of every series the extractor has met so far; ``name_ids`` index into it. It only grows."""
    series: list[RunSeries]
    """The series themselves."""
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

    def only(self, numbers: Sequence[int]) -> "Extracted":
        """The same with some of the values, by their numbers in order."""
        chosen = Extracted(self.lines, self.names, self.series)
        for name in _COLUMNS:
            column = getattr(self, name)
            getattr(chosen, name).extend([column[number] for number in numbers])
        return chosen

    def extend(self, later: "Extracted") -> None:
        """Adds the values that the same extractor gave later; not their lines."""
        for name in _COLUMNS:
            getattr(self, name).extend(getattr(later, name))


_COLUMNS = ("name_ids", "values", "steps", "epochs", "ends")
