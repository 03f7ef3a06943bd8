"""CPUBottleneck and IOBottleneck: a GPU waits while a core is busy, or waits for a disk."""

from abc import abstractmethod
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, by_device, device_of


@dataclass(slots=True)
class _Counts:
    datapoints: int = 0
    low_gpu: int = 0
    bottlenecks: int = 0


class _Bottleneck(ProfilerRule):
    """In more than ``threshold`` percent of all samples some GPU is below ``gpu_threshold`` while some core is above
    its own threshold.
    """

    measure: ClassVar[str]
    """Of a core."""
    threshold = parameter.number(50.0, 0, 100)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._nodes = defaultdict[str, _Counts](_Counts)

    @property
    @abstractmethod
    def _limits(self) -> tuple[float, float, int]:
        """Below which a GPU waits, above which a core does, and how many datapoints are passed over."""

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return any(device_of(column, *one) is not None for one in (("gpu", "busy"), ("cpu", self.measure)))

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        gpus, cores = by_device(samples, "gpu", "busy"), by_device(samples, "cpu", self.measure)
        if not gpus or not cores or not len(samples.times):
            return
        gpu_limit, core_limit, _ = self._limits
        usage, core = np.stack(list(gpus.values())), np.stack(list(cores.values()))
        known = ~(np.isnan(usage).all(axis=0) | np.isnan(core).all(axis=0))
        low = (usage < gpu_limit).any(axis=0) & known
        counts = self._nodes[node]
        counts.datapoints += int(known.sum())
        counts.low_gpu += int(low.sum())
        counts.bottlenecks += int((low & (core > core_limit).any(axis=0)).sum())
        self.datapoints = sum(one.datapoints for one in self._nodes.values())
        self.violations = sum(one.bottlenecks for one in self._nodes.values())

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. The samples of all nodes count together."""
        return self.datapoints > self._limits[2] and self.violations / self.datapoints * 100 > self.threshold

    def details(self) -> dict[str, Any]:
        """By node: how many samples there are, in how many a GPU waits, and in how many of them a core is the
        bottleneck.
        """
        return {
            node: {
                "datapoints": counts.datapoints,
                "low_gpu_utilization": counts.low_gpu,
                "bottlenecks": counts.bottlenecks,
            }
            for node, counts in sorted(self._nodes.items())
        }

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        gpu_limit, core_limit, _ = self._limits
        share = self.violations / max(1, self.datapoints)
        return (
            f"in {share:.1%} of {self.datapoints} samples a GPU is below {gpu_limit:g} % and a core"
            f" {self.measure} above {core_limit:g} %"
        )


class CPUBottleneck(_Bottleneck):
    """In more than ``threshold`` percent of all samples some GPU is below ``gpu_threshold`` while some core is busy for
    more than ``cpu_threshold`` percent of the time.
    """

    measure = "busy"
    coded = {"patience": 1000}
    gpu_threshold = parameter.number(10.0, 0, 100)
    cpu_threshold = parameter.number(90.0, 0, 100)
    patience = parameter.integer(100)

    @property
    def _limits(self) -> tuple[float, float, int]:
        return self.gpu_threshold, self.cpu_threshold, self.patience


class IOBottleneck(_Bottleneck):
    """In more than ``threshold`` percent of all samples some GPU is below ``gpu_threshold`` while some core waits for
    a disk for more than ``io_threshold`` percent of the time.
    """

    measure = "iowait"
    coded = {"gpu_threshold": 10}
    gpu_threshold = parameter.number(70.0, 0, 100)
    io_threshold = parameter.number(50.0, 0, 100)
    patience = parameter.integer(1000)

    @property
    def _limits(self) -> tuple[float, float, int]:
        return self.gpu_threshold, self.io_threshold, self.patience
