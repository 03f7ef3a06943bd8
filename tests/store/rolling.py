"""Stores datapoints on time and late and rolls them up all the while, until it is killed.

A line on stdout before each call says what is sent, and one after it that it was acknowledged.
"""

import random
import sys
import time
from pathlib import Path

import pyarrow as pa

from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store import rollup
from tests.store.ingesting import open_stores

TENANT = Tenant()
HOUR = 3600
BEGIN = 2_000_000_000 // HOUR * HOUR
"""Later than now: the late rows' generations, which follow the real clock, are then always over."""
METRICS = [MetricId("app", f"m{number}") for number in range(5)]
SENT = 40


def main(directory: Path, round_: int) -> None:
    """Each tick is twenty minutes of simulated time; datapoints are up to six hours old."""
    rollup.DROP_SECONDS = 0
    rollup.CHUNK_ROWS = 500
    stores = open_stores(directory)
    chance = random.Random(round_)
    pa.array([1])  # imports pandas, which takes a second: the kills are meant for what comes after
    print("open", flush=True)
    for tick in range(10**9):
        now = BEGIN + round_ * 24 * HOUR + tick * 1200
        columns, said = DatapointColumns(), []
        for _ in range(SENT):
            number, second = chance.randrange(len(METRICS)), now - chance.randrange(6 * HOUR)
            columns.add_value(METRICS[number], second, 1.0)
            said.append(f"{number}:{second // 60}")
        print("send", *said, flush=True)
        stores.metrics.put(TENANT, columns)
        print("stored", flush=True)
        stores.maintain(now)
        time.sleep(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
