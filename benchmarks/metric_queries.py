"""How soon metrics are answered, with 3.6 M and with 36 M datapoints stored, beside VictoriaMetrics and moto.

1,000 series with a value each second for one hour and for ten, ending now, and one series with a million values. All
over HTTP on one kept connection, each request for other series than the one before; ours signed. What is timed ends
with the last byte of the answer; boto3's times include its own work. The answers of ours and of VictoriaMetrics are
held to what numpy computes from the same values (a percentile is the nearest rank for CloudWatch, interpolated
between two ranks for VictoriaMetrics). Ours is timed with all datapoints as they came, and again when those older than
three hours are rolled up.

Run: ``python -m benchmarks.metric_queries``; ``--smoke`` stores a tenth; ``--no-peers`` leaves the peers out.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
from numpy.typing import NDArray

from benchmarks.moto_queries import moto_rows
from benchmarks.peer_server import PeerServer
from benchmarks.signed_client import SignedClient
from benchmarks.stored_points import LONG, NAMESPACE, RETENTION, Dataset, elsewhere
from benchmarks.usage import usage_of
from benchmarks.victoria import PROGRAM, Victoria, VictoriaClient, columns, import_line, times
from epochwatch.client.http import SERVICE
from epochwatch.model.metric import MetricId
from tests.servers import ServerProcess

HOUR = 3600
MINUTE = 60
LONG_SECONDS = 1_002_240
"""11.6 days; in buckets of 10 s just under the 100,800 points of one GetMetricData."""
LONG_PERIOD = 10
MAINTENANCE_SECONDS = 60
"""A server begins to roll up so long after its start."""
P99_RANK = 59
"""Of 60 values in ascending order, the one (from 0) that 99 % do not exceed."""

Row = dict[str, Any]
Floats = NDArray[np.float64]


def timed(ask: Callable[[int], Any], repeats: int, warm_up: int = 3) -> Row:
    """Median and 95th percentile of ``ask(0)``, ``ask(1)``, ... in milliseconds."""
    for number in range(warm_up):
        ask(-1 - number)
    taken = []
    for number in range(repeats):
        begin = time.perf_counter()
        ask(number)
        taken.append((time.perf_counter() - begin) * 1000)
    ranked = sorted(taken)
    return {
        "median ms": round(statistics.median(taken), 2),
        "p95 ms": round(ranked[math.ceil(len(ranked) * 0.95) - 1], 2),
    }


class Ours:
    """The questions, asked of our server."""

    def __init__(self, server: ServerProcess, dataset: Dataset) -> None:
        self._client = SignedClient(server)
        self._boto3 = server.boto3("cloudwatch")
        self._dataset = dataset
        self._hour = {"StartTime": dataset.end - HOUR, "EndTime": dataset.end}

    def rows(self, repeats: int) -> Iterator[Row]:
        """Each question's times."""
        one, hundred = "one series, 1 h at 60 s, p99", _hundred(self._dataset)
        yield {"query": one} | timed(self.statistics, repeats)
        yield {"query": f"{one}, boto3"} | timed(self._statistics_by_boto3, repeats // 2)
        for stat in ("Average", "p99"):
            yield {"query": hundred + stat} | timed(partial(self.data, stat), repeats // 4)
        yield {"query": f"{hundred}Average, boto3"} | timed(self._data_by_boto3, repeats // 8)
        yield {"query": f"{one}, PromQL"} | timed(self.promql_one, repeats)
        yield {"query": f"{hundred}Average, PromQL"} | timed(self.promql_hundred, repeats // 4)
        yield {"query": "latest value of every series, PromQL"} | timed(self.promql_latest, repeats // 4)
        yield {"query": "ListMetrics, a page of 500"} | timed(self._list, repeats // 2)
        if self._dataset.long_seconds:
            for period in (LONG_PERIOD, MINUTE):
                name = f"1 M points of one series, whole range at {period} s, Average"
                yield {"query": name} | timed(partial(self.long, period), 7, 1)

    def check(self) -> None:
        """The answers are right. Ends the benchmark where they are not."""
        expected = _buckets(self._dataset.values(0)[-HOUR:])
        points = sorted(json.loads(self.statistics(0))["Datapoints"], key=lambda point: float(point["Timestamp"]))
        _require("ours, p99", [point["ExtendedStatistics"]["p99"] for point in points], expected[:, P99_RANK])
        for stat in ("Average", "p99"):
            for number, one in zip(_chosen(0, self._dataset), _results(self.data(stat, 0)), strict=True):
                expected = _buckets(self._dataset.values(number)[-HOUR:])
                wanted = expected[:, P99_RANK] if stat == "p99" else expected.mean(axis=1)
                _require(f"ours, {stat}", one["Values"], wanted)
        self._check_promql()
        if self._dataset.long_seconds:
            values = self._dataset.long_values().reshape(-1, LONG_PERIOD).mean(axis=1)
            _require("ours, long", _results(self.long(LONG_PERIOD))[0]["Values"], values)

    def statistics(self, number: int) -> bytes:
        return self._client.cloudwatch("GetMetricStatistics", self._statistics_request(number))

    def data(self, stat: str, number: int) -> bytes:
        return self._client.cloudwatch("GetMetricData", self._data_request(stat, number))

    def long(self, period: int, _: int = 0) -> bytes:
        whole = {"StartTime": self._dataset.end - self._dataset.long_seconds, "EndTime": self._dataset.end}
        query = _query("long", LONG, "Average", period)
        return self._client.cloudwatch(
            "GetMetricData", whole | {"ScanBy": "TimestampAscending", "MetricDataQueries": [query]}
        )

    def promql_one(self, number: int) -> bytes:
        metric = self._dataset.metric(number * 7 % self._dataset.series)
        selector = _selector(metric.name, f',TrainingJobName="{metric.dimensions[0][1]}"')
        return self._promql_range(f"quantile_over_time(0.99, {selector}[60s])")

    def promql_hundred(self, number: int) -> bytes:
        name = self._dataset.metric(_chosen(number, self._dataset)[0]).name
        return self._promql_range(f"avg_over_time({_selector(name)}[60s])")

    def promql_latest(self, _: int) -> bytes:
        return self._promql("query", {"query": f'{{namespace="{NAMESPACE}"}}', "time": self._dataset.end - 1})

    def _promql_range(self, query: str) -> bytes:
        end = self._dataset.end - 1
        return self._promql(
            "query_range", {"query": query, "start": end - HOUR + MINUTE, "end": end, "step": MINUTE}
        )

    def _promql(self, path: str, parameters: Row) -> bytes:
        target = f"/_/prometheus/api/v1/{path}?{urlencode(parameters, quote_via=quote)}"
        return self._client.send(self._client.prepare("GET", target, {}, b"", SERVICE))

    def _check_promql(self) -> None:
        label = "TrainingJobName"
        expected = np.quantile(_buckets(self._dataset.values(0)[-HOUR:]), 0.99, axis=1)
        _require("ours, PromQL, p99", columns(self.promql_one(0), label)["job-0"][1], expected)
        means = columns(self.promql_hundred(0), label)
        newest = columns(self.promql_latest(0), label, "__name__")
        for number in _chosen(0, self._dataset):
            metric, values = self._dataset.metric(number), self._dataset.values(number)
            job = metric.dimensions[0][1]
            _require("ours, PromQL, Average", means[job][1], _buckets(values[-HOUR:]).mean(axis=1))
            _require("ours, PromQL, latest", newest[f"{job} {_promql_name(metric.name)}"][1], values[-1:])

    def _statistics_request(self, number: int) -> Row:
        metric = self._dataset.metric(number * 7 % self._dataset.series)
        wanted = {"Period": MINUTE, "ExtendedStatistics": ["p99"]}
        return _named(metric) | self._hour | wanted

    def _data_request(self, stat: str, number: int) -> Row:
        chosen = _chosen(number, self._dataset)
        queries = [_query(f"q{one}", self._dataset.metric(one), stat, MINUTE) for one in chosen]
        return self._hour | {"ScanBy": "TimestampAscending", "MetricDataQueries": queries}

    def _statistics_by_boto3(self, number: int) -> None:
        self._boto3.get_metric_statistics(**self._statistics_request(number))

    def _data_by_boto3(self, number: int) -> None:
        self._boto3.get_metric_data(**self._data_request("Average", number))

    def _list(self, _: int) -> None:
        self._client.cloudwatch("ListMetrics", {"Namespace": NAMESPACE})


class Theirs:
    """The same questions, asked of VictoriaMetrics."""

    def __init__(self, server: PeerServer, dataset: Dataset) -> None:
        self._client = VictoriaClient(server.url)
        self._dataset = dataset

    def load(self) -> None:
        """Import everything."""
        start = self._dataset.end - self._dataset.seconds
        stamps = times(range(start, self._dataset.end))
        for number in range(self._dataset.series):
            self._import({"__name__": "bench", **_labels(number)}, self._dataset.values(number), stamps)
        if self._dataset.long_seconds:
            stamps = times(range(self._dataset.end - self._dataset.long_seconds, self._dataset.end))
            self._import({"__name__": "long", "series": "0"}, self._dataset.long_values(), stamps)
        self._client.flush()

    def rows(self, repeats: int) -> Iterator[Row]:
        """Each question's times."""
        yield {"query": "one series, 1 h at 60 s, p99"} | timed(self.one, repeats)
        for stat, function in (("Average", "avg_over_time("), ("p99", "quantile_over_time(0.99,")):
            yield {"query": _hundred(self._dataset) + stat} | timed(partial(self.hundred, function), repeats // 4)
        yield {"query": "latest value of every series"} | timed(self.latest, repeats // 4)
        if self._dataset.long_seconds:
            for period in (LONG_PERIOD, MINUTE):
                name = f"1 M points of one series, whole range at {period} s, Average"
                yield {"query": name} | timed(partial(self.long, period), 7, 1)

    def check(self) -> None:
        """The answers are right, to the 12 digits that VictoriaMetrics keeps."""
        expected = _buckets(self._dataset.values(0)[-HOUR:])
        found = columns(self.one(0), "series")["0"][1]
        _require("VictoriaMetrics, p99", found, np.quantile(expected, 0.99, axis=1))
        answers = columns(self.hundred("avg_over_time(", 0), "series")
        for number in _chosen(0, self._dataset):
            mean = _buckets(self._dataset.values(number)[-HOUR:]).mean(axis=1)
            _require("VictoriaMetrics, Average", answers[str(number)][1], mean)
        if self._dataset.long_seconds:
            values = self._dataset.long_values().reshape(-1, LONG_PERIOD).mean(axis=1)
            _require("VictoriaMetrics, long", columns(self.long(LONG_PERIOD), "series")["0"][1], values)

    def one(self, number: int) -> bytes:
        chosen = number * 7 % self._dataset.series
        return self._range(f'quantile_over_time(0.99, bench{{series="{chosen}"}}[60s])', HOUR, MINUTE)

    def hundred(self, function: str, number: int) -> bytes:
        chosen = _chosen(number, self._dataset)
        return self._range(f'{function} bench{{metric="{_labels(chosen[0])["metric"]}"}}[60s])', HOUR, MINUTE)

    def long(self, period: int, _: int = 0) -> bytes:
        return self._range(f"avg_over_time(long[{period}s])", self._dataset.long_seconds, period)

    def latest(self, _: int) -> bytes:
        return self._client.get("/api/v1/query", {"query": "bench", "time": self._dataset.end, "nocache": 1})

    def _range(self, query: str, seconds: int, step: int) -> bytes:
        """The window of a moment reaches back from it and includes it: the moment is the last second of a bucket."""
        first = self._dataset.end - seconds + step - 1
        return self._client.query_range(query, first, self._dataset.end - 1, step)

    def _import(self, labels: dict[str, str], values: Floats, stamps: bytes) -> None:
        self._client.post("/api/v1/import", import_line(labels, values.tolist(), stamps))


def _labels(number: int) -> dict[str, str]:
    return {"series": str(number), "job": f"job-{number // 10}", "metric": f"metric-{number % 10}"}


def _promql_name(name: str) -> str:
    return name.replace("-", "_")


def _selector(name: str, more: str = "") -> str:
    return f'{_promql_name(name)}{{namespace="{NAMESPACE}"{more}}}'


def _chosen(number: int, dataset: Dataset) -> Sequence[int]:
    """Every tenth series: one metric of all jobs."""
    return range(number % 10, dataset.series, 10)


def _hundred(dataset: Dataset) -> str:
    return f"{len(_chosen(0, dataset))} series, 1 h at 60 s, "


def _named(metric: MetricId) -> Row:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _query(name: str, metric: MetricId, stat: str, period: int) -> Row:
    return {"Id": name, "MetricStat": {"Metric": _named(metric), "Period": period, "Stat": stat}}


def _results(answer: bytes) -> list[Row]:
    return list(json.loads(answer)["MetricDataResults"])


def _buckets(values: Floats) -> Floats:
    """A row for each minute, ascending within it."""
    return np.sort(values.reshape(-1, MINUTE), axis=1)


def _require(what: str, found: Sequence[float], expected: Floats) -> None:
    if len(found) != len(expected) or not np.allclose(found, expected, rtol=1e-9, atol=0):
        raise SystemExit(f"{what}: the answer is not what the values amount to")


def ours(directory: Path, dataset: Dataset, repeats: int) -> Iterator[Row]:
    """Our times: as the datapoints came, and where there are old ones, also when they are rolled up."""
    home = directory / "home"
    home.mkdir()
    yield {"server": "ours", "query": "(loading)"} | elsewhere("load", home, dataset)
    environment = {"EPOCHWATCH_RETENTION": RETENTION}
    states = ["as they came"]
    if dataset.seconds > 3 * HOUR:
        states.append("rolled up")
    for state in states:
        if state == "rolled up":
            yield {"server": "ours", "query": "(rolling up)"} | elsewhere("roll", home, dataset)
        begin = time.monotonic()
        with ServerProcess(home, environment=environment) as server:
            asked = Ours(server, dataset)
            asked.check()
            for row in asked.rows(repeats):
                rolling = state == "as they came" and time.monotonic() - begin > MAINTENANCE_SECONDS
                yield {"server": "ours", "state": "being rolled up" if rolling else state} | row
            memory = round(usage_of(server).peak_mb())
        yield {"server": "ours", "state": state, "query": "(peak resident memory)", "MB": memory}
    row = {"query": "latest value of every series, in the process"} | elsewhere("latest", home, dataset)
    yield {"server": "ours", "state": states[-1]} | row


def theirs(directory: Path, dataset: Dataset, repeats: int) -> Iterator[Row]:
    """VictoriaMetrics' times."""
    with Victoria(directory / "victoria") as server:
        asked = Theirs(server, dataset)
        begin = time.perf_counter()
        asked.load()
        rate = round(dataset.points / (time.perf_counter() - begin))
        yield {"server": "VictoriaMetrics", "query": "(loading)", "datapoints/s": rate}
        asked.check()
        for row in asked.rows(repeats):
            yield {"server": "VictoriaMetrics"} | row
        memory = round(server.usage.peak_mb())
    yield {"server": "VictoriaMetrics", "query": "(peak resident memory)", "MB": memory}


def flatness(small: Sequence[Row], large: Sequence[Row]) -> Iterator[Row]:
    """How much longer our answers take with ten times the datapoints."""
    before = {row["query"]: row["median ms"] for row in small if _ours(row)}
    for row in large:
        if _ours(row) and row["query"] in before:
            yield {
                "flatness": row["query"],
                "state": row["state"],
                "large / small": round(row["median ms"] / before[row["query"]], 2),
            }


def _ours(row: Row) -> bool:
    return row["server"] == "ours" and "median ms" in row


def main() -> None:
    """Prints one line of JSON a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a tenth of the series, few repetitions")
    parser.add_argument("--no-peers", action="store_true", help="only ours")
    parser.add_argument("--repeats", type=int, default=100, help="of the question for one series")
    options = parser.parse_args()
    series, repeats = (100, 16) if options.smoke else (1000, options.repeats)
    end = int(time.time()) // MINUTE * MINUTE
    long_seconds = LONG_SECONDS // 10 // MINUTE * MINUTE if options.smoke else LONG_SECONDS
    datasets = (Dataset(end, series, HOUR), Dataset(end, series, 10 * HOUR, long_seconds))
    found: list[list[Row]] = [[], []]
    for rows, dataset in zip(found, datasets, strict=True):
        with tempfile.TemporaryDirectory() as directory:
            sources = [ours(Path(directory), dataset, repeats)]
            if not options.no_peers and PROGRAM is not None:
                sources.append(theirs(Path(directory), dataset, repeats))
            for row in (row for source in sources for row in source):
                rows.append(row)
                print(json.dumps({"points": dataset.points} | row), flush=True)
    for row in flatness(*found):
        print(json.dumps(row), flush=True)
    if not options.no_peers:
        for row in moto_rows(1000 if options.smoke else 100_000):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
