import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.agent.host.sampling import Sampling, write_sampling, write_wanted
from epochwatch.agent.readers import SampleReader
from epochwatch.agent.sampler import NAMES, ROW, UNITS
from epochwatch.agent.spool import Exit, RunFile, Spool
from epochwatch.model.sampling import Wanted
from tests.agent.running import until


def sampler(spool: Spool, directory: Path) -> list[str]:
    return [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), str(directory)]


@contextmanager
def sampled(spool: Spool, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A sampler of a run that somebody records."""
    with spool.lock("run") as lock:
        lock.take(wait=True)
        with subprocess.Popen(sampler(spool, directory)) as process:
            try:
                yield process
            finally:
                process.kill()


def seconds_of(spool: Spool) -> int:
    path = spool.path / "samples.bin"
    return path.stat().st_size // ROW.size if path.exists() else 0


def made(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path, RunFile(run_id="ef" * 16, name="x", started=1.0))


def test_sampler_process_appends_seconds_until_the_exit_record(tmp_path: Path) -> None:
    spool = made(tmp_path)
    (spool.path / "samples.bin").write_bytes(b"torn")
    with sampled(spool, tmp_path) as process:
        until(lambda: seconds_of(spool) >= 2)
        spool.write_exit(Exit(1.0, 0))
        assert process.wait(10) == 0
    piece = SampleReader(spool).read(last=True)
    assert piece is not None
    assert piece.samples is not None
    assert piece.samples.names == list(NAMES)
    assert piece.samples.units == list(UNITS)
    assert piece.rows >= 4


def test_rows_of_all_columns_cover_the_whole_time_without_a_gap(tmp_path: Path) -> None:
    spool = made(tmp_path)
    with sampled(spool, tmp_path) as process:
        until(lambda: seconds_of(spool) >= 3)
        spool.write_exit(Exit(1.0, 0))
        assert process.wait(10) == 0
    (path,) = row_files(spool.path)
    rows = RowsReader(path).peek()
    assert len(rows) >= 10
    for before, row in pairwise(rows):
        assert math.isclose((row.time - before.time) / 1e6, row.seconds, abs_tol=0.05)


def test_interval_changes_while_the_sampler_runs(tmp_path: Path) -> None:
    spool = made(tmp_path)
    write_sampling(spool.path, Sampling(interval=100))
    with sampled(spool, tmp_path) as process:
        until(lambda: row_files(spool.path))
        time.sleep(0.01)
        write_sampling(spool.path, Sampling(interval=500, smdebug_layout=str(tmp_path / "profile")))
        until(lambda: len(row_files(spool.path)) == 2)
        reader = RowsReader(row_files(spool.path)[1])
        until(lambda: len(reader.peek()) >= 2)
        spool.write_exit(Exit(1.0, 0))
        assert process.wait(10) == 0
    assert reader.layout is not None
    assert reader.layout.about["interval"] == "500"
    assert list((tmp_path / "profile" / "system" / "incremental").glob("*/*.algo-1.json"))


def test_what_the_server_wants_is_followed_even_while_a_long_interval_lasts(tmp_path: Path) -> None:
    spool = made(tmp_path)
    write_sampling(spool.path, Sampling(interval=100, smdebug_layout=str(tmp_path / "profile")))
    write_wanted(spool.path, Wanted(60000))
    with sampled(spool, tmp_path) as process:
        until(lambda: row_files(spool.path))
        begun = time.monotonic()
        write_wanted(spool.path, Wanted(100, "s3://bucket/job/profiler-output"))
        until(lambda: list((tmp_path / "profile").rglob("*.algo-1.json")))
        waited = time.monotonic() - begun
        spool.write_exit(Exit(1.0, 0))
        assert process.wait(10) == 0
    first, second = (RowsReader(path) for path in row_files(spool.path))
    rows = [*first.peek(), *second.peek()]
    assert first.layout is not None
    assert second.layout is not None
    assert [one.layout.about["interval"] for one in (first, second)] == ["60000", "100"]
    # No moment is missing where the interval changed.
    assert sum(row.seconds for row in rows) >= waited - 0.5


def test_sampler_ends_when_nobody_records(tmp_path: Path) -> None:
    assert subprocess.run(sampler(made(tmp_path), tmp_path), timeout=30, check=False).returncode == 0
