"""Prometheus remote-write 1.0: what senders push, as datapoints."""

import math
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from epochwatch.model.metric import MetricId
from epochwatch.model.promql.labels import NAME
from epochwatch.prometheus.access import Door
from epochwatch.prometheus.bodies import inflated, read_body
from epochwatch.prometheus.errors import Refusal, bad_data
from epochwatch.prometheus.intake import Intake, namespace_of
from epochwatch.prometheus.protocol_buffers import message_classes
from epochwatch.store.metrics import MetricStore

NAMESPACE = "Prometheus"
"""Where series go if the request names no namespace."""
DROPPED_HEADER = "X-Epochwatch-Dropped"

_MESSAGES = message_classes(
    "remote_write",
    {
        # Series and labels are taken as the bytes they are: a series that came before is known by its labels' bytes.
        "WriteRequest": {"timeseries": (1, "*bytes")},
        "TimeSeries": {"labels": (1, "*bytes"), "samples": (2, "*Sample"), "histograms": (4, "*bytes")},
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64")},
    },
)

_KNOWN: dict[tuple[str, tuple[bytes, ...]], MetricId | str] = {}
"""Metrics by namespace and encoded labels: senders send the same series again and again."""
_MOST_KNOWN = 50_000


@dataclass(frozen=True, slots=True)
class RemoteWrite:
    """The endpoint. Answers 204 when what was taken is durable; 400, 413, 415 for what can never succeed; 5xx to have
    it sent again. What does not fit is dropped and counted in a header; where nothing fits, the answer is 400.
    """

    metrics: MetricStore
    door: Door

    async def write(self, request: Request) -> Response:
        """``POST api/v1/write``. Raises Refusal."""
        tenant = await self.door.tenant(request)
        _check_protocol(request)
        namespace = namespace_of(request, NAMESPACE)
        body = await read_body(request)
        encoding = request.headers.get("content-encoding", "snappy")

        def stored() -> Intake:
            intake = decoded(inflated(body, encoding), Intake(namespace, time.time()))
            if intake.dropped and not len(intake.columns):
                raise bad_data(intake.complaint)
            intake.store(self.metrics, tenant)
            return intake

        intake = await run_in_threadpool(stored)
        headers = {DROPPED_HEADER: str(intake.dropped.total())} if intake.dropped else {}
        return Response(status_code=204, headers=headers)


def _check_protocol(request: Request) -> None:
    if request.method != "POST":
        raise Refusal(405, "bad_data", "remote-write is a POST")
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/x-protobuf":
        raise Refusal(415, "bad_data", "the content type must be application/x-protobuf")
    if "io.prometheus.write.v2" in parameters:
        raise Refusal(415, "bad_data", "remote-write 2.0 is not supported: send prometheus.WriteRequest (1.0)")


def decoded(body: bytes, intake: Intake) -> Intake:
    """``intake`` with the samples of a WriteRequest. Stale markers are left out. Raises Refusal."""
    try:
        for encoded in _MESSAGES["WriteRequest"].FromString(body).timeseries:
            _take(_MESSAGES["TimeSeries"].FromString(encoded), intake)
    except (DecodeError, UnicodeDecodeError) as error:
        raise bad_data(f"the body is no prometheus.WriteRequest: {error}") from error
    return intake


def _take(series: Any, intake: Intake) -> None:
    metric = _metric(intake, tuple(series.labels))
    if series.histograms:
        intake.drop("native histograms are not supported: send classic ones", len(series.histograms))
    if isinstance(metric, str):
        intake.drop(metric, len(series.samples))
        return
    for sample in series.samples:
        if not math.isnan(sample.value):
            intake.value(metric, sample.timestamp, sample.value)


def _metric(intake: Intake, encoded: tuple[bytes, ...]) -> MetricId | str:
    """The metric of encoded labels, or why there can be none."""
    key = (intake.namespace, encoded)
    metric = _KNOWN.get(key)
    if metric is None:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        pairs = {label.name: label.value for label in map(_MESSAGES["Label"].FromString, encoded)}
        name = pairs.pop(NAME, "")
        metric = _KNOWN[key] = intake.metric(name, pairs.items()) if name else "the series has no __name__"
    return metric
