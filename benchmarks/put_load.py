"""PutMetricData requests of 1,000 datapoints: 20 metrics of one dimension, 50 values each, a second apart.

Sent by boto3 from processes of their own, or encoded in advance in each protocol as the SDKs do.
"""

import datetime
import multiprocessing
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import botocore.session
from botocore.serialize import create_serializer

from benchmarks.signed_client import REGION, Prepared, SignedClient, gzipped

NAMESPACE = "Bench/Ingest"
DATAPOINTS = 1000
NAMES = 20
BATCHES = 8
"""So many different requests are made, and sent over and over."""
WARM_UP = 3
PROTOCOLS = {"JSON": "json", "CBOR": "smithy-rpc-v2-cbor", "query": "query"}
GIVE_UP_SECONDS = 300

Credentials = Mapping[str, Any]
"""``access_key_id`` and ``secret_access_key``."""


@dataclass(frozen=True, slots=True)
class Load:
    """What clients did together."""

    datapoints: int
    """Acknowledged while the clock ran."""
    seconds: float
    all_datapoints: int
    """Warming up included."""
    latencies: list[float]
    """Seconds of each timed request."""

    @property
    def rate(self) -> float:
        """Datapoints a second."""
        return self.datapoints / self.seconds

    @property
    def median_ms(self) -> float:
        """The median of the requests' times."""
        return statistics.median(self.latencies) * 1000


def request(client: int, batch: int) -> dict[str, Any]:
    """The parameters of a request; every client has a dimension value of its own."""
    first = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(seconds=60)
    return {
        "Namespace": NAMESPACE,
        "MetricData": [
            {
                "MetricName": f"metric-{number % NAMES}",
                "Dimensions": [{"Name": "Client", "Value": f"client-{client}"}],
                "Timestamp": first + datetime.timedelta(seconds=number // NAMES),
                "Value": (number * 7919 + batch * 104_729) % 100_003 / 1000,
                "StorageResolution": 1,
            }
            for number in range(DATAPOINTS)
        ],
    }


def boto3_load(url: str, credentials: Credentials, clients: int, seconds: float) -> Load:
    """Several processes put for ``seconds``, each as fast as it gets its answers, all from the same moment."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(clients)
    answers = context.SimpleQueue()
    processes = [
        context.Process(target=_put, args=(url, dict(credentials), number, seconds, barrier, answers), daemon=True)
        for number in range(clients)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(GIVE_UP_SECONDS)
        if process.exitcode != 0:
            raise SystemExit(f"a client of {url} failed")
    results = [answers.get() for _ in processes]
    latencies = [latency for _, _, found in results for latency in found]
    return Load(
        len(latencies) * DATAPOINTS,
        max(end for _, end, _ in results) - min(begin for begin, _, _ in results),
        (len(latencies) + WARM_UP * clients) * DATAPOINTS,
        latencies,
    )


def _put(url: str, credentials: Credentials, number: int, seconds: float, barrier: Any, answers: Any) -> None:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "cloudwatch",
        endpoint_url=url,
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        region_name=REGION,
        config=Config(retries={"max_attempts": 0}),
    )
    requests = [request(number, batch) for batch in range(BATCHES)]
    for _ in range(WARM_UP):
        client.put_metric_data(**requests[0])
    barrier.wait(GIVE_UP_SECONDS)
    latencies: list[float] = []
    begin = now = time.monotonic()
    while now - begin < seconds:
        client.put_metric_data(**requests[len(latencies) % BATCHES])
        then, now = now, time.monotonic()
        latencies.append(now - then)
    answers.put((begin, now, latencies))


def encoded(signer: SignedClient, protocol: str, clients: int, *, compressed: bool) -> list[Prepared]:
    """Signed requests of every client in ``protocol`` (a key of PROTOCOLS), as boto3 would send them."""
    model = botocore.session.get_session().get_service_model("cloudwatch")
    operation = model.operation_model("PutMetricData")
    serializer = create_serializer(PROTOCOLS[protocol])
    found = []
    for batch in range(BATCHES):
        for client in range(clients):
            made = serializer.serialize_to_request(request(client, batch), operation)
            body = made["body"]
            headers, body = dict(made["headers"]), urlencode(body).encode() if isinstance(body, dict) else body
            if compressed:
                headers, body = gzipped(headers, body)
            found.append(signer.prepare("POST", made["url_path"], headers, body, "monitoring"))
    return found
