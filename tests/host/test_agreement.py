"""What is sampled beside what the kernel counts, under a load that is made for it.

The kernel's counters are read just before and after a sample, so that the true value lies between two known ones,
however slow the machine is.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.host.machine import Machine, this_machine
from tests.agent.running import until
from tests.host.probing import named_sample, sample

SAMPLES = 20
WITHIN = 0.01
MIB = 1 << 20
GROUPS = Path("/sys/fs/cgroup")
NUMBERS = count()
BUSY_FOR_A_WHILE = """
import sys, time
{before}
kept = bytearray({mib} << 20)
kept[::4096] = b"x" * len(kept[::4096])
print("ready", flush=True)
while True:
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        pass
    time.sleep(0.02)
"""


@contextmanager
def load(mib: int = 1, before: str = "") -> Iterator[int]:
    """A process that is busy for most of the time and has so much memory; its number."""
    code = BUSY_FOR_A_WHILE.format(before=before, mib=mib)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


class Sampled:
    """SAMPLES rows of a machine, and the kernel's counter before and after the first and the last of them."""

    def __init__(self, machine: Machine, counter: Callable[[], float]) -> None:
        first = counter()
        sample(machine, 0.0)
        begun, clock = counter(), time.monotonic()
        self.rows: list[tuple[float, dict[str, float]]] = []
        for _ in range(SAMPLES):
            time.sleep(0.1)
            last, now = counter(), time.monotonic()
            values = named_sample(machine, now - clock)
            self.rows.append((now - clock, values))
            clock = now
        self.least, self.most = last - begun, counter() - first
        """What the counter grew by, at least and at most."""
        self.newest = values

    def total(self, column: str) -> float:
        """The growth that the rates of a column add up to."""
        return sum(seconds * values[column] for seconds, values in self.rows)

    def agrees(self, column: str, unit: float = 1.0) -> None:
        """Holds the column's total to the counter, of which 1 is ``unit`` in the column."""
        total = self.total(column) / unit
        assert self.least * (1 - WITHIN) <= total <= self.most * (1 + WITHIN)
        assert self.least > 0


def machine_of(pid: int) -> Machine:
    return this_machine("/", pid, lambda job: Gpus.open(job=job))


def words(path: str | Path) -> list[str]:
    return Path(path).read_text().split()


def busy_ticks() -> float:
    """Of all cores, by their lines of /proc/stat: user, nice, system, irq and softirq. The line of them all is rounded
    by itself, which is some ticks.
    """
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    cores = [line for line in lines if line[0].startswith("cpu") and line[0] != "cpu"]
    return sum(float(line[place]) for line in cores for place in (1, 2, 3, 6, 7))


def ticks_of(pid: int) -> float:
    return sum(map(float, words(f"/proc/{pid}/stat")[13:15]))


def number_in(path: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.split()[0] == name)


def test_the_cpu_of_the_machine_is_what_proc_stat_counts() -> None:
    machine = machine_of(os.getpid())
    if any(column.name == "cpu.limit" for column in machine.columns):
        pytest.skip("the tests run in a group with a limit: that is what is measured")
    with load():
        Sampled(machine, busy_ticks).agrees("cpu.busy", 100 / os.sysconf("SC_CLK_TCK"))


def test_the_cpu_and_memory_of_a_process_are_what_the_kernel_says_of_it() -> None:
    with load(mib=100) as pid:
        sampled = Sampled(machine_of(pid), lambda: ticks_of(pid))
        sampled.agrees("job.cpu", 100 / os.sysconf("SC_CLK_TCK"))
        resident = number_in(Path(f"/proc/{pid}/status"), "VmRSS:") * 1024
        assert sampled.newest["job.rss"] == pytest.approx(resident, rel=WITHIN)
        assert sampled.newest["job.pss"] <= sampled.newest["job.rss"]
        assert sampled.newest["job.pss"] >= 100 * MIB


class Group:
    """A control group of 0.3 of a core and 256 MiB."""

    def __init__(self, cpu: Path, usage: Path, memory: Path, scale: float) -> None:
        self.cpu, self.memory = cpu, memory
        self._usage, self._scale = usage, scale
        """The file in which CPU time is counted, and what its unit is in seconds."""

    @property
    def join(self) -> str:
        """What a process executes to be in it."""
        files = sorted({f"{path}/cgroup.procs" for path in (self.cpu, self._usage.parent, self.memory)})
        return "\n".join(f"open({file!r}, 'w').write('0')" for file in files)

    def seconds(self) -> float:
        """Of CPU time, so far."""
        text = self._usage.read_text()
        return float(text if len(text.split()) == 1 else number_in(self._usage, "usage_usec")) * self._scale


@pytest.fixture
def group() -> Iterator[Group]:
    name = f"epochwatch-test-{os.getpid()}-{next(NUMBERS)}"
    made: list[Path] = []
    try:
        yield _version_1(name, made) if (GROUPS / "cpu").is_dir() else _version_2(name, made)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    finally:
        for path in made:
            until(lambda path=path: not (path / "cgroup.procs").read_text())
            path.rmdir()


def _version_1(name: str, made: list[Path]) -> Group:
    cpu, usage, memory = (GROUPS / kind / name for kind in ("cpu", "cpuacct", "memory"))
    for path in (cpu, usage, memory):
        if not path.exists():  # cpu and cpuacct may be one hierarchy
            path.mkdir()
            made.append(path)
    (cpu / "cpu.cfs_quota_us").write_text("30000")
    (memory / "memory.limit_in_bytes").write_text(str(256 * MIB))
    return Group(cpu, usage / "cpuacct.usage", memory, 1e-9)


def _version_2(name: str, made: list[Path]) -> Group:
    path = GROUPS / name
    path.mkdir()
    made.append(path)
    (path / "cpu.max").write_text("30000 100000")
    (path / "memory.max").write_text(str(256 * MIB))
    return Group(path, path / "cpu.stat", path, 1e-6)


def test_a_limited_group_is_measured_instead_of_the_machine(group: Group) -> None:
    with load(mib=100, before=group.join) as pid:
        sampled = Sampled(machine_of(pid), group.seconds)
        sampled.agrees("cpu.busy", 100.0)
        assert (sampled.newest["cpu.limit"], sampled.newest["memory.limit"]) == (30.0, 256 * MIB)
        assert sampled.newest["memory.used"] == pytest.approx(_charged(group), rel=WITHIN)
        assert sampled.newest["memory.percent"] == pytest.approx(100 * _charged(group) / (256 * MIB), rel=WITHIN)


def _charged(group: Group) -> int:
    """Memory of the group without cache that can be dropped at once."""
    second = (group.memory / "memory.current").exists()
    current = int((group.memory / ("memory.current" if second else "memory.usage_in_bytes")).read_text())
    return current - number_in(group.memory / "memory.stat", "inactive_file" if second else "total_inactive_file")
