"""Jobs to compare: four of a small sweep, of which two share a learning rate, one has two hosts; and their logs."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from epochwatch.model.tenant import Tenant

OWNER = Tenant("555566667777", "us-east-1")
SECRET = "who-compares"
STEPS = 2000
SPIKE = 1234
"""The step at which ``versus-b`` has one value of 5."""


def fill(stores: Any, run: Any) -> None:
    """``run`` makes a run as an agent does (console_server.Run)."""
    began = time.time() - 7200
    for number, (name, rate, seed, hosts) in enumerate(
        [("versus-a", 0.1, 1, 1), ("versus-b", 0.01, 1, 1), ("versus-c", 0.01, 2, 2), ("versus-d", 0.3, 1, 1)]
    ):
        if hosts > 1:
            request = {"Environment": {"NCCL_DEBUG": "INFO"}, "ResourceConfig": {"InstanceCount": hosts}}
            stores.state.jobs.create(OWNER, name, request, [], {}, began, host_count=hosts)
        runs = [
            _run(stores, run, name, rate, seed, began + 600 * number, host, name if hosts > 1 else "")
            for host in range(hosts)
        ]
        config = {"seed": seed, "optimizer": {"name": "sgd", "lr": rate}, "layers": [256, 128]}
        stores.state.jobs.change(
            runs[0].tenant, name, lambda job, config=config: replace(job, config=config, tags={"team": "vision"})
        )
        for one in runs:
            one.progress("Completed", 0)


def _run(stores: Any, run: Any, name: str, rate: float, seed: int, began: float, host: int, job: str) -> Any:
    one = run(stores, f"{name}-{host}".ljust(32, "0"), name, began, OWNER, host=f"algo-{host + 1}", job=job)
    step = np.arange(STEPS)
    loss = 2 * np.exp(-step * rate / 100) + 0.05 * seed + 0.02 * host + 0.05 * np.sin(step / 7)
    if name == "versus-b":
        loss[SPIKE] = 5.0
    second = {"grad_norm": loss * 3} if name == "versus-d" else {"validation:accuracy": 1 - loss / 3}
    if not host:
        lines = log(name, rate, began)
        one.commit(log_events=[one.lines(lines, began + np.arange(len(lines)))])
    one.commit(run_points=[one.points({"train:loss": loss} | second, step, began + step, epochs=step / 100)])
    return one


def log(name: str, rate: float, began: float) -> list[str]:
    """Lines that part at the rate, at a warning that only ``versus-b`` has, and in what always differs."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began))
    head = [
        f"{clock} INFO pid 4{len(name)}{int(began) % 97} reading /data/{name}/train.csv",
        "model: resnet50 with 25557032 parameters",
        f"learning rate {rate}",
    ]
    steps = [f"[{at / 10:.1f}s] step {at}/200 loss={2 / (at + 1) + rate:.4f}" for at in range(200)]
    warning = ["WARNING: gradients overflowed, the scale is halved"] if name == "versus-b" else []
    return [*head, *steps[:90], *warning, *steps[90:], "checkpoint saved", "finished"]
