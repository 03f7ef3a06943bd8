"""Samples of a host in the object store: how large a day is, and how soon a column of an hour or of a day is read.

python -m benchmarks.host_samples
"""

import tempfile
import time
from collections.abc import Callable, Sized
from pathlib import Path

import numpy as np

from epochwatch.model.host_rows import Column, HostMinute
from epochwatch.model.tenant import Tenant
from epochwatch.store.host_samples import HostPlace, compact, keep_minute, read_samples, read_summaries
from epochwatch.store.objects import ObjectStore

COLUMNS = [
    *(Column(f"cpu.{core}.{name}", "Percent") for core in range(64) for name in ("busy", "iowait")),
    *(Column(f"gpu.{gpu}.{name}", "Percent") for gpu in range(8) for name in ("busy", "memory.percent")),
    *(Column(f"disk.{disk}.{name}", "Bytes/Second") for disk in range(15) for name in ("read", "write")),
]
HOUR = 1_700_002_800
READS = 5


def main() -> None:
    """Random walks. The day is of one sample a second: its summaries are as large as those of ten a second."""
    with tempfile.TemporaryDirectory() as directory:
        objects = ObjectStore.open(f"file://{directory}")
        places = [HostPlace(Tenant("123456789012", "us-east-1"), "training-job", name, "algo-1") for name in "ab"]
        _keep_hour(objects, places[0], HOUR, 600)
        begin = time.process_time()
        compact(objects, places[0], HOUR)
        took = time.process_time() - begin
        folder = Path(directory) / places[0].hour(HOUR)
        whole, summaries = (
            sum(path.stat().st_size for path in folder.iterdir() if (path.name == "hour.parquet") == of) * 24 / 1e6
            for of in (True, False)
        )
        print(f"{len(COLUMNS)} columns at 100 ms: {whole:.0f} MB a day, {summaries:.0f} MB of summaries")
        print(f"an hour put together: {took:.1f} s of CPU")
        for hour in range(24):
            _keep_hour(objects, places[1], HOUR + 3600 * hour, 60)
            compact(objects, places[1], HOUR + 3600 * hour)
        name = ["cpu.7.busy"]
        _print_reading("hour, all", lambda: read_samples(objects, places[0], HOUR, HOUR + 3600, name).times)
        _print_reading("hour, 1 s", lambda: read_summaries(objects, places[0], HOUR, HOUR + 3600, 1, name).times)
        _print_reading("day, 1 s", lambda: read_summaries(objects, places[1], HOUR, HOUR + 86400, 1, name).times)


def _keep_hour(objects: ObjectStore, place: HostPlace, hour: int, rows: int) -> None:
    """Minutes of so many rows each."""
    rng, width = np.random.default_rng(hour), len(COLUMNS)
    content = np.zeros(rows, [("time", "<i8"), ("seconds", "<f4"), ("values", "<f4", width)])
    content["seconds"] = 60 / rows
    scale = np.array([1.0 if column.unit == "Percent" else 1e6 for column in COLUMNS])
    walk = rng.uniform(20, 80, width)
    for minute in range(hour, hour + 3600, 60):
        content["time"] = minute * 1_000_000 + (np.arange(rows) + 1) * (60_000_000 // rows)
        walks = np.clip(walk + rng.normal(0, 2, (rows, width)).cumsum(axis=0), 0, 100)
        walk = walks[-1]
        content["values"] = walks * scale
        keep_minute(objects, place, HostMinute("ab" * 16, "a", minute, COLUMNS, content.tobytes()))


def _print_reading(what: str, read: Callable[[], Sized]) -> None:
    took = []
    for _ in range(READS):
        begin, used = time.perf_counter(), time.process_time()
        rows = len(read())
        took.append((time.perf_counter() - begin, time.process_time() - used))
    seconds, cpu = sorted(took)[READS // 2]
    print(f"one column of {what}: {rows} rows in {seconds * 1e3:.0f} ms ({cpu * 1e3:.0f} ms of CPU)")


if __name__ == "__main__":
    main()
