# ruff: noqa: E501 (the kernel writes long lines)
from pathlib import Path

import pytest

from epochwatch.agent.host import proc
from epochwatch.agent.host.kept import Rates
from epochwatch.agent.host.machine import Cores
from tests.host.probing import sample

STAT = b"""cpu  238349 455595 101463 239062 1946 7 1411 1444 300 0
cpu0 116843 224178 49205 127948 423 3 217 728 100 0
cpu2 121506 231417 52258 111114 1523 4 1194 716 200 0
intr 9076537 0 0
ctxt 42090313
"""
MEMINFO = b"""MemTotal:       24684084 kB
MemFree:         1000000 kB
MemAvailable:   20684084 kB
Cached:          5083228 kB
SwapTotal:       2000000 kB
SwapFree:        1500000 kB
"""
DISKSTATS = b"""   7       0 loop0 9 0 9 0 9 0 9 0 0 9 9 0 0 0 0 0 0
 259       0 nvme0n1 100 5 2000 10 50 3 4000 20 0 1234 30 0 0 0 0 0 0
 259       1 nvme0n1p1 90 5 1900 10 50 3 4000 20 0 1230 30 0 0 0 0 0 0
   8       0 sda 10 0 80 1 0 0 0 0 0 7 1
   8       1 sda1 10 0 80 1 0 0 0 0 0 7 1 0 0 0 0
   8      16 sdb 10 0 80 1 0 0 0 0 0 7 1 0 0 0 0
 253       0 dm-0 10 0 80 1 0 0 0 0 0 7 1 0 0 0 0
"""
NET_DEV = b"""Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1304256925  355629    0    0    0     0          0         0 1304256925  355629    0    0    0     0       0          0
  eth0:5303420191  265191    0    0    0     0          0         0  5684059   68539    0    0    0     0       0          0
"""
PRESSURE = b"some avg10=94.23 avg60=88.90 avg300=89.48 total=3388439957\nfull avg10=0.00 avg60=0.05 avg300=0.03 total=13659138\n"
ODD_NAME = b"4321 (a) b (c)) S 17 4321 4321 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 777 1000000 2048 18446744073709551615\n"


def test_cores_are_told_apart_and_idle_or_stolen_time_is_not_work() -> None:
    ticks = proc.cpu_ticks(STAT)
    assert ticks.cores == [0, 2]
    assert ticks.busy == [116843 + 224178 + 49205 + 3 + 217, 121506 + 231417 + 52258 + 4 + 1194]
    assert (ticks.iowait, ticks.steal) == ([423, 1523], [728, 716])


@pytest.mark.parametrize("stat", [b"", b"intr 1 2\n", b"cpu 1 2 3\ncpu0 1 2\nintr 1\n"])
def test_what_does_not_begin_with_cores_is_refused(stat: bytes) -> None:
    with pytest.raises(ValueError, match="does not begin with the cores"):
        proc.cpu_ticks(stat)


def test_a_core_that_goes_off_and_comes_back_has_no_work_meanwhile(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_bytes(STAT)
    cores = Cores(root=str(tmp_path))
    assert [column.name for column in cores.columns[3:5]] == ["cpu.0.busy", "cpu.2.busy"]
    sample(cores, 0.0)
    stat.write_bytes(b"".join(line for line in STAT.splitlines(keepends=True) if b"cpu2" not in line))
    off = sample(cores, 1.0)
    assert (off[3], off[4] != off[4]) == (0.0, True)
    stat.write_bytes(STAT)
    sample(cores, 1.0)
    assert sample(cores, 1.0)[3:5] == [0.0, 0.0]


def test_memory_in_use_is_what_is_not_available() -> None:
    found = proc.memory(MEMINFO)
    assert found == proc.Memory(24684084 << 10, 4000000 << 10, 5083228 << 10, 500000 << 10)


def test_memory_of_a_kernel_that_does_not_tell_what_is_available_is_unknown() -> None:
    with pytest.raises(KeyError):
        proc.memory(b"MemTotal: 1 kB\n")


@pytest.mark.parametrize("whole", [None, frozenset({"nvme0n1", "sda", "sdb", "dm-0", "loop0"})])
def test_disks_are_counted_without_their_partitions_and_layers(whole: frozenset[str] | None) -> None:
    found = proc.disks(DISKSTATS, whole)
    assert list(found) == ["nvme0n1", "sda", "sdb"]
    assert found["nvme0n1"] == proc.DiskCounters(2000 * 512, 4000 * 512, 1234)


def test_network_is_all_but_the_loopback_with_or_without_a_space() -> None:
    assert proc.network(NET_DEV) == {"eth0": (5303420191, 5684059)}


def test_pressure_is_told_by_its_totals() -> None:
    assert proc.pressure(PRESSURE) == {"some": 3388439957, "full": 13659138}


def test_process_is_read_whatever_its_name() -> None:
    assert proc.process_times(ODD_NAME) == proc.ProcessTimes(300, 9, 777, 2048)


def test_parent_is_told_of_processes_and_not_of_their_other_threads() -> None:
    rest = b"0 " * 12 + b"%d 3 0 0 0 0 0\n"
    assert proc.parent(ODD_NAME.replace(b"\n", b" " + rest % 17)) == 17
    assert proc.parent(ODD_NAME.replace(b"\n", b" " + rest % -1)) is None


def test_io_and_proportional_memory_of_a_process() -> None:
    assert proc.process_io(b"rchar: 9\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n") == (
        4096,
        8192,
    )
    assert proc.proportional_bytes(b"00-7f [rollup]\nRss: 1636 kB\nPss:                205 kB\n") == 205 << 10


def test_a_counter_becomes_a_rate_and_one_that_fell_has_none() -> None:
    rates = Rates()
    assert all(value != value for value in rates.per_second([10, 10], 1.0))
    first, second = rates.per_second([20, 5], 0.5)
    assert first == 20
    assert second != second
    assert rates.per_second([20, 6], 0.5) == [0, 2]
