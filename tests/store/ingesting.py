"""Ingests from many threads until it is killed; a line on stdout says what was acknowledged."""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from epochwatch.model.batch import NO_STEP, Batch, LogEvents, Registration, RunPoints
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.stores import Stores

TENANT = Tenant()
THREADS = 8
BATCH_ROWS = 50
HOUR_US = 3_600_000_000
BEGIN_US = 1_795_200_000_000_000 // (24 * HOUR_US) * 24 * HOUR_US
"""Midnight, so that batches straddle an hour and a day: an insert of several partitions may be torn by a kill."""


def open_stores(directory: Path) -> Stores:
    return Stores.open(
        f"chdb://{directory / 'metrics'}", f"sqlite:///{directory / 'state.db'}", f"file://{directory / 'objects'}"
    )


def run_id(thread: int) -> str:
    return f"{thread:032x}"


def batch(thread: int, number: int, *, resend: bool) -> Batch:
    """The batch ``number`` of a thread's source: a pure function, as an agent's batches are."""
    first = number * BATCH_ROWS + 1
    positions = np.arange(first, first + BATCH_ROWS, dtype="<u8")
    times = BEGIN_US + (np.arange(BATCH_ROWS) - BATCH_ROWS // 2) * 1_000_000
    source = f"{run_id(thread)}/output.log"
    return Batch(
        run_id=run_id(thread),
        log_events=[
            LogEvents(
                source=source,
                positions=positions.tobytes(),
                timestamps=(times // 1000).astype("<i8").tobytes(),
                messages=[f"line {position}" for position in positions],
            )
        ],
        run_points=[
            RunPoints(
                source=source,
                positions=positions.tobytes(),
                names=["loss"],
                metrics=np.zeros(BATCH_ROWS, "<u4").tobytes(),
                steps=np.full(BATCH_ROWS, NO_STEP, "<i8").tobytes(),
                epochs=np.full(BATCH_ROWS, np.nan).tobytes(),
                timestamps=times.astype("<i8").tobytes(),
                values=positions.astype("<f8").tobytes(),
            )
        ],
        resend=resend,
    )


def send(stores: Stores, thread: int, number: int, *, resend: bool) -> None:
    registration = Registration(run_id=run_id(thread), name=f"job-{thread}", started=BEGIN_US / 1e6)
    run = stores.state.jobs.register(TENANT, registration, time.time())
    commit_batch(stores, TENANT, run, batch(thread, number, resend=resend), time.time())


def main(directory: Path, firsts: list[int]) -> None:
    """Each thread sends its batches from ``firsts`` on; the first one may be there already."""
    stores = open_stores(directory)
    said = threading.Lock()

    def ingest(thread: int) -> None:
        for number in range(firsts[thread], 10**9):
            send(stores, thread, number, resend=number == firsts[thread])
            with said:
                print(thread, number, flush=True)

    pa.array([1])  # imports pandas, which takes a second: the kills are meant for what comes after
    print("open", flush=True)
    threads = [threading.Thread(target=ingest, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]])
