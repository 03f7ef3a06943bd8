"""What a run's metrics came to, as seen from here: for the status line and the table at the end."""

import math
import re
from array import array
from dataclasses import dataclass

from epochwatch.agent.readers import Piece
from epochwatch.model.batch import NO_STEP, RunPoints
from epochwatch.model.run_series import series_of

_SMALLER_IS_BETTER = re.compile(
    r"loss|error|\berr\b|(?:^|[^a-z])(?:err|rmse|mse|mae|mape|rmsle|ppl|wer|cer|fid|nll|bpc|bpb)(?:$|[^a-z])|perplexity",
    re.IGNORECASE,
)


@dataclass(slots=True)
class MetricTally:
    """One metric. ``best`` looks at finite values only."""

    name: str
    points: int = 0
    non_finite: int = 0
    final: float = math.nan
    final_step: int | None = None
    best: float = math.nan
    best_step: int | None = None
    minimum: float = math.inf
    maximum: float = -math.inf

    @property
    def direction(self) -> str:
        """``min`` when smaller is better, as far as the name tells; else ``max``."""
        return "min" if _SMALLER_IS_BETTER.search(self.name) else "max"

    def add(self, value: float, step: int | None) -> None:
        """One more value, in the order printed."""
        self.points += 1
        self.final, self.final_step = value, step
        if not math.isfinite(value):
            self.non_finite += 1
            return
        better = value < self.best if self.direction == "min" else value > self.best
        if better or math.isnan(self.best):
            self.best, self.best_step = value, step
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def to_json(self) -> dict[str, object]:
        """As the console's MetricSummary; what is unknown is null, what is not finite is its name."""
        seen = self.points > self.non_finite
        final: object = self.final if math.isfinite(self.final) else str(self.final)
        return {
            "name": self.name,
            "final": final,
            "final_step": self.final_step,
            "best": self.best if seen else None,
            "best_step": self.best_step,
            "direction": self.direction,
            "min": self.minimum if seen else None,
            "max": self.maximum if seen else None,
            "points": self.points,
            "non_finite": self.non_finite,
        }


class Tally:
    """All metrics of a run. Takes the same piece twice without counting it twice."""

    def __init__(self) -> None:
        self.metrics: dict[str, MetricTally] = {}
        self._counted: dict[str, int] = {}
        """For each file the position of the last value counted."""

    def add(self, piece: Piece) -> None:
        """Counts what of the piece lies behind what was counted of its file."""
        if piece.run_points is not None:
            self._counted[piece.file] = self._add(piece.run_points, self._counted.get(piece.file, -1))

    def _add(self, points: RunPoints, counted: int) -> int:
        """Counts what lies behind ``counted``; returns how far it is counted now."""
        labels = [one.label for one in series_of(points)]
        positions = array("Q", points.positions)
        columns = zip(
            positions,
            array("I", points.metrics),
            array("q", points.steps),
            array("d", points.values),
            strict=True,
        )
        for position, metric, step, value in columns:
            if position <= counted:
                continue
            name = labels[metric]
            tally = self.metrics.get(name)
            if tally is None:
                tally = self.metrics[name] = MetricTally(name)
            tally.add(value, None if step == NO_STEP else step)
        return max(counted, positions[-1])
