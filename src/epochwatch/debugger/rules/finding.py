"""What a rule has found, with the numbers it decided by."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["problem", "information"]
Series = Sequence[tuple[int, float]]
"""(global step, value), ascending: a curve to be plotted beside a finding."""


@dataclass(frozen=True)
class Finding:
    """One fault, or one remark, of one rule."""

    rule: str
    kind: Kind
    step: int
    """The global step at which it was known."""
    began: int
    """The global step at which it began, as far as the evidence reaches."""
    evidence: str
    """One sentence with the numbers that decided."""
    cause: str
    remedy: str
    confidence: float
    """From 0 to 1."""
    tensors: tuple[str, ...] = ()
    """The tensors and scalars it is about, the worst first."""
    series: Mapping[str, Series] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON has it; numbers that JSON lacks are null."""
        found = dataclasses.asdict(self)
        found["tensors"] = list(self.tensors)
        found["series"] = {
            name: [[int(step), float(value) if math.isfinite(value) else None] for step, value in points]
            for name, points in self.series.items()
        }
        return found
