"""How Prometheus' senders and readers talk to a server."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import cramjam

from epochwatch.prometheus.protocol_buffers import message_classes
from tests.servers import ServerProcess

NOW = int(time.time())
"""When these tests began: what they write and ask is about this time, as a whole run of the suite may take longer than
the five minutes for which a sample is looked back at."""
WRITE = "/_/prometheus/api/v1/write"
MESSAGES = message_classes(
    "sender",
    {
        "WriteRequest": {"timeseries": (1, "*TimeSeries"), "metadata": (3, "*Metadata")},
        "TimeSeries": {"labels": (1, "*Label"), "samples": (2, "*Sample"), "histograms": (4, "*bytes")},
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64")},
        "Metadata": {"metric_family_name": (2, "string")},
    },
)
Series = tuple[Mapping[str, str], Iterable[tuple[float, float]]]
"""Labels, and samples as (Unix seconds, value)."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class PrometheusClient:
    """Requests to a server, with HTTP basic of its key unless told otherwise."""

    def __init__(self, server: ServerProcess) -> None:
        keys = server.credentials
        self.url = server.url
        self.authorization = basic(keys["access_key_id"], keys["secret_access_key"])

    def request(self, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """``headers`` with ``_`` for ``-``; None leaves one out."""
        given = {"authorization": self.authorization} | {n.replace("_", "-"): v for n, v in headers.items()}
        request = urllib.request.Request(
            self.url + path, data=body, headers={name: value for name, value in given.items() if value is not None}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, endpoint: str, **parameters: Any) -> Answer:
        """A GET of the query API; ``match`` stands for ``match[]``."""
        pairs = {("match[]" if name == "match" else name): value for name, value in parameters.items()}
        return self.request(f"/_/prometheus/api/v1/{endpoint}?{urlencode(pairs, doseq=True)}")

    def data(self, endpoint: str, **parameters: Any) -> Any:
        """The ``data`` of an answer that is a success."""
        answer = self.get(endpoint, **parameters)
        assert (answer.status, answer.json()["status"]) == (200, "success"), answer.body
        return answer.json()["data"]

    def values(self, query: str, **parameters: Any) -> dict[tuple[tuple[str, str], ...], str]:
        """An instant query's values, at ``NOW`` unless told otherwise, by their labels without ``namespace``."""
        return {
            tuple(sorted((n, v) for n, v in one["metric"].items() if n != "namespace")): one["value"][1]
            for one in self.data("query", query=query, **{"time": NOW, **parameters})["result"]
        }

    def write(self, *series: Series, path: str = WRITE, **headers: str | None) -> Answer:
        """Send series by remote-write."""
        given = {"content_encoding": "snappy", "content_type": "application/x-protobuf"} | headers
        return self.request(path, compressed(write_request(*series)), **given)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def write_request(*series: Series) -> bytes:
    message = MESSAGES["WriteRequest"]()
    for labels, samples in series:
        one = message.timeseries.add()
        for name, value in labels.items():
            one.labels.add(name=name, value=value)
        for moment, number in samples:
            one.samples.add(value=number, timestamp=round(moment * 1000))
    return bytes(message.SerializeToString())


def compressed(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))
