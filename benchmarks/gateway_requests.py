"""What the AWS gateway itself costs: taking a request of 1,000 datapoints, and writing a large answer.

CPU milliseconds of a `Gateway.handle` whose operation does nothing, so without the stores and without HTTP: inflating,
routing, parsing and checking a ``PutMetricData`` in each protocol, compressed as SDKs send it; the same when every
request names other dimensions in another order (``changing``: no layout of a form is met twice) and when one value
needs the closures (``unusual``); and writing the answer of a ``GetMetricData`` of 100 series of 1,000 points each.

Run: ``python -m benchmarks.gateway_requests``; ``--smoke`` takes fewer passes.
"""

import argparse
import gzip
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import cbor2
from starlette.responses import PlainTextResponse

from epochwatch.gateway.app import Gateway
from epochwatch.gateway.authentication import Authenticator
from epochwatch.gateway.operations import Operations
from epochwatch.gateway.requests import RawRequest
from epochwatch.server import memory as server_memory

NOW = 1_790_000_000
DATAPOINTS = 1000
SERIES, POINTS = 100, 1000
PREFIX = "GraniteServiceVersion20100801"
PROTOCOLS = ("json", "cbor", "query")

Datum = dict[str, Any]


def data(dimensions: int = 1) -> list[Datum]:
    """Datapoints as a monitored training sends them."""
    return [
        {
            "MetricName": f"metric-{number % 50}",
            "Dimensions": [{"Name": f"dim-{n}", "Value": f"job-{number // 50}"} for n in range(dimensions)],
            "Timestamp": NOW + number // 50,
            "Value": number * 1.37,
            "Unit": "None",
        }
        for number in range(DATAPOINTS)
    ]


def changing(chance: random.Random) -> list[Datum]:
    """Datapoints with one to three dimensions each."""
    return [datum | {"Dimensions": data(chance.randint(1, 3))[0]["Dimensions"]} for datum in data()]


def unusual() -> list[Datum]:
    """Datapoints of which the last is not a number."""
    return [*data()[:-1], data()[-1] | {"Value": "NaN"}]


def encoded(protocol: str, operation: str, namespace: str, sent: list[Datum]) -> RawRequest:
    """A PutMetricData-like request."""
    if protocol == "query":
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        body, path = form(operation, namespace, sent), "/"
    elif protocol == "cbor":
        headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        tagged = [datum | {"Timestamp": cbor2.CBORTag(1, float(datum["Timestamp"]))} for datum in sent]
        body = cbor2.dumps({"Namespace": namespace, "MetricData": tagged})
        path = f"/service/{PREFIX}/operation/{operation}"
    else:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"{PREFIX}.{operation}"}
        body, path = json.dumps({"Namespace": namespace, "MetricData": sent}).encode(), "/"
    return RawRequest("POST", path, "", headers | {"content-encoding": "gzip"}, gzip.compress(body))


def form(operation: str, namespace: str, sent: list[Datum]) -> bytes:
    """The request in the query protocol, as botocore writes it."""
    fields = [("Action", operation), ("Version", "2010-08-01"), ("Namespace", namespace)]
    for number, datum in enumerate(sent, 1):
        place = f"MetricData.member.{number}"
        for name, value in datum.items():
            if name == "Dimensions":
                for index, dimension in enumerate(value, 1):
                    fields += [
                        (f"{place}.Dimensions.member.{index}.{key}", text) for key, text in dimension.items()
                    ]
            elif name == "Timestamp":
                fields.append((f"{place}.{name}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))))
            else:
                fields.append((f"{place}.{name}", str(value)))
    return urlencode(fields).encode()


def answer() -> dict[str, Any]:
    """What GetMetricData answers for many series."""
    return {
        "MetricDataResults": [
            {
                "Id": f"m{series}",
                "Label": f"metric-{series}",
                "Timestamps": [float(NOW + 60 * point) for point in range(POINTS)],
                "Values": [point * 1.37 + series for point in range(POINTS)],
                "StatusCode": "Complete",
            }
            for series in range(SERIES)
        ],
        "Messages": [],
    }


class Taken:
    """A gateway whose PutMetricData counts the datapoints and whose GetMetricData answers the same again and again."""

    def __init__(self) -> None:
        self.datapoints = 0
        large = answer()
        self.gateway = Gateway(
            Operations(
                {"cloudwatch": {"PutMetricData": self._put, "GetMetricData": lambda call, request: large}},
                lambda identity, request_id, now, attempt: None,
            ),
            Authenticator(lambda key: None, verify=False),
            PlainTextResponse(""),
        )

    def _put(self, _: Any, request: dict[str, Any]) -> None:
        self.datapoints += len(request["MetricData"])

    def milliseconds(self, requests: list[RawRequest], passes: int) -> float:
        """CPU a request, in the best of the passes: on a machine that does other things the others are worse."""
        return min(self._pass(requests) for _ in range(passes))

    def _pass(self, requests: list[RawRequest]) -> float:
        begin = time.process_time()
        for request in requests:
            got = self.gateway.handle(request)
            assert got.status == 200, got.body
        return 1000 * (time.process_time() - begin) / len(requests)


def question(protocol: str) -> RawRequest:
    """A small GetMetricData request."""
    members = {"StartTime": NOW, "EndTime": NOW + 60, "MetricDataQueries": []}
    if protocol == "json":
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"{PREFIX}.GetMetricData"}
        return RawRequest("POST", "/", "", headers, json.dumps(members).encode())
    if protocol == "cbor":
        headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return RawRequest("POST", f"/service/{PREFIX}/operation/GetMetricData", "", headers, cbor2.dumps(members))
    fields = {"Action": "GetMetricData", "Version": "2010-08-01", "MetricDataQueries": ""} | {
        name: str(value) for name, value in members.items() if name.endswith("Time")
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return RawRequest("POST", "/", "", headers, urlencode(fields).encode())


def measured(passes: int) -> dict[str, Any]:
    """CPU milliseconds by what was done and protocol."""
    chance = random.Random(1)
    taken = Taken()
    kinds: dict[str, Callable[[], list[Datum]]] = {
        "put_1000_datapoints": data,
        "put_1000_datapoints_changing": lambda: changing(chance),
        "put_1000_datapoints_unusual": unusual,
    }
    found: dict[str, dict[str, float]] = {}
    for kind, make in kinds.items():
        for protocol in PROTOCOLS:
            count = 20 if kind == "put_1000_datapoints" else 5
            if kind.endswith("changing"):  # another layout in each request of each pass
                best = min(
                    taken.milliseconds([encoded(protocol, "PutMetricData", "n", make()) for _ in range(count)], 1)
                    for _ in range(passes)
                )
            else:
                best = taken.milliseconds([encoded(protocol, "PutMetricData", "n", make())] * count, passes)
            found.setdefault(kind, {})[protocol] = round(best, 2)
    assert taken.datapoints
    found["answer_100_series_1000_points"] = {
        protocol: round(taken.milliseconds([question(protocol)] * 2, passes), 1) for protocol in PROTOCOLS
    }
    return found


def main() -> int:
    """Print CPU milliseconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="fewer passes")
    server_memory.tune()
    passes = 2 if parser.parse_args().smoke else 10
    print(json.dumps({"cpu_milliseconds": measured(passes)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
