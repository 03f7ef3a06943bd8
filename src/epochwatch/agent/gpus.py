"""NVIDIA GPUs through NVML, where a driver answers: a probe of the host sampler.

What a device cannot tell is found out once and left out. Quick counters are read with every sample, slow ones once a
second; the PCIe counter of NVML is never read, for it blocks for 20 ms (newer chips tell the traffic by GPM).
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from epochwatch.agent.host.gpm import Gpm
from epochwatch.agent.host.kept import NAN
from epochwatch.model.host_rows import Column

SLOW_SECONDS = 1.0
THROTTLED = (
    ("SwPowerCap", "power"),
    ("HwSlowdown", "hardware"),
    ("SwThermalSlowdown", "heat"),
    ("HwThermalSlowdown", "hardware-heat"),
    ("HwPowerBrakeSlowdown", "power-brake"),
)
"""Reasons for which clocks are held down that are worth knowing: NVML's name and ours."""


class _Counter(NamedTuple):
    """Something a device tells."""

    column: Column
    read: Callable[[Any], float]
    quick: bool


class Gpus:
    """All devices that NVML shows; columns are ``gpu.N....``."""

    def __init__(self, nvml: Any, handles: list[Any], job: Callable[[], frozenset[int]] = frozenset) -> None:
        self._nvml = nvml
        self._handles = handles
        self._job = job
        self._xids = _Xids(nvml, handles)
        self._energy: dict[int, tuple[float, float]] = {}
        self._elapsed = 0.0
        self._since = SLOW_SECONDS
        self._counters = [self._supported(number, handle) for number, handle in enumerate(handles)]
        self._gpm = [Gpm.open(nvml, handle) for handle in handles]
        self._values: list[list[float]] = [[NAN] * len(counters) for counters in self._counters]
        self.columns: tuple[Column, ...] = tuple(self._all_columns())

    @classmethod
    def open(cls, nvml: Any = None, job: Callable[[], frozenset[int]] = frozenset) -> "Gpus":
        """The machine's GPUs; no driver is no GPUs. ``nvml`` is the module ``pynvml`` or one like it; ``job`` gives the
        processes of the job.
        """
        if nvml is None:
            import pynvml

            nvml = pynvml
        try:
            nvml.nvmlInit()
            handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:
            handles = []
        return cls(nvml, handles, job)

    def __len__(self) -> int:
        return len(self._handles)

    def read(self, seconds: float) -> list[float]:
        """A value for each column."""
        self._elapsed += seconds
        self._since += seconds
        slow = self._since >= SLOW_SECONDS
        if slow:
            self._since = 0.0
            self._xids.take()
        values: list[float] = []
        for number, handle in enumerate(self._handles):
            kept = self._values[number]
            for place, counter in enumerate(self._counters[number]):
                if counter.quick or slow:
                    kept[place] = self._read(counter, handle)
            values += kept
            gpm = self._gpm[number]
            if gpm is not None:
                values += gpm.sample()
        return values

    def values(self, reading: list[float], seconds: float) -> list[float]:
        """The reading itself: NVML gives numbers."""
        return reading

    def _all_columns(self) -> Iterable[Column]:
        for number, counters in enumerate(self._counters):
            yield from (counter.column for counter in counters)
            gpm = self._gpm[number]
            if gpm is not None:
                yield from (Column(f"gpu.{number}.{column.name}", column.unit) for column in gpm.columns)

    def _supported(self, number: int, handle: Any) -> list[_Counter]:
        found = []
        for name, unit, read, quick in self._known(number):
            try:
                read(handle)
            except (self._nvml.NVMLError, AttributeError):  # the chip, or the driver's library, has it not
                continue
            found.append(_Counter(Column(f"gpu.{number}.{name}", unit), read, quick))
        return found

    def _known(self, number: int) -> list[tuple[str, str, Callable[[Any], float], bool]]:
        nvml = self._nvml
        return [
            ("busy", "Percent", lambda handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu, True),
            ("memory.busy", "Percent", lambda handle: nvml.nvmlDeviceGetUtilizationRates(handle).memory, True),
            ("memory.used", "Bytes", lambda handle: nvml.nvmlDeviceGetMemoryInfo(handle).used, True),
            ("memory.percent", "Percent", self._memory, True),
            ("power", "None", lambda handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0, True),
            ("power.mean", "None", lambda handle: self._mean_power(number, handle), False),
            ("temperature", "None", lambda handle: nvml.nvmlDeviceGetTemperature(handle, 0), False),
            ("clock.sm", "None", lambda handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM), False),
            (
                "clock.memory",
                "None",
                lambda handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
                False,
            ),
            *self._throttling(),
            ("ecc.corrected", "Count", lambda handle: nvml.nvmlDeviceGetTotalEccErrors(handle, 0, 0), False),
            ("ecc.uncorrected", "Count", lambda handle: nvml.nvmlDeviceGetTotalEccErrors(handle, 1, 0), False),
            ("xid", "None", lambda _: self._xids.newest(number), False),
            ("job.memory", "Bytes", self._job_memory, False),
        ]

    def _throttling(self) -> Iterable[tuple[str, str, Callable[[Any], float], bool]]:
        for name, ours in THROTTLED:
            bit = getattr(self._nvml, f"nvmlClocksEventReason{name}", 0)

            def held(handle: Any, bit: int = bit) -> float:
                return 100.0 if self._nvml.nvmlDeviceGetCurrentClocksEventReasons(handle) & bit else 0.0

            yield f"throttled.{ours}", "Percent", held, False

    def _memory(self, handle: Any) -> float:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        return 100.0 * memory.used / memory.total if memory.total else NAN

    def _mean_power(self, number: int, handle: Any) -> float:
        """Watts since the last reading, from the energy counter: the power itself is but sampled by the chip."""
        millijoules = self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        before, since = self._energy.get(number, (millijoules, self._elapsed))
        self._energy[number] = (millijoules, self._elapsed)
        seconds = self._elapsed - since
        return (millijoules - before) / 1000.0 / seconds if seconds > 0 and millijoules >= before else NAN

    def _job_memory(self, handle: Any) -> float:
        """Of the job's processes; a container that cannot see the driver's process numbers finds none."""
        pids = self._job()
        running = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        return float(sum(one.usedGpuMemory or 0 for one in running if one.pid in pids))

    def _read(self, counter: _Counter, handle: Any) -> float:
        try:
            return float(counter.read(handle))
        except self._nvml.NVMLError:
            return NAN  # lost, or for now


class _Xids:
    """Errors that the driver reports of devices; the newest of each stands until another comes."""

    def __init__(self, nvml: Any, handles: Sequence[Any]) -> None:
        self._nvml = nvml
        self._newest = [0.0] * len(handles)
        self._set: Any = None
        if not handles:
            return
        with suppress(nvml.NVMLError, AttributeError):
            events = nvml.nvmlEventSetCreate()
            for handle in handles:
                nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, events)
            self._set = events
            self._ids = [nvml.nvmlDeviceGetIndex(handle) for handle in handles]

    def newest(self, number: int) -> float:
        """The newest error's number; 0 before the first. Raises AttributeError where none is told."""
        if self._set is None:
            raise AttributeError("this driver reports no Xid events")
        return self._newest[number]

    def take(self) -> None:
        """Takes what was reported since."""
        if self._set is None:
            return
        with suppress(self._nvml.NVMLError):  # the timeout is one
            while True:
                event = self._nvml.nvmlEventSetWait(self._set, 0)
                index = self._nvml.nvmlDeviceGetIndex(event.device)
                if index in self._ids:
                    self._newest[self._ids.index(index)] = float(event.eventData)
