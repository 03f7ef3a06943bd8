"""AWS JSON 1.0 and 1.1: bodies, answers, errors."""

from typing import Any

import msgspec
from botocore.model import OperationModel

from epochwatch.gateway.errors import ErrorAnswer, error_namespace
from epochwatch.gateway.requests import RawRequest, RawResponse, Route
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


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated."""
    return decode_json(request.body)


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded."""
    body = msgspec.json.encode(document(operation.output_shape, result, "json"))
    return RawResponse(200, {"content-type": f"application/x-amz-json-{route.version}"}, body)


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed. AWS answers every such error with 400 unless the client is in query
    mode, in which it gets the status and the code of the query protocol.
    """
    body: dict[str, Any] = {"__type": error_namespace(route.service) + error.shape_name}
    if error.message is not None:
        body["message"] = error.message
    body |= error.members
    headers = {"content-type": f"application/x-amz-json-{route.version}"}
    status = error.status if error.status >= 500 or error.status == 413 else 400
    if request.headers.get("x-amzn-query-mode", "").lower() == "true":
        status = error.status
        headers["x-amzn-query-error"] = f"{error.query_code};{'Sender' if error.sender else 'Receiver'}"
    return RawResponse(status, headers, msgspec.json.encode(body))
