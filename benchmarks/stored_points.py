"""Many datapoints in a home directory before a server starts over it, by the shortest way into the store.

100 jobs with 10 metrics each, one value a second: losses in single precision with noise, utilisations in tenths of a
percent, and counters. A job's values came ten seconds at a time, as by one PutMetricData. Everything can be computed
again from a series' number (`Dataset.values`).

The engine can be open in one process only, so this works in a process of its own: ``python -m benchmarks.stored_points
load HOME``, ``roll HOME``, ``latest HOME``; what each found out is printed as JSON.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.metric import MetricId
from epochwatch.model.retention import parse as parse_retention
from epochwatch.model.tenant import DEFAULT_ACCOUNT, DEFAULT_REGION, Tenant
from epochwatch.store import rollup
from epochwatch.store.rows import API_SOURCE, Rows, datapoint_rows
from epochwatch.store.stores import Stores

NAMESPACE = "Bench/Stored"
LONG = MetricId("Bench/Long", "loss")
"""One series that goes back much further; its namespace keeps datapoints as they came for ever."""
RETENTION = "Bench/Long=forever"
TENANT = Tenant(DEFAULT_ACCOUNT, DEFAULT_REGION)
METRICS = 10
"""Metrics of a job."""
TOGETHER = 100
"""Series written by one commit."""
REQUEST_SECONDS = 10
HOUR = 3600
LONG_BLOCK = 250_000
SETTLE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Dataset:
    """``series`` with a value each second for ``seconds`` before ``end`` (Unix seconds, a full minute), and the long
    one with a value each second for ``long_seconds``.
    """

    end: int
    series: int = 1000
    seconds: int = HOUR
    long_seconds: int = 0

    @property
    def points(self) -> int:
        """How many datapoints there are in all."""
        return self.series * self.seconds + self.long_seconds

    def metric(self, number: int) -> MetricId:
        """The series' metric."""
        return MetricId(
            NAMESPACE, f"metric-{number % METRICS}", (("TrainingJobName", f"job-{number // METRICS}"),)
        )

    def values(self, number: int) -> NDArray[np.float64]:
        """All values of a series, oldest first."""
        return _curve(number, self.seconds)

    def long_values(self) -> NDArray[np.float64]:
        """All values of the long series."""
        return _curve(0, self.long_seconds)


def _curve(number: int, count: int) -> NDArray[np.float64]:
    draw = np.random.default_rng(number)
    second = np.arange(count)
    if number % 5 < 2:
        loss = 0.3 + 2.5 * np.exp(-second / 5000) + draw.normal(0, 0.02, count)
        return loss.astype(np.float32).astype(np.float64)
    if number % 5 < 4:
        wave = 80 + 10 * np.sin(second / 300 + number) + draw.normal(0, 3, count)
        return np.asarray(np.round(np.clip(wave, 0, 100), 1), np.float64)
    return np.cumsum(draw.integers(0, 2000, count)).astype(np.float64)


def open_stores(home: Path) -> Stores:
    """The stores as a server over ``home`` opens them."""
    return Stores.open(
        f"chdb://{home / 'metrics'}",
        f"sqlite:///{home / 'state.db'}",
        f"file://{home / 'objects'}",
        parse_retention(RETENTION),
    )


def elsewhere(action: str, home: Path, dataset: Dataset) -> dict[str, Any]:
    """What `main` does, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stored_points", action, str(home), json.dumps(asdict(dataset))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def load(stores: Stores, dataset: Dataset) -> dict[str, Any]:
    """Store everything; datapoints a second and how long merging took afterwards."""
    begin = time.perf_counter()
    blocks = 0
    for rows in _blocks(stores, dataset):
        stores.ingest.write(rows)
        blocks += 1
    passed = time.perf_counter() - begin
    settled = _settle(stores)
    return {
        "datapoints": dataset.points,
        "datapoints/s": round(dataset.points / passed),
        "commits": blocks,
        "merging s": settled,
    }


def _blocks(stores: Stores, dataset: Dataset) -> Iterator[Rows]:
    start = dataset.end - dataset.seconds
    edges = [start, *range(-(-(start + 1) // HOUR) * HOUR, dataset.end, HOUR), dataset.end]
    for first in range(0, dataset.series, TOGETHER):
        numbers = range(first, min(first + TOGETHER, dataset.series))
        values = np.stack([dataset.values(number) for number in numbers])
        order = np.stack([_sequence(number, start, dataset.seconds) for number in numbers])
        metrics = [dataset.metric(number) for number in numbers]
        for begin, end in itertools.pairwise(edges):
            part = slice(begin - start, end - start)
            yield rows_of(stores, metrics, begin, values[:, part], order[:, part])
    long = dataset.long_values()
    start = dataset.end - dataset.long_seconds
    order = _sequence(0, start, dataset.long_seconds)
    for first in range(0, dataset.long_seconds, LONG_BLOCK):
        part = slice(first, first + LONG_BLOCK)
        yield rows_of(stores, [LONG], start + first, long[None, part], order[None, part])


def _sequence(number: int, start: int, seconds: int) -> NDArray[np.uint64]:
    """The ``seq`` that rows get which come as the values of ten seconds of all metrics of a job, one call after
    another, at moments that are never quite regular.
    """
    job, metric = divmod(number, METRICS)
    jitter = np.random.default_rng(job).integers(0, 200_000, -(-seconds // REQUEST_SECONDS))
    second = np.arange(seconds)
    call = second // REQUEST_SECONDS
    arrival = (start + (call + 1) * REQUEST_SECONDS) * 1_000_000 + jitter[call]
    place = second % REQUEST_SECONDS * METRICS + metric
    return ((arrival + place) << 12 | 1234).astype(np.uint64)


def rows_of(
    stores: Stores,
    metrics: list[MetricId],
    start: int,
    values: NDArray[np.float64],
    order: NDArray[np.uint64],
) -> Rows:
    """What a commit takes: ``values`` has a row for each metric and a column for each second from ``start``."""
    count, seconds = values.shape
    entries = [
        stores.series.ensure(TENANT, metric, "None", start + seconds - 1, float(column[-1]))
        for metric, column in zip(metrics, values, strict=True)
    ]
    zeros = np.zeros(values.size)
    return Rows(
        series=entries,
        datapoints=datapoint_rows(
            {
                "policy": np.full(values.size, stores.tiers.policy(metrics[0].namespace), np.uint16),
                "sid": np.repeat(np.array([entry.sid for entry in entries], np.uint64), seconds),
                "ts": np.tile(np.arange(start, start + seconds), count),
                "value": values.ravel(),
                "weight": np.ones(values.size),
                "low": zeros,
                "high": zeros,
                "is_set": np.zeros(values.size, np.uint8),
                "resolution": np.ones(values.size, np.uint8),
                "source": np.full(values.size, API_SOURCE, np.uint64),
                "seq": order.ravel(),
            }
        ),
    )


def _settle(stores: Stores) -> float:
    """Wait until the engine has merged what it wants to merge; the seconds it took."""
    begin = time.perf_counter()
    quiet = 0
    while quiet < 5 and time.perf_counter() - begin < SETTLE_SECONDS:
        busy = stores.engine.query("SELECT count() AS merges FROM system.merges")["merges"][0].as_py()
        quiet = 0 if busy else quiet + 1
        time.sleep(0.2)
    return round(time.perf_counter() - begin, 1)


def roll(stores: Stores) -> dict[str, Any]:
    """Do what the server does once a minute, and drop at once what was rolled up: nobody reads it here."""
    rollup.DROP_SECONDS = 0
    begin, cpu = time.perf_counter(), time.process_time()
    stores.maintain(time.time())
    passed = {"roll-up s": round(time.perf_counter() - begin, 1), "CPU-s": round(time.process_time() - cpu, 1)}
    _settle(stores)
    return passed


def latest(stores: Stores, dataset: Dataset) -> dict[str, Any]:
    """The newest value of every series: the median of several readings, in milliseconds."""
    metrics = [dataset.metric(number) for number in range(dataset.series)]
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        found = stores.metrics.latest(TENANT, metrics)
        times.append(time.perf_counter() - begin)
    expected = {metric: (dataset.end - 1, dataset.values(number)[-1]) for number, metric in enumerate(metrics)}
    if found != expected:
        raise SystemExit("the latest values are not those that were stored last")
    return {"median ms": round(sorted(times)[10] * 1000, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("load", "roll", "latest"))
    parser.add_argument("home", type=Path)
    parser.add_argument("dataset", nargs="?", default=json.dumps({"end": int(time.time()) // 60 * 60}))
    options = parser.parse_args()
    dataset = Dataset(**json.loads(options.dataset))
    stores = open_stores(options.home)
    try:
        actions = {
            "load": lambda: load(stores, dataset),
            "roll": lambda: roll(stores),
            "latest": lambda: latest(stores, dataset),
        }
        print(json.dumps(actions[options.action]()))
    finally:
        stores.close()


if __name__ == "__main__":
    main()
