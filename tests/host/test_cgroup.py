from collections.abc import Callable
from pathlib import Path

import pytest

from epochwatch.agent.host import cgroup
from epochwatch.agent.host.container import ContainerCpu, ContainerMemory
from epochwatch.agent.host.machine import Cores
from tests.host.probing import named_sample, sample

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "24 22 0:20 / /cg/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "25 22 0:21 /docker/abc /cg/memory rw shared:9 - cgroup cgroup rw,memory\n"
)


def reader(files: dict[str, str]) -> Callable[[str], str | None]:
    return files.get


def test_unbounded_process_has_no_bounds() -> None:
    files = {"/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n", "/sys/fs/cgroup/user.slice/memory.max": "max\n"}
    found = cgroup.bounds(V2, "0::/user.slice\n", reader(files))
    assert (found.version, found.cpu, found.memory) == (2, None, None)


def test_the_narrowest_limit_above_the_process_counts() -> None:
    files = {
        "/sys/fs/cgroup/kubepods/pod1/main/cpu.max": "400000 100000\n",
        "/sys/fs/cgroup/kubepods/pod1/cpu.max": "150000 100000\n",
        "/sys/fs/cgroup/kubepods/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/kubepods/pod1/main/memory.max": "1073741824\n",
        "/sys/fs/cgroup/kubepods/pod1/memory.max": "max\n",
    }
    found = cgroup.bounds(V2, "0::/kubepods/pod1/main\n", reader(files))
    assert found.cpu == cgroup.Bounded("/sys/fs/cgroup/kubepods/pod1", 1.5)
    assert found.memory == cgroup.Bounded("/sys/fs/cgroup/kubepods/pod1/main", 1 << 30)


def test_version_1_is_read_where_a_container_sees_the_hosts_names() -> None:
    files = {
        "/cg/cpu/job/cpu.cfs_quota_us": "50000\n",
        "/cg/cpu/job/cpu.cfs_period_us": "100000\n",
        "/cg/memory/memory.limit_in_bytes": "4096\n",
        "/cg/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
    }
    groups = "4:cpu,cpuacct:/job\n5:memory:/docker/abc/x\n0::/\n"
    found = cgroup.bounds(V1, groups, reader(files))
    assert found == cgroup.Bounds(
        1, cgroup.Bounded("/cg/cpu/job", 0.5), cgroup.Bounded("/cg/memory", 4096), "/cg/cpu/job"
    )


@pytest.mark.parametrize(("text", "cores"), [("max 100000\n", None), ("50000 100000\n", 0.5), ("250000\n", 2.5)])
def test_cpu_limits(text: str, cores: float | None) -> None:
    assert cgroup.cpu_limit(text) == cores


def test_io_of_all_devices_is_added_up() -> None:
    stat = b"8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=0 dios=0\n259:0 rbytes=11 wbytes=3 rios=1 wios=1\n"
    assert cgroup.io_bytes(stat) == (111, 10)
    assert cgroup.io_bytes_v1(b"8:0 Read 5\n8:0 Write 6\n8:0 Total 11\nTotal 11\n") == (5, 6)


def test_a_bounded_group_of_version_2_is_measured_by_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 1000000\nthrottled_usec 0\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\nfile 1500\ninactive_file 1000\n")
    (tmp_path / "memory.swap.current").write_text("500\n")
    bounds = cgroup.Bounds(2, cgroup.Bounded(str(tmp_path), 1.5), cgroup.Bounded(str(tmp_path), 4000), "")
    cpu = ContainerCpu(Cores(), bounds)
    sample(cpu, 0.0)
    (tmp_path / "cpu.stat").write_text("usage_usec 1125000\nthrottled_usec 50000\n")
    values = named_sample(cpu, 0.1)
    assert values["cpu.busy"] == pytest.approx(125)
    assert values["cpu.limit"] == 150
    assert values["cpu.throttled"] == pytest.approx(50)
    assert sample(ContainerMemory(bounds), 0.1) == (4000, 2000, 1500, 500, 50.0)
