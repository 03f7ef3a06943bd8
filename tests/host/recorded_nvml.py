"""Answers of NVML as a machine with two devices gave them; the second can be lost, and tells less."""

from types import SimpleNamespace
from typing import Any

import pynvml


class RecordedNvml:
    """As the module ``pynvml``."""

    class NVMLError(Exception):
        pass

    NVML_CLOCK_SM, NVML_CLOCK_MEM = pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM
    NVML_GPM_METRICS_GET_VERSION = pynvml.NVML_GPM_METRICS_GET_VERSION
    nvmlEventTypeXidCriticalError = pynvml.nvmlEventTypeXidCriticalError  # noqa: N815

    def __init__(self, *, driver: bool = True, lost: bool = False) -> None:
        self.driver, self.lost = driver, lost
        self.millijoules = 1_000_000
        self.events: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("nvmlClocksEventReason", "NVML_GPM_METRIC_")):
            return getattr(pynvml, name)
        raise AttributeError(name)

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetIndex(self, handle: int) -> int:
        return handle

    def _answer(self, handle: int, values: tuple[Any, Any]) -> Any:
        if self.lost and handle == 1:
            raise self.NVMLError("GPU is lost")
        return values[handle]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return SimpleNamespace(gpu=self._answer(handle, (97, 45)), memory=3)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=80 << 30, used=self._answer(handle, (40 << 30, 20 << 30)), free=0)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return int(self._answer(handle, (654_321, 100_000)))

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if handle == 1:
            raise self.NVMLError("Not Supported")
        return self.millijoules

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return int(self._answer(handle, (61, 40)))

    def nvmlDeviceGetClockInfo(self, handle: int, clock: int) -> int:
        return 1980 if clock == self.NVML_CLOCK_SM else 2619

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: int) -> int:
        return int(pynvml.nvmlClocksEventReasonSwPowerCap | pynvml.nvmlClocksEventReasonGpuIdle)

    def nvmlDeviceGetTotalEccErrors(self, handle: int, kind: int, counter: int) -> int:
        raise self.NVMLError("Not Supported")

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=7, usedGpuMemory=30 << 30), SimpleNamespace(pid=8, usedGpuMemory=None)]

    # -- Xid events

    def nvmlEventSetCreate(self) -> str:
        return "set"

    def nvmlDeviceRegisterEvents(self, handle: int, kinds: int, events: str) -> None: ...

    def nvmlEventSetWait(self, events: str, milliseconds: int) -> Any:
        if not self.events:
            raise self.NVMLError("Timeout")
        return self.events.pop(0)

    # -- GPM, of the first device only

    def c_nvmlGpmMetricsGet_t(self) -> Any:
        return SimpleNamespace(metrics=[SimpleNamespace() for _ in range(10)])

    def nvmlGpmQueryDeviceSupport(self, handle: int) -> Any:
        return SimpleNamespace(isSupportedDevice=handle == 0)

    def nvmlGpmSampleAlloc(self) -> dict[str, int]:
        return {"taken": 0}

    def nvmlGpmSampleGet(self, handle: int, sample: dict[str, int]) -> None:
        sample["taken"] += 1

    def nvmlGpmMetricsGet(self, asked: Any) -> Any:
        for metric in asked.metrics[: asked.numMetrics]:
            known = metric.metricId < 60  # no NVLink in this machine
            metric.nvmlReturn, metric.value = (0, float(metric.metricId)) if known else (3, 0.0)
        return asked
