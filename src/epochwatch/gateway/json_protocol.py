"""AWS JSON 1.0 and 1.1: bodies, answers, errors."""

from typing import Any

import msgspec
from botocore.model import OperationModel

from epochwatch.gateway.errors import ErrorAnswer, document_error
from epochwatch.gateway.requests import RawRequest, RawResponse, Route, Values
from epochwatch.gateway.typed import typed_input
from epochwatch.gateway.values import document
from epochwatch.model.aws_error import AwsError


def decode_json(body: bytes) -> Any:
    """The value of a JSON body; an empty body is an empty object. Raises AwsError SerializationException."""
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AwsError("SerializationException", f"the request body is not valid JSON: {error}") from error


def parse_checked(route: Route, operation: OperationModel, request: RawRequest) -> Values | None:
    """The input, parsed and checked at once; None where it is not plainly right, for ``parse`` to look closer."""
    typed = typed_input(route.service, operation.input_shape)
    if typed is None:
        return None
    try:
        text = request.body.decode()  # also what is in members that nobody knows must be UTF-8
    except UnicodeDecodeError:
        return None
    return typed.decode(text)


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated."""
    return decode_json(request.body)


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded."""
    body = msgspec.json.encode(document(operation.output_shape, result, "json"))
    return RawResponse(200, {"content-type": f"application/x-amz-json-{route.version}"}, body)


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed."""
    status, headers, body = document_error(route.service, request, error)
    return RawResponse(
        status, {"content-type": f"application/x-amz-json-{route.version}"} | headers, msgspec.json.encode(body)
    )
