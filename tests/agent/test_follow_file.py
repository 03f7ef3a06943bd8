"""Following a file through all that rotation, editors and stops do to it: every line once, in order."""

import gzip
import itertools
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.agent.follow import file as follow_file
from epochwatch.agent.follow.file import FileSource
from epochwatch.agent.follow.marks import family, rotated

LONG = "x" * 60
"""A few lines are enough to know a file by."""


class Log:
    """A log that is written, and a source that follows it."""

    def __init__(self, directory: Path, name: str = "train.log") -> None:
        self.path = directory / name
        self.written: list[str] = []
        self.read = b""
        self.said: list[str] = []
        self.seen = True
        self.source = self._source(None)
        self._number = itertools.count()

    def _source(self, place: dict | None) -> FileSource:
        return FileSource(self.path, "plain", place, lambda: [self.source], self.said.append)

    def write(self, count: int = 1, path: Path | None = None) -> None:
        with open(path or self.path, "a") as file:
            for _ in range(count):
                self.written.append(f"line {next(self._number)} {LONG}")
                file.write(self.written[-1] + "\n")

    def poll(self, *, last: bool = False) -> None:
        while (taken := self.source.read(last=last)) is not None:
            self.read += taken.data
            assert taken.times[-1][0] == len(taken.data)
            self.place = taken.place

    def restart(self) -> None:
        """As another process would go on."""
        self.source.close()
        self.source = self._source(getattr(self, "place", None))

    def shift(self) -> None:
        """Makes room for a new ``.1``, as logrotate does. File systems' clocks are coarse."""
        time.sleep(0.006)
        for number in range(30, 0, -1):
            for ending in ("", ".gz"):
                old = self.path.with_name(f"{self.path.name}.{number}{ending}")
                if old.exists():
                    old.rename(self.path.with_name(f"{self.path.name}.{number + 1}{ending}"))

    @property
    def first(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")

    def rotate(self, *, create: bool = True) -> None:
        self.shift()
        if self.path.exists():
            self.path.rename(self.first)
        if create:
            self.path.touch()

    def copytruncate(self) -> None:
        self.shift()
        if self.path.exists():
            shutil.copy(self.path, self.first)
            os.truncate(self.path, 0)

    def compress(self) -> None:
        if self.first.exists():
            status = self.first.stat()
            packed = self.first.with_name(self.first.name + ".gz")
            packed.write_bytes(gzip.compress(self.first.read_bytes()))
            os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
            self.first.unlink()

    def replace(self) -> None:
        """As rsync and many editors write: another file with the same content takes the place."""
        if self.path.exists():
            other = self.path.with_name("temporary")
            shutil.copy(self.path, other)
            other.rename(self.path)

    def check(self) -> None:
        assert self.read.decode().splitlines() == self.written


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_lines_come_as_they_are_written(log: Log) -> None:
    log.poll()
    for _ in range(3):
        log.write(2)
        log.poll()
        log.check()


def test_a_line_waits_for_its_end_and_comes_at_the_last(log: Log) -> None:
    log.path.write_text("one\ntw")
    log.poll()
    assert log.read == b"one\n"
    with open(log.path, "a") as file:
        file.write("o\nthree")
    log.poll()
    assert log.read == b"one\ntwo\n"
    log.poll(last=True)
    assert log.read == b"one\ntwo\nthree"


def test_a_bar_that_redraws_itself_comes_without_a_newline(log: Log) -> None:
    log.path.write_bytes(b"\r10% loss=1\r20% loss=0.5\r30% lo")
    log.poll()
    assert log.read == b"\r10% loss=1\r20% loss=0.5\r"


def test_what_was_written_before_a_rotation_is_read_after_it(log: Log) -> None:
    log.write(3)
    log.poll()
    log.write(3)
    log.rotate()
    log.write(2)
    log.poll()
    log.check()


def test_a_writer_that_has_not_noticed_the_rotation_is_still_read(log: Log) -> None:
    log.write(3)
    log.poll()
    log.rotate()
    log.write(2, log.first)
    log.poll()
    log.write(2, log.first)
    log.poll()
    log.write(2)
    log.poll()
    log.check()


def test_an_unfinished_line_at_a_rotation_does_not_run_into_the_next(log: Log) -> None:
    log.path.write_text("first\nunfini")
    log.poll()
    log.rotate()
    log.poll()
    assert log.read == b"first\n"
    log.path.write_text("next\n")
    log.poll()
    assert log.read == b"first\nunfini\nnext\n"


def test_a_rotated_file_is_let_go_after_a_while(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_file, "GRACE_SECONDS", 0.0)
    log.write(5)
    log.poll()
    status = log.path.stat()
    log.rotate()
    log.write()
    log.poll()
    time.sleep(0.01)
    log.poll()
    assert not log.source.has((status.st_dev, status.st_ino))
    log.check()


def test_the_rest_of_a_truncated_file_is_read_from_its_copy(log: Log) -> None:
    log.write(5)
    log.poll()
    log.write(5)
    log.copytruncate()
    log.write(20)  # longer than it was: its size does not tell
    log.poll()
    log.check()


def test_a_file_truncated_without_a_copy_is_read_from_its_beginning(log: Log) -> None:
    log.write(5)
    log.poll()
    os.truncate(log.path, 0)
    log.write(2)
    log.poll()
    log.check()


def test_a_hole_before_a_writer_that_does_not_append_is_passed_over(log: Log) -> None:
    with open(log.path, "wb") as writer:
        log.written = [f"{number} {LONG}" for number in range(60)]
        for number, line in enumerate(log.written):
            if number == 30:
                log.poll()
                shutil.copy(log.path, log.first)
                os.truncate(log.path, 0)
            writer.write(line.encode() + b"\n")
            writer.flush()
    log.poll()
    log.check()


def test_the_same_content_in_another_file_is_not_read_again(log: Log) -> None:
    log.write(5)
    log.poll()
    log.write(2)
    log.replace()
    log.write(2)
    log.poll()
    log.check()


def test_other_content_in_its_place_is_another_file(log: Log) -> None:
    log.write(5)
    log.poll()
    log.path.unlink()
    log.write(3)
    log.poll()
    log.check()


def test_a_file_made_again_with_the_same_inode_is_another_after_a_stop(log: Log) -> None:
    log.write(5)
    log.poll()
    log.source.close()
    log.path.unlink()
    log.write(9)
    log.restart()
    log.poll()
    log.check()
    assert log.said


@pytest.mark.parametrize("compressed", [False, True])
def test_rotations_during_a_stop_are_read_in_order(log: Log, compressed: bool) -> None:
    log.write(6)
    log.poll()
    log.write(2)
    log.source.close()
    for _ in range(3):
        log.rotate()
        if compressed:
            log.compress()
        log.write(4)
    log.restart()
    log.poll()
    log.check()
    assert not log.said


def test_what_was_rotated_before_the_beginning_is_left_alone(log: Log) -> None:
    log.first.write_text("old\n" * 100)
    time.sleep(0.01)
    log.write(5)
    log.poll()
    log.rotate()
    log.write(5)
    log.poll()
    log.restart()
    log.poll()
    log.check()


def test_a_file_that_is_not_there_yet_is_waited_for(log: Log) -> None:
    log.poll()
    log.restart()
    log.poll()
    log.write(2)
    log.poll()
    log.check()


def test_a_compressed_file_is_read_as_what_is_in_it(tmp_path: Path) -> None:
    log = Log(tmp_path, "old.log.gz")
    text = "".join(f"line {number} {LONG}\n" for number in range(40_000))
    log.path.write_bytes(gzip.compress(text.encode()))
    log.poll()
    log.restart()
    log.poll()
    assert log.read.decode() == text


def test_lines_longer_than_a_window_come_in_pieces(log: Log) -> None:
    text = b"a" * (3 << 20) + b"\nend\n"
    log.path.write_bytes(text)
    log.poll()
    assert log.read == text


OPERATIONS = (*("write", "poll") * 2, "rotate", "rotate_away", "copytruncate", "compress", "replace", "restart")
EXAMPLES = int(os.environ.get("EPOCHWATCH_EXAMPLES", "100"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(OPERATIONS), max_size=25))
def test_every_line_once_whatever_happens_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, operations: list[str]
) -> None:
    log = Log(tmp_path_factory.mktemp("log"))
    log.write(7)
    log.poll()
    for operation in operations:
        if operation == "write":
            log.write(7)
            if not log.seen:  # a file that is filled and cut between two looks leaves no trace
                log.poll()
                log.seen = True
        elif operation == "rotate_away":
            log.seen = False
            log.rotate(create=False)
        else:
            log.seen = log.seen and operation not in ("rotate", "copytruncate")
            getattr(log, operation)()
    log.poll(last=True)
    log.check()
    log.source.close()


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("train.log.1", "train.log"),
        ("train.log.12.gz", "train.log"),
        ("train.log-20240102", "train.log"),
        ("train.log-20240102-1704190000.xz", "train.log"),
        ("train.log.2024-01-02", "train.log"),
        ("train.log.2024-01-02_03:04", "train.log"),
        ("train-20240102.log", "train.log"),
        ("train.2024-01-02_10-00-00_000000.log", "train.log"),
        ("train.1.log", "train.1.log"),
        ("rank10.log", "rank10.log"),
        ("slurm-1234.out", "slurm-1234.out"),
        ("stdout", "stdout"),
        ("2024", "2024"),
    ],
)
def test_names_that_rotation_gives(name: str, of: str) -> None:
    assert family(name) == of


def test_rotated_files_are_found_oldest_first(tmp_path: Path) -> None:
    for age, name in enumerate(["train.log.1", "train.log.2.gz", "train.log.3.zst", "other.log.1", "train.log"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert [path.name for path in rotated(tmp_path / "train.log")] == ["train.log.2.gz", "train.log.1"]
