# ruff: noqa: E501 (lines of figures)
"""The host sampler: does it agree with the kernel, is it on time, and what does it cost?

python -m benchmarks.sampler agree     # beside vmstat and control groups limited for the purpose (needs root)
python -m benchmarks.sampler cost      # CPU of one sample here; the sampler's process: CPU, memory, intervals
python -m benchmarks.sampler replay    # CPU of a process that samples 64 cores and 8 GPUs replayed, at 100 ms
python -m benchmarks.sampler step      # time of a training step (numpy) with and without a sampler
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.host import cgroup, proc
from epochwatch.agent.host.container import ContainerCpu, ContainerMemory
from epochwatch.agent.host.machine import Cores, Machine, this_machine
from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.agent.sampler import Sampler
from epochwatch.agent.spool import RunFile, Spool
from epochwatch.model.host_rows import Column, weighted_mean

SECONDS = 20.0


def here(pid: int | None = None) -> Machine:
    return this_machine("/", pid, lambda job: Gpus.open(job=job))


def rows_of(seconds: float, machine: Callable[[], Machine]) -> tuple[dict[str, float], list[float]]:
    """Means of all columns over so long at 100 ms, and the intervals."""
    with tempfile.TemporaryDirectory() as directory:
        sampler = Sampler(Path(directory), "/", machine)
        sampler.begin()
        take(sampler, seconds)
        sampler.close()
        reader = RowsReader(row_files(Path(directory))[0])
        rows = reader.peek()
        assert reader.layout is not None
        names = [column.name for column in reader.layout.columns]
        return {name: weighted_mean(rows, place) for place, name in enumerate(names)}, [
            row.seconds for row in rows
        ]


def agree() -> None:
    """Means over SECONDS beside vmstat's second line, /proc/stat, and groups' own counters."""
    before = proc.cpu_ticks(Path("/proc/stat").read_bytes()).busy[0]
    begin = time.monotonic()
    with subprocess.Popen(["vmstat", str(int(SECONDS)), "2"], stdout=subprocess.PIPE, text=True) as vmstat:
        means, _ = rows_of(SECONDS, lambda: here(os.getpid()))
        after, elapsed = proc.cpu_ticks(Path("/proc/stat").read_bytes()).busy[0], time.monotonic() - begin
        assert vmstat.stdout is not None
        last = vmstat.stdout.read().splitlines()[-1].split()
    cores = os.cpu_count() or 1
    kernel = (after - before) / os.sysconf("SC_CLK_TCK") / elapsed * 100
    print(f"cpu.busy       {means['cpu.busy']:9.3f} %   /proc/stat {kernel:9.3f} %")
    print(
        f"cpu.busy       {means['cpu.busy'] / cores:9.3f} %   vmstat us+sy {int(last[12]) + int(last[13]):9d} % of all"
    )
    groups()


def groups() -> None:
    """A process limited to 0.3 of a core and 256 MiB, and what its group counts."""
    root, name = Path("/sys/fs/cgroup"), f"epochwatch-benchmark-{os.getpid()}"
    paths = {kind: root / kind / name for kind in ("cpu", "cpuacct", "memory")}
    if not all((path.parent / "cgroup.procs").exists() for path in paths.values()):
        print("no control groups of version 1 here: left out")
        return
    for path in paths.values():
        path.mkdir()
    (paths["cpu"] / "cpu.cfs_quota_us").write_text("30000")
    (paths["memory"] / "memory.limit_in_bytes").write_text(str(256 << 20))
    join = "; ".join(f"open('{path}/cgroup.procs', 'w').write(str(os.getpid()))" for path in paths.values())
    code = f"import os; {join}\nkept = bytearray(100 << 20); kept[::4096] = b'x' * len(kept[::4096])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        time.sleep(2)
        listed = Path(f"/proc/{process.pid}/cgroup").read_text()
        found = cgroup.bounds(Path("/proc/self/mountinfo").read_text(), listed, _text)
        usage = paths["cpuacct"] / "cpuacct.usage"
        begin, used = time.monotonic(), int(usage.read_text())
        means, _ = rows_of(
            SECONDS,
            lambda: Machine(
                [("cpu", lambda: ContainerCpu(Cores(), found)), ("m", lambda: ContainerMemory(found))]
            ),
        )
        grown = (int(usage.read_text()) - used) / 1e7 / (time.monotonic() - begin)
        rss = proc.process_times(Path(f"/proc/{process.pid}/stat").read_bytes()).pages * resource.getpagesize()
        current = int((paths["memory"] / "memory.usage_in_bytes").read_text())
        print(
            f"limited cpu    {means['cpu.busy']:9.3f} %   cpuacct.usage {grown:9.3f} %   (limit {means['cpu.limit']:.0f} %)"
        )
        print(
            f"limited memory {means['memory.used'] / 2**20:9.2f} MiB usage_in_bytes {current / 2**20:9.2f} MiB, rss {rss / 2**20:.2f}"
        )
    finally:
        process.kill()
        process.wait()
        for path in paths.values():
            path.rmdir()


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def cost() -> None:
    """CPU of samples, by rusage of this process; then a real sampler's intervals and memory."""
    machine = here(os.getpid())
    print(
        f"{len(machine.columns)} columns here: {_cpu_each(lambda: machine.values(machine.read(0.1), 0.1)):.0f} us of CPU a sample"
    )
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool.create(Path(directory), RunFile(run_id="ab" * 16, name="x", started=1.0))
        with spool.lock("run") as lock:
            lock.take(wait=True)
            command = [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), "/", str(os.getpid())]
            process = subprocess.Popen(command)
            time.sleep(3)
            before = _nanoseconds(process.pid)
            begin = time.monotonic()
            time.sleep(SECONDS * 2)
            after = proc.process_times(Path(f"/proc/{process.pid}/stat").read_bytes())
            used = _nanoseconds(process.pid) - before
            elapsed = time.monotonic() - begin
            process.kill()
            process.wait()
        reader = RowsReader(row_files(spool.path)[0])
        rows = reader.peek()
        assert reader.layout is not None
        intervals = sorted(row.seconds * 1000 for row in rows[5:])
        drift = (rows[-1].time - rows[5].time) / 1e3 - 100 * (len(rows) - 6)
        print(
            f"sampler process ({reader.layout.about['scheduling']}): {used / 1e7 / elapsed:.2f} % of a core, ",
            end="",
        )
        print(
            f"{after.pages * resource.getpagesize() / 2**20:.0f} MiB, {len(rows)} rows, drift {drift:.1f} ms, intervals ",
            end="",
        )
        print(
            f"p50 {statistics.median(intervals):.1f} p99 {intervals[int(len(intervals) * 0.99)]:.1f} max {intervals[-1]:.1f} ms"
        )


GPU_COLUMNS = (  # noqa: SIM905
    "busy memory.busy memory.used memory.percent power power.mean temperature clock.sm clock.memory throttled.power"
    " throttled.hardware throttled.heat ecc.corrected ecc.uncorrected xid job.memory sm occupancy tensor dram"
    " pcie.received pcie.sent nvlink.received nvlink.sent"
).split()


class ReplayedGpus:
    """8 GPUs with all counters that NVML has of a Hopper, without NVML."""

    columns = tuple(Column(f"gpu.{gpu}.{name}", "Percent") for gpu in range(8) for name in GPU_COLUMNS)

    def __init__(self) -> None:
        self._rows = [[float((place * 7 + row) % 100) for place in range(len(self.columns))] for row in range(10)]
        self._next = 0

    def read(self, seconds: float) -> list[float]:
        self._next += 1
        return self._rows[self._next % 10]

    def values(self, reading: list[float], seconds: float) -> list[float]:
        return reading


def replay() -> None:
    """By rusage of a process of its own that does nothing else; the kernel's work on its own /proc/stat is in it."""
    if len(sys.argv) < 3:
        subprocess.run([sys.executable, "-m", "benchmarks.sampler", "replay", "here"], check=True)
        return
    with tempfile.TemporaryDirectory() as directory:
        line = b"cpu%d 116843 224178 49205 127948 423 0 217 728 0 0\n"
        cores = b"cpu  1 1 1 1 1 0 1 1 0 0\n" + b"".join(line % number for number in range(64))
        (Path(directory) / "stat").write_bytes(cores + b"intr " + b"0 " * 3000 + b"\n")
        machine = Machine(
            [
                ("cores", lambda: Cores(root=directory)),
                ("rest", lambda: this_machine("/", os.getpid(), lambda job: ReplayedGpus())),
            ]
        )
        spool = Spool.create(Path(directory), RunFile(run_id="ab" * 16, name="x", started=1.0))
        sampler = Sampler(spool.path, "/", lambda: machine)
        sampler.begin()
        take(sampler, 3)
        before, begin = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        take(sampler, SECONDS)
        after, elapsed = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - begin
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        hot = _cpu_each(lambda: machine.values(machine.read(0.1), 0.1))
        print(
            f"{len(machine.columns)} columns, 64 cores and 8 GPUs: {100 * used / elapsed:.2f} % of a core"
            f" ({used / elapsed * 1e5:.0f} us a sample; {hot:.0f} us one behind the other), {after.ru_maxrss / 1024:.0f} MiB"
        )


def take(sampler: Sampler, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(sampler.deadlines.rest())
        sampler.deadlines.take()
        sampler.sample()


def _nanoseconds(pid: int) -> int:
    """CPU time exactly: ticks are taken when the sampler wakes, and count it too often."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _cpu_each(act: Callable[[], object], times: int = 1000) -> float:
    begin = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - begin) / times * 1e6


def step() -> None:
    """Steps of CPU work in turns of two seconds with the sampler running and stopped (SIGSTOP)."""
    import signal

    import numpy as np

    a = np.random.default_rng(0).random((256, 256))
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool.create(Path(directory), RunFile(run_id="ab" * 16, name="x", started=1.0))
        with spool.lock("run") as lock:
            lock.take(wait=True)
            command = [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), "/", str(os.getpid())]
            process = subprocess.Popen(command)
            time.sleep(2)
            found: dict[bool, list[float]] = {True: [], False: []}
            for turn in range(24):
                with_it = turn % 2 == 0
                process.send_signal(signal.SIGCONT if with_it else signal.SIGSTOP)
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    begin = time.process_time()
                    for _ in range(10):
                        a = a @ a
                        a /= np.abs(a).max()
                    found[with_it].append(time.process_time() - begin)
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
    without, beside = statistics.median(found[False]), statistics.median(found[True])
    print(
        f"a step: {without * 1e3:.3f} ms without, {beside * 1e3:.3f} ms with the sampler ({100 * (beside / without - 1):+.2f} %)"
    )


if __name__ == "__main__":
    {"agree": agree, "cost": cost, "replay": replay, "step": step}[sys.argv[1]]()
