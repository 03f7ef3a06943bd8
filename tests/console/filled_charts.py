"""Jobs whose curves have gaps: values that are no numbers, a metric at other steps, a host that was away."""

import math
import time
from typing import Any

import numpy as np

from epochwatch.model.tenant import Tenant

OWNER = Tenant("555566668888", "us-east-1")
SECRET = "who-looks-at-charts"
STEPS = 200
NANS = (80, 81, 82, 83, 84)
INFINITE = 150
AWAY = range(60, 140)
"""Seconds after the begin at which the host was not sampled."""


def fill(stores: Any, run: Any) -> None:
    """``run`` makes a run as an agent does (console_server.Run)."""
    began = time.time() - 3600
    for number, name in enumerate(("gaps", "gaps-again")):
        one = run(stores, name.ljust(32, "0"), name, began, OWNER)
        step = np.arange(STEPS)
        loss = (1 + 9 * number) * (1 + np.cos(step / 20) / 2)
        if not number:
            loss[list(NANS)] = math.nan
            loss[INFINITE] = math.inf
        one.commit(run_points=[one.points({"loss": loss}, step, began + step)])
        rare = np.arange(0, STEPS, 40)
        one.commit(run_points=[one.points({"val_loss": 2 + rare / 100}, rare, began + STEPS + rare)])
        seconds = np.array([at for at in range(STEPS) if at not in AWAY])
        one.commit(samples=[one.samples({"CPUUtilization": 50 + 20 * np.sin(seconds / 9)}, began + seconds)])
        one.progress("Completed", 0)
