"""How fast datapoints come in over HTTP, and what they cost the server. Ours is durable when it answers.

* boto3, 1,000 datapoints a request, one and four client processes: against a server that only answers 200 (what
  these clients can reach at best), ours (signed), and moto (in memory).
* The same requests encoded and signed in advance, in each protocol.
* The agents' own batches, 20,000 values each, encoded in advance: as values of training metrics (each is kept as a run
  point and as a datapoint) and as host samples (datapoints). Timed, as the former, until all of it can be read.
* VictoriaMetrics' JSON import, encoded in advance. It is not durable: it answers before anything is on disk.

Run: ``python -m benchmarks.ingest``; ``--smoke`` for a quick look.
"""

import argparse
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.peer_server import moto_server, null_server
from benchmarks.put_load import DATAPOINTS, NAMES, NAMESPACE, PROTOCOLS, Load, boto3_load, encoded
from benchmarks.signed_client import Prepared, SignedClient, gzipped, send_all
from benchmarks.usage import usage_of
from benchmarks.victoria import PROGRAM, Victoria, VictoriaClient, import_line, times
from epochwatch.client.http import SERVICE
from epochwatch.model.batch import Batch, InstanceSamples, Registered, Registration, RunPoints
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from tests.servers import ServerProcess

ANY_KEY = {"access_key_id": "123456789012", "secret_access_key": "any"}
CLIENTS = (1, 4)
CONNECTIONS = 8
AGENTS = 4
BATCH_VALUES = 20_000
"""As agents send them."""

Row = dict[str, Any]


def by_boto3(seconds: float, rounds: int) -> Iterator[Row]:
    """Null server, ours and moto in turn, so that the machine's moods hit all of them."""
    with tempfile.TemporaryDirectory() as directory:
        server = ServerProcess(Path(directory))
        with null_server() as null, server, moto_server() as moto:
            places = {
                "null": (null.url, ANY_KEY, null.usage),
                "ours": (server.url, server.credentials, usage_of(server)),
                "moto": (moto.url, ANY_KEY, moto.usage),
            }
            stored = 0
            for clients in CLIENTS:
                loads: dict[str, list[tuple[Load, float]]] = {name: [] for name in places}
                for _ in range(rounds):
                    for name, (url, keys, usage) in places.items():
                        before = usage.cpu_seconds()
                        load = boto3_load(url, keys, clients, seconds)
                        loads[name].append((load, usage.cpu_seconds() - before))
                stored += sum(load.all_datapoints for load, _ in loads["ours"])
                yield from _boto3_rows(clients, loads)
            _check_stored(server, stored)


def _boto3_rows(clients: int, loads: dict[str, list[tuple[Load, float]]]) -> Iterator[Row]:
    best = statistics.median(load.rate for load, _ in loads["null"])
    for name, runs in loads.items():
        rate = statistics.median(load.rate for load, _ in runs)
        everything = sum(load.all_datapoints for load, _ in runs)
        yield {
            "way": "boto3",
            "clients": clients,
            "server": name,
            "datapoints/s": round(rate),
            "of the null server %": round(100 * rate / best, 1),
            "server CPU-s / million": round(sum(cpu for _, cpu in runs) / everything * 1e6, 2),
            "request p50 ms": round(statistics.median(load.median_ms for load, _ in runs), 1),
        }


def _check_stored(server: ServerProcess, expected: int) -> None:
    """All that was acknowledged can be counted."""
    client = server.boto3("cloudwatch")
    found = 0.0
    for page in client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE):
        for metric in page["Metrics"]:
            points = client.get_metric_statistics(
                **metric, StartTime=time.time() - 7200, EndTime=time.time(), Period=60, Statistics=["SampleCount"]
            )
            found += sum(point["SampleCount"] for point in points["Datapoints"])
    if found != expected:
        raise SystemExit(f"{expected} datapoints were acknowledged, {found:.0f} are stored")


def by_protocol(server: ServerProcess, requests: int) -> Iterator[Row]:
    """Requests encoded in advance, in each protocol, compressed as SDKs do from 10 kB on, and plain."""
    signer = SignedClient(server)
    for protocol in PROTOCOLS:
        for compressed in (True, False):
            made = encoded(signer, protocol, CONNECTIONS, compressed=compressed)
            send_all(server, made[:CONNECTIONS], CONNECTIONS)
            many = [made[number % len(made)] for number in range(requests // CONNECTIONS * CONNECTIONS)]
            one = Place(NAMESPACE, "Client", "client-0", DATAPOINTS // NAMES * (requests // CONNECTIONS))
            way = f"{protocol}, {'gzip' if compressed else 'plain'}"
            yield _sent(server, way, many, CONNECTIONS, DATAPOINTS, one)


def by_agents(server: ServerProcess, batches: int) -> Iterator[Row]:
    """Batches as agents send them; several runs at once, each run's batches in order."""
    signer = SignedClient(server)
    for kind, dimension, host in (("run points", "TrainingJobName", ""), ("host samples", "Host", "/algo-1")):
        names = [f"bench-{kind.replace(' ', '-')}-{number}" for number in range(AGENTS)]
        runs = [_registered(signer, name) for name in names]
        warm = [_batch(signer, run, 0, kind) for run in runs]
        made = [_batch(signer, run, number, kind) for number in range(1, batches + 1) for run in runs]
        send_all(server, warm, AGENTS)
        one = Place(TRAINING_JOBS_NAMESPACE, dimension, names[0] + host, BATCH_VALUES // NAMES * batches)
        yield _sent(server, f"agent, {kind}", made, AGENTS, BATCH_VALUES, one)


@dataclass(frozen=True, slots=True)
class Place:
    """One of the series that are sent, ``metric-0`` of a dimension, and how many datapoints of it."""

    namespace: str
    dimension: str
    value: str
    datapoints: int

    def count(self, client: SignedClient) -> float:
        """How many datapoints it has by now; with the answer, all that was acknowledged is in the engine."""
        now = int(time.time()) // 60 * 60
        answer = client.cloudwatch(
            "GetMetricStatistics",
            {
                "Namespace": self.namespace,
                "MetricName": "metric-0",
                "Dimensions": [{"Name": self.dimension, "Value": self.value}],
                "StartTime": now - 3600,
                "EndTime": now + 3600,
                "Period": 60,
                "Statistics": ["SampleCount"],
            },
        )
        return sum(float(point["SampleCount"]) for point in json.loads(answer)["Datapoints"])


def _sent(
    server: ServerProcess, way: str, requests: Sequence[Prepared], connections: int, each: int, place: Place
) -> Row:
    """Send ``requests`` of ``each`` datapoints; until all of it can be read."""
    client, usage = SignedClient(server), usage_of(server)
    stored = place.count(client)
    before, begin = usage.cpu_seconds(), time.perf_counter()
    send_all(server, requests, connections)
    stored = place.count(client) - stored
    row = _row(way, "ours", len(requests) * each, time.perf_counter() - begin, connections)
    if stored != place.datapoints:
        raise SystemExit(
            f"{way}: {place.datapoints} datapoints of a series were acknowledged, {stored:.0f} are stored"
        )
    return row | _cost(usage.cpu_seconds() - before, len(requests) * each)


def _registered(signer: SignedClient, name: str) -> str:
    run = uuid.uuid4().hex
    record = msgspec.msgpack.encode(Registration(run, name, time.time()))
    headers = {"content-type": "application/msgpack"}
    answer = signer.send(signer.prepare("POST", "/_/agent/registrations", headers, record, SERVICE))
    msgspec.msgpack.decode(answer, type=Registered)
    return run


def _batch(signer: SignedClient, run: str, number: int, kind: str) -> Prepared:
    """Values of 20 metrics, 50 steps a second."""
    rows = np.arange(BATCH_VALUES) + number * BATCH_VALUES
    steps = rows // NAMES
    names = [f"metric-{index}" for index in range(NAMES)]
    columns = {
        "positions": ((rows + 1) * 16).astype(np.uint64).tobytes(),
        "metrics": (rows % NAMES).astype(np.uint32).tobytes(),
        "timestamps": (int(time.time() - 600) * 1_000_000 + steps * 20_000).astype(np.int64).tobytes(),
        "values": np.random.default_rng(number).normal(1.0, 0.1, BATCH_VALUES).tobytes(),
    }
    batch = Batch(run)
    if kind == "run points":
        unknown = np.full(BATCH_VALUES, np.nan).tobytes()
        source = f"{run}/journal"
        batch.run_points = [
            RunPoints(source=source, names=names, steps=steps.tobytes(), epochs=unknown, **columns)
        ]
    else:
        batch.samples = [InstanceSamples(source=f"{run}/samples", names=names, **columns)]
    headers, body = gzipped({"content-type": "application/msgpack"}, msgspec.msgpack.encode(batch))
    return signer.prepare("POST", "/_/agent/batches", headers, body, SERVICE)


def by_victoria(requests: int) -> Row:
    """VictoriaMetrics' import of the same data, and what it spends until it has written it to disk."""
    with tempfile.TemporaryDirectory() as directory, Victoria(Path(directory)) as server:
        client = VictoriaClient(server.url)
        first = int(time.time()) - 60
        stamps = times(range(first, first + DATAPOINTS // NAMES))
        draw = np.random.default_rng(1).normal(1.0, 0.1, (8, NAMES, DATAPOINTS // NAMES)).tolist()
        bodies = [
            b"".join(
                import_line({"__name__": f"metric-{index}"}, column, stamps) for index, column in enumerate(batch)
            )
            for batch in draw
        ]
        before, begin = server.usage.cpu_seconds(), time.perf_counter()
        for number in range(requests):
            client.post("/api/v1/import", bodies[number % len(bodies)])
        passed = time.perf_counter() - begin
        client.flush()
        row = _row("JSON import, not durable", "VictoriaMetrics", requests * DATAPOINTS, passed, 1)
        return row | _cost(server.usage.cpu_seconds() - before, requests * DATAPOINTS)


def _row(way: str, server: str, datapoints: int, seconds: float, clients: int = CONNECTIONS) -> Row:
    return {"way": way, "clients": clients, "server": server, "datapoints/s": round(datapoints / seconds)}


def _cost(cpu_seconds: float, datapoints: int) -> Row:
    return {"server CPU-s / million": round(cpu_seconds / datapoints * 1e6, 2)}


def _print(row: Row) -> None:
    print(json.dumps(row), flush=True)


def main() -> None:
    """Prints one line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each boto3 run")
    parser.add_argument("--rounds", type=int, default=2, help="boto3 runs of each kind")
    parser.add_argument("--smoke", action="store_true", help="one second, one round, few requests")
    options = parser.parse_args()
    seconds, rounds = (1.0, 1) if options.smoke else (options.seconds, options.rounds)
    share = 10 if options.smoke else 1
    for row in by_boto3(seconds, rounds):
        _print(row)
    with tempfile.TemporaryDirectory() as directory, ServerProcess(Path(directory)) as server:
        for row in by_protocol(server, 480 // share):
            _print(row)
        for row in by_agents(server, 40 // share):
            _print(row)
    if PROGRAM is None:
        print("VictoriaMetrics is left out: apt-get install victoria-metrics")
    else:
        _print(by_victoria(2000 // share))


if __name__ == "__main__":
    main()
