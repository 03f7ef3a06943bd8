"""smithy-rpc-v2-cbor: what the SDKs for Go, Java, PHP and Ruby speak to CloudWatch."""

import io
from typing import Any

import cbor2
from botocore.model import OperationModel

from epochwatch.gateway.errors import ErrorAnswer, document_error
from epochwatch.gateway.requests import RawRequest, RawResponse, Route
from epochwatch.gateway.values import document
from epochwatch.model.aws_error import AwsError

HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
MAX_DEPTH = 64


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated."""
    if not request.body:
        return {}
    stream = io.BytesIO(request.body)
    try:
        value = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise AwsError("SerializationException", f"the request body is not valid CBOR: {error}") from error
    if stream.tell() != len(request.body):
        raise AwsError("SerializationException", "the request body has bytes behind its CBOR value")
    return value


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded."""
    return RawResponse(200, dict(HEADERS), cbor2.dumps(document(operation.output_shape, result, "cbor")))


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed."""
    status, headers, body = document_error(route.service, request, error)
    return RawResponse(status, HEADERS | headers, cbor2.dumps(body))
