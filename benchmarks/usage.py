"""What a server process uses, as the kernel counts it."""

import re
from pathlib import Path

import psutil

from tests.servers import ServerProcess


class Usage:
    """CPU time and memory of a process, all its threads and children included."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """User and system time so far, that of ended children included."""
        times = [process.cpu_times() for process in self._all()]
        return sum(one.user + one.system for one in times) + times[0].children_user + times[0].children_system

    def resident_mb(self) -> float:
        """Resident memory now, in 10^6 bytes."""
        return sum(process.memory_info().rss for process in self._all()) / 1e6

    def peak_mb(self) -> float:
        """The most resident memory that the process itself ever had, in 10^6 bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * 1024 / 1e6 if found else self.resident_mb()

    def _all(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


def usage_of(server: ServerProcess) -> Usage:
    """What our server uses, once it is started."""
    assert server.process is not None
    return Usage(server.process.pid)
