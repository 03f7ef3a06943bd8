"""The gateway as an ASGI application: AWS requests are answered here, all others go to the inner application."""

import asyncio
import logging
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from epochwatch.gateway import event_stream
from epochwatch.gateway.authentication import Authenticator, is_signed
from epochwatch.gateway.models import signing_name
from epochwatch.gateway.operations import MAX_BODY, Operations, failure, with_id
from epochwatch.gateway.requests import RawRequest, RawResponse, Route, StreamedResponse
from epochwatch.gateway.routing import Router, UnroutableError, is_for_objects
from epochwatch.model.aws_error import AwsError

logger = logging.getLogger(__name__)

HANDLERS = 64
"""Operations under way at once; writers wait in them for their group commit."""


class Gateway:
    """Answers the AWS requests for ``operations``; those for objects go to ``objects``, all others to ``inner``."""

    def __init__(
        self,
        operations: Operations,
        authenticator: Authenticator,
        inner: ASGIApp,
        clock: Callable[[], float] = time.time,
        objects: ASGIApp | None = None,
    ) -> None:
        self._operations = operations
        self._authenticator = authenticator
        self._inner = inner
        self._objects = objects
        self._clock = clock
        self._router = Router(operations.services)
        self._pool = ThreadPoolExecutor(HANDLERS, thread_name_prefix="aws")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        request = raw_request(scope)
        if _is_own(request):
            await self._inner(scope, receive, send)
            return
        if self._objects is not None and is_for_objects(request):
            await self._objects(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            response: RawResponse | StreamedResponse = self._refuse_size(request)
        else:
            request.body = body
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._pool, self.handle, request)
        if isinstance(response, StreamedResponse):
            await _stream(scope, receive, send, response)
        else:
            await _send(send, request, response)

    def close(self) -> None:
        """Wait for the operations under way."""
        self._pool.shutdown(wait=True)

    def handle(self, request: RawRequest) -> RawResponse | StreamedResponse:
        """The answer to an AWS request. Never raises."""
        request_id = str(uuid.uuid4())
        route = Route("", "", _guessed_protocol(request))
        try:
            signed = request
            request = replace_body(request, inflate(request))
            route = self._router.route(request)
            now = self._clock()
            identity = self._authenticator.authenticate(signed, signing_name(route.service), now)
            response = self._operations.perform(route, request, len(signed.body), identity, now, request_id)
        except UnroutableError as error:
            response = failure(error.route, request, error, request_id)
        except Exception as error:  # noqa: BLE001
            response = failure(route, request, error, request_id)
        return with_id(response, request_id)

    def _refuse_size(self, request: RawRequest) -> RawResponse | StreamedResponse:
        error = AwsError("RequestEntityTooLarge", f"A request may have {MAX_BODY} bytes.")
        request_id = str(uuid.uuid4())
        return with_id(failure(Route("", "", _guessed_protocol(request)), request, error, request_id), request_id)


def raw_request(scope: Scope) -> RawRequest:
    """The head of an ASGI request."""
    return RawRequest(
        scope["method"],
        scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
    )


def replace_body(request: RawRequest, body: bytes) -> RawRequest:
    """The request with another body (the signature covers the body as it was sent, operations see it inflated)."""
    return request if body is request.body else replace(request, body=body)


def inflate(request: RawRequest) -> bytes:
    """The body without its content encoding, bounded. Raises AwsError."""
    encoding = request.headers.get("content-encoding", "").lower().strip()
    if encoding in ("", "identity"):
        return request.body
    if encoding != "gzip":
        raise AwsError("SerializationException", f"the content encoding '{encoding[:50]}' is not supported")
    decoder = zlib.decompressobj(wbits=31)
    try:
        body = decoder.decompress(request.body, MAX_BODY + 1)
    except zlib.error as error:
        raise AwsError("SerializationException", "the request body is not valid gzip") from error
    if len(body) > MAX_BODY:
        raise AwsError("RequestEntityTooLarge", f"A request may inflate to {MAX_BODY} bytes.")
    if not decoder.eof:
        raise AwsError("SerializationException", "the request body is cut short")
    return body


def _is_own(request: RawRequest) -> bool:
    """Whether a request is for the console and the agents' paths: under ``/_/``, which no bucket can be called, or
    a browser's unsigned GET.
    """
    if request.path.startswith("/_/") or request.path == "/_":
        return True
    if request.method not in ("GET", "HEAD"):
        return False
    return not is_signed(request) and "Action" not in request.arguments


def _guessed_protocol(request: RawRequest) -> str:
    """In which form to answer a request that could not be routed."""
    if request.headers.get("smithy-protocol") or request.media_type == "application/cbor":
        return "cbor"
    if "x-amz-target" in request.headers or request.media_type.startswith("application/x-amz-json"):
        return "json"
    if request.media_type == "application/x-www-form-urlencoded" or "Action" in request.arguments:
        return "query"
    return "rest-json"


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if it is too large (the rest is read too, so that the client sees the answer)."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY:
            chunks.append(chunk)
        if not message.get("more_body"):
            break
    return b"".join(chunks) if size <= MAX_BODY else None


_HEADER_NAMES = {"x-amzn-requestid": b"x-amzn-RequestId", "x-amzn-errortype": b"x-amzn-ErrorType"}
"""Headers whose capital letters clients look at."""


async def _send(send: Send, request: RawRequest, response: RawResponse) -> None:
    headers = [*_raw_headers(response.headers), (b"content-length", str(len(response.body)).encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


async def _stream(scope: Scope, receive: Receive, send: Send, response: StreamedResponse) -> None:
    """Send until the stream ends, the client leaves or the server stops; a client that reads slowly is waited for."""
    streaming = StreamingResponse(response.chunks, response.status)
    streaming.raw_headers = _raw_headers(response.headers)
    try:
        await streaming(scope, receive, send)
    except asyncio.CancelledError:
        last = event_stream.error_message("ServiceUnavailable", "The server is stopping.")
        await send({"type": "http.response.body", "body": last})
    finally:
        await response.chunks.aclose()
        await response.events.aclose()


def _raw_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (_HEADER_NAMES.get(name) or name.encode(), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]
