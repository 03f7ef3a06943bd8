"""Moto's times for questions of `benchmarks.metric_queries`: each goes through all datapoints of the account."""

import datetime
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.peer_server import moto_server
from benchmarks.signed_client import REGION

REQUEST = 1000
"""Datapoints a request."""
MOST_POINTS = 100_000
"""What whole ranges are asked of: its time grows with the square."""


def moto_rows(points: int) -> Iterator[dict[str, Any]]:
    """Times of a series with ``points`` values, one a second until now, asked by boto3."""
    if points > MOST_POINTS:
        raise ValueError(f"moto takes minutes to answer with more than {MOST_POINTS} datapoints")
    with moto_server() as server:
        client = boto3.client(
            "cloudwatch",
            endpoint_url=server.url,
            aws_access_key_id="123456789012",
            aws_secret_access_key="any",
            region_name=REGION,
            config=Config(retries={"max_attempts": 0}, read_timeout=120),
        )
        end = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        _load(client, end, points)
        start = end - datetime.timedelta(seconds=points)
        questions: dict[str, Callable[[], Any]] = {
            "GetMetricStatistics, 1 h at 60 s, Average": lambda: client.get_metric_statistics(
                Namespace="Bench",
                MetricName="x",
                StartTime=max(start, end - datetime.timedelta(hours=1)),
                EndTime=end,
                Period=60,
                Statistics=["Average"],
            ),
            "GetMetricData, 1 h at 60 s, Average": lambda: _data(
                client, max(start, end - datetime.timedelta(hours=1)), end
            ),
            "GetMetricData, whole range at 60 s, Average": lambda: _data(client, start, end),
        }
        for name, ask in questions.items():
            repeats = 1 if "whole" in name else 5
            yield {
                "server": "moto",
                "points": points,
                "query": f"{name}, boto3",
                "median ms": _median(ask, repeats),
            }


def _load(client: Any, end: datetime.datetime, points: int) -> None:
    for first in range(0, points, REQUEST):
        data = [
            {
                "MetricName": "x",
                "Timestamp": end - datetime.timedelta(seconds=points - second),
                "Value": second % 977 / 8,
                "StorageResolution": 1,
            }
            for second in range(first, min(first + REQUEST, points))
        ]
        client.put_metric_data(Namespace="Bench", MetricData=data)


def _data(client: Any, start: datetime.datetime, end: datetime.datetime) -> Any:
    metric = {"Metric": {"Namespace": "Bench", "MetricName": "x"}, "Period": 60, "Stat": "Average"}
    return client.get_metric_data(
        StartTime=start, EndTime=end, MetricDataQueries=[{"Id": "q", "MetricStat": metric}]
    )


def _median(ask: Callable[[], Any], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(taken), 1)
