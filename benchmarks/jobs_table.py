"""The table of training jobs over many of them: ``python -m benchmarks.jobs_table [JOBS] [POINTS]``.

JOBS (5,000) ended jobs with ten metrics of POINTS (1,000) points each are stored, then the table is asked for as the
console does: cold, with nothing remembered, and warm, as by everybody after that.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from epochwatch.console.jobs import available_columns, listed_jobs
from epochwatch.console.requests import Asked
from epochwatch.model.job import TrainingJob, Transition
from epochwatch.model.tenant import Tenant
from epochwatch.store.metric_summaries import MetricSummaries
from epochwatch.store.state.database import owner
from epochwatch.store.state.job_records import columns
from epochwatch.store.state.job_rows import JobRows
from epochwatch.store.state.tables import TRAINING_JOBS
from epochwatch.store.stores import Stores

METRICS = 10
WARM = 20
COLUMNS = [("columns", name) for name in ("name", "status", "metrics", "started", "duration", "params.lr")]
BEST = "metrics.train:loss-0.best"
QUESTIONS = {
    "the newest 100": [],
    "by name and status": [("filter", "job-00 status = Failed")],
    "by a parameter and a tag": [("filter", "params.lr > 0.5 and tags.team in (vision, nlp)")],
    "sorted by a parameter": [("sort", "params.lr"), ("order", "asc")],
    "sorted by the best of a metric": [("sort", BEST), ("order", "asc")],
    "by a metric": [("filter", f"{BEST} < 0.1")],
    "in groups, with a metric": [("group", "tags.team"), ("columns", BEST)],
    "the last 100": [("offset", "4900")],
    "as CSV": [("format", "csv"), ("columns", BEST)],
}


def main() -> None:
    """Store the jobs, ask, and print milliseconds."""
    jobs, points = (int(word) for word in [*sys.argv[1:], "5000", "1000"][:2])
    with tempfile.TemporaryDirectory() as home:
        stores = Stores.open(f"chdb://{home}/metrics", f"sqlite:///{home}/state.db", f"file://{home}/objects")
        try:
            store(stores, jobs, points)
            ask(stores)
        finally:
            stores.close()
    print(f"{jobs:,} jobs, {METRICS} metrics of {points:,} points each")


def store(stores: Stores, jobs: int, points: int) -> None:
    """Ended jobs and their points."""
    now = time.time()
    tenant = Tenant()
    with stores.state._database.begin() as connection:
        for number in range(jobs):
            job = ended(number, now)
            connection.execute(TRAINING_JOBS.insert().values(**owner(tenant), name=job.name, **columns(job)))
    for first in range(0, jobs, 500):
        some = min(500, jobs - first)
        stores.engine.command(
            "INSERT INTO run_points SELECT %(account)s, %(region)s, 'training-job', "
            f"'job-' || leftPad(toString({first} + intDiv(number, {METRICS * points})), 5, '0'), "
            f"'train:loss-' || toString(intDiv(number, {points}) %% {METRICS}), 'algo-1', number %% {points}, nan, "
            f"1700000000000000 + 1000000 * (number %% {points}), rand() / 4294967295, 1, number "
            f"FROM numbers({some * METRICS * points})",
            {"account": tenant.account, "region": tenant.region},
        )


def ended(number: int, now: float) -> TrainingJob:
    """A job with what jobs usually have on record."""
    begun = now - 86400 - number * 60
    return TrainingJob(
        name=f"job-{number:05}",
        status="Failed" if number % 7 == 0 else "Completed",
        secondary_status="Completed",
        created=begun,
        started=begun,
        ended=begun + 3600,
        updated=begun + 3600,
        command=["python", "train.py", "--lr", str(number)],
        hosts=["algo-1"],
        config={
            "lr": (number * 37 % 1000) / 1000,
            "optimizer": {"name": "adam", "beta": 0.9},
            "layers": [256, 128],
        },
        tags={"team": ("vision", "nlp", "speech")[number % 3]},
        transitions=[Transition("Completed", begun, begun + 3600, "Training job completed")],
    )


def ask(stores: Stores) -> None:
    """Each question with nothing remembered, and again and again."""
    for title, query in QUESTIONS.items():
        forget(stores)
        report(title, partial(listed_jobs, stores, asked([*COLUMNS, *query])))
    forget(stores)
    report("the columns to choose from", partial(available_columns, stores, asked([])))


def forget(stores: Stores) -> None:
    """As after a start of the server."""
    rows = JobRows(stores.state._database)
    stores.state.job_rows = rows
    object.__setattr__(
        stores, "metric_summaries", MetricSummaries(stores.engine, stores.ingest, stores.run_points)
    )


def asked(query: list[tuple[str, str]]) -> Asked:
    """A request as the door hands it on."""
    return Asked(Tenant(), SimpleNamespace(), QueryParams(query))  # type: ignore[arg-type]


def report(title: str, act: Callable[[], Any]) -> None:
    """Milliseconds: first, and the median of the following."""
    times = []
    for _ in range(WARM + 1):
        begun = time.perf_counter()
        msgspec.json.encode(answer) if isinstance(answer := act(), dict) else answer
        times.append((time.perf_counter() - begun) * 1000)
    print(f"{title:32} cold {times[0]:8.0f} ms   warm {sorted(times[1:])[WARM // 2]:8.1f} ms", flush=True)


if __name__ == "__main__":
    main()
