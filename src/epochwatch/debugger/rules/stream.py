"""A training as a stream of its steps' statistics, live or from a finished trial, and the rules that see it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.finding import Finding, Kind, Series
from epochwatch.debugger.source import Array

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class StepStatistics(NamedTuple):
    """What a worker saved at a global step."""

    step: int
    mode: ModeKeys
    mode_step: int
    time: float
    """Unix seconds; NaN where the format does not keep it."""
    worker: str
    names: tuple[str, ...]
    """The tensors in the order of the model; the same object for the same names."""
    columns: Mapping[str, Array]
    """By statistic one float64 per tensor, NaN where it was not saved."""
    scalars: Mapping[str, float]
    """Losses, the learning rate and other single numbers of the step."""
    shapes: Mapping[str, tuple[int, ...]] = _NOTHING
    """Those that are known so far."""
    raw: Mapping[str, Array] = _NOTHING
    """Inputs, outputs and labels that were saved whole, read when they are looked at."""

    def column(self, name: str) -> Array:
        """A statistic of all tensors; NaN where there is none of this name."""
        found = self.columns.get(name)
        return np.full(len(self.names), np.nan) if found is None else found


class StreamRule(ABC):
    """Something to look for in a stream. It sees each step once, in order, and keeps what it needs of the past; one
    that compares workers sees those of all, others have an instance for each.
    """

    name: ClassVar[str]
    cause: ClassVar[str] = ""
    """What is usually behind it, in a sentence."""
    remedy: ClassVar[str] = ""
    """What to do about it."""
    leads_to: ClassVar[frozenset[str]] = frozenset()
    """Names of rules whose findings may be a consequence of this one's."""
    compares_workers: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.name = cls.__name__

    @abstractmethod
    def see(self, step: StepStatistics) -> Iterable[Finding]:
        """Look at the next step."""

    def idle(self, now: float) -> Iterable[Finding]:
        """Nothing new has come up to ``now`` (Unix seconds)."""
        return ()

    def end(self) -> Iterable[Finding]:
        """The training is over."""
        return ()

    def finding(
        self,
        step: int,
        began: int,
        evidence: str,
        *,
        kind: Kind = "problem",
        confidence: float = 0.8,
        tensors: Iterable[str] = (),
        series: Mapping[str, Series] = _NOTHING,
        cause: str | None = None,
        remedy: str | None = None,
    ) -> Finding:
        """A finding of this rule; cause and remedy are the rule's own unless given."""
        return Finding(
            self.name, kind, step, began, evidence, cause or self.cause, remedy or self.remedy, confidence,
            tuple(tensors), dict(series),
        )  # fmt: skip
