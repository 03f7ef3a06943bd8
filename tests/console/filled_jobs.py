"""Hundreds of jobs of an account of their own, for the table of jobs: a sweep that ended, and some to do things to."""

import time
from typing import Any

import numpy as np

from epochwatch.model.batch import NO_STEP
from epochwatch.model.job import TrainingJob, Transition
from epochwatch.model.tenant import Tenant
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from epochwatch.store.state.database import owner
from epochwatch.store.state.job_records import columns
from epochwatch.store.state.tables import TRAINING_JOBS

OWNER = Tenant("444433332222", "us-east-1")
SECRET = "who-sweeps"
JOBS = 240
MEASURED = 24
"""The newest of them have metrics."""
BEGAN_BEFORE = 3600


def fill(stores: Any, run: Any) -> None:
    """``run`` makes a run as an agent does (console_server.Run)."""
    now = time.time()
    with stores.state._database.begin() as connection:
        for number in range(JOBS):
            job = swept(number, now)
            connection.execute(TRAINING_JOBS.insert().values(**owner(OWNER), name=job.name, **columns(job)))
    for number in range(MEASURED):
        points = measured(number, now)
        stores.run_points.write(OWNER, TRAINING_JOB, f"sweep-{number:03}", points)
    for name in ("old-1", "old-2", "doomed-1", "doomed-2"):
        run(stores, name.ljust(32, "0"), name, now - 90_000, OWNER).progress("Completed", 0)
    run(stores, "here".ljust(32, "0"), "running-here", now - 60, OWNER).progress("InProgress")
    stores.state.jobs.create(OWNER, "queued", {}, [], {"team": "speech"}, now - 30)


def swept(number: int, now: float) -> TrainingJob:
    """``sweep-000`` is the newest. Every sixth failed; learning rates repeat after a hundred."""
    begun = now - BEGAN_BEFORE - 60 * number
    ended = begun + 10 * (number + 1)
    status = "Failed" if number % 6 == 0 else "Completed"
    return TrainingJob(
        name=f"sweep-{number:03}",
        status=status,
        secondary_status=status,
        created=begun,
        started=begun,
        ended=ended,
        updated=ended,
        exit_code=1 if status == "Failed" else 0,
        failure_reason="the training exited with status 1" if status == "Failed" else "",
        command=["python", "train.py", "--lr", str(number)],
        hosts=["algo-1"],
        hostname="gpu-box",
        user="ana" if number % 2 else "bo",
        config={"lr": (number % 100) / 100, "optimizer": {"name": "adam" if number % 4 else "sgd"}, "batch": "32"},
        tags={"team": ("vision", "nlp")[number % 2]},
        transitions=[Transition(status, begun, ended, "")],
    )


def measured(number: int, now: float) -> RunPointColumns:
    """Losses whose best value is a tenth of the job's number, and its last one more than that by one."""
    values = np.array([2.0 + number, number / 10, number / 10 + 1])
    return RunPointColumns(
        metric=["validation:loss"] * 3 + ["train:accuracy"],
        value=np.append(values, 0.5),
        time=((now - BEGAN_BEFORE + np.arange(4)) * 1e6).astype(np.int64),
        step=np.array([1, 2, 3, NO_STEP]),
        epoch=np.full(4, np.nan),
        host="algo-1",
    )
