import errno
import os
from pathlib import Path

import pytest

from epochwatch.agent.host.deadlines import Deadlines
from epochwatch.agent.host.instance import NAMES, Instance
from epochwatch.agent.host.minutes import MinuteReader
from epochwatch.agent.host.rows_file import RowsReader, RowsWriter, row_files
from epochwatch.model.host_rows import Column, Layout, Row, weighted_mean

LAYOUT = Layout([Column("cpu.busy", "Percent")], {"hostname": "h"})
MINUTE = 1_700_000_040
RUN = "ab" * 16


def row(seconds: float, value: float = 1.0) -> Row:
    """One that begins so many seconds after the minute."""
    return Row(round((MINUTE + seconds + 0.1) * 1e6), 0.1, (value,))


def reader(directory: Path, acknowledged: dict[str, int] | None = None) -> MinuteReader:
    clock = iter(range(MINUTE + 1000, MINUTE + 100_000, 10))
    return MinuteReader(RUN, directory, {} if acknowledged is None else acknowledged, lambda: next(clock))


def values(rows: bytes) -> list[float]:
    return [one.values[0] for one in LAYOUT.unpack(rows)]


def test_only_whole_minutes_are_sent_until_the_run_is_over(tmp_path: Path) -> None:
    writer = RowsWriter(tmp_path, LAYOUT, 1)
    minutes = reader(tmp_path)
    writer.append(row(0, 1))
    writer.append(row(59.9, 2))
    assert minutes.next(last=False) is None
    writer.append(row(60, 3))
    found = minutes.next(last=False)
    assert found is not None
    assert (found.run_id, found.minute, values(found.rows), found.about) == (
        RUN,
        MINUTE,
        [1, 2],
        {"hostname": "h"},
    )
    minutes.acknowledge()
    assert minutes.next(last=False) is None
    rest = minutes.next(last=True)
    assert rest is not None
    assert (rest.minute, values(rest.rows)) == (MINUTE + 60, [3])
    assert rest.part != found.part
    minutes.acknowledge()
    assert minutes.next(last=True) is None


def test_what_is_not_acknowledged_is_given_again_and_another_process_goes_on_behind_it(tmp_path: Path) -> None:
    writer = RowsWriter(tmp_path, LAYOUT, 1)
    for second in range(0, 200, 30):
        writer.append(row(second, second))
    acknowledged: dict[str, int] = {}
    minutes = reader(tmp_path, acknowledged)
    assert minutes.next(last=False) == minutes.next(last=False)
    minutes.acknowledge()
    found = reader(tmp_path, acknowledged).next(last=False)
    assert found is not None
    assert values(found.rows) == [60, 90]


def test_a_file_that_has_ended_goes_when_the_server_has_it(tmp_path: Path) -> None:
    first = RowsWriter(tmp_path, LAYOUT, 1)
    first.append(row(0))
    RowsWriter(tmp_path, LAYOUT, 2).append(row(30))
    acknowledged: dict[str, int] = {}
    minutes = reader(tmp_path, acknowledged)
    assert minutes.next(last=False) is not None
    assert len(row_files(tmp_path)) == 2
    minutes.acknowledge()
    assert minutes.next(last=False) is None
    assert [path.name for path in row_files(tmp_path)] == ["host-0000000000000002.bin"]
    assert acknowledged == {}


def test_a_torn_row_is_not_read_and_damaged_files_are_passed_over(tmp_path: Path) -> None:
    writer = RowsWriter(tmp_path, LAYOUT, 2)
    writer.append(row(0, 5))
    with open(writer.path, "ab") as file:
        file.write(b"torn")
    (tmp_path / "host-0000000000000001.bin").write_bytes(b"this is something else")
    found = reader(tmp_path).next(last=True)
    assert found is not None
    assert values(found.rows) == [5]


def test_a_full_disk_costs_rows_and_not_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RowsWriter(tmp_path, LAYOUT, 1)
    whole = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        whole(fd, data[:5], offset)
        return 5

    assert writer.append(row(0, 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert not writer.append(row(1, 2), row(1.1, 2))
    assert writer.append(row(2, 3), row(2.1, 4))
    assert [one.values[0] for one in RowsReader(writer.path).peek()] == [1, 3, 4]
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            RowsWriter(tmp_path, LAYOUT, 9)
    assert len(row_files(tmp_path)) == 1


def test_means_are_weighted_with_time() -> None:
    rows = [Row(0, 1.0, (10.0,)), Row(0, 3.0, (50.0,)), Row(0, 9.0, (float("nan"),))]
    assert weighted_mean(rows, 0) == 40


def test_instance_metrics_add_up_devices_and_bound_the_cpu() -> None:
    columns = [
        Column(name, "Percent")
        for name in ("cpu.busy", "cpu.0.busy", "cpu.1.busy", "gpu.0.busy", "gpu.1.busy", "memory.percent")
    ]
    rows = [Row(0, 0.1, (220.0, 110.0, 110.0, 90.0, 50.0, 33.0))]
    found = dict(zip(NAMES, Instance(columns).values(rows), strict=True))
    assert (found["CPUUtilization"], found["GPUUtilization"], found["MemoryUtilization"]) == (200, 140, 33)
    assert found["DiskUtilization"] != found["DiskUtilization"]


def test_deadlines_are_multiples_of_the_interval_and_missed_ones_are_left_out() -> None:
    now = 0
    deadlines = Deadlines(100, wall=lambda: 1_700_000_000_020_000_000, monotonic=lambda: now)
    assert deadlines.rest() == pytest.approx(0.08)
    now = 80_000_000
    deadlines.take()
    assert deadlines.rest() == pytest.approx(0.1)
    now = 430_000_000  # late by two and a half
    deadlines.take()
    assert deadlines.rest() == pytest.approx(0.05)
