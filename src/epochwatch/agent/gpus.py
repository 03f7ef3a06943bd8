"""NVIDIA GPUs through NVML, where a driver answers."""

import math
from typing import Any


class Gpus:
    """Sums over all devices that NVML shows; NaN where there are none or none answers."""

    def __init__(self, nvml: Any, handles: list[Any]) -> None:
        self._nvml = nvml
        self._handles = handles

    @classmethod
    def open(cls, nvml: Any = None) -> "Gpus":
        """The machine's GPUs; no driver is no GPUs. ``nvml`` is the module ``pynvml`` or one like it."""
        if nvml is None:
            import pynvml

            nvml = pynvml
        try:
            nvml.nvmlInit()
            handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:
            handles = []
        return cls(nvml, handles)

    def __len__(self) -> int:
        return len(self._handles)

    def utilization(self) -> tuple[float, float]:
        """Percent of time that kernels ran and percent of memory in use, each summed over the devices."""
        return self._sum(self._busy), self._sum(self._memory)

    def _busy(self, handle: Any) -> float:
        return float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)

    def _memory(self, handle: Any) -> float:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        return 100.0 * memory.used / memory.total if memory.total else math.nan

    def _sum(self, read: Any) -> float:
        total = math.nan
        for handle in self._handles:
            try:
                value = read(handle)
            except self._nvml.NVMLError:
                continue  # one device lost or without this counter
            if not math.isnan(value):
                total = value if math.isnan(total) else total + value
        return total
