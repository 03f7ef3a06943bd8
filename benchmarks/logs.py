"""Log events by the ten million: how fast they come in, how fast something is found in them, how soon they are seen.

* Agents' batches, 10,000 lines each of some 100 bytes, encoded in advance; four runs at once. Timed until all of it can
  be read. Bytes on disk are those of the home directory, a minute later.
* PutLogEvents by boto3, and the same to moto (in memory).
* Looking for what 10 of the events have, and for what one in three has: by FilterLogEvents, by Logs Insights, and by
  ``grep`` in one file of the same lines in the page cache. Each query looks for another text.
* Live Tail: from before PutLogEvents until boto3 has the event, while an agent sends 5,000 lines a second.

Run: ``python -m benchmarks.logs``; ``--smoke`` for a quick look.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil

from benchmarks.peer_server import moto_server
from benchmarks.signed_client import Prepared, SignedClient, gzipped, send_all
from benchmarks.usage import Usage, usage_of
from epochwatch.client.http import SERVICE
from epochwatch.model.batch import Batch, LogEvents, Registered, Registration
from tests.servers import ServerProcess

Row = dict[str, Any]

LINES = 10_000
"""Of a batch."""
AGENTS = 4
AT_ONCE = 80
"""Batches that are encoded before they are sent."""
KINDS = 64
"""Different batches of lines; further ones have the same lines at other times."""
NEEDLES = 100
EACH = 10
"""Events that have a needle."""
GROUP = "/aws/sagemaker/TrainingJobs"
ROUNDS = 5


def lines(number: int) -> list[str]:
    """What a training says, a batch of it."""
    draw = np.random.default_rng(number)
    losses, rates = draw.gamma(2.0, 0.4, LINES), draw.normal(812.0, 35.0, LINES)
    said = []
    for index, (loss, rate) in enumerate(zip(losses.tolist(), rates.tolist(), strict=True)):
        step = number * LINES + index
        if index % 3 == 0:
            said.append(
                f"INFO:trainer:step={step} train_loss={loss:.6f} samples/s={rate:.1f} lr={3e-4 / (1 + step):.3e}"
            )
        elif index % 3 == 1:
            said.append(
                f"DEBUG loader {step % 8}: fetched shard-{step % 977:05d}.tar in {rate / 100:.3f} ms, queue {step % 64}"
            )
        else:
            said.append(
                f"rank{step % 4}: all_reduce of {step % 4096} took {loss * 12:.3f} ms (waited {rate / 1000:.4f} s)"
            )
    return said


class Corpus:
    """All events, as the agents of ``AGENTS`` runs send them."""

    def __init__(self, events: int) -> None:
        self.batches = events // LINES
        self.events = self.batches * LINES
        self.size = 0
        self._kinds = [lines(number) for number in range(min(KINDS, self.batches))]
        self._first = int(time.time() * 1000) - 3600_000

    def messages(self, number: int) -> list[str]:
        """The lines of a batch. The needles are spread evenly over all of them."""
        said = list(self._kinds[number % len(self._kinds)])
        for place in range(NEEDLES * EACH):
            where = place * self.events // (NEEDLES * EACH)
            if where // LINES == number:
                said[where % LINES] = (
                    f"ERROR rank0: CUDA out of memory in request needle-{place % NEEDLES:03d}-end"
                )
        return said

    def batch(self, signer: SignedClient, run: str, number: int) -> Prepared:
        """A batch as its run sends it."""
        messages = self.messages(number)
        order = number // AGENTS * LINES + np.arange(LINES)
        times = self._first + order * 3_000_000 // max(self.events // AGENTS, 1)
        sent = LogEvents(
            f"{run}/output.log",
            ((order + 1) * 100).astype(np.uint64).tobytes(),
            times.astype(np.int64).tobytes(),
            messages,
        )
        self.size += sum(map(len, messages))
        headers, body = gzipped(
            {"content-type": "application/msgpack"}, msgspec.msgpack.encode(Batch(run, [sent]))
        )
        return signer.prepare("POST", "/_/agent/batches", headers, body, SERVICE)

    def write(self, path: Path) -> None:
        """All lines as one file, and into the page cache."""
        with open(path, "w") as file:
            for number in range(self.batches):
                file.write("\n".join(self.messages(number)) + "\n")
        path.read_bytes()


def by_agents(server: ServerProcess, corpus: Corpus) -> Row:
    """Send everything."""
    signer, usage = SignedClient(server), usage_of(server)
    runs = [_registered(signer, f"bench-logs-{number}") for number in range(AGENTS)]
    before, passed = usage.cpu_seconds(), 0.0
    for first in range(0, corpus.batches, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, corpus.batches))
        made = [corpus.batch(signer, runs[number % AGENTS], number) for number in numbers]
        passed += send_all(server, made, AGENTS)
    begin = time.perf_counter()
    found = _insights(server, "stats count(*) as n")
    passed += time.perf_counter() - begin
    if found != [{"n": str(corpus.events)}]:
        raise SystemExit(f"{corpus.events} log events were acknowledged, {found} are stored")
    return {
        "way": "agents' batches",
        "events": corpus.events,
        "MB": round(corpus.size / 1e6),
        "events/s": round(corpus.events / passed),
        "server CPU-s / million": round((usage.cpu_seconds() - before) / corpus.events * 1e6, 2),
        "peak MB": round(usage.peak_mb()),
    }


def by_boto3(name: str, client: Any, usage: Usage, seconds: float) -> Row:
    """PutLogEvents of 8,000 events, one after the other."""
    client.create_log_group(logGroupName="/bench/put")
    client.create_log_stream(logGroupName="/bench/put", logStreamName="s")
    said = lines(0)[:8000]
    events, before, begin = 0, usage.cpu_seconds(), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        now = int(time.time() * 1000)
        batch = [{"timestamp": now, "message": message} for message in said]
        client.put_log_events(logGroupName="/bench/put", logStreamName="s", logEvents=batch)
        events += len(said)
    passed = time.perf_counter() - begin
    cost = (usage.cpu_seconds() - before) / events * 1e6
    return {
        "way": f"PutLogEvents by boto3, {name}",
        "events/s": round(events / passed),
        "server CPU-s / million": round(cost, 2),
    }


def searches(server: ServerProcess, corpus: Corpus) -> Iterator[Row]:
    """Questions over all events."""
    needles = (f"needle-{number:03d}-end" for number in itertools.cycle(range(NEEDLES)))
    usage, logs = usage_of(server), server.boto3("logs")

    def rare_filter() -> int:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, filterPattern=f'"{next(needles)}"'
        )
        return sum(len(page["events"]) for page in pages)

    def rare_regex() -> int:
        pattern = f"%needle-{next(needles)[7:10]}-[a-z]+%"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, filterPattern=pattern)
        return sum(len(page["events"]) for page in pages)

    def frequent_filter() -> int:
        return len(logs.filter_log_events(logGroupName=GROUP, filterPattern="trainer")["events"])

    def newest_frequent() -> int:
        return len(
            logs.filter_log_events(logGroupName=GROUP, filterPattern="trainer", startFromHead=False)["events"]
        )

    def rare_like() -> int:
        return int(_insights(server, f"filter @message like /{next(needles)}/ | stats count(*) as n")[0]["n"])

    def rare_text() -> int:
        return int(_insights(server, f'filter @message like "{next(needles)}" | stats count(*) as n')[0]["n"])

    def parsed() -> int:
        asked = 'filter @message like "_loss" | parse @message "_loss=* " as loss | stats avg(loss) by bin(5m)'
        return len(_insights(server, asked))

    stream = logs.describe_log_streams(logGroupName=GROUP)["logStreams"][0]["logStreamName"]

    def streams() -> int:
        return len(logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="bench")["logStreams"])

    def groups() -> int:
        return len(logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"])

    def tail() -> int:
        return len(logs.get_log_events(logGroupName=GROUP, logStreamName=stream, limit=100)["events"])

    yield _timed("FilterLogEvents, 10 events of all", rare_filter, usage, EACH)
    yield _timed("FilterLogEvents, regular expression, 10 events of all", rare_regex, usage, EACH)
    yield _timed("FilterLogEvents, first page of a third of all", frequent_filter, usage)
    yield _timed("FilterLogEvents, newest page of a third of all", newest_frequent, usage)
    yield _timed("Logs Insights, like /re/, count", rare_like, usage, EACH)
    yield _timed('Logs Insights, like "text", count', rare_text, usage, EACH)
    yield _timed("Logs Insights, parse a third of all, avg by bin(5m)", parsed, usage)
    yield _timed("GetLogEvents, the last 100 of a stream", tail, usage, 100)
    yield _timed("DescribeLogStreams", streams, usage, AGENTS)
    yield _timed("DescribeLogGroups", groups, usage, 1)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "all.log"
        corpus.write(path)

        def grep() -> int:
            answer = subprocess.run(
                ["grep", "-c", "-F", next(needles), str(path)],
                check=True,
                capture_output=True,
                env={"LC_ALL": "C"},
            )
            return int(answer.stdout)

        yield _timed("grep -c -F in one file", grep, Usage(os.getpid()), EACH)


def live_tail(server: ServerProcess, seconds: float) -> Row:
    """How soon an event is with a client that tails its group, among those of a busy run."""
    writer, stop = server.boto3("logs"), threading.Event()
    writer.create_log_group(logGroupName="/bench/tail")
    writer.create_log_stream(logGroupName="/bench/tail", logStreamName="s")
    reader = server.boto3("logs", inject_host_prefix=False)
    stream = reader.start_live_tail(logGroupIdentifiers=["/bench/tail"])["responseStream"]
    next(iter(stream))
    waits: list[float] = []

    def read() -> None:
        for event in stream:
            results = event["sessionUpdate"]["sessionResults"]
            waits.extend(time.time() - float(one["message"]) for one in results)
            if stop.is_set() and not results:
                return

    def keep_busy() -> None:
        signer = SignedClient(server)
        run, corpus = _registered(signer, "bench-busy"), Corpus(10**9)
        for number in itertools.count():
            if stop.wait(2):
                return
            signer.send(corpus.batch(signer, run, number * AGENTS))

    with ThreadPoolExecutor(2) as threads:
        reading, busy = threads.submit(read), threads.submit(keep_busy)
        written, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            event = {"timestamp": int(time.time() * 1000), "message": f"{time.time():.6f}"}
            writer.put_log_events(logGroupName="/bench/tail", logStreamName="s", logEvents=[event])
            written += 1
            time.sleep(0.02)
        stop.set()
        busy.result()
        reading.result()
    if len(waits) != written:
        raise SystemExit(f"{written} events were written, {len(waits)} were sent")
    waits.sort()
    return {
        "way": "Live Tail",
        "events": written,
        "p50 ms": round(statistics.median(waits) * 1000, 1),
        "p99 ms": round(waits[int(len(waits) * 0.99) - 1] * 1000, 1),
        "max ms": round(waits[-1] * 1000, 1),
    }


def _timed(what: str, ask: Callable[[], int], usage: Usage, expected: int | None = None) -> Row:
    ask()
    took, before = [], usage.cpu_seconds()
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = ask()
        took.append((time.perf_counter() - begin) * 1000)
        if expected is not None and found != expected:
            raise SystemExit(f"{what}: found {found}, not {expected}")
    cpu = (usage.cpu_seconds() - before) / ROUNDS
    return {
        "query": what,
        "median ms": round(statistics.median(took)),
        "best ms": round(min(took)),
        "CPU-s": round(cpu, 3),
    }


def _insights(server: ServerProcess, query: str) -> list[dict[str, str]]:
    logs, now = server.boto3("logs"), int(time.time())
    asked = logs.start_query(logGroupName=GROUP, startTime=now - 86_400, endTime=now + 3600, queryString=query)
    while (answer := logs.get_query_results(queryId=asked["queryId"]))["status"] in ("Scheduled", "Running"):
        time.sleep(0.02)
    if answer["status"] != "Complete":
        raise SystemExit(f"{query}: {answer['status']}")
    return [{entry["field"]: entry["value"] for entry in row} for row in answer["results"]]


def _registered(signer: SignedClient, name: str) -> str:
    run = uuid.uuid4().hex
    record = msgspec.msgpack.encode(Registration(run, name, time.time()))
    answer = signer.send(
        signer.prepare("POST", "/_/agent/registrations", {"content-type": "application/msgpack"}, record, SERVICE)
    )
    msgspec.msgpack.decode(answer, type=Registered)
    return run


def _on_disk(home: Path, events: int) -> Row:
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return {"on disk": "the home directory", "bytes / event": round(size / events, 1)}


def _print(row: Row) -> None:
    print(json.dumps(row | {"load": round(psutil.getloadavg()[0], 1)}), flush=True)


def main() -> None:
    """Prints one line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--smoke", action="store_true", help="few events")
    options = parser.parse_args()
    events, seconds = (200_000, 2.0) if options.smoke else (options.events, 10.0)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        with ServerProcess(home) as server:
            corpus = Corpus(events)
            _print(by_agents(server, corpus))
            for row in searches(server, corpus):
                _print(row)
            _print(live_tail(server, seconds))
            _print(by_boto3("ours", server.boto3("logs"), usage_of(server), seconds))
            time.sleep(0 if options.smoke else 60)  # the engine deletes what it has merged
            _print(_on_disk(home, corpus.events))
    with moto_server() as moto:
        _print(by_boto3("moto", _boto3_at(moto.url), moto.usage, seconds))


def _boto3_at(url: str) -> Any:
    import boto3

    return boto3.client(
        "logs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


if __name__ == "__main__":
    main()
