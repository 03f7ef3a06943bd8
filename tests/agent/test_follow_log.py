"""The log that followed lines go into: what a kill leaves half done is done again, once."""

from pathlib import Path

import pytest

from epochwatch.agent.follow.log import COMPACT_BYTES, KEPT_PLACES, FollowedLog
from epochwatch.agent.spool import INDEX_ROW

FILES = ("algo-1.place", "algo-1.log", "algo-1.idx")


def rows(directory: Path) -> list[tuple[int, int]]:
    return list(INDEX_ROW.iter_unpack((directory / "algo-1.idx").read_bytes()))


def append(log: FollowedLog, number: int) -> None:
    data = f"line {number}\nand more\n".encode()
    log.append(data, [(7, number), (len(data), number + 1)], {"number": number})


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path, "algo-1.log")
    assert (log.end, log.place) == (0, None)
    for number in range(3):
        append(log, number)
    log.close()
    again = FollowedLog(tmp_path, "algo-1.log")
    assert (again.end, again.place) == (3 * 16, {"number": 2})
    assert again.tail(9) == b"and more\n"
    append(again, 3)
    assert rows(tmp_path)[-1] == (64, 4)
    assert (tmp_path / "algo-1.log").read_bytes().count(b"\n") == 8


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("written", [0, 1, 9])
def test_what_was_half_written_is_taken_back(tmp_path: Path, file: str, written: int) -> None:
    """The files are written in this order: a kill leaves one of them short and those behind it as they were."""
    log = FollowedLog(tmp_path, "algo-1.log")
    append(log, 0)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    append(log, 1)
    after = {name: (tmp_path / name).read_bytes() for name in FILES}
    log.close()
    killed_at = FILES.index(file)
    for number, name in enumerate(FILES):
        part = after[name] if number < killed_at else after[name][: len(before[name]) + written]
        (tmp_path / name).write_bytes(part if number <= killed_at else before[name])
    again = FollowedLog(tmp_path, "algo-1.log")
    assert (again.end, again.place) == (16, {"number": 0})
    append(again, 1)
    assert (tmp_path / "algo-1.log").read_bytes() == after["algo-1.log"]
    assert (tmp_path / "algo-1.idx").read_bytes() == after["algo-1.idx"]


def test_a_log_shorter_than_its_index_goes_back_to_a_place_that_is_there(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path, "algo-1.log")
    for number in range(4):
        append(log, number)
    log.close()
    with open(tmp_path / "algo-1.log", "r+b") as file:
        file.truncate(2 * 16 + 3)
    again = FollowedLog(tmp_path, "algo-1.log")
    assert (again.end, again.place) == (32, {"number": 1})
    assert rows(tmp_path)[-1][0] == 32


def test_places_are_compacted(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path, "algo-1.log")
    place = {"marks": "x" * 1000}
    for _ in range(1000):
        log.append(b"a\n", [(2, 1)], place)
    assert (tmp_path / "algo-1.place").stat().st_size < COMPACT_BYTES + 2 * KEPT_PLACES * 1100
    log.close()
    assert FollowedLog(tmp_path, "algo-1.log").end == 2000


def test_an_unreadable_line_of_places_is_passed_over(tmp_path: Path) -> None:
    log = FollowedLog(tmp_path, "algo-1.log")
    append(log, 0)
    log.close()
    with open(tmp_path / "algo-1.place", "ab") as file:
        file.write(b'{"end": 99, "pla')
    again = FollowedLog(tmp_path, "algo-1.log")
    append(again, 1)
    again.close()
    assert FollowedLog(tmp_path, "algo-1.log").place == {"number": 1}
