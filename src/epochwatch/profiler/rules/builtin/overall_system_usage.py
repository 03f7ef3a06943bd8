"""OverallSystemUsage: what each node's resources were used for. It never fires."""

from collections import defaultdict
from typing import Any, Final

import numpy as np

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.rules.builtin.recent import mean_of
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, by_device, device_of
from epochwatch.profiler.rules.builtin.tally import Tally

_DEVICES: Final = {
    "CPU": ("cpu", "busy"),
    "I/O": ("cpu", "iowait"),
    "GPU": ("gpu", "busy"),
    "GPU memory": ("gpu", "memory.percent"),
}
"""Means over a node's devices, percent."""
_MEMORY: Final = "memory.percent"


class OverallSystemUsage(ProfilerRule):
    """Greatest, 99th, 95th and 50th percentile and least of CPU, GPU, their memory and I/O wait (percent, means over
    cores or GPUs) and network (bytes from one sample to the next) of each node.
    """

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._usage = defaultdict[str, dict[str, Tally]](dict)

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return (
            column == _MEMORY
            or _is_traffic(column)
            or any(device_of(column, *one) is not None for one in _DEVICES.values())
        )

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        for name, measured in _DEVICES.items():
            devices = by_device(samples, *measured)
            if devices:
                self._take(node, name, mean_of(devices))
        if _MEMORY in samples.values:
            self._take(node, "CPU memory", samples.values[_MEMORY])
        traffic = [values for column, values in samples.values.items() if _is_traffic(column)]
        if traffic:
            self._take(node, "Network", np.nansum(traffic, axis=0) * samples.seconds)

    def _take(self, node: str, name: str, values: Any) -> None:
        tally = self._usage[node].setdefault(name, Tally(percent=name != "Network"))
        before = tally.count
        tally.add(values)
        self.datapoints += tally.count - before

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``."""
        return False

    def details(self) -> dict[str, Any]:
        """By node and resource."""
        return {
            node: {name: tally.five() for name, tally in usage.items()}
            for node, usage in sorted(self._usage.items())
        }


def _is_traffic(column: str) -> bool:
    return column.startswith("network.") and column.endswith((".received", ".sent", ".total"))
