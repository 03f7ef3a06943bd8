"""How the ranks of a training compare, step by step: who is late, and how evenly the work is spread."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import STEP_PHASES, Phase
from epochwatch.profiler.steps import StepTable

_SLACK: Final = 1.0
"""Of a step's deviation, in units of the noise: what the sum of deviations forgets."""
_MOST: Final = 4.0
_ALARM: Final = 20.0
_LEAST_NOISE: Final = 0.005
_DEVIATIONS: Final = 1.4826 / 2**0.5
"""A deviation from the median of differences between neighbours."""
_SLOW: Final = 0.02
_LEAST_STEPS: Final = 10
_SHORTEST: Final = 1e-6
_OTHER_PHASES: Final = tuple(phase for phase in STEP_PHASES if phase is not Phase.COMMUNICATION)
OWN_PARTS: Final = (*(phase.value for phase in _OTHER_PHASES), "idle")
"""What a rank does without the others."""

Matrix = NDArray[np.float64]


@dataclass
class Late:
    """Sums over the steps from which on a rank is slow."""

    step: int
    """At which it was known."""
    steps: int = 0
    slow: int = 0
    """Steps in which it was slower than the middle of the others by more than 2 %."""
    behind: float = 0.0
    """Seconds by which it was behind them in the steps in which it was the slowest."""
    middle: float = 0.0
    """Seconds of the middle rank."""
    parts: Matrix = field(default_factory=lambda: np.zeros(len(OWN_PARTS)))
    """Its seconds less those of the middle of the others, by OWN_PARTS."""


@dataclass
class Ranks:
    """Sums over the steps that all of some ranks have taken."""

    numbers: tuple[int, ...]
    nodes: tuple[str, ...]
    steps: int = 0
    slowest: NDArray[np.int64] = field(init=False)
    """In how many steps each rank was the slowest."""
    behind: float = 0.0
    """Seconds by which the slowest of each step was behind the middle of the others."""
    middle: float = 0.0
    """Seconds of the middle rank."""
    late: dict[int, Late] = field(default_factory=dict)
    """By place of a rank, those that were found to be slow."""
    _sums: Matrix = field(init=False)

    def __post_init__(self) -> None:
        self.slowest = np.zeros(len(self.numbers), np.int64)
        self._sums = np.zeros(len(self.numbers))

    def add(self, common: NDArray[np.int64], steps: list[StepTable]) -> None:
        """The next steps, which all ranks have taken: the rows of each rank."""
        own = np.stack([one.duration - one.seconds[Phase.COMMUNICATION] for one in steps], axis=1)
        own = np.maximum(own, _SHORTEST)
        others = middle_of_others(own)
        apart = np.log(own / others)
        slowest = own.argmax(axis=1)
        behind = np.maximum(own - others, 0.0)[np.arange(len(own)), slowest]
        middle = np.median(own, axis=1)
        self.steps += len(own)
        self.slowest += np.bincount(slowest, minlength=own.shape[1])
        self.behind += float(behind.sum())
        self.middle += float(middle.sum())
        self._accumulate(common, apart)
        parts = [
            np.stack([one.seconds[phase] for one in steps], axis=1).astype(np.float64) for phase in _OTHER_PHASES
        ]
        parts.append(np.stack([one.idle for one in steps], axis=1))
        for place, late in self.late.items():
            rows = common >= late.step
            late.steps += int(rows.sum())
            late.slow += int((apart[rows, place] > _SLOW).sum())
            late.behind += float(behind[rows & (slowest == place)].sum())
            late.middle += float(middle[rows].sum())
            late.parts += [(part - middle_of_others(part))[rows, place].sum() for part in parts]

    def _accumulate(self, steps: NDArray[np.int64], apart: Matrix) -> None:
        """A cumulative sum of what is above the slack, which never falls below 0; all steps of a piece at once."""
        noise = max(float(np.median(np.abs(np.diff(apart, axis=0)))) * _DEVIATIONS, _LEAST_NOISE)
        sums = self._sums + np.cumsum((apart / noise).clip(-_MOST, _MOST) - _SLACK, axis=0)
        sums -= np.minimum(np.minimum.accumulate(sums, axis=0), 0.0)
        for place in range(apart.shape[1]):
            reached = np.flatnonzero(sums[:, place] > _ALARM)
            if len(reached) and place not in self.late:
                self.late[place] = Late(int(steps[reached[0]]))
        self._sums = sums[-1]


def middle_of_others(values: Matrix) -> Matrix:
    """[step, rank]: the median over all other ranks."""
    count = values.shape[1]
    if count == 2:
        return values[:, ::-1]
    order = np.sort(values, axis=1)
    places = np.argsort(np.argsort(values, axis=1), axis=1)
    low, high = (count - 2) // 2, (count - 1) // 2
    rows = np.arange(len(values))[:, None]
    found: Matrix = (order[rows, low + (places <= low)] + order[rows, high + (places <= high)]) / 2
    return found


def compared(ranks: Ranks | None, table: StepTable) -> Ranks | None:
    """The comparison with the next piece of the training. Where other ranks train it begins anew; None while there are
    not two.
    """
    newest = {(lane.rank, lane.node): number for number, lane in enumerate(table.lanes) if lane.rank >= 0}
    places = sorted(newest)
    if len(places) < 2:
        return ranks
    lanes = [table.of_lane(newest[place]) for place in places]
    lanes = [one.take(one.mode != ModeKeys.EVAL.value) for one in lanes]
    common = lanes[0].step
    for one in lanes[1:]:
        common = np.intersect1d(common, one.step, assume_unique=True)
    if len(common) < _LEAST_STEPS:
        return ranks
    numbers, nodes = tuple(rank for rank, _ in places), tuple(node for _, node in places)
    if ranks is None or (numbers, nodes) != (ranks.numbers, ranks.nodes):
        ranks = Ranks(numbers, nodes)
    ranks.add(common, [one.take(np.searchsorted(one.step, common)) for one in lanes])
    return ranks
