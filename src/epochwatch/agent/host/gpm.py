"""GPM, the counters of NVIDIA's Hopper and later: what the chip did between two samples."""

import time
from collections.abc import Callable
from typing import Any

from epochwatch.agent.host.kept import NAN
from epochwatch.model.host_rows import Column

LEAST_SECONDS = 0.1
"""Between two samples; the counters are no finer."""
MIB = 1 << 20
METRICS = (
    ("SM_UTIL", Column("sm", "Percent"), 1),
    ("SM_OCCUPANCY", Column("occupancy", "Percent"), 1),
    ("ANY_TENSOR_UTIL", Column("tensor", "Percent"), 1),
    ("DRAM_BW_UTIL", Column("dram", "Percent"), 1),
    ("PCIE_RX_PER_SEC", Column("pcie.received", "Bytes/Second"), MIB),
    ("PCIE_TX_PER_SEC", Column("pcie.sent", "Bytes/Second"), MIB),
    ("NVLINK_TOTAL_RX_PER_SEC", Column("nvlink.received", "Bytes/Second"), MIB),
    ("NVLINK_TOTAL_TX_PER_SEC", Column("nvlink.sent", "Bytes/Second"), MIB),
)
"""NVML's name, ours, and what NVML's unit is worth in ours."""


class Gpm:
    """Of one device."""

    columns = tuple(column for _, column, _ in METRICS)

    def __init__(self, nvml: Any, handle: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._nvml = nvml
        self._handle = handle
        self._clock = clock
        self._ids = [getattr(nvml, f"NVML_GPM_METRIC_{name}") for name, _, _ in METRICS]
        self._before, self._now = nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc()
        self._taken = -1.0
        self._values = [NAN] * len(METRICS)

    @classmethod
    def open(cls, nvml: Any, handle: Any, clock: Callable[[], float] = time.monotonic) -> "Gpm | None":
        """None where the device has no such counters."""
        try:
            if not nvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice:
                return None
            return cls(nvml, handle, clock)
        except (nvml.NVMLError, AttributeError):
            return None

    def sample(self) -> list[float]:
        """A value for each column, over the time since the sample before; NaN at first and where NVML has none."""
        now = self._clock()
        if self._taken >= 0 and now - self._taken < LEAST_SECONDS * 0.9:
            return self._values
        try:
            self._nvml.nvmlGpmSampleGet(self._handle, self._now)
            if self._taken >= 0:
                self._values = self._between()
        except self._nvml.NVMLError:
            self._values = [NAN] * len(METRICS)
        self._taken = now
        self._before, self._now = self._now, self._before
        return self._values

    def _between(self) -> list[float]:
        asked = self._nvml.c_nvmlGpmMetricsGet_t()
        asked.version = self._nvml.NVML_GPM_METRICS_GET_VERSION
        asked.numMetrics = len(METRICS)
        asked.sample1, asked.sample2 = self._before, self._now
        for place, number in enumerate(self._ids):
            asked.metrics[place].metricId = number
        self._nvml.nvmlGpmMetricsGet(asked)
        return [
            asked.metrics[place].value * scale if asked.metrics[place].nvmlReturn == 0 else NAN
            for place, (_, _, scale) in enumerate(METRICS)
        ]
