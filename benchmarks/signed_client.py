"""Signed requests over one kept connection at little cost, so that what is timed is the server."""

import gzip
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from epochwatch.model.signature import sign_request
from tests.servers import ServerProcess

REGION = "us-east-1"
KEPT_SECONDS = 3.0
"""A connection that was idle for longer is opened anew: servers close those that are idle for five."""
CLOUDWATCH_TARGET = "GraniteServiceVersion20100801"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that only needs to be sent. Its signature is good for minutes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class SignedClient:
    """A connection of the server's own key; for one thread."""

    def __init__(self, server: ServerProcess) -> None:
        self._url = server.url
        self._keys = server.credentials
        parts = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        self._used = time.monotonic()

    def prepare(self, method: str, path: str, headers: Mapping[str, str], body: bytes, service: str) -> Prepared:
        """Sign a request of ``service`` (the name in the signature's scope)."""
        key, secret = self._keys["access_key_id"], self._keys["secret_access_key"]
        signed = sign_request(method, self._url + path, headers, body, key, secret, REGION, service)
        return Prepared(method, path, signed, body)

    def send(self, request: Prepared) -> bytes:
        """The answer's body. Anything but 200 ends the benchmark."""
        if time.monotonic() - self._used > KEPT_SECONDS:
            self._connection.close()
        self._connection.request(request.method, request.path, request.body or None, dict(request.headers))
        response = self._connection.getresponse()
        answer = response.read()
        self._used = time.monotonic()
        if response.status != 200:
            raise SystemExit(f"{request.method} {request.path}: {response.status} {answer[:500]!r}")
        return answer

    def cloudwatch(self, operation: str, parameters: Mapping[str, Any]) -> bytes:
        """The answer to an operation of CloudWatch in AWS JSON; times are Unix seconds."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"{CLOUDWATCH_TARGET}.{operation}",
        }
        return self.send(self.prepare("POST", "/", headers, json.dumps(parameters).encode(), "monitoring"))

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()


def gzipped(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body as SDKs and agents send large bodies."""
    return dict(headers) | {"content-encoding": "gzip"}, gzip.compress(body, compresslevel=1)


def send_all(server: ServerProcess, requests: Sequence[Prepared], connections: int) -> float:
    """Send every request, over several connections at once; the seconds it took. Order is kept for requests whose
    places in the list differ by a multiple of ``connections``.
    """

    def send(part: Sequence[Prepared]) -> None:
        client = SignedClient(server)
        for request in part:
            client.send(request)
        client.close()

    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        for sent in [threads.submit(send, requests[number::connections]) for number in range(connections)]:
            sent.result()
    return time.perf_counter() - begin
