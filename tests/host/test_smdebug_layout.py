from pathlib import Path

import pytest

from epochwatch.agent.host.smdebug_layout import Event, SystemFiles, events_in, system_files
from epochwatch.model.host_rows import Column, Row

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
THEIRS = (
    '{"Type":"cpu","Name":"cpu21","Dimension":"CPUUtilization","Value":-19.61,"NodeId":"algo-1","Timestamp":1591748169.25}\n'
    '{"Type":"network","Dimension":"Platform","Value":0,"NodeId":"algo-1","Timestamp":1591748169.25}\n'
)


def test_a_row_is_written_as_events_in_the_file_of_its_minute(tmp_path: Path) -> None:
    files = SystemFiles(tmp_path, "algo-2", COLUMNS)
    files.append(Row(TIME, 0.5, (50.0, 110.0, 1.254, 40.0, 1000.0, 200.0, 97.0, float("nan"))))
    files.close()
    ((minute, node, path),) = system_files(tmp_path)
    assert (minute, node) == (1_700_000_040, "algo-2")
    assert path.relative_to(tmp_path).as_posix() == "system/incremental/2023111422/1700000040.algo-2.json"
    found = events_in(path.read_text())
    assert {(event.type, event.name, event.dimension, event.value) for event in found} == {
        ("cpu", "cpu0", "CPUUtilization", 100.0),
        ("i/o", "cpu0", "I/OWaitPercentage", 1.25),
        ("memory", "MemoryUsedPercent", "MemoryUtilization", 40.0),
        ("gpu", "gpu3", "GPUUtilization", 97.0),
        ("network", "", "Algorithm", 600.0),
        ("network", "", "Platform", 600.0),
    }
    assert {event.time for event in found} == {TIME / 1e6}


def test_files_of_sagemaker_are_read_and_a_torn_last_line_is_left_out() -> None:
    found = events_in(THEIRS + '{"Type":"cpu","Na')
    assert found == [
        Event("cpu", "cpu21", "CPUUtilization", -19.61, "algo-1", 1591748169.25),
        Event("network", "", "Platform", 0.0, "algo-1", 1591748169.25),
    ]


@pytest.mark.parametrize(
    "line", ["{}", "nonsense", "[1]", '{"Type":"cpu","Value":"x","Timestamp":1,"NodeId":"a"}']
)
def test_a_damaged_line_that_is_not_the_last_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        events_in(THEIRS.split("\n", maxsplit=1)[0] + f"\n{line}\n" + THEIRS)


def test_files_are_found_with_and_without_folders_of_hours(tmp_path: Path) -> None:
    for name in ("2023111422/1700000040.algo-1.json", "1591748100.algo-2.json", "notes.json"):
        path = tmp_path / "system" / "incremental" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [(minute, node) for minute, node, _ in system_files(tmp_path)] == [
        (1591748100, "algo-2"),
        (1700000040, "algo-1"),
    ]


def test_a_directory_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "system").touch()
    files = SystemFiles(tmp_path, "algo-1", COLUMNS)
    files.append(Row(TIME, 0.5, (0.0,) * len(COLUMNS)))
    files.close()
