"""The host sampler: a process of its own that appends one row a second to ``samples.bin``.

``python -m epochwatch.agent.sampler SPOOL DIRECTORY`` samples until the run has its exit record, or nobody
records it any more. It reads what the host (not the container) has; DIRECTORY is the one whose disk is watched.
"""

import math
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.spool import Spool

NAMES = ("CPUUtilization", "MemoryUtilization", "DiskUtilization", "GPUUtilization", "GPUMemoryUtilization")
"""SageMaker's instance metrics, in percent; CPU and GPU ones are sums over cores and devices."""
ROW = struct.Struct("<q5d")
"""Unix microseconds, then a value for each of NAMES; NaN where it could not be read."""
INTERVAL_SECONDS = 1.0


class Host:
    """Reads one sample at a time."""

    def __init__(self, directory: str, gpus: Gpus) -> None:
        import psutil

        self._psutil: Any = psutil
        self._directory = directory
        self._gpus = gpus
        self._busy, self._all = self._cpu()

    def sample(self) -> tuple[float, ...]:
        """A value for each of NAMES; the CPU's is the mean since the sample before."""
        return (
            self._cpu_utilization(),
            self._read(lambda: self._psutil.virtual_memory().percent),
            self._read(lambda: self._psutil.disk_usage(self._directory).percent),
            *self._gpus.utilization(),
        )

    def _cpu(self) -> tuple[float, float]:
        """CPU seconds since boot: busy, and all."""
        times = self._psutil.cpu_times()
        # The kernel counts guests' time as user time too, so it is not added again.
        parts = {name: value for name, value in times._asdict().items() if not name.startswith("guest")}
        everything = sum(parts.values())
        return everything - parts.get("idle", 0.0) - parts.get("iowait", 0.0), everything

    def _cpu_utilization(self) -> float:
        busy, everything = self._cpu()
        passed = everything - self._all
        share = (busy - self._busy) / passed if passed > 0 else math.nan
        self._busy, self._all = busy, everything
        return min(max(share, 0.0), 1.0) * 100 * (os.cpu_count() or 1) if not math.isnan(share) else math.nan

    @staticmethod
    def _read(value: Any) -> float:
        try:
            return float(value())
        except OSError:
            return math.nan


def run(spool: Spool, directory: str) -> None:
    """Samples at absolute deadlines until the run is over; waits first while another process samples it."""
    with spool.lock("samples") as lock:
        lock.take(wait=True)
        host = Host(directory, Gpus.open())
        path = spool.path / "samples.bin"
        with open(path, "ab", buffering=0) as file:
            torn = path.stat().st_size % ROW.size
            if torn:
                file.truncate(path.stat().st_size - torn)
            deadline = time.monotonic()
            while True:
                deadline = max(deadline + INTERVAL_SECONDS, time.monotonic())
                if _over(spool, deadline):
                    return
                file.write(ROW.pack(time.time_ns() // 1000, *host.sample()))


def _over(spool: Spool, deadline: float) -> bool:
    """Sleeps until the deadline, or until the run is over: then True."""
    while (rest := deadline - time.monotonic()) > 0:
        time.sleep(min(rest, 0.1))
        if (spool.path / "exit.json").exists():
            return True
    return not spool.being_recorded()


if __name__ == "__main__":
    run(Spool(Path(sys.argv[1])), sys.argv[2])
