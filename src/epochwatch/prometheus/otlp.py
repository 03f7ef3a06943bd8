"""OTLP/HTTP: metrics that OpenTelemetry senders push, as protobuf or JSON."""

import json
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from epochwatch.prometheus.access import Door
from epochwatch.prometheus.bodies import inflated, read_body
from epochwatch.prometheus.errors import Refusal, bad_data
from epochwatch.prometheus.intake import Intake, namespace_of
from epochwatch.prometheus.otlp_metrics import take
from epochwatch.prometheus.protocol_buffers import message_classes
from epochwatch.store.metrics import MetricStore

NAMESPACE = "OTLP"
"""Where metrics go if the request names no namespace."""
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MAX_DEPTH = 20
"""Messages within messages of a JSON body: a metric's attributes need no more."""

_STATUS = message_classes("otlp", {"Status": {"code": (1, "int32"), "message": (2, "string")}})["Status"]
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 413: 3, 415: 3, 421: 3, 503: 14}


@dataclass(frozen=True, slots=True)
class Otlp:
    """The endpoint. Answers 200 when what was taken is durable, with a partial success where data points were dropped;
    400 for what can never succeed, 503 to have it sent again. Answers have the request's encoding.
    """

    metrics: MetricStore
    door: Door

    async def export(self, request: Request) -> Response:
        """``POST v1/metrics``. Raises Refusal."""
        tenant = await self.door.tenant(request)
        namespace = namespace_of(request, NAMESPACE)
        encoding = encoding_of(request)
        if encoding not in (PROTOBUF, JSON):
            raise Refusal(415, "bad_data", f"the content type must be {PROTOBUF} or {JSON}")
        body = await read_body(request)

        def stored() -> Intake:
            intake = Intake(namespace, time.time())
            take(_decoded(inflated(body, request.headers.get("content-encoding", "")), encoding), intake)
            intake.store(self.metrics, tenant)
            return intake

        return _answer(_response(await run_in_threadpool(stored)), encoding, 200)


def encoding_of(request: Request) -> str:
    """The media type of the request's body."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def refused(request: Request, refusal: Refusal) -> Response:
    """A refusal as OTLP has it: a Status."""
    status = _STATUS(code=_GRPC_CODES.get(refusal.status, 2), message=refusal.message)
    return _answer(status, JSON if encoding_of(request) == JSON else PROTOBUF, refusal.status)


def _decoded(body: bytes, encoding: str) -> Any:
    message = ExportMetricsServiceRequest()
    try:
        if encoding == JSON:
            return _from_json(body, message)
        message.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        raise bad_data(f"the body is no ExportMetricsServiceRequest: {str(error)[:300]}") from error
    return message


def _from_json(body: bytes, message: Any) -> Any:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("it is no object")
    return json_format.ParseDict(document, message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH)


def _response(intake: Intake) -> Any:
    if not intake.dropped:
        return ExportMetricsServiceResponse()
    return ExportMetricsServiceResponse(
        partial_success=ExportMetricsPartialSuccess(
            rejected_data_points=intake.dropped.total(), error_message=intake.complaint
        )
    )


def _answer(message: Any, encoding: str, status: int) -> Response:
    content = json_format.MessageToJson(message, indent=None) if encoding == JSON else message.SerializeToString()
    return Response(content, status, media_type=encoding)
