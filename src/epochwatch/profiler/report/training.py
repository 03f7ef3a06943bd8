"""What a training's steps took, and what for: by process, over time, and those that stand out."""

import heapq
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.distribution import Distribution, Durations, Histogram
from epochwatch.profiler.report.samples import SECOND, rounded
from epochwatch.profiler.rules.own import Evidence
from epochwatch.profiler.rules.own.evidence import PARTS
from epochwatch.profiler.steps import Lane, StepTable, step_tables

OUTLIERS: Final = 20
"""The longest steps of a process that are named."""
OUTLIER_DEVIATIONS: Final = 3.0
MOST_SPANS: Final = 240


@dataclass(frozen=True, slots=True)
class Outlier:
    """A step that took much longer than most."""

    step: int
    start: float
    """Unix seconds."""
    seconds: float


@dataclass(frozen=True, slots=True)
class StepDurations:
    """The steps of one process in one mode."""

    node: str
    rank: int
    process: int
    mode: str
    steps: int
    """Recorded ones: of a fast training each n-th is."""
    seconds: Distribution
    histogram: Histogram
    outliers: tuple[Outlier, ...]
    """The longest first."""
    outliers_total: int
    """Steps longer than the mean and three standard deviations."""


@dataclass(frozen=True, slots=True)
class ProcessPhases:
    """What a process did."""

    node: str
    rank: int
    process: int
    steps: int
    """Of all modes, those that were not recorded, too."""
    phases: dict[str, float]
    """Seconds by PARTS."""


@dataclass(frozen=True, slots=True)
class PhaseTimes:
    """Shares of the time of all processes' steps, by PARTS, in equal spans of time; None where there was no step."""

    start: float
    """Unix seconds."""
    seconds: float
    """Of each span."""
    shares: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class TrainingUse:
    """All steps of a job."""

    ranks: int
    """Processes that trained side by side: one that was started again counts once."""
    started: float | None
    """Unix seconds at which the first step began; None without any."""
    ended: float | None
    """At which the last one ended."""
    phases: dict[str, float]
    """Seconds of all steps, by PARTS: mean over the ranks."""
    processes: tuple[ProcessPhases, ...]
    times: PhaseTimes
    modes: dict[str, float]
    """Seconds of the recorded steps of all processes, by mode."""
    durations: tuple[StepDurations, ...]

    @property
    def steps(self) -> int:
        """Of all processes together."""
        return sum(one.steps for one in self.processes)


def training_use(profile: Profile, span: Span, evidence: Evidence) -> TrainingUse:
    """Reads the steps once, an hour at a time; what they were for is in the evidence."""
    groups: dict[tuple[Lane, int], _Group] = {}
    for table in step_tables(profile, span):
        for number, lane in enumerate(table.lanes):
            steps = table.of_lane(number)
            for mode in np.unique(steps.mode).tolist():
                groups.setdefault((lane, mode), _Group()).add(steps.take(steps.mode == mode))
    modes: dict[str, float] = {}
    for (_, mode), group in groups.items():
        modes[mode_name(mode)] = modes.get(mode_name(mode), 0.0) + group.durations.total
    processes = evidence.processes.values()
    return TrainingUse(
        evidence.width,
        min(one.start for one in processes) / SECOND if processes else None,
        max(one.end for one in processes) / SECOND if processes else None,
        {part: evidence.seconds(part) for part in PARTS},
        tuple(_processes(evidence)),
        _times(evidence),
        modes,
        tuple(_durations(lane, mode, group) for (lane, mode), group in sorted(groups.items(), key=_order)),
    )


@dataclass(slots=True)
class _Group:
    """Steps of one process in one mode."""

    durations: Durations = field(default_factory=Durations)
    longest: list[tuple[float, int, int]] = field(default_factory=list)
    """(seconds, step, start), the longest first."""

    def add(self, steps: StepTable) -> None:
        self.durations.add(steps.duration)
        count = min(OUTLIERS, len(steps))
        places = np.argpartition(steps.duration, len(steps) - count)[-count:]
        found = [(float(steps.duration[at]), int(steps.step[at]), int(steps.start[at])) for at in places]
        self.longest = heapq.nlargest(OUTLIERS, [*self.longest, *found])


def _order(one: tuple[tuple[Lane, int], _Group]) -> tuple[str, int, int, int]:
    (lane, mode), _ = one
    return (*lane, mode)


def _processes(evidence: Evidence) -> list[ProcessPhases]:
    return [
        ProcessPhases(
            *lane, one.last_step - one.first_step + 1, dict(zip(PARTS, map(float, one.parts), strict=True))
        )
        for lane, one in sorted(evidence.processes.items())
    ]


def _times(evidence: Evidence) -> PhaseTimes:
    """The evidence's spans, several together where there are many."""
    width = evidence.bin_seconds
    if not evidence.bins:
        return PhaseTimes(evidence.span[0] / SECOND, width, {})
    first, last = min(evidence.bins), max(evidence.bins)
    together = (last - first) // MOST_SPANS + 1
    sums = np.zeros(((last - first) // together + 1, len(PARTS)))
    for number, seconds in evidence.bins.items():
        sums[(number - first) // together] += seconds
    totals = sums.sum(axis=1, keepdims=True)
    shares = sums / np.where(totals > 0, totals, np.nan)
    drawn = {part: rounded(shares[:, number]) for number, part in enumerate(PARTS)}
    return PhaseTimes(float(first * width), float(together * width), drawn)


def _durations(lane: Lane, mode: int, group: _Group) -> StepDurations:
    durations = group.durations
    limit = durations.mean + OUTLIER_DEVIATIONS * durations.deviation
    outliers = [
        Outlier(step, start / SECOND, seconds) for seconds, step, start in group.longest if seconds > limit
    ]
    return StepDurations(
        *lane,
        mode_name(mode),
        durations.count,
        durations.distribution(),
        durations.histogram(),
        tuple(outliers),
        max(durations.above(limit), len(outliers)),
    )


def mode_name(mode: int) -> str:
    """``train``, ``eval``, ... of the value of a ModeKeys; its number where it is none."""
    try:
        return ModeKeys(mode).name.lower()
    except ValueError:
        return str(mode)
