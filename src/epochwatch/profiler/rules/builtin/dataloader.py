"""Dataloader: too few or too many processes load data for the cores of a node."""

from collections import defaultdict
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.events import Phase
from epochwatch.profiler.rules.builtin.events import is_phase
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, device_of
from epochwatch.profiler.rules.builtin.tally import Tally

_SECOND: Final = 1_000_000
_LONGEST_SECONDS: Final = 3600
_PROCESSES: Final = 4096


class Dataloader(ProfilerRule):
    """The median over seconds of how many processes load data on a node is below ``min_threshold`` or above
    ``max_threshold`` percent of its cores. A process counts in each second in which it makes a batch.
    """

    phases = frozenset({Phase.WORKER})
    min_threshold = parameter.number(70.0, 0)
    max_threshold = parameter.number(200.0, 0)
    patience = parameter.integer(10)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._cores: dict[str, int] = {}
        self._open = defaultdict[str, dict[int, set[int]]](dict)
        self._seconds = defaultdict[str, Any](lambda: np.zeros(_PROCESSES, np.int64))
        self._times = defaultdict[str, Tally](Tally)
        self._met: dict[str, float] = {}

    def check_parameters(self) -> None:
        """See ``ProfilerRule``."""
        self.ordered("min_threshold", "max_threshold")

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return device_of(column, "cpu", "busy") is not None

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        cores = sum(device_of(column, "cpu", "busy") is not None for column in samples.values)
        if cores:
            self._cores[node] = cores

    def see_events(self, events: pa.Table) -> None:
        """See ``ProfilerRule``."""
        batches = events.filter(is_phase(events, Phase.WORKER))
        nodes = np.asarray(pc.cast(batches["node"], pa.string()), dtype=object)
        start, duration = np.asarray(batches["start"]), np.asarray(batches["duration"])
        first = start // _SECOND
        last = np.minimum((start + np.maximum(duration, 1) - 1) // _SECOND, first + _LONGEST_SECONDS)
        process = np.asarray(batches["process"])
        for node in set(nodes):
            of_node = np.flatnonzero(nodes == node)
            self._times[node].add(duration[of_node] / 1e6)
            lengths = (last - first + 1)[of_node]
            rows = np.repeat(of_node, lengths)
            within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            pairs = np.unique(np.stack([first[rows] + within, process[rows]]), axis=1)
            for second, one in pairs.T.tolist():
                self._open[node].setdefault(second, set()).add(one)

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. A datapoint is a second in which data were loaded; each node is a violation."""
        for node, seconds in self._open.items():
            for second in [second for second in seconds if (second + 1) * _SECOND <= until]:
                self._seconds[node][min(len(seconds.pop(second)), _PROCESSES - 1)] += 1
                self.datapoints += 1
        shares = {node: self._share(node) for node in self._seconds if node in self._cores}
        self._met = {
            node: share
            for node, share in shares.items()
            if self._seconds[node].sum() > self.patience and not self.min_threshold <= share <= self.max_threshold
        }
        self.violations += len(self._met)
        return bool(self._met)

    def _median(self, node: str) -> float:
        counts = np.cumsum(self._seconds[node])
        low, high = (int(np.searchsorted(counts, place)) for place in ((counts[-1] + 1) // 2, counts[-1] // 2 + 1))
        return (low + high) / 2

    def _share(self, node: str) -> float:
        return 100 * self._median(node) / self._cores[node]

    def details(self) -> dict[str, Any]:
        """By node: cores, the median number of processes, and quartiles of the seconds that a batch takes."""
        return {
            node: {
                "cores": self._cores.get(node),
                "dataloaders": self._median(node),
                "batches": times.count,
                "p25": round(times.quantile(0.25), 6),
                "p50": round(times.quantile(0.5), 6),
                "p95": round(times.quantile(0.95), 6),
            }
            for node, times in sorted(self._times.items())
            if self._seconds[node].any()
        }

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return ", ".join(
            f"{self._median(node):g} processes load data on the {self._cores[node]} cores of {node}: {share:.3g} %"
            for node, share in sorted(self._met.items())
        )
