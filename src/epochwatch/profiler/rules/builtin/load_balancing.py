"""LoadBalancing: some GPUs of a node work, others do not."""

from collections import defaultdict
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, by_device, device_of

_BINS: Final = 50
"""Of two percent each; the last one has 100 % as well."""

Counts = NDArray[np.int64]


class LoadBalancing(ProfilerRule):
    """The utilisation of two GPUs of a node is distributed differently: the Jensen-Shannon distance of their
    histograms, from 0 to 0.83, is above ``threshold``.
    """

    coded = {"threshold": 0.2, "patience": 1000}
    threshold = parameter.number(0.5, 0)
    patience = parameter.integer(10)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._counts = defaultdict[str, dict[str, Counts]](dict)
        self._distances: dict[str, dict[str, float]] = {}

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return device_of(column, "gpu", "busy") is not None

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        counts = self._counts[node]
        for gpu, busy in by_device(samples, "gpu", "busy").items():
            known = busy[~np.isnan(busy)]
            self.datapoints += len(known)
            more = np.bincount(np.minimum(known / 2, _BINS - 1).astype(np.int64), minlength=_BINS)
            counts[gpu] = counts.get(gpu, np.zeros(_BINS, np.int64)) + more

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. Each pair of GPUs is a violation."""
        self._distances = {node: self._pairs(counts) for node, counts in self._counts.items()}
        found = sum(distance > self.threshold for pairs in self._distances.values() for distance in pairs.values())
        self.violations += found
        return found > 0

    def _pairs(self, counts: dict[str, Counts]) -> dict[str, float]:
        ready = [gpu for gpu, count in counts.items() if count.sum() > self.patience]
        return {f"{a},{b}": distance(counts[a], counts[b]) for a, b in combinations(ready, 2)}

    def details(self) -> dict[str, Any]:
        """By node: how often each GPU was in each bin of two percent, and the distance of each pair."""
        return {
            node: {
                "workloads": {gpu: count.tolist() for gpu, count in counts.items()},
                "distances": {pair: round(found, 4) for pair, found in self._distances.get(node, {}).items()},
            }
            for node, counts in sorted(self._counts.items())
        }

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        far = [
            f"{pair.replace(',', ' and ')} of {node} by {found:.2f}"
            for node, pairs in sorted(self._distances.items())
            for pair, found in pairs.items()
            if found > self.threshold
        ]
        return f"the workloads of GPUs are apart: {', '.join(far)}"


def distance(first: Counts, second: Counts) -> float:
    """The Jensen-Shannon distance of two histograms, with natural logarithms."""
    one, other = first / first.sum(), second / second.sum()
    middle = (one + other) / 2
    return float(np.sqrt(max(0.0, (_divergence(one, middle) + _divergence(other, middle)) / 2)))


def _divergence(of: NDArray[np.float64], middle: NDArray[np.float64]) -> float:
    known = of > 0
    return float(np.sum(of[known] * np.log(of[known] / middle[known])))
