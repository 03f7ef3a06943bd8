"""A training that others look at: ``python -m benchmarks.console.training TRACKER METRICS STEPS SECONDS HERTZ``.

Logs ``STEPS`` steps as fast as it can, then for ``SECONDS`` so many steps a second; each with all metrics. Trackers
write below the working directory.
"""

import math
import os
import random
import sys
import time
from collections.abc import Callable

Log = Callable[[dict[str, float], int], None]
JOB = "watched"
AT_ONCE = 1000
"""Values that MLflow takes in one go."""


def values(metrics: int, step: int) -> dict[str, float]:
    """What a step has: losses that fall, with noise; of the first a spike at each 20,000th step."""
    falling = math.exp(-step / 30_000)
    found = {f"loss/{index:02}": falling * (1 + index / 10) + random.random() / 20 for index in range(metrics)}
    if step % 20_000 == 19_999:
        found["loss/00"] = 50.0
    return found


def epochwatch() -> tuple[Log, Log]:
    """How many steps are logged fast, and how single ones are."""
    import epochwatch as tracker

    def log(found: dict[str, float], step: int) -> None:
        tracker.log(found, step=step)

    return log, log


def tensorboard() -> tuple[Log, Log]:
    """As `epochwatch`."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(f"runs/{JOB}", flush_secs=1)

    def log(found: dict[str, float], step: int) -> None:
        for name, value in found.items():
            writer.add_scalar(name, value, step)

    return log, log


def trackio() -> tuple[Log, Log]:
    """As `epochwatch`."""
    os.environ["TRACKIO_DIR"] = os.getcwd()
    import trackio as tracker

    tracker.init(project=JOB, name=JOB)

    def log(found: dict[str, float], step: int) -> None:
        tracker.log(found, step=step)

    return log, log


def mlflow() -> tuple[Log, Log]:
    """As `epochwatch`."""
    import mlflow as tracker
    from mlflow.entities import Metric

    tracker.set_tracking_uri("sqlite:///mlflow.db")
    run = tracker.start_run(run_name=JOB)
    client = tracker.MlflowClient()
    waiting: list[Metric] = []

    def fast(found: dict[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        waiting.extend(Metric(name, value, now, step) for name, value in found.items())
        if len(waiting) >= AT_ONCE:
            client.log_batch(run.info.run_id, waiting[:AT_ONCE])
            del waiting[:AT_ONCE]

    return fast, lambda found, step: tracker.log_metrics(found, step=step)


TRACKERS = {"epochwatch": epochwatch, "tensorboard": tensorboard, "trackio": trackio, "mlflow": mlflow}


def main() -> None:
    """Train."""
    fast, single = TRACKERS[sys.argv[1]]()
    metrics, steps, seconds, hertz = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
    for step in range(steps):
        fast(values(metrics, step), step)
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds:
        single(values(metrics, step := step + 1), step)
        time.sleep(max(0.0, (int(passed * hertz) + 1) / hertz - (time.monotonic() - begin)))


if __name__ == "__main__":
    main()
