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
_LEAST_STEPS: Final = 10
_SHORTEST: Final = 1e-6
_DEVIATIONS: Final = 1.4826 / 2**0.5
"""A deviation from the median of differences between neighbours."""
_OTHER_PHASES: Final = tuple(phase for phase in STEP_PHASES if phase is not Phase.COMMUNICATION)
OWN_PARTS: Final = (*(phase.value for phase in _OTHER_PHASES), "idle")
"""What a rank does without the others."""

Matrix = NDArray[np.float64]


@dataclass
class Ranks:
    """Sums over the steps that all of some ranks have taken."""

    numbers: tuple[int, ...]
    nodes: tuple[str, ...]
    steps: int = 0
    own: Matrix = field(init=False)
    """Seconds of each rank in which it did not wait for others."""
    slow: Matrix = field(init=False)
    """In how many steps each rank was slower than the middle of the others by more than 2 %."""
    slowest: Matrix = field(init=False)
    """In how many steps each was the slowest."""
    behind: Matrix = field(init=False)
    """Seconds by which each was behind the middle of the others in the steps in which it was the slowest."""
    by_part: Matrix = field(init=False)
    """[part, rank]: its seconds less the middle of the others; the rows are OWN_PARTS."""
    middle: float = 0.0
    """Sum over steps of the middle one's seconds."""
    alarms: dict[int, int] = field(default_factory=dict)
    """By place of a rank: the step at which it was first found to be slow."""
    _late: Matrix = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.numbers)
        self.own, self.slow, self.slowest, self.behind, self._late = (np.zeros(count) for _ in range(5))
        self.by_part = np.zeros((len(OWN_PARTS), count))

    def add(self, common: NDArray[np.int64], steps: list[StepTable]) -> None:
        """The next steps, which all ranks have taken: the rows of each rank."""
        seconds = [np.stack([*(one.seconds[phase] for phase in _OTHER_PHASES), one.idle], axis=1) for one in steps]
        own = np.stack([one.duration - one.seconds[Phase.COMMUNICATION] for one in steps], axis=1)
        phases = np.stack(seconds, axis=2).astype(np.float64).transpose(1, 0, 2)
        self._compare(common, np.maximum(own, _SHORTEST), phases)

    def _compare(self, steps: NDArray[np.int64], own: Matrix, phases: Matrix) -> None:
        others = _middle_of_others(own)
        apart = np.log(own / others)
        slowest = own.argmax(axis=1)
        every = np.arange(len(own))
        self.steps += len(own)
        self.own += own.sum(axis=0)
        self.slow += (apart > 0.02).sum(axis=0)
        self.slowest += np.bincount(slowest, minlength=own.shape[1])
        behind = np.maximum(own - others, 0.0)[every, slowest]
        self.behind += np.bincount(slowest, behind, own.shape[1])
        self.by_part += np.stack([(one - _middle_of_others(one)).sum(axis=0) for one in phases])
        self.middle += float(np.median(own, axis=1).sum())
        self._accumulate(steps, apart)

    def _accumulate(self, steps: NDArray[np.int64], apart: Matrix) -> None:
        """A cumulative sum of what is above the slack, which never falls below 0; all steps of a piece at once."""
        noise = max(float(np.median(np.abs(np.diff(apart, axis=0)))) * _DEVIATIONS, _LEAST_NOISE)
        sums = self._late + np.cumsum((apart / noise).clip(-_MOST, _MOST) - _SLACK, axis=0)
        late = sums - np.minimum(np.minimum.accumulate(sums, axis=0), 0.0)
        for place in range(apart.shape[1]):
            reached = np.flatnonzero(late[:, place] > _ALARM)
            if len(reached) and place not in self.alarms:
                self.alarms[place] = int(steps[reached[0]])
        self._late = late[-1]


def _middle_of_others(values: Matrix) -> Matrix:
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
