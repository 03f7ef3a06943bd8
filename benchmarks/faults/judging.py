"""Counts what detectors said of the runs. Pure: outcomes in, figures out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.faults.catalogue import Run

HARM = 0.02
"""A fault has done harm when the quality at the end is lower than that of the plain run by this much."""
RISE = 0.1
"""A healthy run whose held-back loss ends that much above its best has a fault of its own: it overfits."""


@dataclass(frozen=True)
class Outcome:
    """What one detector said of one run."""

    run: Run
    rules: tuple[str, ...]
    """Those that fired, in the order of the detector's ranking."""
    steps: tuple[int, ...]
    """When each was known."""
    right: tuple[bool, ...]
    """Whether each means the fault that was injected."""
    harmed: bool = True

    @property
    def detected_at(self) -> int | None:
        """The first alarm from the injection on."""
        return min((step for step in self.steps if step >= self.run.begins), default=None)

    @property
    def fired(self) -> bool:
        return bool(self.steps) if not self.run.faulty else self.detected_at is not None

    @property
    def right_first(self) -> bool:
        return self.fired and self.right[0]


@dataclass(frozen=True)
class Figures:
    """Of one detector over some runs; NaN where there is nothing to divide by."""

    healthy: int
    faulty: int
    precision: float
    recall: float
    """Over the faults that did harm: one that heals by itself need not be found."""
    recall_of_all: float
    false_alarm_rate: float
    """Share of healthy runs with an alarm."""
    alarms_per_healthy_run: float
    balanced_accuracy: float
    """The mean of ``recall`` and of the share of healthy runs without an alarm."""
    right_first: float
    """Of the detected: the first alarm means the fault."""
    right_any: float
    median_latency: float
    """Steps from the injection to the first alarm."""


def figures(outcomes: Iterable[Outcome]) -> Figures:
    """Run by run; alarms before the injection count as none of a faulty run."""
    whole = list(outcomes)
    healthy = [one for one in whole if not one.run.faulty]
    faulty = [one for one in whole if one.run.faulty]
    detected = [one for one in faulty if one.fired]
    false = [one for one in healthy if one.fired]
    harmful = [one for one in faulty if one.harmed]
    recall = _share([one for one in harmful if one.fired], harmful)
    false_rate = _share(false, healthy)
    return Figures(
        healthy=len(healthy),
        faulty=len(faulty),
        precision=_share(detected, detected + false),
        recall=recall,
        recall_of_all=_share(detected, faulty),
        false_alarm_rate=false_rate,
        alarms_per_healthy_run=sum(len(one.steps) for one in healthy) / len(healthy) if healthy else math.nan,
        balanced_accuracy=(recall + 1 - false_rate) / 2,
        right_first=_share([one for one in detected if one.right_first], detected),
        right_any=_share([one for one in detected if any(one.right)], detected),
        median_latency=_median_latency(detected),
    )


def _share(some: Sequence[Any], of: Sequence[Any]) -> float:
    return len(some) / len(of) if of else math.nan


def _median_latency(detected: Sequence[Outcome]) -> float:
    latencies = [one.detected_at - one.run.begins for one in detected if one.detected_at is not None]
    return float(median(latencies)) if latencies else math.nan


def overfits(noted: Mapping[str, Any]) -> bool:
    """Whether a run that was meant to be healthy overfits, by its held-back loss alone, against the first one."""
    losses = [epoch["held_back_loss"] for epoch in noted["epochs"]]
    best = min(losses)
    return losses[-1] > (1 + RISE) * best and losses[-1] - best > RISE / 2 * losses[0]


def harmed(noted: Mapping[str, Any], plain: Mapping[str, Any] | None) -> bool:
    """Whether a faulty run ends worse than the plain run of its program and seed; True where there is none."""
    if plain is None:
        return True
    quality = noted["quality"]
    return not math.isfinite(quality) or quality < plain["quality"] - HARM


def learns_little(noted: Mapping[str, Any], plain: Mapping[str, Any] | None) -> bool:
    """Whether a run that was meant to be healthy reaches less than half of the plain run's quality."""
    return plain is not None and noted["quality"] < plain["quality"] / 2


def by_change(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Grouped by fault or variant."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(one.run.change, []).append(one)
    return groups
