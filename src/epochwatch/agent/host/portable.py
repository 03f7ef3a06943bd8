"""A host without ``/proc``, by psutil: CPU, memory, disk and network of the whole machine."""

import re
from typing import Any

from epochwatch.agent.host.kept import Rates
from epochwatch.model.host_rows import Column


class Portable:
    """A probe for other systems than Linux."""

    columns = (
        Column("cpu.busy", "Percent"),
        Column("memory.limit", "Bytes"),
        Column("memory.used", "Bytes"),
        Column("memory.percent", "Percent"),
        Column("disk.all.read", "Bytes/Second"),
        Column("disk.all.write", "Bytes/Second"),
        Column("network.all.received", "Bytes/Second"),
        Column("network.all.sent", "Bytes/Second"),
    )

    def __init__(self) -> None:
        import psutil

        self._psutil: Any = psutil
        self._rates = Rates()

    def read(self, seconds: float) -> tuple[list[float], Any]:
        """Counters, and the memory's state."""
        times = self._psutil.cpu_times()._asdict()
        busy = sum(value for name, value in times.items() if not _IDLE.match(name))
        disk, network = self._psutil.disk_io_counters(), self._psutil.net_io_counters()
        counters = [busy, *((disk.read_bytes, disk.write_bytes) if disk is not None else (0, 0))]
        return [*counters, network.bytes_recv, network.bytes_sent], self._psutil.virtual_memory()

    def values(self, reading: tuple[list[float], Any], seconds: float) -> list[float]:
        """A value for each column."""
        counters, memory = reading
        cpu, *traffic = self._rates.per_second(counters, seconds)
        return [100 * cpu, memory.total, memory.total - memory.available, memory.percent, *traffic]


_IDLE = re.compile("idle|iowait|guest|steal")
"""Times that are not the machine's work, or are counted as user time too."""
