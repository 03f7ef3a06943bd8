from pathlib import Path

from epochwatch.agent.host.smdebug_layout import SystemFiles
from epochwatch.model.host_rows import Column, Row
from epochwatch.profiler.smdebug.layout import system_file
from epochwatch.profiler.smdebug.system_event import events_in

COLUMNS = (
    Column("cpu.busy", "Percent"),
    Column("cpu.0.busy", "Percent"),
    Column("cpu.0.iowait", "Percent"),
    Column("memory.percent", "Percent"),
    Column("network.eth0.received", "Bytes/Second"),
    Column("network.eth0.sent", "Bytes/Second"),
    Column("gpu.3.busy", "Percent"),
    Column("gpu.3.memory.percent", "Percent"),
)
TIME = 1_700_000_042_500_000


def test_a_row_is_written_as_events_in_the_file_of_its_minute(tmp_path: Path) -> None:
    files = SystemFiles(tmp_path, "algo-2", COLUMNS)
    files.append(Row(TIME, 0.5, (50.0, 110.0, 1.254, 40.0, 1000.0, 200.0, 97.0, float("nan"))))
    files.close()
    path = tmp_path / "system/incremental/2023111422/1700000040.algo-2.json"
    file = system_file(str(path))
    assert file is not None
    assert (file.time, file.node) == (1_700_000_040_000_000, "algo-2")
    found = events_in(path.read_bytes())
    assert {(event.type, event.name, event.dimension, event.value) for event in found} == {
        ("cpu", "cpu0", "CPUUtilization", 100.0),
        ("i/o", "cpu0", "I/OWaitPercentage", 1.25),
        ("memory", "MemoryUsedPercent", "MemoryUtilization", 40.0),
        ("gpu", "gpu3", "GPUUtilization", 97.0),
        ("network", None, "Algorithm", 600.0),
        ("network", None, "Platform", 600.0),
    }
    assert {event.timestamp for event in found} == {TIME / 1e6}


def test_a_directory_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "system").touch()
    files = SystemFiles(tmp_path, "algo-1", COLUMNS)
    files.append(Row(TIME, 0.5, (0.0,) * len(COLUMNS)))
    files.close()
