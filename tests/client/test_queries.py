"""Queries in Python, of a real server."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest

import epochwatch
from tests.servers import ServerProcess

MINUTES = 30
ROOM_A, ROOM_B = "Lab temperature{Room=a}", "Lab temperature{Room=b}"


class Lab:
    """A server that has the temperature of two rooms, a value a minute."""

    def __init__(self, server: ServerProcess) -> None:
        self.last = int(time.time()) // 60 * 60
        self.times = [self.last - 60 * ago for ago in reversed(range(MINUTES))]
        self.values = {"a": [20.0 + n for n in range(MINUTES)], "b": [50.0 - n for n in range(MINUTES)]}
        for room, values in self.values.items():
            data = [
                {
                    "MetricName": "temperature",
                    "Dimensions": [{"Name": "Room", "Value": room}],
                    "Timestamp": at,
                    "Value": value,
                }
                for at, value in zip(self.times, values, strict=True)
                if (room, value) != ("b", 40.0)
            ]
            server.boto3("cloudwatch").put_metric_data(Namespace="Lab", MetricData=data)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("queries")) as server:
        yield server


@pytest.fixture(scope="module")
def lab(server: ServerProcess) -> Lab:
    return Lab(server)


@pytest.fixture(autouse=True)
def _settings(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("EPOCHWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EPOCHWATCH_HOME", str(server.home))
    monkeypatch.setenv("EPOCHWATCH_PORT", str(server.port))


def test_dataframe_has_a_column_for_each_series_at_their_times(lab: Lab) -> None:
    frame = epochwatch.query([ROOM_A, ROOM_B], start="-1h", period=60)
    assert list(frame.columns) == ["a", "b"]
    assert frame.index.name == "time"
    assert list(frame.index) == [pd.Timestamp(at, unit="s", tz="UTC") for at in lab.times]
    assert frame["a"].tolist() == lab.values["a"]
    assert frame["b"].isna().tolist() == [value == 40.0 for value in lab.values["b"]]


def test_expression_computes_with_the_metrics_of_its_ids(lab: Lab) -> None:
    frame = epochwatch.query("b - a", metrics={"a": ROOM_A, "b": f"{ROOM_B} Maximum"}, start="-1h", period=60)
    assert frame["b - a"].iloc[0] == 30.0
    assert frame["b - a"].iloc[-1] == 50.0 - 20.0 - 2 * (MINUTES - 1)


@pytest.mark.parametrize("kind", ["datetime", "naive", "number", "iso"])
def test_time_may_be_given_as_python_has_it(lab: Lab, kind: str) -> None:
    def moment(at: int) -> datetime | float | str:
        zoned = datetime.fromtimestamp(at, UTC)
        return {"datetime": zoned, "naive": zoned.replace(tzinfo=None), "number": at, "iso": zoned.isoformat()}[
            kind
        ]

    frame = epochwatch.query(ROOM_A, start=moment(lab.last - 300), end=moment(lab.last), period=60)
    assert frame["temperature"].tolist() == lab.values["a"][-6:-1]


def test_dataframe_of_nothing_is_empty_and_has_its_kind() -> None:
    nothing = epochwatch.query("SEARCH('{Nowhere}', 'Average')")
    assert nothing.shape == (0, 0)
    unknown = epochwatch.query("Lab pressure")
    assert (unknown.shape, list(unknown.columns)) == ((0, 1), ["pressure"])
    for frame in (nothing, unknown):
        assert isinstance(frame.index, pd.DatetimeIndex)
        assert str(frame.index.tz) == "UTC"


def test_wrong_query_is_the_users_error_with_what_to_do() -> None:
    with pytest.raises(epochwatch.UsageError, match="nothing says what b is") as caught:
        epochwatch.query("a + b", metrics={"a": ROOM_A})
    assert str(caught.value.hint).startswith("Say which metric it is: b=")


def test_without_pandas_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import epochwatch\n"
        "try: epochwatch.query('Lab temperature')\n"
        "except epochwatch.EpochwatchError as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "dataframes need pandas | pip install 'epochwatch[notebook]'\n"
