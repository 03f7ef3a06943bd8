"""Jobs read back in Python from a real server that a real run was sent to."""

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import epochwatch
from tests.agent.running import until
from tests.servers import ServerProcess

EPOCHWATCH = [sys.executable, "-m", "epochwatch"]
TRAINING = """
import epochwatch
print("an error line\\nanother")
with epochwatch.init(config={"lr": 0.1}, tags=["quick"]) as run:
    for step in range(1500):
        epochwatch.log({"loss": 1500.0 - step, "accuracy": step / 1500}, step=step)
    epochwatch.log({"loss": float("nan")}, step=1500)
    epochwatch.log({"odd/<b>": 1})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("reading")) as server:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "epochwatch",
                "run",
                "--name",
                "read-me",
                "--quiet",
                "--",
                sys.executable,
                "-c",
                TRAINING,
            ],
            env=server.environment,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        yield server


@pytest.fixture(autouse=True)
def _settings(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("EPOCHWATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EPOCHWATCH_HOME", str(server.home))
    monkeypatch.setenv("EPOCHWATCH_PORT", str(server.port))


def test_a_job_tells_its_state_config_and_best_values() -> None:
    job = epochwatch.job("read-me")
    assert (job.name, job.status, job.config) == ("read-me", "Completed", {"lr": 0.1})
    assert job.detail["exit_code"] == 0
    assert job.detail["tags"] == {"quick": ""}
    loss = job.metrics["loss"]
    assert (loss["best"], loss["best_step"], loss["points"]) == (1.0, 1499, 1501)
    assert job.metrics["accuracy"]["max"] == 1499 / 1500
    assert [one.name for one in epochwatch.jobs(search="read")] == ["read-me"]
    assert epochwatch.jobs(status="Failed") == []
    assert job.refresh() is job


def test_every_point_comes_back_with_its_step() -> None:
    points = epochwatch.job("read-me").points("loss")
    assert [(point.step, point.value) for point in points[:-1]] == [(step, 1500.0 - step) for step in range(1500)]
    assert math.isnan(points[-1].value)
    assert {point.metric for point in epochwatch.job("read-me").points()} == {"loss", "accuracy", "odd/<b>"}
    assert epochwatch.job("read-me").points("loss", host="algo-2") == []


def test_dataframes_hold_every_value() -> None:
    frame = epochwatch.job("read-me").dataframe("accuracy")
    assert list(frame.columns) == ["metric", "host", "step", "epoch", "time", "value"]
    assert frame["step"].tolist() == list(range(1500))
    assert frame["value"].tolist() == [step / 1500 for step in range(1500)]


def test_analytics_has_the_sdks_columns_and_more(tmp_path: Path) -> None:
    analytics = epochwatch.TrainingJobAnalytics("read-me", ["accuracy", "loss"])
    frame = analytics.dataframe()
    assert list(frame.columns) == ["timestamp", "metric_name", "value", "step", "host"]
    assert len(frame) == 3001
    assert frame.groupby("metric_name")["timestamp"].min().tolist() == [0.0, 0.0]
    assert set(frame["host"]) == {"algo-1"}
    analytics.export_csv(str(tmp_path / "out.csv"))
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3002
    averaged = epochwatch.TrainingJobAnalytics("read-me", "accuracy", period=3600).dataframe()
    assert averaged["value"].mean() == pytest.approx(1499 / 3000)
    assert len(averaged) <= 2


def test_analytics_keeps_to_the_window_asked_for() -> None:
    now = datetime.now(UTC)
    for start, end, rows in (
        (now - timedelta(hours=1), now + timedelta(hours=1), 1500),
        (now + timedelta(hours=1), None, 0),
        (None, now - timedelta(hours=1), 0),
    ):
        frame = epochwatch.TrainingJobAnalytics("read-me", ["accuracy"], None, start, end).dataframe()
        assert len(frame) == rows


def test_the_log_is_read_in_order() -> None:
    job = epochwatch.job("read-me")
    assert list(job.logs()) == ["an error line", "another"]
    assert list(job.logs(limit=1)) == ["an error line"]
    assert list(job.logs(search="another")) == ["another"]


def test_a_plot_draws_each_metric() -> None:
    figure = epochwatch.job("read-me").plot("loss", "accuracy")
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.get_lines()] == ["accuracy", "loss"]
    assert len(axes.get_lines()[0].get_xdata()) == 1500
    with pytest.raises(epochwatch.EpochwatchError, match="x must be"):
        epochwatch.job("read-me").plot("loss", x="moon")


def test_a_notebook_shows_names_as_text() -> None:
    shown = epochwatch.job("read-me")._repr_html_()
    assert "odd/&lt;b&gt;" in shown
    assert "<b>read-me</b>" in shown


def test_no_such_job_is_said_with_what_to_do() -> None:
    with pytest.raises(epochwatch.EpochwatchError, match="no-such-job") as caught:
        epochwatch.job("no-such-job")
    assert caught.value.hint


def test_a_script_alone_becomes_a_job_of_its_own(server: ServerProcess) -> None:
    code = (
        "import epochwatch\nepochwatch.init(name='alone')\nfor i in range(100): epochwatch.log({'x': float(i)})\n"
    )
    subprocess.run([sys.executable, "-c", code], env=server.environment, check=True, capture_output=True)
    gone = "import epochwatch, os\nepochwatch.init(name='gone')\nepochwatch.log({'x': 1.0})\nos._exit(0)\n"
    subprocess.run([sys.executable, "-c", gone], env=server.environment, check=True, capture_output=True)

    def ended() -> dict[str, str]:
        found = {job.name: job.status for job in epochwatch.jobs() if job.name in ("alone", "gone")}
        return found if len(found) == 2 and "InProgress" not in found.values() else {}

    assert until(ended) == {"alone": "Completed", "gone": "Failed"}
    assert [point.value for point in epochwatch.job("alone").points("x")] == [float(i) for i in range(100)]
    assert len(epochwatch.job("gone").points("x")) == 1
