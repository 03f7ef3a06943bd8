import math
from pathlib import Path
from types import SimpleNamespace

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.host.amd import AmdGpus
from epochwatch.agent.host.gpm import Gpm
from tests.host.probing import named_sample
from tests.host.recorded_nvml import RecordedNvml


def values(gpus: Gpus | AmdGpus, seconds: float = 1.0) -> dict[str, float]:
    return named_sample(gpus, seconds)


def test_each_device_tells_what_it_can() -> None:
    found = values(Gpus.open(RecordedNvml(), lambda: frozenset({7})))
    assert (found["gpu.0.busy"], found["gpu.1.busy"]) == (97, 45)
    assert (found["gpu.0.memory.percent"], found["gpu.1.memory.percent"]) == (50, 25)
    assert found["gpu.0.power"] == 654.321
    assert found["gpu.0.job.memory"] == 30 << 30
    assert (found["gpu.0.clock.sm"], found["gpu.0.clock.memory"], found["gpu.0.temperature"]) == (1980, 2619, 61)


def test_what_a_device_does_not_support_is_no_column() -> None:
    names = {column.name for column in Gpus.open(RecordedNvml()).columns}
    assert "gpu.0.power.mean" in names
    assert "gpu.1.power.mean" not in names
    assert not [name for name in names if "ecc" in name or name.startswith("gpu.1.tensor")]


def test_clocks_held_down_are_told_by_their_reason_and_idleness_is_none() -> None:
    found = {name: value for name, value in values(Gpus.open(RecordedNvml())).items() if "0.throttled" in name}
    assert found.pop("gpu.0.throttled.power") == 100
    assert set(found.values()) == {0}


def test_a_lost_device_is_unknown_and_the_other_goes_on() -> None:
    nvml = RecordedNvml()
    gpus = Gpus.open(nvml)
    nvml.lost = True
    found = values(gpus)
    assert found["gpu.0.busy"] == 97
    assert math.isnan(found["gpu.1.busy"])


def test_mean_power_is_what_the_energy_counter_grew_by() -> None:
    nvml = RecordedNvml()
    gpus = Gpus.open(nvml)
    values(gpus)
    nvml.millijoules += 1_400_000
    assert values(gpus, 2.0)["gpu.0.power.mean"] == 700


def test_xid_of_a_device_stands_until_another_comes() -> None:
    nvml = RecordedNvml()
    gpus = Gpus.open(nvml)
    assert values(gpus)["gpu.1.xid"] == 0
    nvml.events.append(SimpleNamespace(device=1, eventData=79))
    assert values(gpus)["gpu.1.xid"] == 79
    assert (values(gpus)["gpu.0.xid"], values(gpus)["gpu.1.xid"]) == (0, 79)


def test_slow_counters_are_read_once_a_second() -> None:
    nvml = RecordedNvml()
    gpus = Gpus.open(nvml)
    values(gpus, 0.1)
    nvml.events.append(SimpleNamespace(device=0, eventData=31))
    assert values(gpus, 0.1)["gpu.0.xid"] == 0
    assert values(gpus, 0.95)["gpu.0.xid"] == 31


def test_chip_counters_are_over_the_time_between_two_samples() -> None:
    clock = iter([0.0, 0.05, 0.1])
    gpm = Gpm.open(RecordedNvml(), 0, lambda: next(clock))
    assert gpm is not None
    assert all(map(math.isnan, gpm.sample()))
    assert all(map(math.isnan, gpm.sample())), "too soon after the first"
    found = dict(zip((column.name for column in gpm.columns), gpm.sample(), strict=True))
    assert (found["sm"], found["tensor"], found["dram"]) == (2, 5, 10)
    assert (found["pcie.sent"], found["pcie.received"]) == (20 << 20, 21 << 20)
    assert math.isnan(found["nvlink.sent"])


def test_older_chip_has_no_such_counters() -> None:
    assert Gpm.open(RecordedNvml(), 1) is None


def test_machine_without_a_driver_has_no_gpus() -> None:
    gpus = Gpus.open(RecordedNvml(driver=False))
    assert (len(gpus), values(gpus)) == (0, {})


def test_amd_cards_are_read_from_the_kernels_files(tmp_path: Path) -> None:
    device = tmp_path / "card1" / "device"
    (device / "hwmon" / "hwmon3").mkdir(parents=True)
    files = {
        "vendor": "0x1002",
        "gpu_busy_percent": "87",
        "mem_info_vram_used": str(16 << 30),
        "mem_info_vram_total": str(64 << 30),
        "hwmon/hwmon3/power1_average": "305000000",
    }
    for name, text in files.items():
        (device / name).write_text(text + "\n")
    (tmp_path / "card0" / "device").mkdir(parents=True)
    (tmp_path / "card0" / "device" / "vendor").write_text("0x8086\n")
    (tmp_path / "card1-DP-1").mkdir()
    assert values(AmdGpus(root=str(tmp_path))) == {
        "gpu.0.busy": 87,
        "gpu.0.memory.used": 16 << 30,
        "gpu.0.memory.percent": 25,
        "gpu.0.power": 305,
    }
