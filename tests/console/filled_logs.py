"""Logs for the tests of the log explorer: a training of two hosts whose points and lines share positions."""

import time
from typing import Any

import numpy as np

from epochwatch.model.batch import LogEvents, RunPoints
from epochwatch.model.tenant import Tenant
from epochwatch.store.stores import Stores

SECRET = "the-reader-of-logs"
READER = Tenant("444455556666", "us-east-1")
STEPS = 3000
"""Lines of the first host: of each the loss is taken."""
QUIET = 200
"""Lines of the second."""
JOB = "logged"
SPIKE = 1234
"""The step at which the loss is 400."""
ERROR = 2000
"""The step at which a line tells of an error."""
STRUCTURED = 2001
"""The step whose line is JSON."""

SPREAD = "spread"
"""A job of six hosts, each of which writes a line a second, one after the other."""
HOSTS = 6
SECONDS = 900
"""For which they write."""
LATE = 5
"""The host that writes its last line after a third of them."""


def loss_at(step: int) -> float:
    """The loss that the line of a step tells."""
    return 400.0 if step == SPIKE else round(2 / (1 + step / 500), 4)


def line_at(step: int) -> str:
    """The line of a step."""
    if step == ERROR:
        return f"ERROR: step {step} ran out of memory <script>alert(1)</script>"
    if step == STRUCTURED:
        return f'{{"step": {step}, "level": "info", "nested": {{"deep": true}}}}'
    return f"step={step} \x1b[36mloss\x1b[0m={loss_at(step)} lr=0.001"


def fill(stores: Stores, make: Any) -> None:
    """``make`` is `console_server.Run`. The job's second host is quieter; each loss has the position of its line."""
    begin = time.time() - 4000
    stores.state.jobs.create(READER, JOB, {}, [], {}, begin, host_count=2)
    for number, count in ((1, STEPS), (2, QUIET)):
        run = make(stores, f"{number}9" * 16, JOB, begin, READER, host=f"algo-{number}", job=JOB)
        source = f"{run.run_id}/output.log"
        steps = list(range(count))
        lines = [line_at(step) if number == 1 else f"rank 1 at step {step}" for step in steps]
        positions = np.cumsum([len(line.encode()) + 1 for line in lines]).astype(np.uint64)
        times = begin + np.arange(count) * (3600 / count)
        told = [step for step in steps if number == 1 and step not in (ERROR, STRUCTURED)]
        run.commit(
            log_events=[LogEvents(source, positions.tobytes(), (times * 1e3).astype(np.int64).tobytes(), lines)],
            run_points=[points(source, positions, times, told)] if told else [],
        )
        run.progress("Completed", 0)
    _spread(stores, make, float(int(begin)))


def spread_line(host: int, second: int) -> str:
    """What a host of `SPREAD` writes in a second."""
    return f"rank {host - 1} step={second} " + (
        "WARNING: the input is late" if second % 100 == 99 else "all reduced"
    )


def _spread(stores: Stores, make: Any, begin: float) -> None:
    stores.state.jobs.create(READER, SPREAD, {}, [], {}, begin, host_count=HOSTS)
    for host in range(1, HOSTS + 1):
        run = make(stores, f"{host}7" * 16, SPREAD, begin, READER, host=f"algo-{host}", job=SPREAD)
        lines = [spread_line(host, second) for second in range(SECONDS // 3 if host == LATE else SECONDS)]
        positions = np.cumsum([len(line) + 1 for line in lines]).astype(np.uint64)
        times = begin + np.arange(len(lines)) + host * 0.1
        log = LogEvents(
            f"{run.run_id}/output.log", positions.tobytes(), (times * 1e3).astype(np.int64).tobytes(), lines
        )
        run.commit(log_events=[log])
        run.progress("Completed", 0)


def points(source: str, positions: Any, times: Any, steps: list[int]) -> RunPoints:
    """The losses of lines, at the lines' positions."""
    count = len(steps)
    return RunPoints(
        source=source,
        positions=positions[steps].tobytes(),
        names=["train:loss"],
        metrics=np.zeros(count, np.uint32).tobytes(),
        steps=np.array(steps, np.int64).tobytes(),
        epochs=np.full(count, np.nan).tobytes(),
        timestamps=(times[steps] * 1e6).astype(np.int64).tobytes(),
        values=np.array([loss_at(step) for step in steps]).tobytes(),
    )
