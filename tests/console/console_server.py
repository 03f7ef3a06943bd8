"""A console over real stores in a process of its own, filled with runs, for tests: ``python console_server.py HOME``.

Prints one line of JSON when it serves. Commands come as lines of JSON on standard input, each is answered by a line:
``{"values": {metric: value}, "step": n, "line": text}`` commits them to the job ``live`` as an agent would;
``{"status": "Completed"}`` ends that job, ``{"diagnosis": {...}}`` tells what its tensors say.
"""

import json
import math
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import filled_alarms
import filled_charts
import filled_compare
import filled_job
import filled_jobs
import filled_logs
import msgspec
import numpy as np
import uvicorn

from epochwatch.console.app import console_app
from epochwatch.console.session import Access, ConsoleKey
from epochwatch.gateway.operations import Operations
from epochwatch.model.batch import (
    NO_STEP,
    Ambiguity,
    Batch,
    Definition,
    DefinitionHealth,
    InstanceSamples,
    LogEvents,
    Progress,
    Registration,
    RunPoints,
)
from epochwatch.model.clock import ClockOffset
from epochwatch.model.diagnosis import Diagnosis
from epochwatch.model.host_rows import Column, HostMinute, Layout, Row
from epochwatch.model.tenant import Tenant
from epochwatch.server.composition import operations
from epochwatch.services.call import Call
from epochwatch.store.batches import commit_batch
from epochwatch.store.buckets import BucketStore
from epochwatch.store.host_samples import HostPlace, keep_minute
from epochwatch.store.stores import Stores

SECRET = "the-owner-of-the-runs"
STRANGER = "somebody-else"
OWNER = Tenant()
OTHER = Tenant("999988887777", "us-east-1")
STEPS = 300
SPIKE = 61_803
LONG = 100_000

HEALTH = [
    DefinitionHealth("train:loss", r"train_loss=([0-9.]+)", matched=STEPS, example="train_loss=2.0"),
    DefinitionHealth("validation:f1", r"f1=([0-9.]+)"),
    DefinitionHealth("learning_rate", r"lr=(\S+)", matched=3, non_numeric=2, example="lr=auto"),
]
LINE = "step=1 val_loss=0.9 <b>loss</b>=0.5"
DOUBTFUL = [
    DefinitionHealth(
        "loss",
        r"loss\W+([0-9.]+)",
        matched=3,
        example="loss=0.9",
        ambiguous=[
            Ambiguity("same-text", lines=3, of=3, example=LINE, other="val"),
            Ambiguity("several-matches", lines=2, of=3, example=LINE),
        ],
    ),
    DefinitionHealth("loss", "loss: (.+)", matched=2, example="loss: 1", shadowed=2, shadowed_example="loss: 2"),
    DefinitionHealth(
        "slow",
        "(?=x)(x+x+)+y(.)",
        matched=1,
        example="xxy1",
        engine="disabled: too slow",
        warning="has no fixed text",
    ),
    DefinitionHealth("train:acc", "acc: (.+)", "preset:keras"),
]


class Run:
    """One run, written as an agent writes it."""

    def __init__(
        self,
        stores: Stores,
        run_id: str,
        name: str,
        started: float,
        tenant: Tenant = OWNER,
        *,
        host: str = "algo-1",
        job: str = "",
        clock: ClockOffset | None = None,
    ) -> None:
        self.stores = stores
        self.tenant = tenant
        self.run_id = run_id
        self.started = started
        self.position = 0
        self.clock = clock
        self.definitions = [
            Definition("train:loss", r"train_loss=([0-9.]+)"),
            Definition("validation:f1", r"f1=([0-9.]+)"),
            Definition("learning_rate", r"lr=(\S+)"),
        ]
        stores.state.jobs.register(
            tenant,
            Registration(
                run_id=run_id,
                name=name,
                started=started,
                host=host,
                job=job,
                command=["python", "train.py", "--name", "two words"],
                working_directory="/home/me/work",
                hostname="box",
                user="me",
                definitions=self.definitions,
                tags={"team": "vision"},
                config={"lr": 0.001, "layers": [256, 128]},
            ),
            time.time(),
        )

    def commit(self, **parts: Any) -> None:
        run = self.stores.state.jobs.run(self.tenant, self.run_id)
        assert run is not None
        commit_batch(self.stores, self.tenant, run, Batch(run_id=self.run_id, **parts), time.time())

    def points(self, columns: dict[str, Any], steps: Any, times: Any, epochs: Any | None = None) -> RunPoints:
        """One value of each metric per step; ``times`` are Unix seconds."""
        names, count = list(columns), len(steps)
        self.position += 1
        first = self.position
        self.position += count
        rows = len(names) * count
        epoch = (
            np.full(rows, math.nan) if epochs is None else np.repeat(np.asarray(epochs, np.float64), len(names))
        )
        return RunPoints(
            source=f"{self.run_id}/output.log",
            positions=np.repeat(np.arange(first, first + count, dtype=np.uint64), len(names)).tobytes(),
            names=names,
            metrics=np.tile(np.arange(len(names), dtype=np.uint32), count).tobytes(),
            steps=np.repeat(np.asarray(steps, np.int64), len(names)).tobytes(),
            epochs=epoch.tobytes(),
            timestamps=np.repeat((np.asarray(times) * 1e6).astype(np.int64), len(names)).tobytes(),
            values=np.stack([np.asarray(columns[name], np.float64) for name in names], axis=1).tobytes(),
        )

    def lines(self, messages: list[str], times: Any) -> LogEvents:
        first = self.position + 1
        self.position += len(messages)
        return LogEvents(
            source=f"{self.run_id}/output.log",
            positions=np.arange(first, first + len(messages), dtype=np.uint64).tobytes(),
            timestamps=(np.asarray(times) * 1e3).astype(np.int64).tobytes(),
            messages=messages,
        )

    def samples(self, columns: dict[str, Any], times: Any) -> InstanceSamples:
        names, count = list(columns), len(times)
        return InstanceSamples(
            source=f"{self.run_id}/samples.bin",
            positions=np.repeat(np.arange(1, count + 1, dtype=np.uint64), len(names)).tobytes(),
            names=names,
            metrics=np.tile(np.arange(len(names), dtype=np.uint32), count).tobytes(),
            timestamps=np.repeat((np.asarray(times) * 1e6).astype(np.int64), len(names)).tobytes(),
            values=np.stack([np.asarray(columns[name], np.float64) for name in names], axis=1).tobytes(),
        )

    def progress(
        self,
        status: str,
        exit_code: int | None = None,
        reason: str = "",
        health: Sequence[DefinitionHealth] = (),
        diagnosis: Diagnosis | None = None,
    ) -> None:
        job = self.stores.state.jobs.progress(
            self.tenant,
            Progress(
                run_id=self.run_id,
                status=status,
                time=time.time(),
                exit_code=exit_code,
                failure_reason=reason,
                definitions=self.definitions,
                health=list(health or HEALTH),
                clock=self.clock,
                diagnosis=diagnosis,
            ),
            time.time(),
        )
        self.stores.feed.publish_job(self.tenant, job)


BEHIND = 100.0
"""Seconds that the clock of algo-2 of ``pair`` is behind."""
CORES = 8


def fill_pair(stores: Stores, now: float) -> None:
    """``pair``: two hosts with samples of each core. The second has a wrong clock, its steps come 2 seconds late."""
    stores.state.jobs.create(OWNER, "pair", {}, [], {}, now - 300, host_count=2)
    begin = now // 60 * 60 - 240
    columns = [Column(f"cpu.{core}.busy", "Percent") for core in range(CORES)]
    for number, (behind, late) in enumerate(((0.0, 0.0), (BEHIND, 2.0)), 1):
        run = Run(
            stores,
            str(5 + number) * 32,
            "pair",
            begin,
            host=f"algo-{number}",
            job="pair",
            clock=ClockOffset(behind, 0.001) if behind else None,
        )
        times = begin + np.arange(200) - behind
        run.commit(run_points=[run.points({"train:loss": 2 - np.arange(200) / 200}, np.arange(200), times + late)])
        run.commit(samples=[run.samples({"CPUUtilization": np.full(200, 100.0 * number)}, times)])
        run.progress("InProgress")
        layout = Layout(columns)
        for second in range(0, 180, 60):
            minute = int(begin - behind) // 60 * 60 + second
            rows = b"".join(
                layout.pack(Row((minute + at) * 1_000_000 + 1_000_000, 1.0, busy_cores(at))) for at in range(60)
            )
            place = HostPlace(OWNER, "training-job", "pair", f"algo-{number}")
            keep_minute(stores.objects, place, HostMinute(run.run_id, f"part-{minute}", minute, columns, rows))


def busy_cores(at: int) -> tuple[float, ...]:
    """One core after the other is busy; the last always is."""
    return tuple(100.0 if core in (at % CORES, CORES - 1) else 10.0 * core for core in range(CORES))


def fill(stores: Stores) -> Run:
    """Runs: ``finished`` (whole curves, log, hosts), ``long`` (a spike in 100k points), ``broken``, ``live``; and
    ``pair``.
    """
    now = time.time()
    fill_pair(stores, now)
    step = np.arange(STEPS)
    times = now - 900 + step * 2.0
    finished = Run(stores, "1" * 32, "finished", now - 900)
    loss = 2 * np.exp(-step / 60)
    # A line and its values share one position: the lines go first, as one source's rows must not decrease.
    lines = [
        f"\x1b[36mepoch\x1b[0m {at} train_loss={value:.4f} <img src=x onerror=alert(1)>"
        for at, value in enumerate(loss)
    ]
    finished.commit(log_events=[finished.lines(lines, times)])
    validation = loss + 0.1 + np.maximum(0, step - 120) * 0.004
    validation[7] = math.nan
    columns = {
        "train:loss": loss,
        "validation:loss": validation,
        "train:accuracy": 1 - loss / 2.5,
        "learning_rate": np.full(STEPS, 1e-3),
    }
    finished.commit(run_points=[finished.points(columns, step, times, epochs=step / 10)])
    busy = {"CPUUtilization": 50 + 40 * np.sin(step / 20), "MemoryUtilization": np.full(STEPS, 33.0)}
    finished.commit(samples=[finished.samples(busy, times)])
    finished.progress("Completed", 0)
    long = Run(stores, "2" * 32, "long", now - 500)
    spiky = np.full(LONG, 0.25)
    spiky[SPIKE] = 400.0
    long.commit(run_points=[long.points({"grad_norm": spiky}, np.arange(LONG), now - 500 + np.arange(LONG) / 250)])
    long.progress("Stopped", 130)
    broken = Run(stores, "3" * 32, "broken", now - 100)
    broken.progress("Failed", 1, "the training exited with status 1", DOUBTFUL)
    stranger = Run(stores, "4" * 32, "not-yours", now - 50, OTHER)
    stranger.commit(run_points=[stranger.points({"secret": [1.0]}, [1], [now])])
    live = Run(stores, "5" * 32, "live", now - 5)
    live.commit(
        log_events=[live.lines(["starting"], [now - 4])],
    )
    live.commit(run_points=[live.points({"train:loss": [3.0, 2.5]}, [1, 2], [now - 4, now - 3])])
    live.progress("InProgress")
    return live


def obey(live: Run) -> None:
    for text in sys.stdin:
        command = json.loads(text)
        now = time.time()
        if "status" in command:
            live.progress(command["status"], 0)
        elif "diagnosis" in command:
            live.progress("InProgress", diagnosis=msgspec.convert(command["diagnosis"], Diagnosis))
        else:
            step = command.get("step", NO_STEP)
            if command.get("line"):
                live.commit(log_events=[live.lines([command["line"]], [now])])
            values = {name: [float(value)] for name, value in command.get("values", {}).items()}
            if values:
                live.commit(run_points=[live.points(values, [step], [now])])
        print("{}", flush=True)


def main() -> None:
    home = Path(sys.argv[1])
    stores = Stores.open(
        f"chdb://{home / 'metrics'}", f"sqlite:///{home / 'state.db'}", f"file://{home / 'objects'}"
    )
    try:
        live = fill(stores)
        filled_alarms.fill(stores, OWNER)
        filled_charts.fill(stores, Run)
        filled_compare.fill(stores, Run)
        filled_jobs.fill(stores, Run)
        filled_job.fill(stores, Run, home / "buckets")
        filled_logs.fill(stores, Run)
        performed = Operations(operations(), lambda who, request, now, _: Call(who.tenant, stores, request, now))
        buckets = BucketStore.local(home / "buckets", filled_job.TUNER.account, shared=False)
        access = Access(
            keys=lambda: [
                ConsoleKey("AKIAOWNER", SECRET, OWNER),
                ConsoleKey("AKIASTRANGER", STRANGER, OTHER),
                ConsoleKey("AKIACOMPARES", filled_compare.SECRET, filled_compare.OWNER),
                ConsoleKey("AKIACHARTS", filled_charts.SECRET, filled_charts.OWNER),
                ConsoleKey("AKIASWEEPS", filled_jobs.SECRET, filled_jobs.OWNER),
                ConsoleKey("AKIATUNER", filled_job.SECRET, filled_job.TUNER),
                ConsoleKey("AKIAREADER", filled_logs.SECRET, filled_logs.READER),
            ],
            open_to=OWNER if "--open" in sys.argv else None,
        )
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            server = uvicorn.Server(
                uvicorn.Config(
                    console_app(stores, access, performed, buckets),
                    log_level="warning",
                    timeout_graceful_shutdown=1,
                )
            )
            threading.Thread(target=obey, args=(live,), daemon=True).start()
            print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
            server.run(sockets=[listener])
    finally:
        stores.close()


if __name__ == "__main__":
    main()
