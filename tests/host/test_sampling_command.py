"""``epochwatch sampling`` beside a sampler that runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.agent.host.sampling import Sampling, write_sampling, write_wanted
from epochwatch.agent.spool import RunFile, Spool
from epochwatch.model.sampling import Wanted
from tests.agent.running import until
from tests.cli.commands import epochwatch


@contextmanager
def sampled(home: Path, name: str, environment: dict[str, str] | None = None) -> Iterator[Spool]:
    """A run of that name whose host is sampled each second."""
    spool = Spool.create(home / "spool", RunFile(run_id="cd" * 16, name=name, started=1.0))
    write_sampling(spool.path, Sampling(interval=1000))
    command = [sys.executable, "-m", "epochwatch.agent.sampler", str(spool.path), str(home)]
    with spool.lock("run") as lock:
        lock.take(wait=True)
        with subprocess.Popen(command, env=environment) as process:
            try:
                until(lambda: row_files(spool.path))
                yield spool
            finally:
                process.kill()


def told(home: Path, *arguments: str) -> Any:
    shown = epochwatch(home, "sampling", "--json", *arguments)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def refused(home: Path, *arguments: str) -> str:
    shown = epochwatch(home, "sampling", *arguments)
    assert shown.returncode == 2
    return shown.stderr


def test_the_interval_of_a_running_host_is_changed_and_told(tmp_path: Path) -> None:
    with sampled(tmp_path, "box") as spool:
        (before,) = told(tmp_path)
        (changed,) = told(tmp_path, "box", "--interval", "100")
        assert (before["job"], before["host"], before["interval"], changed["interval"]) == (
            "box",
            "algo-1",
            1000,
            100,
        )
        until(lambda: len(row_files(spool.path)) == 2)
        reader = RowsReader(row_files(spool.path)[1])
        until(lambda: len(reader.peek()) >= 5)
        assert reader.layout is not None
        assert reader.layout.about["interval"] == "100"
        (now,) = told(tmp_path, "box")
        assert now["columns"] == len(reader.layout.columns)
        assert now["p99"] >= 50
        assert "box" in epochwatch(tmp_path, "sampling").stdout


def test_a_created_job_is_sampled_as_its_profiler_config_says(tmp_path: Path) -> None:
    with sampled(tmp_path, "made") as spool:
        write_wanted(spool.path, Wanted(500))
        assert "--profiler-config ProfilingIntervalInMilliseconds=100" in refused(tmp_path, "--interval", "100")
        assert told(tmp_path, "made")[0]["interval"] == 500


def test_what_is_not_sampled_here_is_said(tmp_path: Path) -> None:
    assert "elsewhere is not being sampled on this machine" in refused(tmp_path, "elsewhere")
    assert "nothing is being sampled on this machine" in refused(tmp_path, "--interval", "100")
    assert told(tmp_path) == []


def test_high_priority_can_be_declined(tmp_path: Path) -> None:
    (tmp_path / "epochwatch.toml").write_text('sampler_priority = "normal"\n')
    with sampled(tmp_path, "modest", dict(os.environ, EPOCHWATCH_HOME=str(tmp_path))):
        assert told(tmp_path)[0]["scheduling"] == "normal"
