"""The reading commands against a real server and real recorded runs."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.cli.commands import epochwatch
from tests.servers import ServerProcess

TRAINING = """
import time
for step in range(200):
    loss = 100.0 if step == 77 else 1 / (step + 1)
    print(f"step={step} loss={loss} lr=0.5", flush=True)
print("last words", flush=True)
"""

FAILING = """
import traceback
try:
    {}["absent"]
except KeyError:
    traceback.print_exc()
raise SystemExit(3)
"""


class Recorded:
    """A server that has two jobs: ``digits`` went well, ``broken`` did not."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    def epochwatch(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return epochwatch(self.server.home, *arguments, environment=self.server.environment | environment)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with ServerProcess(tmp_path_factory.mktemp("home")) as server:
        made = Recorded(server)
        loss, rate = "train:loss=loss=([0-9.e-]+)", "lr=lr=([0-9.]+)"
        run = ("run", "--quiet", "--no-server", "-m", loss)
        done = made.epochwatch(
            *run, "-m", rate, "-m", "acc=accuracy: ([0-9.]+)", "--tag", "team=vision", "--name", "digits", "--",
            sys.executable, "-c", TRAINING,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        done = made.epochwatch(*run, "--name", "broken", "--", sys.executable, "-c", FAILING)
        assert done.returncode == 3, done.stderr
        yield made


def test_jobs_are_listed_newest_first(recorded: Recorded) -> None:
    header, *rows = recorded.epochwatch("jobs").stdout.splitlines()
    assert header.split() == ["NAME", "STATUS", "STARTED", "DURATION", "LAST", "METRICS"]
    assert [row.split()[:2] for row in rows] == [["broken", "Failed"], ["digits", "Completed"]]
    assert "train:loss=0.005" in rows[1]


def test_jobs_are_found_by_text_and_status(recorded: Recorded) -> None:
    found = json.loads(recorded.epochwatch("jobs", "--search", "digi", "--json").stdout)
    assert ([job["name"] for job in found["jobs"]], found["total"]) == (["digits"], 1)
    found = json.loads(recorded.epochwatch("jobs", "--status", "failed", "--json").stdout)
    assert [job["name"] for job in found["jobs"]] == ["broken"]
    limited = recorded.epochwatch("jobs", "--limit", "1")
    assert len(limited.stdout.splitlines()) == 2
    assert "and 1 more" in limited.stderr
    none = recorded.epochwatch("jobs", "--search", "nothing-like-it")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "no such job\n")


def test_job_shows_its_metrics_and_the_definition_that_never_matched(recorded: Recorded) -> None:
    done = recorded.epochwatch("job", "digits")
    assert done.returncode == 0
    row = next(line for line in done.stdout.splitlines() if line.startswith("train:loss"))
    assert row.split() == ["train:loss", "0.005", "0.005", "199", "0.005", "100", "200"]
    assert "team=vision" in done.stdout
    assert "warning: definition 'acc' never matched: accuracy: ([0-9.]+)" in done.stderr
    detail = json.loads(recorded.epochwatch("job", "digits", "--json").stdout)
    assert detail["tags"] == {"team": "vision"}


def test_failed_job_shows_its_exit_status(recorded: Recorded) -> None:
    assert "Failed (exit status 3)" in recorded.epochwatch("job", "broken").stdout


@pytest.mark.parametrize("arguments", [("job",), ("metrics",), ("logs",), ("logs", "-f"), ("plot",)])
def test_job_that_is_not_there_is_named(recorded: Recorded, arguments: tuple[str, ...]) -> None:
    done = recorded.epochwatch(*arguments, "no-such", *(("loss",) if arguments == ("plot",) else ()))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "no-such" in done.stderr.splitlines()[0]


def test_every_point_is_exported_in_each_format(recorded: Recorded, tmp_path: Path) -> None:
    points = json.loads(recorded.epochwatch("metrics", "digits", "--format", "json").stdout)["points"]
    assert len(points) == 400
    expected = [100.0 if step == 77 else 1 / (step + 1) for step in range(200)]
    assert [point["value"] for point in points if point["metric"] == "train:loss"] == expected
    rows = list(csv.DictReader(io.StringIO(recorded.epochwatch("metrics", "digits", "--format", "csv").stdout)))
    assert [float(row["value"]) for row in rows if row["metric"] == "train:loss"] == expected
    file = tmp_path / "points.parquet"
    done = recorded.epochwatch("metrics", "digits", "-m", "train:loss", "-o", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    table = pyarrow.parquet.read_table(file)
    assert table["value"].to_pylist() == expected
    assert table["step"].to_pylist() == list(range(200))
    assert list(tmp_path.iterdir()) == [file]


def test_table_has_a_row_per_point(recorded: Recorded) -> None:
    lines = recorded.epochwatch("metrics", "digits", "-m", "train:loss").stdout.splitlines()
    assert lines[0].split() == ["STEP", "METRIC", "HOST", "VALUE"]
    assert lines[1].split() == ["0", "train:loss", "algo-1", "1"]
    assert len(lines) == 201
    timed = recorded.epochwatch("metrics", "digits", "-m", "train:loss", "--x", "time").stdout.splitlines()
    assert timed[0].split()[0] == "TIME"
    assert recorded.epochwatch("metrics", "digits", "--host", "algo-9").stdout.splitlines()[1:] == []


def test_parquet_is_not_written_to_a_terminal(recorded: Recorded) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch", "metrics", "digits", "--format", "parquet"],
        env=recorded.server.environment,
        stdout=follower,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(follower)
    os.close(leader)
    assert done.returncode == 2
    assert "error: Parquet is not for a terminal" in done.stderr


def test_file_that_cannot_be_written_leaves_nothing_behind(recorded: Recorded, tmp_path: Path) -> None:
    done = recorded.epochwatch("metrics", "digits", "-o", str(tmp_path / "none" / "points.csv"))
    assert done.returncode == 1
    assert "error: cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_log_ends_with_the_last_words(recorded: Recorded) -> None:
    lines = recorded.epochwatch("logs", "digits").stdout.splitlines()
    assert len(lines) == 201
    assert lines[0] == "step=0 loss=1.0 lr=0.5"
    assert lines[-1] == "last words"
    assert recorded.epochwatch("logs", "digits", "--limit", "2").stdout.splitlines() == lines[-2:]
    assert recorded.epochwatch("logs", "digits", "--limit", "0").stdout == ""
    assert recorded.epochwatch("logs", "digits", "--search", "step=77 ").stdout.splitlines() == [lines[77]]
    events = [json.loads(line) for line in recorded.epochwatch("logs", "digits", "--json").stdout.splitlines()]
    assert [event["message"] for event in events] == lines
    assert all(set(event) == {"time", "message", "stream"} for event in events)


def test_a_stack_trace_is_found_whole_by_one_of_its_lines(recorded: Recorded) -> None:
    whole = recorded.epochwatch("logs", "broken").stdout.splitlines()
    assert whole[0] == "Traceback (most recent call last):"
    assert whole[-1] == "KeyError: 'absent'"
    assert recorded.epochwatch("logs", "broken", "--search", "keyERROR").stdout.splitlines() == whole[-1:]
    assert recorded.epochwatch("logs", "broken", "--search", "keyERROR", "--records").stdout.splitlines() == whole
    assert recorded.epochwatch("logs", "digits", "--search", "step=77 ", "--records").stdout.count("\n") == 1
    alone = recorded.epochwatch("logs", "broken", "--records")
    assert (alone.returncode, "--records goes with --search" in alone.stderr) == (2, True)


def test_following_a_job_that_has_ended_prints_its_tail_and_ends(recorded: Recorded) -> None:
    done = recorded.epochwatch("logs", "-f", "digits", "--limit", "3")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3


def test_plot_shows_the_one_spike(recorded: Recorded) -> None:
    done = recorded.epochwatch("plot", "digits", "train:loss", "--width", "80", "--height", "16")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == 17
    assert rows[0].lstrip().startswith("100 ┤")
    body = rows[0].split("┤")[1]
    assert len(body.strip()) == 1
    assert abs(body.index(body.strip()) / 75 - 77 / 199) < 0.03
    assert rows[-2].split() == ["0", "step", "199"]
    assert rows[-1] == "● train:loss"


def test_plot_of_several_metrics_has_a_legend_and_no_color_where_none_is_wanted(recorded: Recorded) -> None:
    done = recorded.epochwatch("plot", "digits", "train:loss", "lr", "--log", "--x", "relative")
    assert done.stdout.splitlines()[-1] == "● train:loss   ■ lr"
    assert "\x1b" not in done.stdout
    coloured, plain = (in_terminal(recorded, **extra) for extra in ({}, {"NO_COLOR": "1"}))
    assert b"\x1b[36m" in coloured
    assert b"\x1b[36m" not in plain


def in_terminal(recorded: Recorded, **extra: str) -> bytes:
    leader, follower = pty.openpty()
    environment = recorded.server.environment | {"TERM": "xterm-256color"} | extra
    with subprocess.Popen(
        [sys.executable, "-m", "epochwatch", "plot", "digits", "train:loss", "lr", "--width", "60"],
        env=environment,
        stdout=follower,
    ):
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(leader)
    return seen


def test_metric_that_is_not_there_names_those_that_are(recorded: Recorded) -> None:
    done = recorded.epochwatch("plot", "digits", "trainloss")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: job digits has no metric trainloss", "hint: it has: train:loss"]
