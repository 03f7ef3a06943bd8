"""Which step and epoch a value belongs to."""

import math
from typing import Any

from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Pattern
from epochwatch.model.batch import Definition

STEP_NAMES = frozenset({"step", "global_step", "iteration", "iter", "train/global_step", "trainer/global_step"})
"""Definitions and fields of these names (any case) give the step of the values around them."""
EPOCH_NAMES = frozenset({"epoch", "train/epoch"})
"""Definitions and fields of these names (any case) give the epoch."""

_STEP = (
    r"(?i)(?:^|[^\w.-])(?:global_step|step|iteration|iter)['\"]?\s*[=:#]?\s*['\"]?[\[(]?\s*"
    r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,18})(?:[^\w.]|\.?$|\.\s)"
)
_EPOCH = (
    r"(?i)(?:^|[^\w.-])epoch['\"]?\s*[=:#]?\s*['\"]?[\[(]?\s*"
    r"([0-9]{1,9}(?:\.[0-9]+)?(?:e-?[0-9]{1,2})?)(?:[^\w.]|\.?$|\.\s)"
)
_CONTEXT = [
    Definition("step", _STEP, "auto"),
    Definition("step", r"(?:^|\] ?|\t)\[([0-9]{1,18})\]\t", "auto"),  # boosting rounds: [12]<tab>train-rmse:0.5
    Definition("step", r"^([0-9]{1,18}):\t(?:learn|test):", "auto"),  # CatBoost
    Definition("epoch", _EPOCH, "auto"),
]


def context_patterns() -> list[Pattern]:
    """The patterns by which a line tells its step or epoch when no definition does."""
    return [Pattern(definition) for definition in _CONTEXT]


def is_step(name: str) -> bool:
    """Whether a definition or field of this name tells the step."""
    return name.lower() in STEP_NAMES


def is_epoch(name: str) -> bool:
    """Whether a definition or field of this name tells the epoch."""
    return name.lower() in EPOCH_NAMES


def as_step(text: bytes | None) -> int | None:
    """The step that a captured text tells: a whole number that fits 64 bits."""
    number = None if text is None else parse_number(text)
    if number is None or not math.isfinite(number) or number != int(number) or abs(number) >= 2**63:
        return None
    return int(number)


def as_epoch(text: bytes | None) -> float | None:
    """The epoch that a captured text tells: a finite number."""
    number = None if text is None else parse_number(text)
    return number if number is not None and math.isfinite(number) else None


class Place:
    """Where a line stands: what it tells itself, and what the most recent lines told."""

    __slots__ = ("epoch", "last_epoch", "last_step", "step")

    def __init__(
        self,
        step: int | None = None,
        epoch: float | None = None,
        last_step: int | None = None,
        last_epoch: float | None = None,
    ) -> None:
        self.step = step
        self.epoch = epoch
        self.last_step = last_step
        self.last_epoch = last_epoch

    def state(self) -> list[Any]:
        """The four numbers; JSON-able."""
        return [self.step, self.epoch, self.last_step, self.last_epoch]


class Steps:
    """Gives each value its step, metric by metric.

    In this order: the step that the match or its line tells; the step that the most recent line told; the
    (whole) epoch in the same way; else one more than the metric's step before. What other lines told, and
    epochs, serve only as long as they differ from one value of the metric to the next: a metric that comes
    twice under the same one is counted from there on, so that values are never stacked on one step.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, list[Any]] = {}  # name: [basis, last step, last context]

    def step(self, metric: str, told: int | None, place: Place) -> int:
        """The step of the next value of ``metric``; ``told`` is what its own match says."""
        entry = self._metrics.get(metric)
        if entry is None:
            entry = self._metrics[metric] = [None, 0, None]
        explicit = told if told is not None else place.step
        if explicit is not None:
            entry[1] = explicit
            return explicit
        context = self._context(entry, place)
        if context is None or context == entry[2]:
            entry[0] = "count"
            step = min(entry[1] + 1, 2**63 - 1)
        else:
            entry[2] = step = context
        entry[1] = step
        return int(step)

    def state(self) -> dict[str, list[Any]]:
        """Everything known; JSON-able."""
        return {name: list(entry) for name, entry in self._metrics.items()}

    def restore(self, state: dict[str, list[Any]]) -> None:
        """Goes on where ``state`` was taken."""
        self._metrics = {name: list(entry) for name, entry in state.items()}

    @staticmethod
    def _context(entry: list[Any], place: Place) -> int | None:
        if entry[0] is None:
            entry[0] = "step" if place.last_step is not None else "epoch"
        if entry[0] == "step":
            return place.last_step
        if entry[0] == "epoch":
            epoch = place.epoch if place.epoch is not None else place.last_epoch
            return int(epoch) if epoch is not None and epoch == int(epoch) and abs(epoch) < 2**63 else None
        return None
