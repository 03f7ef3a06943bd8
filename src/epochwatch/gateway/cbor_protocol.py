"""smithy-rpc-v2-cbor: what the SDKs for Go, Java, PHP and Ruby speak to CloudWatch."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import cbor2
from botocore.model import OperationModel

from epochwatch.gateway.errors import ErrorAnswer, document_error
from epochwatch.gateway.requests import RawRequest, RawResponse, Route, Values
from epochwatch.gateway.typed import typed_input
from epochwatch.gateway.values import cbor, document
from epochwatch.model.aws_error import AwsError

HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
MAX_DEPTH = 64


def parse_checked(route: Route, operation: OperationModel, request: RawRequest) -> Values | None:
    """The input, parsed and checked at once; None where it is not plainly right, for ``parse`` to look closer."""
    typed = typed_input(route.service, operation.input_shape)
    return None if typed is None else typed.convert(_decode(request.body, _SECONDS))


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated."""
    return _decode(request.body)


def _seconds(value: Any, immutable: bool) -> float:
    if not isinstance(value, (int, float)):
        raise ValueError("a timestamp is not a number")
    return value


_SECONDS = {1: _seconds}
"""Decoders that leave timestamps the numbers they are sent as."""


def _decode(body: bytes, decoders: Mapping[int, Callable[[Any, bool], Any]] | None = None) -> Any:
    if not body:
        return {}
    stream = io.BytesIO(body)
    try:
        value = cbor2.CBORDecoder(stream, semantic_decoders=decoders).decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise AwsError("SerializationException", f"the request body is not valid CBOR: {error}") from error
    if stream.tell() != len(body):
        raise AwsError("SerializationException", "the request body has bytes behind its CBOR value")
    return value


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded."""
    return RawResponse(200, dict(HEADERS), cbor(document(operation.output_shape, result, "cbor")))


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed."""
    status, headers, body = document_error(route.service, request, error)
    return RawResponse(status, HEADERS | headers, cbor(body))
