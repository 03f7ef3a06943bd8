"""Timelines of a host's steps, as they grow."""

import json
from pathlib import Path
from typing import Any

from epochwatch.launchers.step_files import TAKEN, StepFiles
from epochwatch.profiler.hooks.recorder import TRAIN
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter

BEGIN = 1_700_000_000_000_000
SECOND = 1_000_000


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


def test_a_successor_of_one_that_was_killed_writes_the_same_files_and_what_was_in_none(tmp_path: Path) -> None:
    """Operators are told after the steps in which they were, so that it matters in which pieces they come."""
    (tmp_path / "profile").mkdir()
    folder = tmp_path / "profiler"
    writers = [
        EventWriter(tmp_path / "profile", Header("algo-1", 0, process), lambda: BEGIN * 1000) for process in (7, 8)
    ]
    files = StepFiles(tmp_path, folder, "algo-1")

    def record(*steps: int) -> None:
        for step in steps:
            writers[step % 2].add(Phase.STEP, BEGIN + step * SECOND, SECOND, step, TRAIN)
            writers[0].add(Phase.OPERATOR, BEGIN + (step - 30) * SECOND, 1000, step - 30, TRAIN, "mm")
            writers[0].flush()
            writers[1].flush()

    for begin in range(100, 240, 20):
        record(*range(begin, begin + 20))
        files.write(last=False)
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    assert before
    with open(tmp_path / "profile" / TAKEN, "a") as file:
        file.write("99999 events-00")  # it was killed while it wrote this
    record(240, 241)

    successor = StepFiles(tmp_path, folder, "algo-1")
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before
    successor.write(last=True)
    assert sorted(int(step) for step in steps(folder)) == list(range(100, 242))
    after = {path: path.read_bytes() for path in folder.rglob("*.json")}
    assert before.items() < after.items()

    StepFiles(tmp_path, folder, "algo-1").write(last=True)
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == after
