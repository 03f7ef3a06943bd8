"""Timelines of a host's steps, as they grow."""

import json
from pathlib import Path
from typing import Any

from epochwatch.launchers.profiler import StepFiles
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter

BEGIN = 1_700_000_000_000_000


def steps(folder: Path) -> list[Any]:
    records = [record for path in sorted(folder.rglob("*.json")) for record in json.loads(path.read_bytes())]
    return [one["args"]["step_num"] for one in records if one["name"] == "Step:ModeKeys.TRAIN"]


def test_each_step_is_written_once_and_a_damaged_file_ends_nothing(tmp_path: Path) -> None:
    files = StepFiles(tmp_path, tmp_path / "profiler", "algo-1")
    files.write(last=False)
    writer = EventWriter(tmp_path / "profile", Header("algo-1", 0, 7), lambda: BEGIN * 1000)
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "events-0000000000000001-1.ewe").write_bytes(b"something else")
    for step in range(4):
        writer.add(Phase.STEP, BEGIN + step * 1000, 1000, step)
        writer.flush()
        files.write(last=False)
    files.write(last=True)
    assert [int(step) for step in steps(tmp_path / "profiler")] == [0, 1, 2, 3]
