import math
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.readers import SampleReader
from epochwatch.agent.sampler import NAMES, ROW, Host
from epochwatch.agent.spool import Exit, RunFile, Spool
from tests.agent.running import until


class RecordedNvml:
    """Answers of NVML as recorded on a machine with two devices, the second of which is lost at times."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver: bool = True, lost: bool = False) -> None:
        self.driver, self.lost = driver, lost

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        if self.lost and handle == 1:
            raise self.NVMLError("GPU is lost")
        return SimpleNamespace(gpu=(97, 45)[handle], memory=3)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        if self.lost and handle == 1:
            raise self.NVMLError("GPU is lost")
        return SimpleNamespace(total=80 << 30, used=(40 << 30, 20 << 30)[handle], free=0)


def test_gpus_are_summed() -> None:
    assert Gpus.open(RecordedNvml()).utilization() == (142, 75)


def test_lost_gpu_is_left_out() -> None:
    assert Gpus.open(RecordedNvml(lost=True)).utilization() == (97, 50)


def test_machine_without_a_driver_has_no_gpu_values() -> None:
    assert all(math.isnan(value) for value in Gpus.open(RecordedNvml(driver=False)).utilization())


def test_host_sample_agrees_with_the_machine(tmp_path: Path) -> None:
    import psutil

    host = Host(str(tmp_path), Gpus.open(RecordedNvml()))
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass  # one busy core
    cpu, memory, disk, gpu, gpu_memory = host.sample()
    assert 20 < cpu <= 100 * (psutil.cpu_count() or 1)
    assert abs(memory - psutil.virtual_memory().percent) < 10
    assert abs(disk - psutil.disk_usage(str(tmp_path)).percent) < 2
    assert (gpu, gpu_memory) == (142, 75)


def test_sampler_process_appends_rows_until_the_exit_record(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RunFile(run_id="ef" * 16, name="x", started=1.0))
    (spool.path / "samples.bin").write_bytes(b"torn")
    with spool.lock("run") as lock:
        lock.take(wait=True)
        command = [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), str(tmp_path)]
        with subprocess.Popen(command) as process:
            until(lambda: (spool.path / "samples.bin").stat().st_size >= 2 * ROW.size)
            spool.write_exit(Exit(1.0, 0))
            assert process.wait(10) == 0
    piece = SampleReader(spool).read(last=True)
    assert piece is not None
    assert piece.samples is not None
    assert piece.samples.names == list(NAMES)
    assert piece.rows >= 4


def test_sampler_ends_when_nobody_records(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path, RunFile(run_id="ef" * 16, name="x", started=1.0))
    command = [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), str(tmp_path)]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0
