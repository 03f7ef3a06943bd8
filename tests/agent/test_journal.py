"""The journal's file: what is written is what is read, at any moment and from anywhere."""

import math
import threading
from pathlib import Path

import pytest

from epochwatch.agent.journal import BLOCK_BYTES, FIRST_BYTES, HEADER_BYTES, Journal, JournalReader, JournalRows
from epochwatch.model.batch import NO_STEP


def read(path: Path, start: int = 0, piece: int = 1000) -> list[tuple[str, int, int, float]]:
    reader, found = JournalReader(path), []
    while (rows := reader.read(start, piece)).end > start:
        start = rows.end
        found += named(rows)
    return found


def named(rows: JournalRows) -> list[tuple[str, int, int, float]]:
    names = [rows.names[metric] for metric in rows.metrics]
    return list(zip(names, rows.steps, rows.times, rows.values, strict=True))


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal = Journal(path)
    long = "a/very/long/ünïcödé/" * 9
    wrote = [("loss", 0, 5, 0.1), (long, -3, 6, math.inf), ("", 2**62, 7, -0.0), ("loss", NO_STEP, 8, 5e-324)]
    for name, step, moment, value in wrote:
        journal.write(name, value, step, moment)
    journal.write("nan", math.nan, 1, 9)
    journal.sync()
    journal.close()
    back = read(path)
    assert back[:-1] == wrote
    assert math.isnan(back[-1][3])


def test_a_file_grows_past_its_first_size_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal = Journal(path)
    count = 3 * FIRST_BYTES // BLOCK_BYTES
    for step in range(count):
        journal.write(f"m{step % 7}", step * 0.5, step, step)
    journal.close()
    assert [(step, value) for _, step, _, value in read(path, piece=20_000)] == [
        (i, i * 0.5) for i in range(count)
    ]


def test_reading_goes_on_from_any_place_with_all_names(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal = Journal(path)
    for step in range(50):
        journal.write(f"a metric with a name of two blocks {step % 5}", float(step), step, step)
    whole = JournalReader(path).read(0, 1000)
    for place in range(whole.end):
        rest = JournalReader(path).read(place, 1000)
        wanted = [row for row, end in zip(named(whole), whole.positions, strict=True) if end > place]
        assert named(rest) == wanted
    journal.close()


def test_a_reader_follows_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal, reader, at = Journal(path), JournalReader(path), 0
    for step in range(20):
        journal.write("x" if step < 10 else "y", 1.0, step, 0)
        rows = reader.read(at, 100)
        assert [(name, s) for name, s, _, _ in named(rows)] == [("x" if step < 10 else "y", step)]
        at = rows.end
        assert reader.read(at, 100).end == at
    journal.close()


def test_an_unfinished_block_is_waited_for_and_passed_over_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal = Journal(path)
    for step in range(3):
        journal.write("x", float(step), step, 0)
    journal.close()
    with open(path, "r+b") as file:  # as if the process had died between a block's values and its kind
        file.seek(HEADER_BYTES + 2 * BLOCK_BYTES + 28)
        file.write(b"\0")
    assert [step for _, step, _, _ in named(JournalReader(path).read(0, 100))] == [0]
    assert [step for _, step, _, _ in named(JournalReader(path).read(0, 100, last=True))] == [0, 2]


def test_threads_write_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    journal = Journal(path)

    def work(thread: int) -> None:
        for step in range(20_000):
            journal.write("shared", float(thread), step, 0)
            journal.write(f"own {thread}", float(step), step, 0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    rows = read(path, piece=20_000)
    assert len(rows) == 6 * 40_000
    for number in range(6):
        assert [step for name, step, _, _ in rows if name == f"own {number}"] == list(range(20_000))
    assert sum(name == "shared" for name, _, _, _ in rows) == 6 * 20_000


def test_a_journal_is_never_written_over_and_a_foreign_file_never_read(tmp_path: Path) -> None:
    path = tmp_path / "j.ewj"
    Journal(path).close()
    with pytest.raises(FileExistsError):
        Journal(path)
    foreign = tmp_path / "foreign.ewj"
    foreign.write_bytes(b"GIF89a....")
    with pytest.raises(ValueError, match="no journal"):
        JournalReader(foreign).read(0, 10)
