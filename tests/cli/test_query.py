"""``epochwatch query`` against a real server."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.cli.commands import epochwatch
from tests.servers import ServerProcess

MINUTES = 30
ROOM_A, ROOM_B = "Lab temperature{Room=a}", "Lab temperature{Room=b}"
BOTH = ("-m", f"a={ROOM_A}", "-m", f"b={ROOM_B}")


class Lab:
    """A server that has the temperature of two rooms: 20 to 49 degrees rising, and 5 throughout."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        last = int(time.time()) // 60 * 60
        data = [
            {
                "MetricName": "temperature",
                "Dimensions": [{"Name": "Room", "Value": room}],
                "Timestamp": last - 60 * ago,
                "Value": value,
            }
            for ago in range(MINUTES)
            for room, value in (("a", 49.0 - ago), ("b", 5.0))
        ]
        server.boto3("cloudwatch").put_metric_data(Namespace="Lab", MetricData=data)

    def query(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return epochwatch(self.server.home, "query", *arguments, environment=self.server.environment)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ServerProcess(tmp_path_factory.mktemp("home")) as server:
        yield Lab(server)


def test_table_sums_each_series_up(lab: Lab) -> None:
    done = lab.query(ROOM_A, "Lab temperature{Room=b} SampleCount", "--start", "-2h", "--period", "60")
    assert done.returncode == 0, done.stderr
    head, first, second = (line.split() for line in done.stdout.splitlines())
    assert head == ["SERIES", "POINTS", "FIRST", "LAST", "MIN", "MAX", "AVERAGE"]
    assert first[:-1] == ["a", "30", "20", "49", "20", "49", "34.5"]
    assert second[:-1] == ["b", "30", "1", "1", "1", "1", "1"]
    assert len(first[-1]) == 24, "the curve, from end to end"
    assert done.stderr.endswith("a point every 60 s\n")


def test_expressions_name_metrics(lab: Lab) -> None:
    done = lab.query("a - b", *BOTH, "--period", "60")
    assert done.stdout.splitlines()[1].startswith("a - b")
    assert done.stdout.split()[-6:-1] == ["15", "44", "15", "44", "29.5"]


def test_what_is_wrong_is_said_in_two_lines_and_the_status_is_2(lab: Lab) -> None:
    for arguments, error in (
        (("a - b", "-m", f"a={ROOM_A}"), "error: In 'a - b' nothing says what b is."),
        (("a", "-m", "a"), "error: -m must be ID=SELECTOR, not 'a'"),
        (("a", "-m", f"a={ROOM_A}", "-m", f"a={ROOM_B}"), "error: -m a is given twice"),
        (("Lab temperature{Room=a",), "error: 'Lab temperature{Room=a' is neither an expression nor a metric."),
        ((ROOM_A, "--start", "now"), "error: start must be before end."),
        ((ROOM_A, "--plot", "--format", "csv"), "error: --plot draws in the terminal"),
    ):
        done = lab.query(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        lines = done.stderr.splitlines()
        assert lines[0] == error
        assert lines[1].startswith("hint: ")


def test_metric_without_data_is_named_with_those_that_have_some(lab: Lab) -> None:
    done = lab.query("Lab temprature{Room=b}")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split() == ["temprature", "0", "-", "-", "-", "-", "-"]
    warning, nothing = done.stderr.splitlines()
    assert warning == f"warning: there is no metric Lab temprature{{Room=b}}; there is {ROOM_B}"
    assert nothing.startswith("no data from ")
    assert lab.query("SEARCH('{Nowhere}', 'Sum')").stdout == ""


def test_series_are_drawn(lab: Lab) -> None:
    done = lab.query(ROOM_A, ROOM_B, "--plot")
    rows = done.stdout.splitlines()
    assert len(rows) == 21
    assert rows[0].split()[:2] == ["49", "┤"]
    assert rows[-1] == "● a   ■ b"
    assert lab.query("Lab pressure", "--plot").stdout == ""


def test_series_are_exported_in_each_format(lab: Lab, tmp_path: Path) -> None:
    asked = ("a - b", *BOTH, "--start", "-2h", "--period", "60")
    expected = [15.0 + n for n in range(MINUTES)]
    (series,) = json.loads(lab.query(*asked, "--format", "json").stdout)["series"]
    assert series["values"] == expected
    rows = list(csv.DictReader(io.StringIO(lab.query(*asked, "--format", "csv").stdout)))
    assert [float(row["value"]) for row in rows] == expected
    assert {row["series"] for row in rows} == {"a - b"}
    for ending in ("parquet", "arrow"):
        file = tmp_path / f"lab.{ending}"
        done = lab.query(*asked, "-o", str(file))
        assert (done.returncode, done.stdout) == (0, "")
        assert f"wrote {file} ({file.stat().st_size:,} bytes)" in done.stderr
        table = pa.parquet.read_table(file) if ending == "parquet" else pa.ipc.open_file(file).read_all()
        assert table["value"].to_pylist() == expected
        assert [int(one.timestamp()) for one in table["time"].to_pylist()] == series["timestamps"]
    text = tmp_path / "lab.txt"
    assert lab.query(*asked, "-o", str(text)).returncode == 0
    assert text.read_text().splitlines()[0].split()[0] == "SERIES"


@pytest.mark.parametrize(("form", "name"), [("parquet", "Parquet"), ("arrow", "Arrow")])
def test_binary_is_not_written_to_a_terminal(lab: Lab, form: str, name: str) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch", "query", ROOM_A, "--format", form],
        env=lab.server.environment,
        stdout=follower,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(follower)
    os.close(leader)
    assert done.returncode == 2
    assert f"error: {name} is not for a terminal" in done.stderr


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "query", ROOM_A)
    assert done.returncode == 1
    assert "error: no epochwatch server answers" in done.stderr
    assert "hint: start one with `epochwatch serve --daemon`" in done.stderr
