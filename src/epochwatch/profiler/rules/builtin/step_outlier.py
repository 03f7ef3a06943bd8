"""StepOutlier: single steps take much longer than the others."""

from collections import defaultdict
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.profiler.events import Phase
from epochwatch.profiler.rules.builtin.events import is_phase
from epochwatch.profiler.rules.builtin.rule import ProfilerRule
from epochwatch.profiler.rules.builtin.tally import Tally

LEAST_STEPS: Final = 100


class StepOutlier(ProfilerRule):
    """Of a node's steps of a mode, once there are more than 100, more than ``n_outliers`` take longer than their mean
    and ``stddev`` standard deviations. ``mode`` is TRAIN or EVAL; both without.
    """

    phases = frozenset({Phase.STEP})
    coded = {"stddev": 3}
    stddev = parameter.number(5.0, 0)
    mode = parameter.choice("TRAIN", "EVAL")
    n_outliers = parameter.integer(10)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        wanted = (ModeKeys[self.mode],) if self.mode else (ModeKeys.TRAIN, ModeKeys.EVAL)
        self._modes = {mode.value: mode.name for mode in wanted}
        self._steps = defaultdict[tuple[str, str], Tally](Tally)
        self._met: dict[tuple[str, str], int] = {}

    def see_events(self, events: pa.Table) -> None:
        """See ``ProfilerRule``."""
        steps = events.filter(is_phase(events, Phase.STEP))
        modes = np.asarray(steps["mode"])
        nodes = np.asarray(pc.cast(steps["node"], pa.string()), dtype=object)
        seconds = np.asarray(steps["duration"]) / 1e6
        for number, mode in self._modes.items():
            for node in set(nodes[modes == number]):
                chosen = seconds[(modes == number) & (nodes == node)]
                self._steps[node, mode].add(chosen)
                self.datapoints += len(chosen)

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. The violations are the outliers of all that was seen."""
        found = {place: self._outliers(steps) for place, steps in self._steps.items()}
        self._met = {place: count for place, count in found.items() if count > self.n_outliers}
        self.violations = sum(self._met.values())
        return bool(self._met)

    def _outliers(self, steps: Tally) -> int:
        return steps.above(self._limit(steps)) if steps.count > LEAST_STEPS else 0

    def _limit(self, steps: Tally) -> float:
        return steps.mean + self.stddev * steps.deviation

    def details(self) -> dict[str, Any]:
        """By node and mode: the steps, and their durations in seconds."""
        found: dict[str, Any] = {}
        for (node, mode), steps in sorted(self._steps.items()):
            found.setdefault(node, {})[mode] = steps.five() | {
                "steps": steps.count,
                "mean": round(steps.mean, 6),
                "stddev": round(steps.deviation, 6),
                "limit": round(self._limit(steps), 6),
                "outliers": self._outliers(steps),
            }
        return found

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return ", ".join(
            f"{count} of {self._steps[place].count} {place[1]} steps of {place[0]} took longer than"
            f" {self._limit(self._steps[place]):.4g} s (mean {self._steps[place].mean:.4g} s)"
            for place, count in sorted(self._met.items())
        )
