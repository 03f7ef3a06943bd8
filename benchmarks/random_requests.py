"""Random requests, right and wrong, against the whole server: none may be answered with a 5xx, and no memory may leak.

Operations, protocols and inputs are drawn from the service models; a part of the inputs is broken, and of the encoded
requests. They go through `Gateway.handle` of a composed application over real stores in a temporary directory, without
signatures, and one in a hundred to a server process over HTTP. Printed as JSON: answers by status and error code,
every failure once with the smallest input that still shows it, the slowest requests, and memory as it went.

Request ``i`` of a seed is always the same one: ``--only i`` sends it alone.

Run: ``nice -n 19 python -m benchmarks.random_requests 1000000``.
"""

import argparse
import gc
import http.client
import json
import logging
import math
import socket
import sys
import tempfile
import threading
import time
import traceback
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import cbor2
import psutil
from botocore.model import OperationModel

from benchmarks.random_inputs import Inputs
from benchmarks.random_wire import ACCOUNT, damaged, encode, protocols
from epochwatch.client.credentials import Credentials
from epochwatch.gateway.app import Gateway
from epochwatch.gateway.event_stream import CONTENT_TYPE
from epochwatch.gateway.models import service_model
from epochwatch.gateway.requests import RawRequest, RawResponse, StreamedResponse
from epochwatch.repeated import Repeated
from epochwatch.server import memory as server_memory
from epochwatch.server.composition import MAINTENANCE_SECONDS, compose, operations
from epochwatch.settings import Settings
from epochwatch.store.stores import Stores
from tests.servers import ServerProcess

THREADS = 16
PART = 1000
"""Requests between two looks at the clock."""
HTTP_SHARE = 100
"""One in so many requests goes over HTTP."""
SERVED, BROKEN, DAMAGED = 0.9, 0.4, 0.2
"""Shares of requests for operations that are built, with a broken input, and broken once encoded."""
DEAR = ("DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "GetMetricStatistics")
"""Operations that scan for every right request; the others are drawn three times as often."""
PATIENCE = 5
"""Seconds to wait for an answer over HTTP: a request that promises more bytes than it has gets none."""
SHRINKING_STEPS = 300
SLOWEST = 10

Signature = tuple[str, ...]
"""What tells failures apart: the operation, and the exception and where it was raised."""


@dataclass(frozen=True)
class Drawn:
    """A random request and how it came about."""

    number: int
    service: str
    operation: OperationModel
    protocol: str
    document: Any
    request: RawRequest

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation.name} ({self.protocol})"


class Requests:
    """The random requests of a seed."""

    def __init__(self, seed: int, now: float) -> None:
        self._seed, self._now = seed, now
        self._served = [
            (service, name)
            for service, built in operations().items()
            for name in built
            for _ in range(1 if name in DEAR else 3)
        ]
        self._all = [
            (service, name) for service in operations() for name in service_model(service).operation_names
        ]

    def draw(self, number: int) -> Drawn:
        """The request of that number."""
        chance = Random(f"{self._seed}/{number}")
        service, name = chance.choice(self._served if chance.random() < SERVED else self._all)
        operation = service_model(service).operation_model(name)
        protocol = chance.choice(protocols(service))
        inputs = Inputs(chance, self._now)
        document: Any = {}
        if operation.input_shape is not None:
            make = inputs.broken if chance.random() < BROKEN else inputs.right
            document = make(operation.input_shape)
        drawn = self.redrawn(number, service, operation, protocol, document)
        return replace(drawn, request=damaged(drawn.request, chance)) if chance.random() < DAMAGED else drawn

    def redrawn(self, number: int, service: str, operation: OperationModel, protocol: str, document: Any) -> Drawn:
        """The same with another input."""
        request = encode(service, operation, protocol, document, Random(number))
        return Drawn(number, service, operation, protocol, document, request)


@dataclass
class Failure:
    """Requests that failed in one way."""

    example: Drawn
    trace: str
    count: int = 0
    smallest: Any = None


@dataclass
class Findings:
    """What the run saw. For any thread."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    failures: dict[Signature, Failure] = field(default_factory=dict)
    slowest: list[tuple[float, str, int]] = field(default_factory=list)
    memory: list[dict[str, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, drawn: Drawn, response: RawResponse, seconds: float) -> None:
        """Count an answer."""
        code = error_code(response)
        with self.lock:
            self.statuses[str(response.status)] += 1
            if code:
                self.codes[f"{response.status} {code}"] += 1
            if len(self.slowest) < SLOWEST or seconds > self.slowest[-1][0]:
                self.slowest = sorted([*self.slowest, (round(seconds, 3), drawn.name, drawn.number)], reverse=True)
                del self.slowest[SLOWEST:]

    def failed(self, signature: Signature, drawn: Drawn, trace: str) -> None:
        """Count a failure."""
        with self.lock:
            if signature not in self.failures:
                self.failures[signature] = Failure(drawn, trace)
                print(json.dumps({"failed": signature, "number": drawn.number}), file=sys.stderr, flush=True)
            self.failures[signature].count += 1

    def remember(self, done: int, began: float) -> None:
        """Note memory after so many requests."""
        entry = {"requests": done, "seconds": round(time.monotonic() - began)} | memory()
        self.memory.append(entry)
        print(json.dumps(entry), file=sys.stderr, flush=True)

    def report(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "answers": dict(self.statuses.most_common()),
            "errors": dict(self.codes.most_common(60)),
            "failures": [
                {
                    "what": list(signature),
                    "count": failure.count,
                    "number": failure.example.number,
                    "input": shown(failure.smallest),
                    "trace": failure.trace,
                }
                for signature, failure in self.failures.items()
            ],
            "slowest": [list(entry) for entry in self.slowest],
            "memory": self.memory,
        }


def shown(value: Any) -> str:
    """The value as Python writes it, or why it cannot."""
    try:
        return repr(value)[:1000]
    except ValueError as error:
        return f"({error}; --only shows the request)"


def memory() -> dict[str, float]:
    """Resident megabytes of this process, and objects that Python's collector knows."""
    gc.collect()
    return {"rss_mb": round(psutil.Process().memory_info().rss / 2**20), "objects": len(gc.get_objects())}


class Caught(logging.Handler):
    """The exception behind each 500, by thread: the gateway logs it and tells the client nothing."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._local = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._local.error = record.exc_info[1] if record.exc_info else None

    def take(self) -> BaseException | None:
        """The last exception of this thread, once."""
        error, self._local.error = getattr(self._local, "error", None), None
        return error


class Run:
    """Sends requests to an application and keeps what comes of them."""

    def __init__(self, gateway: Gateway, requests: Requests) -> None:
        self.findings = Findings()
        self._gateway, self._requests = gateway, requests
        self._caught = Caught()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the gateway's log is heard, and not printed."""
        logger = logging.getLogger("epochwatch.gateway.operations")
        logger.addHandler(self._caught)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(self._caught)
            logger.propagate = True

    def send(self, number: int) -> None:
        """Draw the request of that number and send it."""
        drawn = self._requests.draw(number)
        begin = time.perf_counter()
        response, signature, trace = self._try(drawn)
        self.findings.answered(drawn, response, time.perf_counter() - begin)
        if signature:
            self.findings.failed(signature, drawn, trace)

    def _try(self, drawn: Drawn) -> tuple[RawResponse, Signature, str]:
        """The answer; what is wrong with it, if anything."""
        self._caught.take()
        response = self._gateway.handle(drawn.request)
        if isinstance(response, StreamedResponse):  # nobody is there to read what would come
            response = RawResponse(response.status, response.headers, b"")
        error = self._caught.take()
        if response.status < 500:
            return response, _unreadable(drawn, response), ""
        if error is None:
            return response, (drawn.service, drawn.operation.name, str(response.status), error_code(response)), ""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        trace = "".join(traceback.format_exception(error))[-1500:]
        return response, (drawn.service, drawn.operation.name, type(error).__name__, where), trace

    def shrink(self) -> None:
        """Find the smallest input for each failure."""
        for signature, failure in self.findings.failures.items():
            failure.smallest = self._smallest(signature, failure.example)

    def _smallest(self, signature: Signature, example: Drawn) -> Any:
        best = example.document
        if not self._fails(signature, example, best):  # it takes the damage done to the encoded request
            return example.request
        steps = SHRINKING_STEPS
        while steps > 0:
            for candidate in smaller(best):
                steps -= 1
                if self._fails(signature, example, candidate):
                    best = candidate
                    break
                if steps <= 0:
                    return best
            else:
                break
        return best

    def _fails(self, signature: Signature, example: Drawn, document: Any) -> bool:
        drawn = self._requests.redrawn(
            example.number, example.service, example.operation, example.protocol, document
        )
        return self._try(drawn)[1] == signature


def smaller(value: Any) -> Iterator[Any]:
    """The value with one part less, at each place."""
    if isinstance(value, dict):
        for name in value:
            yield {key: part for key, part in value.items() if key != name}
        for name in value:
            for part in smaller(value[name]):
                yield value | {name: part}
    elif isinstance(value, list):
        if len(value) > 3:
            yield value[: len(value) // 2]
            yield value[len(value) // 2 :]
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
        for place in range(len(value)):
            for part in smaller(value[place]):
                yield [*value[:place], part, *value[place + 1 :]]
    elif isinstance(value, str) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]


def error_code(response: RawResponse) -> str:
    """The code of an error answer; empty for any other."""
    if response.status < 300:
        return ""
    kind, body = response.headers.get("content-type", ""), response.body
    if "xml" in kind:
        return body.decode().partition("<Code>")[2].partition("</Code>")[0]
    if "cbor" in kind:
        return str(cbor2.loads(body).get("__type", "")).rpartition("#")[2]
    code = response.headers.get("x-amzn-errortype") or str(json.loads(body).get("__type", ""))
    return code.rpartition("#")[2]


def _unreadable(drawn: Drawn, response: RawResponse) -> Signature:
    """What is wrong with an answer's form; empty if nothing is."""
    kind, body = response.headers.get("content-type", ""), response.body
    try:
        if "xml" in kind:
            ET.fromstring(body)
        elif "cbor" in kind:
            cbor2.loads(body)
        elif body:
            json.loads(body)
    except (ValueError, ET.ParseError, cbor2.CBORError) as error:
        return drawn.service, drawn.operation.name, "unreadable", type(error).__name__
    return ()


@contextmanager
def application(home: Path) -> Iterator[Gateway]:
    """The composed application over stores in ``home``."""
    settings = Settings(home=home, auth="none")
    stores = Stores.open(
        settings.effective_metrics_url, settings.effective_state_url, settings.effective_objects_url
    )
    maintenance = Repeated("maintenance", MAINTENANCE_SECONDS, lambda: stores.maintain(time.time()))
    try:
        maintenance.start()
        with gateway_over(stores, home) as gateway:
            yield gateway
        maintenance.stop()
    finally:
        stores.close()


@contextmanager
def gateway_over(stores: Stores, home: Path) -> Iterator[Gateway]:
    """The application over open stores."""
    app = compose(stores, Settings(home=home, auth="none"), Credentials("AKIAEXAMPLE", "secret", ACCOUNT))
    assert isinstance(app, Gateway)
    yield app
    app.close()


def in_process(run: Run, numbers: range, every: int, seconds: float = math.inf) -> None:
    """Send the requests from several threads, until the time is over; note memory each time ``every`` are done."""
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool, run.listening():
        for start in range(numbers.start, numbers.stop, PART):
            part = range(start, min(start + PART, numbers.stop))
            list(pool.map(run.send, part))
            over = part.stop == numbers.stop or time.monotonic() - began > seconds
            if over or (part.stop - numbers.start) % every == 0:
                run.findings.remember(part.stop - numbers.start, began)
            if over:
                break
        run.shrink()


def over_http(requests: Requests, numbers: range) -> dict[str, Any]:
    """Send the requests to a server process; statuses, and what the server could not do."""
    statuses: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as directory, ServerProcess(Path(directory), "--auth", "none") as server:
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        for number in numbers:
            drawn = requests.draw(number)
            status = _over_http(server.url, drawn.request)
            statuses[status] += 1
            if status.startswith("5"):
                failures.append(f"{status}: {number} {drawn.name}")
        healthy = server.healthy()
        rss = round(process.memory_info().rss / 2**20)
    return {"answers": dict(statuses.most_common()), "failures": failures[:50], "healthy": healthy, "rss_mb": rss}


def _over_http(url: str, request: RawRequest) -> str:
    """The status, or how the connection ended."""
    host = urlsplit(url).netloc
    line = f"{request.method} {request.path}{'?' if request.query else ''}{request.query} HTTP/1.1"
    headers = {"host": host, "content-length": str(len(request.body)), "connection": "close"} | request.headers
    head = "\r\n".join([line, *(f"{name}: {value}" for name, value in headers.items())])
    with socket.create_connection(
        (urlsplit(url).hostname or "", urlsplit(url).port or 0), timeout=PATIENCE
    ) as connection:
        with suppress(OSError):  # the server may have answered and closed before it had all of a bad request
            connection.sendall(head.encode("latin-1", "replace") + b"\r\n\r\n" + request.body)
        answer = http.client.HTTPResponse(connection, method=request.method)
        try:
            answer.begin()
            if answer.headers["content-type"] != CONTENT_TYPE:  # a stream of events may last for hours
                answer.read()
            return str(answer.status)
        except (http.client.HTTPException, OSError) as error:
            return type(error).__name__


def main() -> int:
    """Print what the run saw; the exit status is 0 if nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=10_000, help="how many requests")
    parser.add_argument("--seed", type=int, default=1, help="which requests")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="send only this one, and show it")
    parser.add_argument(
        "--seconds", type=float, default=math.inf, help="stop after so long, however many are left"
    )
    parser.add_argument("--memory", type=int, default=100_000, metavar="N", help="note memory each N requests")
    arguments = parser.parse_args()
    server_memory.tune()
    requests = Requests(arguments.seed, time.time())
    with tempfile.TemporaryDirectory() as directory, application(Path(directory)) as gateway:
        run = Run(gateway, requests)
        if arguments.only is not None:
            drawn = requests.draw(arguments.only)
            print(drawn.name, shown(drawn.document), drawn.request, gateway.handle(drawn.request), sep="\n")
            return 0
        in_process(run, range(arguments.count), arguments.memory, arguments.seconds)
    over_wire = range(arguments.count, arguments.count + arguments.count // HTTP_SHARE)
    report = run.findings.report() | {"http": over_http(requests, over_wire)}
    print(json.dumps(report, indent=1))
    return 1 if report["failures"] or report["http"]["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
