"""What rules of ours decide by: a profile read once, in pieces, and summed up by process, part of a step and time."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import STEP_PHASES, Phase
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.rules.own.machine import Machine, watched
from epochwatch.profiler.rules.own.ranks import Ranks, compared
from epochwatch.profiler.rules.own.waits import Loaders, Waits, waits_of
from epochwatch.profiler.steps import Lane, StepTable, step_tables

IDLE: Final = "idle"
PARTS: Final = (*(phase.value for phase in STEP_PHASES), IDLE)
COMPUTE: Final = (Phase.FORWARD.value, Phase.BACKWARD.value, Phase.OPTIMIZER.value)
"""What makes the model better."""
_EVALUATION: Final = PARTS.index(Phase.EVALUATION)
_LEARNING: Final = (ModeKeys.TRAIN.value, ModeKeys.GLOBAL.value)
_WARM_UP_STEPS: Final = 2
"""The first steps of a process load, compile and allocate what later ones find there."""
_RARE: Final = (Phase.CHECKPOINT, Phase.EVALUATION)
"""Of a fast training only each n-th step is recorded, which stands for all up to the next; but these all are."""
_SECOND: Final = 1_000_000
_BIN_SECONDS: Final = ((600, 60), (120, 10), (0, 1))
"""Of a profile of at least so many seconds."""

Seconds = NDArray[np.float64]


@dataclass
class Process:
    """One process of the training."""

    lane: Lane
    first_step: int
    last_step: int
    start: int
    """Unix microseconds at which its first step began."""
    end: int
    """At which its last one ended."""
    steps: int = 0
    """Of learning, without those of the warm-up."""
    parts: Seconds = field(default_factory=lambda: np.zeros(len(PARTS)))
    """Seconds of all its steps, by PARTS."""
    steady: Seconds = field(default_factory=lambda: np.zeros(len(PARTS)))
    """The same without the warm-up."""
    repeated: float = 0.0
    """Seconds of steps that an earlier process of its rank had done already."""


@dataclass
class Evidence:
    """A profile, summed up."""

    job: str
    span: Span
    bin_seconds: int
    processes: dict[Lane, Process] = field(default_factory=dict)
    bins: dict[int, Seconds] = field(default_factory=lambda: defaultdict(lambda: np.zeros(len(PARTS))))
    """Seconds of all processes by number of the bin, by PARTS."""
    ranks: Ranks | None = None
    """None where there are not two."""
    waits: dict[str, Waits] = field(default_factory=dict)
    """By node: what it did while the training waited for data."""
    loaders: dict[str, Loaders] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)

    @property
    def wall(self) -> float:
        """Seconds of the whole profile."""
        return (self.span[1] - self.span[0]) / _SECOND

    @property
    def loop(self) -> float:
        """Seconds from the first step to the end of the last."""
        if not self.processes:
            return 0.0
        processes = self.processes.values()
        return (max(one.end for one in processes) - min(one.start for one in processes)) / _SECOND

    @property
    def first_step(self) -> int:
        """The number of the first one; 0 without any."""
        return min((one.first_step for one in self.processes.values()), default=0)

    @property
    def last_step(self) -> int:
        """The number of the last one; 0 without any."""
        return max((one.last_step for one in self.processes.values()), default=0)

    @property
    def width(self) -> int:
        """Processes that train side by side: one that was started again counts once."""
        return len({(lane.node, lane.rank) for lane in self.processes})

    @property
    def is_timed(self) -> bool:
        """Whether it is known what steps compute. Else what is no other phase is taken for learning."""
        return self.steady(Phase.BACKWARD) > 0

    @property
    def learning(self) -> tuple[str, ...]:
        """The parts that are learning, as far as is known."""
        return COMPUTE if self.is_timed else (*COMPUTE, IDLE)

    @property
    def steps(self) -> int:
        """Of learning, of one process, without those of the warm-up."""
        return sum(one.steps for one in self.processes.values()) // max(1, self.width)

    def seconds(self, *parts: str, node: str | None = None) -> float:
        """Mean over processes of the seconds of some parts, all steps included."""
        chosen = [PARTS.index(part) for part in parts]
        of = [one for lane, one in self.processes.items() if node in (None, lane.node)]
        width = len({(one.lane.node, one.lane.rank) for one in of})
        return float(sum(one.parts[chosen].sum() for one in of)) / max(1, width)

    def steady(self, *parts: str, node: str | None = None) -> float:
        """Seconds of some parts in all steps after the warm-up, added up over processes."""
        chosen = [PARTS.index(part) for part in parts or PARTS]
        of = [one for lane, one in self.processes.items() if node in (None, lane.node)]
        return float(sum(one.steady[chosen].sum() for one in of))

    def share(self, *parts: str, node: str | None = None) -> float:
        """Of the time of steps after the warm-up; 0 without any."""
        total = self.steady(node=node)
        return self.steady(*parts, node=node) / total if total else 0.0


def gathered(profile: Profile) -> Evidence:
    """A profile as far as it is there."""
    span = profile.span()
    seconds = (span[1] - span[0]) / _SECOND
    width = next(width for least, width in _BIN_SECONDS if seconds >= least)
    found = Evidence(profile.job, span, width)
    for table in step_tables(profile, span):
        found.ranks = compared(found.ranks, table)
        for number, lane in enumerate(table.lanes):
            _account(found, lane, table.of_lane(number))
    for events in profile.events(span, _RARE):
        _add_rare(found, events)
    nodes = list(profile.nodes())
    found.loaders, found.waits = waits_of(profile, span, nodes)
    first = min((one.start for one in found.processes.values()), default=span[0])
    found.machines = {node: watched(profile, node, span, first, width) for node in nodes}
    return found


def _account(found: Evidence, lane: Lane, steps: StepTable) -> None:
    weights = np.diff(steps.step, append=steps.step[-1] + 1)
    parts = parts_of(steps) * weights[:, None]
    process = found.processes.get(lane)
    if process is None:
        process = Process(lane, int(steps.step[0]), int(steps.step[-1]), int(steps.start[0]), int(steps.end[-1]))
        found.processes[lane] = process
        warm_up = min(_WARM_UP_STEPS, len(steps))
    else:
        warm_up = 0
        process.last_step, process.end = int(steps.step[-1]), int(steps.end[-1])
    learning = np.isin(steps.mode, _LEARNING)
    process.parts += parts.sum(axis=0)
    process.steady += parts[warm_up:].sum(axis=0)
    process.steps += int(weights[warm_up:][learning[warm_up:]].sum())
    earlier = max(
        (
            one.last_step
            for other, one in found.processes.items()
            if other != lane and other[:2] == lane[:2] and one.end <= process.start
        ),
        default=-1,
    )
    repeated = learning & (steps.step <= earlier)
    process.repeated += float(steps.duration[repeated] @ weights[repeated])
    _book(found, steps, parts)


def parts_of(steps: StepTable) -> Seconds:
    """[step, part]: the seconds of each; a step that does not learn is evaluation, whole. Checkpoints, and evaluations
    within a step, are not in it.
    """
    found = np.stack([*(steps.seconds[phase] for phase in STEP_PHASES), steps.idle], axis=1).astype(np.float64)
    other = ~np.isin(steps.mode, _LEARNING)
    found[other] = 0.0
    found[:, [PARTS.index(phase) for phase in _RARE]] = 0.0
    found[other, _EVALUATION] = steps.duration[other]
    return found


def _add_rare(found: Evidence, events: pa.Table) -> None:
    known = {(one.node, one.rank, one.process): process for one, process in found.processes.items()}
    columns = ("phase", "node", "rank", "process", "start", "duration")
    for phase, node, rank, number, start, duration in zip(
        *(events[name].to_pylist() for name in columns), strict=True
    ):
        process = known.get((node, rank, number))
        if process is not None and duration:
            parts = np.zeros(len(PARTS))
            parts[PARTS.index(phase)] = duration / _SECOND
            process.parts += parts
            process.steady += parts
            _spread(found, start, start + duration, parts)


def _book(found: Evidence, steps: StepTable, parts: Seconds) -> None:
    """A step's time goes to the bins in which it was."""
    width = found.bin_seconds * _SECOND
    first, last = steps.start // width, np.maximum(steps.end - 1, steps.start) // width
    inside = first == last
    numbers, place = np.unique(first[inside], return_inverse=True)
    sums = np.zeros((len(numbers), len(PARTS)))
    np.add.at(sums, place, parts[inside])
    for number, one in zip(numbers.tolist(), sums, strict=True):
        found.bins[number] += one
    for row in np.flatnonzero(~inside):
        _spread(found, int(steps.start[row]), int(steps.end[row]), parts[row])


def _spread(found: Evidence, start: int, end: int, parts: Seconds) -> None:
    """What was done from one moment to another, by the bins that it reaches over."""
    width = found.bin_seconds * _SECOND
    for number in range(start // width, (end - 1) // width + 1):
        covered = min(end, (number + 1) * width) - max(start, number * width)
        found.bins[number] += parts * (covered / (end - start))
