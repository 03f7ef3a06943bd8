"""Trackers whose pages are compared: how each is recorded into, served, and what of its page is a chart."""

import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.console.training import JOB
from benchmarks.console.watchers import start_training, token, wait_for_steps
from benchmarks.peer_environment import ROOT, peer_python
from tests.servers import ServerProcess, free_port

START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Tracker:
    """One tracker. ``chart`` is the selector of what is dragged on, ``drawn`` of what a drawn chart has."""

    name: str
    packages: tuple[str, ...]
    serve: Callable[[int], list[str]]
    """Its command, by the port."""
    page: Callable[[Path], str]
    """The path of the page with the charts, by the directory with the data."""
    chart: str
    drawn: str
    setting: Callable[[Path, int], dict[str, str]] = lambda data, port: {}


def _run_of(data: Path) -> str:
    with sqlite3.connect(data / "mlflow.db") as database:
        return str(database.execute("SELECT run_uuid FROM runs ORDER BY start_time DESC").fetchone()[0])


TENSORBOARD = Tracker(
    "tensorboard",
    ("tensorboard==2.21.0", "tensorboardX==2.6.4"),
    lambda port: ["tensorboard", "--logdir", "runs", "--port", str(port), "--reload_interval", "1"],
    lambda data: "/#timeseries",
    "card-view .series-view",
    "card-view canvas",
)
TRACKIO = Tracker(
    "trackio",
    ("trackio==0.43.0",),
    lambda port: ["trackio", "show", "--project", JOB],
    lambda data: f"/?project={JOB}",
    ".plot canvas.marks",
    ".plot canvas.marks",
    lambda data, port: {"TRACKIO_DIR": str(data), "GRADIO_SERVER_PORT": str(port), "BROWSER": "true"},
)
MLFLOW = Tracker(
    "mlflow",
    ("mlflow==3.17.2",),
    lambda port: ["mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--port", str(port)],
    lambda data: f"/#/experiments/0/runs/{_run_of(data)}/model-metrics",
    ".js-plotly-plot .nsewdrag",
    ".js-plotly-plot .scatterlayer path",
)
PEERS = {one.name: one for one in (TENSORBOARD, TRACKIO, MLFLOW)}


@dataclass(frozen=True, slots=True)
class Opened:
    """A tracker at work: where its charts are, and what of the page is a chart."""

    name: str
    login: str
    """The address that signs in; empty where nobody has to."""
    url: str
    chart: str
    drawn: str


@contextmanager
def ours(data: Path, metrics: int, steps: int, live: float) -> Iterator[Opened]:
    """Our server over a training of so many steps, which goes on at 10 steps a second for ``live`` seconds."""
    with ServerProcess(data / "home") as server:
        training = start_training(server, metrics, steps, live, 10)
        try:
            wait_for_steps(server, steps)
            login = f"{server.url}/_/login?token={token(server)}"
            yield Opened("epochwatch", login, f"{server.url}/_/jobs/{JOB}", ".chart .u-over", ".chart canvas")
        finally:
            training.terminate()  # the command in front hands it on
            training.wait()


@contextmanager
def peer(tracker: Tracker, data: Path, metrics: int, steps: int) -> Iterator[Opened]:
    """A peer's server over the same steps in ``data``. The training has ended."""
    training = ["-m", "benchmarks.console.training", tracker.name, str(metrics), str(steps), "0", "10"]
    with served(tracker, data, training) as url:
        yield Opened(tracker.name, "", url + tracker.page(data), tracker.chart, tracker.drawn)


@contextmanager
def served(tracker: Tracker, data: Path, record: list[str]) -> Iterator[str]:
    """The address of a peer's server over ``data``, which its Python records by ``record`` first where nothing is."""
    python = peer_python(tracker.name, tracker.packages)
    port = free_port()
    environment = os.environ | tracker.setting(data, port)
    if not data.exists():
        data.mkdir(parents=True)
        recording = environment | {"PYTHONPATH": str(ROOT)}
        subprocess.run([python, *record], cwd=data, env=recording, check=True, capture_output=True)
    command, *words = tracker.serve(port)
    with (data / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [python.with_name(command), *words],
            cwd=data, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"{url} does not answer")
