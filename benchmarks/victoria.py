"""VictoriaMetrics (Debian's package ``victoria-metrics``) beside ours: one process, its data in a directory."""

import http.client
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from benchmarks.peer_server import PeerServer

PROGRAM = shutil.which("victoria-metrics")


class Victoria(PeerServer):
    """The server process over ``directory``, which keeps what it gets for 100 years."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            lambda port: [
                PROGRAM or "victoria-metrics",
                f"-httpListenAddr=127.0.0.1:{port}",
                f"-storageDataPath={directory}",
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
                "-search.maxPointsPerTimeseries=200000",
            ],
            "/health",
        )


class VictoriaClient:
    """A kept connection, for one thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)

    def post(self, path: str, body: bytes) -> bytes:
        """The answer's body. Anything but 2xx ends the benchmark."""
        self._connection.request("POST", path, body)
        return self._answer(path)

    def get(self, path: str, parameters: dict[str, Any]) -> bytes:
        """The answer's body."""
        self._connection.request("GET", f"{path}?{urlencode(parameters)}")
        return self._answer(path)

    def flush(self) -> None:
        """Make everything that was sent visible to queries."""
        self.get("/internal/force_flush", {})

    def query_range(self, query: str, start: int, end: int, step: int) -> bytes:
        """The answer to a range query, from the data: cached answers of earlier ones are not used."""
        return self.get(
            "/api/v1/query_range", {"query": query, "start": start, "end": end, "step": step, "nocache": 1}
        )

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()

    def _answer(self, path: str) -> bytes:
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise SystemExit(f"VictoriaMetrics {path}: {response.status} {answer[:500]!r}")
        return answer


def import_line(labels: Mapping[str, str], values: Sequence[float], milliseconds: bytes) -> bytes:
    """A line for ``/api/v1/import``: one series, whose name is the label ``__name__``; times are a JSON list."""
    return b'{"metric":%s,"values":%s,"timestamps":%s}\n' % (
        msgspec.json.encode(labels),
        msgspec.json.encode(values),
        milliseconds,
    )


def times(seconds: Sequence[int]) -> bytes:
    """Unix seconds as lines for ``/api/v1/import`` have them."""
    return msgspec.json.encode([second * 1000 for second in seconds])


def columns(answer: bytes, *labels: str) -> dict[str, tuple[list[int], list[float]]]:
    """Unix seconds and values of each series of a PromQL query's answer, by the values of ``labels``."""
    found = {}
    for one in json.loads(answer)["data"]["result"]:
        points = one["values"] if "values" in one else [one["value"]]
        name = " ".join(one["metric"][label] for label in labels)
        found[name] = ([int(at) for at, _ in points], [float(value) for _, value in points])
    return found
