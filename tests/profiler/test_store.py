import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store import writer as writer_module
from epochwatch.profiler.store.reader import ROWS, events_in, read_events
from epochwatch.profiler.store.rows import Header, begun_at, file_name
from epochwatch.profiler.store.writer import EventWriter

ME = Header("algo-2", 3, os.getpid(), "torch")


def contents(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(directory.iterdir())]


def rows(directory: Path, **how: object) -> list[dict[str, object]]:
    tables = list(read_events(contents(directory), **how))  # type: ignore[arg-type]
    return pa.concat_tables(tables).to_pylist() if tables else []


def test_what_was_written_is_read(tmp_path):
    writer = EventWriter(tmp_path, ME)
    writer.add(Phase.FORWARD, 1_000, 20, 5)
    writer.add(Phase.OPERATOR, 1_005, 3, 5, 2, "aten::addmm", thread=9, size=4096)
    writer.flush()
    first, second = rows(tmp_path)
    assert first == {
        "start": 1_000, "duration": 20, "step": 5, "mode": 1, "phase": "forward", "name": "forward",
        "node": "algo-2", "rank": 3, "process": os.getpid(), "thread": 0, "bytes": 0,
    }  # fmt: skip
    assert (second["name"], second["mode"], second["thread"], second["bytes"]) == ("aten::addmm", 2, 9, 4096)


def test_nothing_is_written_before_the_first_flush(tmp_path):
    writer = EventWriter(tmp_path / "profile", ME)
    writer.add(Phase.STEP, 0, 1, 0)
    assert not (tmp_path / "profile").exists()


@settings(deadline=None)
@given(name=st.text(min_size=1, max_size=300), cut=st.integers(0, 200))
def test_a_name_of_any_length_is_kept_and_a_torn_tail_is_left_out(tmp_path_factory, name, cut):
    directory = tmp_path_factory.mktemp("events")
    writer = EventWriter(directory, ME)
    for number in range(3):
        writer.add(Phase.PYTHON, number, 1, name=name)
    writer.flush()
    writer.close()
    (content,) = contents(directory)
    expected = name.encode("utf-8", "replace").decode()
    assert events_in(content)["name"].to_pylist() == [expected] * 3
    torn = events_in(content[: max(len(content) - cut, 0)])["start"].to_pylist()
    assert torn == [0, 1, 2][: len(torn)]
    assert len(torn) >= 3 - -(-cut // 48)


def test_events_are_read_in_the_order_of_their_time(tmp_path):
    writer = EventWriter(tmp_path, ME)
    for start in (50, 70, 10):  # a step is known when it is over
        writer.add(Phase.STEP, start, 1, 0)
    writer.flush()
    assert [row["start"] for row in rows(tmp_path)] == [10, 50, 70]


def test_events_are_chosen_by_span_and_phase(tmp_path):
    writer = EventWriter(tmp_path, ME)
    for start in range(10):
        writer.add(Phase.FORWARD if start % 2 else Phase.BACKWARD, start, 1, 0)
    writer.flush()
    assert [row["start"] for row in rows(tmp_path, span=(2, 7), phases={Phase.FORWARD})] == [3, 5]
    assert rows(tmp_path, span=(100, 200)) == []


def test_files_are_rotated_and_each_is_whole_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "ROTATE_BYTES", 1_000)
    now = [1_700_000_000 * 10**9]
    writer = EventWriter(tmp_path, ME, lambda: now[0])
    for number in range(100):
        now[0] += 10**6
        writer.add(Phase.OPERATOR, number, 1, name=f"operator {number % 7}")
        writer.flush()
    assert len(contents(tmp_path)) > 4
    found = [(row["start"], row["name"]) for row in rows(tmp_path)]
    assert found == [(number, f"operator {number % 7}") for number in range(100)]


def test_a_file_ends_after_its_time(tmp_path):
    now = [1_700_000_000 * 10**9]
    writer = EventWriter(tmp_path, ME, lambda: now[0])
    for number in range(4):
        writer.add(Phase.STEP, number, 1, number)
        now[0] += 15 * 10**9
        writer.flush()
    assert len(contents(tmp_path)) == 2


def test_a_child_writes_a_file_of_its_own(tmp_path):
    writer = EventWriter(tmp_path, ME)
    writer.add(Phase.STEP, 1, 1, 0, name="of the parent")
    child = os.fork()
    if child == 0:
        writer.forked()
        writer.add(Phase.WORKER, 2, 1, name="of the child")
        writer.flush()
        os._exit(0)
    os.waitpid(child, 0)
    writer.flush()
    found = {row["name"]: row["process"] for row in rows(tmp_path)}
    assert found == {"of the parent": os.getpid(), "of the child": child}


def test_what_was_flushed_survives_sigkill(tmp_path):
    script = """
import os, signal, sys
from pathlib import Path
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter
assert not {"numpy", "pyarrow", "msgspec"} & set(sys.modules)
writer = EventWriter(Path(sys.argv[1]), Header("algo-1", 0, os.getpid()))
for number in range(1000):
    writer.add(Phase.STEP, number, 1, number)
    writer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert [row["step"] for row in rows(tmp_path)] == list(range(1000))


def test_a_full_disk_is_an_error_that_loses_no_rows_before_it(tmp_path, monkeypatch):
    writer = EventWriter(tmp_path, ME)
    writer.add(Phase.STEP, 0, 1, 0)
    writer.flush()
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: whole(fd, data[:10], at))
    writer.add(Phase.STEP, 1, 1, 1)
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    assert [row["start"] for row in rows(tmp_path)] == [0]


def test_tables_are_bounded(tmp_path):
    for part in range(3):
        writer = EventWriter(tmp_path, ME, lambda part=part: part * 10**9)
        for number in range(ROWS):
            writer.add(Phase.STEP, number, 1, number)
        writer.flush()
    sizes = [len(table) for table in read_events(contents(tmp_path))]
    assert sum(sizes) == 3 * ROWS
    assert max(sizes) <= 2 * ROWS


@pytest.mark.parametrize("content", [b"something else", b"EWEVENT1\xff\xff\xff\xff", b"EWEVENT1\x02\0\0\0{}"])
def test_what_is_no_event_file_is_refused(content):
    with pytest.raises(ValueError, match="events"):
        events_in(content)


def test_a_file_without_a_whole_header_has_no_events():
    assert len(events_in(b"")) == len(events_in(ME.pack()[:-3])) == 0


def test_rows_behind_a_byte_are_read_alone(tmp_path):
    writer = EventWriter(tmp_path, ME)
    writer.add(Phase.OTHER, 1, 1, name="step")
    writer.flush()
    (first,) = contents(tmp_path)
    writer.add(Phase.OTHER, 2, 1, name="step")
    writer.flush()
    (whole,) = contents(tmp_path)
    after = events_in(whole, after=len(first))
    assert (after["start"].to_pylist(), after["name"].to_pylist()) == ([2], ["step"])


def test_the_name_of_a_file_tells_when_it_was_begun():
    assert begun_at(file_name(1_700_000_000_000_000, 7)) == 1_700_000_000_000_000
    assert begun_at("events-1.ewe") is None
