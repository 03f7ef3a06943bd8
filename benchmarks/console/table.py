"""A table of 5,000 jobs in a browser: ``python -m benchmarks.console.table [--jobs 5000]``, beside MLflow's.

Each job has 10 metrics of 1,000 steps (in MLflow one step: its table shows no more), 5 hyperparameters and 2 tags. The
page is opened without a cache and scrolled by the wheel; then the table is asked for the jobs that a filter leaves.
Frames are counted as in ``benchmarks.console.charts``; ``--data`` keeps what is recorded, and names of trackers choose
among the two.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.console.charts import HEIGHT, WIDTH, chromium, frames, transferred, worst
from benchmarks.console.trackers import MLFLOW, served
from benchmarks.console.watchers import token
from benchmarks.stored_points import TENANT, open_stores
from benchmarks.usage import usage_of
from epochwatch.model.batch import Registration
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from tests.servers import ServerProcess

JOBS, METRICS, STEPS = 5000, 10, 1000
FILTER = "params.lr < 0.001 and metrics.metric_3.last < 0.5"
MLFLOW_FILTER = "params.layers = '8' and metrics.metric_3 < 0.5"
RECORD_MLFLOW = f"""
import random, sys, time
import mlflow
from mlflow.entities import Metric, Param, RunTag
mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
for number in range(int(sys.argv[1])):
    now = int(time.time() * 1000)
    run = client.create_run("0", run_name=f"job-{{number:05}}").info.run_id
    metrics = [Metric(f"metric_{{index}}", random.random(), now, {STEPS}) for index in range({METRICS})]
    params = [Param("lr", str(random.random() / 100)), Param("layers", str(number % 16))]
    params += [Param(f"param_{{index}}", str(random.random())) for index in range(3)]
    client.log_batch(run, metrics, params, [RunTag("team", "vision"), RunTag("seed", str(number % 5))])
    client.set_terminated(run)
"""


def main() -> None:
    """Print a row for each table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trackers", nargs="*", default=["epochwatch", "mlflow"])
    parser.add_argument("--fill", type=Path, help="only put the jobs into this home directory")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--data", type=Path, help="keeps what both have recorded")
    given = parser.parse_args()
    if given.fill:
        fill(given.fill, given.jobs)
        return
    print("| table | first row | fetched | heap | frame scrolling: 99 %, worst | filtered | server CPU, opening |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        kept = given.data or Path(directory)
        if "epochwatch" in given.trackers:
            with _ours(kept / "table", given.jobs) as server:
                print(_measured_ours(browser, server), flush=True)
        if "mlflow" in given.trackers:
            with _mlflow(kept / "mlflow-table", given.jobs) as url:
                print(_measured_mlflow(browser, url), flush=True)


def fill(home: Path, jobs: int) -> None:
    """Put jobs into a home directory before a server starts over it."""
    stores = open_stores(home)
    now = time.time()
    chance = random.Random(1)
    steps = np.arange(STEPS)
    for number in range(jobs):
        name = f"job-{number:05}"
        config = {"lr": chance.random() / 100, "layers": number % 16}
        config |= {f"param_{index}": chance.random() for index in range(3)}
        started = now - 86_400 * 30 + number * 500
        registration = Registration(
            run_id=f"{number:032x}",
            name=name,
            started=started,
            command=["python", "train.py"],
            config=config,
            tags={"team": "vision", "seed": str(number % 5)},
        )
        stores.state.jobs.register(TENANT, registration, started)
        names = [f"metric_{index}" for index in range(METRICS)]
        points = RunPointColumns(
            metric=np.repeat(names, STEPS).tolist(),
            value=np.random.default_rng(number).random(METRICS * STEPS),
            time=np.tile(((started + steps) * 1e6).astype(np.int64), METRICS),
            step=np.tile(steps, METRICS),
            epoch=np.full(METRICS * STEPS, np.nan),
            host="algo-1",
        )
        stores.run_points.write(TENANT, TRAINING_JOB, name, points)
    stores.close()


@contextmanager
def _ours(home: Path, jobs: int) -> Iterator[ServerProcess]:
    if not home.exists():
        home.mkdir(parents=True)
        words = ["-m", "benchmarks.console.table", "--fill", str(home), "--jobs", str(jobs)]
        subprocess.run([sys.executable, *words], check=True)
    with ServerProcess(home) as server:
        yield server


@contextmanager
def _mlflow(data: Path, jobs: int) -> Iterator[str]:
    with served(MLFLOW, data, ["-c", RECORD_MLFLOW, str(jobs)]) as url:
        yield url


def _measured_ours(browser: Any, server: ServerProcess) -> str:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.request.get(f"{server.url}/_/login?token={token(server)}")
    usage = usage_of(server)
    before = usage.cpu_seconds()
    page, opened, fetched = _opened(context, f"{server.url}/_/", "[role=row][aria-rowindex='2']")
    page.wait_for_timeout(2000)
    cost = usage.cpu_seconds() - before
    scrolled = frames(page, lambda: _scroll(page))
    begin = time.monotonic()
    page.goto(f"{server.url}/_/?filter={FILTER}")
    page.locator("[role=row][aria-rowindex='2']").first.wait_for()
    filtered = time.monotonic() - begin
    line = _line("epochwatch", page, opened, fetched, scrolled, filtered, f"{cost:.1f} s")
    context.close()
    return line


def _measured_mlflow(browser: Any, url: str) -> str:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    path = f"{url}/#/experiments/0/runs?workflowType=machine_learning"
    page, opened, fetched = _opened(context, path, ".ag-row")
    page.wait_for_timeout(2000)
    scrolled = frames(page, lambda: _scroll(page))
    begin = time.monotonic()
    page.goto(f"{path}&searchFilter={MLFLOW_FILTER}")
    page.reload()
    page.locator(".ag-row").first.wait_for()
    line = _line("MLflow (100 rows at a time)", page, opened, fetched, scrolled, time.monotonic() - begin, "")
    context.close()
    return line


def _opened(context: Any, url: str, row: str) -> tuple[Any, float, list[float]]:
    page = context.new_page()
    fetched = transferred(context, page)
    begin = time.monotonic()
    page.goto(url)
    page.locator(row).first.wait_for(timeout=180_000)
    return page, time.monotonic() - begin, fetched


def _scroll(page: Any) -> None:
    """Down by the wheel, 60 times 400 pixels."""
    page.mouse.move(WIDTH * 0.6, HEIGHT * 0.6)
    for _ in range(60):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(50)


def _line(
    name: str, page: Any, opened: float, fetched: list[float], scrolled: list[float], filtered: float, cost: str
) -> str:
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    return (
        f"| {name} (load {os.getloadavg()[0]:.1f}) | {opened * 1000:.0f} ms | {sum(fetched) / 1e6:.1f} MB "
        f"| {heap:.0f} MB | {worst(scrolled)} | {filtered * 1000:.0f} ms | {cost} |"
    )


if __name__ == "__main__":
    main()
