"""What datapoints take on disk, and what the server takes in memory under load and of a core when it idles.

Disk: the datapoints of `benchmarks.stored_points` (losses in single precision with noise, utilisations in tenths of a
percent, counters; 1,000 series, a value each second), after the engine has merged all parts of an hour into one and
has deleted those it replaced: bytes a datapoint in the table, and in the whole home directory with everything else that
is there. VictoriaMetrics beside it (it keeps 12 digits of a value and neither weights nor origins).

Memory and idle CPU: of a server over that home, under the load of `benchmarks.ingest`, and then left alone.

Run: ``python -m benchmarks.storage``; ``--smoke`` for a quick look.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.ingest import by_agents, by_protocol
from benchmarks.metric_queries import Theirs
from benchmarks.put_load import boto3_load
from benchmarks.stored_points import HOUR, RETENTION, Dataset, load, open_stores
from benchmarks.usage import Usage, usage_of
from benchmarks.victoria import PROGRAM, Victoria, VictoriaClient
from epochwatch.store.engine import Engine
from tests.servers import ServerProcess

TABLE = "datapoints"
CLIENTS = 4
WAIT_SECONDS = 120

Row = dict[str, Any]


def on_disk(home: Path, dataset: Dataset) -> Iterator[Row]:
    """Sizes of ours, by column and in all."""
    stores = open_stores(home)
    try:
        load(stores, dataset)
        _merge(stores.engine)
        size = _rows(
            stores.engine,
            "SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
            f"WHERE active AND table = '{TABLE}'",
        )[0]
        columns = _rows(
            stores.engine,
            "SELECT column, sum(column_bytes_on_disk) AS bytes FROM system.parts_columns "
            f"WHERE active AND table = '{TABLE}' GROUP BY column ORDER BY bytes DESC",
        )
    finally:
        stores.close()
    if size["rows"] != dataset.points:
        raise SystemExit(f"{dataset.points} datapoints were stored, {size['rows']} are there")
    whole = allocated(home)
    yield {
        "server": "ours",
        "datapoints": dataset.points,
        "bytes a datapoint": round(size["bytes"] / dataset.points, 2),
        "whole home directory, bytes a datapoint": round(whole / dataset.points, 2),
        "whole / table": round(whole / size["bytes"], 2),
        "by column": {row["column"]: round(row["bytes"] / dataset.points, 3) for row in columns},
    }


def _merge(engine: Engine) -> None:
    """One part a partition, and the parts it was made of gone (the engine would keep them for eight minutes)."""
    engine.command(f"ALTER TABLE {TABLE} MODIFY SETTING old_parts_lifetime = 1")
    engine.command(f"OPTIMIZE TABLE {TABLE} FINAL")
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        replaced = _rows(
            engine, f"SELECT count() AS parts FROM system.parts WHERE NOT active AND table = '{TABLE}'"
        )
        if not replaced[0]["parts"]:
            return
        time.sleep(0.5)
    raise SystemExit("the engine did not delete the parts it had replaced")


def _rows(engine: Engine, sql: str) -> list[Row]:
    return list(engine.query(sql).to_pylist())


def allocated(directory: Path) -> int:
    """Bytes that all files in ``directory`` take."""
    total = 0
    for place, _, names in os.walk(directory):
        total += sum(os.lstat(os.path.join(place, name)).st_blocks * 512 for name in names)
    return total


def victoria_on_disk(directory: Path, dataset: Dataset) -> Row:
    """The size of VictoriaMetrics' data, merged."""
    with Victoria(directory) as server:
        Theirs(server, dataset).load()
        client = VictoriaClient(server.url)
        client.get("/internal/force_merge", {})
        deadline, sizes = time.monotonic() + WAIT_SECONDS, [0]
        while time.monotonic() < deadline and (len(sizes) < 6 or len(set(sizes[-6:])) > 1):
            sizes.append(allocated(directory))
            time.sleep(0.5)
        client.close()
    whole = allocated(directory)
    return {
        "server": "VictoriaMetrics",
        "datapoints": dataset.points,
        "whole directory, bytes a datapoint": round(whole / dataset.points, 2),
    }


def at_work(home: Path, share: float, settle: float, idle: float) -> Iterator[Row]:
    """Memory under load, and CPU left alone."""
    with ServerProcess(home, environment={"EPOCHWATCH_RETENTION": RETENTION}) as server:
        usage = usage_of(server)
        yield _memory("at the start", usage)
        boto3_load(server.url, server.credentials, CLIENTS, 20 * share)
        yield _memory("after boto3, 4 clients", usage)
        for _ in by_protocol(server, int(240 * share)):
            pass
        yield _memory("after encoded requests, 8 connections", usage)
        for _ in by_agents(server, int(30 * share)):
            pass
        yield _memory("after agents' batches, 4 connections", usage)
        time.sleep(settle)
        before, begin = usage.cpu_seconds(), time.perf_counter()
        time.sleep(idle)
        passed = time.perf_counter() - begin
        used = usage.cpu_seconds() - before
        yield {"server": "ours", "idle s": round(passed), "CPU % of a core": round(100 * used / passed, 2)}


def _memory(when: str, usage: Usage) -> Row:
    return {
        "server": "ours",
        "memory": when,
        "resident MB": round(usage.resident_mb()),
        "peak": round(usage.peak_mb()),
    }


def main() -> None:
    """Prints one line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=3, help="of one value a second")
    parser.add_argument("--smoke", action="store_true", help="few datapoints, short waits")
    options = parser.parse_args()
    end = int(time.time()) // 60 * 60
    dataset = Dataset(end, 100, HOUR) if options.smoke else Dataset(end, 1000, options.hours * HOUR)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        home.mkdir()
        for row in on_disk(home, dataset):
            print(json.dumps(row), flush=True)
        if PROGRAM is not None:
            print(json.dumps(victoria_on_disk(Path(directory) / "victoria", dataset)), flush=True)
        share, settle, idle = (0.1, 2.0, 5.0) if options.smoke else (1.0, 30.0, 60.0)
        for row in at_work(home, share, settle, idle):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
