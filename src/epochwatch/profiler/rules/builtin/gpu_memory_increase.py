"""GPUMemoryIncrease: a GPU's memory fills up."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.rules.builtin.recent import Recent
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, by_device, device_of


@dataclass
class _Gpu:
    recent: Recent
    violations: int = 0
    greatest: float = 0.0
    """Percentage points, as all increases."""
    greatest_at: int = 0
    """Unix microseconds."""
    news: int = field(default=0, repr=False)


class GPUMemoryIncrease(ProfilerRule):
    """The mean of a GPU's memory over ``window`` points is more than ``increase`` percentage points above that over the
    ``window`` points before.

    The code's own formula compares windows that overlap but for two points and could not fire with the guide's
    defaults; it is not repeated here.
    """

    coded = {"increase": 5, "patience": 1000, "window": 10}
    increase = parameter.number(10.0, 0, 100)
    patience = parameter.integer(100)
    window = parameter.integer(500, 1)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._gpus = defaultdict[tuple[str, str], _Gpu](lambda: _Gpu(Recent(2 * self.window)))

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return device_of(column, "gpu", "memory.percent") is not None

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        for name, used in by_device(samples, "gpu", "memory.percent").items():
            self._see(self._gpus[node, name], samples.times[~np.isnan(used)], used)

    def _see(self, gpu: _Gpu, times: NDArray[np.int64], used: NDArray[np.float32]) -> None:
        before, seen = gpu.recent.values, gpu.recent.seen
        known = gpu.recent.add(used)
        self.datapoints += len(known)
        increases = _increases(np.concatenate([before, known]), self.window)
        fresh = increases[-len(known) :] if len(known) else increases[:0]
        times = times[len(known) - len(fresh) :]
        numbers = seen + len(known) - len(fresh) + np.arange(len(fresh)) + 1
        met = (fresh > self.increase) & (numbers > self.patience)
        if met.any():
            gpu.news += int(met.sum())
            top = int(np.argmax(np.where(met, fresh, -np.inf)))
            if fresh[top] > gpu.greatest:
                gpu.greatest, gpu.greatest_at = float(fresh[top]), int(times[top])

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. Each point that meets the condition is a violation."""
        news = 0
        for gpu in self._gpus.values():
            news, gpu.violations, gpu.news = news + gpu.news, gpu.violations + gpu.news, 0
        self.violations += news
        return news > 0

    def details(self) -> dict[str, Any]:
        """By node and GPU: the box of the last points, the violations, the greatest increase and its Unix seconds."""
        found: dict[str, Any] = {}
        for (node, name), gpu in sorted(self._gpus.items()):
            found.setdefault(node, {})[name] = gpu.recent.box() | {
                "violations": gpu.violations,
                "increase": round(gpu.greatest, 4),
                "timestamp": gpu.greatest_at / 1e6,
            }
        return found

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return ", ".join(
            f"the memory of {name} of {node} rose by {gpu.greatest:.3g} percentage points from one {self.window}"
            " points to the next"
            for (node, name), gpu in sorted(self._gpus.items())
            if gpu.violations
        )


def _increases(values: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    """Of each value but the first ones: the mean over the window that it ends, less that over the one before."""
    if len(values) < 2 * window:
        return np.empty(0)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    means = (sums[window:] - sums[:-window]) / window
    found: NDArray[np.float64] = means[window:] - means[:-window]
    return found
