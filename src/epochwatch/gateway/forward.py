"""Requests handed on, as they are, to an HTTP server on this machine: heads and bodies streamed both ways.

Host and signed headers stay, so that a signature made for us is good there too. One thing is put right: a part of an
object is answered as S3 does.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import httptools
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

Address = tuple[str, int]

_READ: Final = 1 << 18
_OF_THE_CONNECTION: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that speak of one connection and are not handed on."""
_BODILESS: Final = (204, 304)


class Forward:
    """An ASGI application in front of the server at ``address`` of the request; None where it is not up."""

    def __init__(self, address: Callable[[Scope], Address | None]) -> None:
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        address = await run_in_threadpool(self._address, scope)
        try:
            if address is None:
                raise ConnectionRefusedError
            reader, writer = await asyncio.open_connection(*address)
        except OSError:
            await _unavailable(send)
            return
        sending = asyncio.create_task(_hand_on(scope, receive, writer))
        try:
            await _answer(reader, send, head_only=scope["method"] == "HEAD")
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await sending
            writer.close()


async def _hand_on(scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> None:
    """The request; afterwards waits for the client to leave, and then closes."""
    headers = [(name, value) for name, value in scope["headers"] if name not in (*_OF_THE_CONNECTION, b"expect")]
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    lines = [scope["method"].encode() + b" " + target + b" HTTP/1.1", b"connection: close"]
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    lines += [name + b": " + value for name, value in headers]
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    while (message := await receive())["type"] == "http.request":
        piece = message.get("body", b"")
        if piece:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        if chunked and not message.get("more_body"):
            writer.write(b"0\r\n\r\n")
    writer.close()


class _Answer:
    """What the parser has found in the answer so far."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.headed = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer."""
        if name.lower() not in _OF_THE_CONNECTION:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.headed = True

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without its framing."""
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.complete = True


async def _answer(reader: asyncio.StreamReader, send: Send, *, head_only: bool) -> None:
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    started = False
    while not answer.complete:
        data = await reader.read(_READ)
        if not data:
            break
        parser.feed_data(data)
        if answer.headed and not started:
            started = True
            status, headers = _as_of_s3(parser.get_status_code(), answer.headers)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            if head_only or status in _BODILESS:
                break
        if answer.pieces:
            body, answer.pieces = b"".join(answer.pieces), []
            await send({"type": "http.response.body", "body": body, "more_body": True})
    if not started:
        await _unavailable(send)
    elif answer.complete or head_only or parser.get_status_code() in _BODILESS or not _has_length(answer):
        await send({"type": "http.response.body", "body": b""})
    # else the answer broke off: leaving without an end breaks ours off too


def _as_of_s3(status: int, headers: list[tuple[bytes, bytes]]) -> tuple[int, list[tuple[bytes, bytes]]]:
    """rclone answers a range with 200 and the checksums of the whole object, which clients compare with the part."""
    if status != 200 or not any(name.lower() == b"content-range" for name, _ in headers):
        return status, headers
    return 206, [(name, value) for name, value in headers if not name.lower().startswith(b"x-amz-checksum-")]


def _has_length(answer: _Answer) -> bool:
    return any(name.lower() == b"content-length" for name, _ in answer.headers)


async def _unavailable(send: Send) -> None:
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<Error><Code>ServiceUnavailable</Code><Message>Service is unable to handle request.</Message></Error>"
    )
    headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
