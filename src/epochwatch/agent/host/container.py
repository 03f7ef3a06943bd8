"""What a bounded control group uses: the container's own CPU and memory instead of the machine's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from epochwatch.agent.host import cgroup
from epochwatch.agent.host.kept import KeptFile, Rates
from epochwatch.model.host_rows import Column

if TYPE_CHECKING:
    from epochwatch.agent.host.machine import Cores


class ContainerCpu:
    """The cores, with ``cpu.busy`` the group's own: exact to the microsecond."""

    def __init__(self, cores: "Cores", bounds: cgroup.Bounds) -> None:
        if bounds.cpu is None:
            raise ValueError("the CPU is not bounded")
        self._cores = cores
        self._limit = bounds.cpu.limit
        self._v2 = bounds.version == 2
        if self._v2:
            self._usage = KeptFile(f"{bounds.cpu.directory}/cpu.stat", 4096)
            self._throttling = self._usage
        else:
            if not bounds.accounting:
                raise ValueError("the group's CPU time is counted nowhere")
            self._usage = KeptFile(f"{bounds.accounting}/cpuacct.usage", 64)
            self._throttling = KeptFile(f"{bounds.cpu.directory}/cpu.stat", 1024)
        self._rates = Rates()
        self.columns = (*cores.columns, Column("cpu.limit", "Percent"), Column("cpu.throttled", "Percent"))

    def read(self, seconds: float) -> tuple[bytes, bytes, bytes]:
        """The cores' counters and the group's."""
        throttling = self._throttling.read()
        return self._cores.read(seconds), throttling, throttling if self._v2 else self._usage.read()

    def values(self, reading: tuple[bytes, bytes, bytes], seconds: float) -> Sequence[float]:
        """As Cores; then the limit, and the time that the group's threads together were held back."""
        cores, throttling, usage = reading
        busy, throttled = self._rates.per_second(self._microseconds(throttling, usage), seconds)
        _, *values = self._cores.values(cores, seconds)
        return [busy / 10_000.0, *values, 100.0 * self._limit, throttled / 10_000.0]

    def _microseconds(self, throttling: bytes, usage: bytes) -> tuple[float, float]:
        counters = cgroup.keyed(throttling)
        if self._v2:
            return counters["usage_usec"], counters.get("throttled_usec", 0)
        return int(usage) / 1000.0, counters.get("throttled_time", 0) / 1000.0


class ContainerMemory:
    """Memory of the group that bounds it. Cache that can be dropped at once is not counted as used."""

    columns = (
        Column("memory.limit", "Bytes"),
        Column("memory.used", "Bytes"),
        Column("memory.cache", "Bytes"),
        Column("memory.swap", "Bytes"),
        Column("memory.percent", "Percent"),
    )

    def __init__(self, bounds: cgroup.Bounds) -> None:
        if bounds.memory is None:
            raise ValueError("the memory is not bounded")
        directory, self._limit = bounds.memory
        v2 = bounds.version == 2
        self._current = KeptFile(f"{directory}/{'memory.current' if v2 else 'memory.usage_in_bytes'}", 64)
        self._stat = KeptFile(f"{directory}/memory.stat", 8192)
        self._inactive, self._cache = ("inactive_file", "file") if v2 else ("total_inactive_file", "total_cache")
        self._swap = _opened(f"{directory}/memory.swap.current") if v2 else None

    def read(self, seconds: float) -> tuple[bytes, bytes, bytes]:
        """What the group says."""
        return self._stat.read(), self._current.read(), self._swap.read() if self._swap is not None else b""

    def values(self, reading: tuple[bytes, bytes, bytes], seconds: float) -> Sequence[float]:
        """Bytes and percent."""
        stat = cgroup.keyed(reading[0])
        used = max(int(reading[1]) - stat.get(self._inactive, 0), 0)
        swap = int(reading[2]) if self._swap is not None else stat.get("total_swap", 0)
        return (self._limit, used, stat.get(self._cache, 0), swap, 100.0 * used / self._limit)


def _opened(path: str) -> KeptFile | None:
    try:
        return KeptFile(path, 64)
    except OSError:
        return None
