"""What a training's steps took, and what for: over time, by process, and those that stand out."""

import heapq
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import STEP_PHASES, Phase
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.distribution import Distribution, Durations, Histogram
from epochwatch.profiler.report.system import SECOND, rounded
from epochwatch.profiler.steps import Lane, StepTable, step_tables

IDLE: Final = "idle"
"""What no phase of a step covers."""
PARTS: Final = (*(phase.value for phase in STEP_PHASES), IDLE)
PRODUCTIVE: Final = (Phase.FORWARD, Phase.BACKWARD, Phase.OPTIMIZER)
"""What makes a model better."""
OUTLIERS: Final = 20
"""The longest steps of a process that are named."""
OUTLIER_DEVIATIONS: Final = 3.0
_FINE: Final = 1920
_SPANS: Final = 240
_STEPS_A_SPAN: Final = 4


@dataclass(frozen=True, slots=True)
class Outlier:
    """A step that took much longer than most."""

    step: int
    start: float
    """Unix seconds."""
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessSteps:
    """The steps of one process in one mode."""

    node: str
    rank: int
    process: int
    mode: str
    steps: int
    seconds: Distribution
    histogram: Histogram
    phases: dict[str, float]
    """Seconds of all its steps, by PARTS."""
    outliers: tuple[Outlier, ...]
    """The longest first."""
    outliers_total: int
    """Steps longer than the mean and three standard deviations."""


@dataclass(frozen=True, slots=True)
class PhaseTimes:
    """Shares of the time of all processes' steps, by PARTS, in equal spans of the job; None where no step began."""

    shares: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class TrainingUse:
    """All steps of a job."""

    processes: tuple[ProcessSteps, ...]
    times: PhaseTimes
    phases: dict[str, float]
    """Seconds of all steps of all processes, by PARTS."""
    modes: dict[str, float]
    """Seconds of all steps, by mode."""
    started: float | None
    """Unix seconds at which the first step began; None without any."""
    ended: float | None
    """At which the last one ended."""
    ranks: int
    """Processes that trained side by side: one that was started again counts once."""

    @property
    def steps(self) -> int:
        """Of all processes together."""
        return sum(one.steps for one in self.processes)

    def share(self, *parts: str) -> float:
        """Of the time of all steps; NaN without any."""
        total = sum(self.phases.values())
        return sum(self.phases.get(part, 0.0) for part in parts) / total if total else float("nan")


def training_use(profile: Profile, span: Span) -> TrainingUse:
    """Reads the steps once, an hour at a time."""
    use = _Use(span)
    for table in step_tables(profile, span):
        for number, lane in enumerate(table.lanes):
            use.add(lane, table.of_lane(number))
    return use.result()


@dataclass(slots=True)
class _Group:
    """Steps of one process in one mode."""

    durations: Durations = field(default_factory=Durations)
    phases: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(PARTS)))
    longest: list[tuple[float, int, int]] = field(default_factory=list)
    """(seconds, step, start), a heap."""

    def add(self, steps: StepTable, parts: NDArray[np.float64]) -> None:
        self.durations.add(steps.duration)
        self.phases += parts.sum(axis=0)
        count = min(OUTLIERS, len(steps))
        places = np.argpartition(steps.duration, len(steps) - count)[-count:]
        found = [(float(steps.duration[at]), int(steps.step[at]), int(steps.start[at])) for at in places]
        self.longest = heapq.nlargest(OUTLIERS, [*self.longest, *found])


@dataclass(slots=True)
class _Use:
    """Sums so far."""

    span: Span
    groups: dict[tuple[Lane, int], _Group] = field(default_factory=dict)
    fine: NDArray[np.float64] = field(default_factory=lambda: np.zeros((_FINE, len(PARTS))))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_FINE, np.int64))
    first: int | None = None
    last: int | None = None

    def add(self, lane: Lane, steps: StepTable) -> None:
        """Take over some steps of a process."""
        parts = np.stack([*(steps.seconds[phase] for phase in STEP_PHASES), steps.idle], axis=1).astype(np.float64)
        self._draw(steps, parts)
        for mode in np.unique(steps.mode).tolist():
            chosen = steps.mode == mode
            self.groups.setdefault((lane, mode), _Group()).add(steps.take(chosen), parts[chosen])
        start, end = int(steps.start.min()), int(steps.end.max())
        self.first = start if self.first is None else min(self.first, start)
        self.last = end if self.last is None else max(self.last, end)

    def _draw(self, steps: StepTable, parts: NDArray[np.float64]) -> None:
        length = max(self.span[1] - self.span[0], 1)
        places = np.clip((steps.start - self.span[0]) * _FINE // length, 0, _FINE - 1)
        self.counts += np.bincount(places, minlength=_FINE)
        for number in range(len(PARTS)):
            self.fine[:, number] += np.bincount(places, parts[:, number], _FINE)

    def result(self) -> TrainingUse:
        groups = sorted(self.groups.items(), key=lambda one: (*one[0][0], one[0][1]))
        modes: dict[str, float] = {}
        for (_, mode), group in groups:
            modes[mode_name(mode)] = modes.get(mode_name(mode), 0.0) + group.durations.total
        sums = sum((group.phases for _, group in groups), np.zeros(len(PARTS)))
        return TrainingUse(
            tuple(_process(lane, mode, group) for (lane, mode), group in groups),
            self._times(),
            dict(zip(PARTS, sums.tolist(), strict=True)),
            modes,
            None if self.first is None else self.first / SECOND,
            None if self.last is None else self.last / SECOND,
            self._ranks(),
        )

    def _ranks(self) -> int:
        return len({(lane.node, lane.rank) for lane, _ in self.groups})

    def _times(self) -> PhaseTimes:
        """Spans so long that a few steps begin in each."""
        steps = int(self.counts.sum()) // max(self._ranks(), 1)
        wanted = int(np.clip(steps // _STEPS_A_SPAN, 1, _SPANS))
        spans = next(count for count in (240, 192, 120, 96, 60, 40, 30, 20, 12, 8, 4, 2, 1) if count <= wanted)
        sums = self.fine.reshape(spans, _FINE // spans, len(PARTS)).sum(axis=1)
        totals = sums.sum(axis=1, keepdims=True)
        shares = sums / np.where(totals > 0, totals, np.nan)
        return PhaseTimes({part: rounded(shares[:, number]) for number, part in enumerate(PARTS)})


def _process(lane: Lane, mode: int, group: _Group) -> ProcessSteps:
    durations = group.durations
    limit = durations.mean + OUTLIER_DEVIATIONS * durations.deviation
    outliers = [
        Outlier(step, start / SECOND, seconds) for seconds, step, start in group.longest if seconds > limit
    ]
    return ProcessSteps(
        *lane,
        mode_name(mode),
        durations.count,
        durations.distribution(),
        durations.histogram(),
        dict(zip(PARTS, group.phases.tolist(), strict=True)),
        tuple(outliers),
        max(durations.above(limit), len(outliers)),
    )


def mode_name(mode: int) -> str:
    """``train``, ``eval``, ... of the value of a ModeKeys; its number where it is none."""
    try:
        return ModeKeys(mode).name.lower()
    except ValueError:
        return str(mode)
