"""A run's profile on its way to the server."""

import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from epochwatch.agent.profile import LOOK_SECONDS, ProfileFiles, keep_files
from epochwatch.profiler.store.reader import read_events
from epochwatch.profiler.store.rows import file_name
from tests.agent.running import until
from tests.servers import ServerProcess

RUN = "ab" * 16


class Spool:
    """Files that a test writes, and what the server would have of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.acknowledged: dict[str, int] = {}
        self.files = ProfileFiles(RUN, path, self.acknowledged, lambda: self.now)

    def write(self, name: str, content: bytes) -> None:
        path = self.path / "profile" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def sent(self, *, last: bool = False) -> list[tuple[str, bytes]]:
        """All that is sent now."""
        found = []
        self.now += LOOK_SECONDS
        while (file := self.files.next(last=last)) is not None:
            assert file.run_id == RUN
            found.append((file.name, file.content))
            self.files.acknowledge()
        return found


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


FIRST, SECOND, OTHER = file_name(1, 7), file_name(2, 7), file_name(1, 8)


def test_without_a_profile_nothing_is_sent(spool: Spool) -> None:
    assert spool.sent() == spool.sent(last=True) == []


def test_what_has_grown_is_sent_whole_again(spool: Spool) -> None:
    spool.write(FIRST, b"one")
    assert spool.sent() == [(FIRST, b"one")]
    assert spool.sent() == []
    spool.write(FIRST, b"one two")
    assert spool.files.next(last=False) is None  # just looked
    assert spool.sent() == [(FIRST, b"one two")]


def test_a_file_that_its_process_has_ended_goes_once_the_server_has_it(spool: Spool) -> None:
    for name in (FIRST, SECOND, OTHER):
        spool.write(name, b"rows")
    assert [name for name, _ in spool.sent()] == [FIRST, OTHER, SECOND]
    assert spool.sent() == []
    assert sorted(path.name for path in (spool.path / "profile").iterdir()) == sorted([OTHER, SECOND])
    assert set(spool.acknowledged) == {f"profile/{OTHER}", f"profile/{SECOND}"}


def test_files_that_others_read_stay(spool: Spool) -> None:
    keep_files(spool.path)
    for name in (FIRST, SECOND):
        spool.write(name, b"rows")
    assert len(spool.sent()) == 2
    assert spool.sent() == []
    assert (spool.path / "profile" / FIRST).exists()


def test_who_takes_over_sends_what_is_not_acknowledged(spool: Spool) -> None:
    spool.write(FIRST, b"one")
    spool.write(OTHER, b"two")
    assert spool.files.next(last=False) is not None  # and then it was killed
    heir = Spool(spool.path)
    heir.acknowledged |= {f"profile/{OTHER}": 3}
    assert heir.sent() == [(FIRST, b"one")]


def test_a_windows_trace_is_there_before_the_window(spool: Spool) -> None:
    spool.write("windows/a.json", b"{}")
    spool.write("windows/a.json.gz", b"trace")
    spool.write("windows/a.tmp", b"half")
    assert [name for name, _ in spool.sent()] == ["windows/a.json.gz", "windows/a.json"]


def test_at_the_end_it_looks_once_whatever_is_still_written(spool: Spool) -> None:
    spool.write(FIRST, b"one")
    assert len(spool.sent(last=True)) == 1
    spool.write(FIRST, b"one two")
    assert spool.sent(last=True) == []


TRAINING = """
import time
from epochwatch.profiler import watch
hook = watch()
for step in range(600):
    with hook.recorder.phase("data_loading"):
        time.sleep(0.05)
    hook.end_step()
"""


def steps_in(directory: Path, pattern: str) -> list[int]:
    tables = list(read_events(path.read_bytes() for path in sorted(directory.glob(pattern))))
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    return [row["step"] for row in rows if row["phase"] == "step"]


def test_steps_reach_the_server_while_the_training_runs(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server") as server:
        command = [sys.executable, "-m", "epochwatch", "run", "--quiet", "--name", "steps", "--no-pty", "--"]
        with subprocess.Popen([*command, sys.executable, "-c", TRAINING], env=server.environment) as front:
            begun = "profiles/*/*/training-job/steps/algo-1/*"

            def steps() -> list[int]:
                return steps_in(server.home / "objects", f"{begun}/events-*.ewe")

            until(lambda: len(steps()) > 5)
            assert front.poll() is None
            before = len(steps())
            until(lambda: len(steps()) > before)
            front.send_signal(signal.SIGTERM)
            front.wait(60)
        found = steps()
        assert found == list(range(len(found)))
        assert set(steps_in(server.home / "spool", "*/profile/events-*")) <= set(found)
