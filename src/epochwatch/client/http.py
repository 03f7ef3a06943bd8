"""The client side of the server's own HTTP paths: signed, kept alive, with typed failures.

One `Client` serves one thread. Only the standard library is used: this runs beside the training.
"""

import contextlib
import gzip
import html
import http.client
import json
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from epochwatch.client.credentials import load_or_create
from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.signature import sign_request
from epochwatch.settings import Settings

SERVICE = "epochwatch"
"""The service name in the signature's scope."""
GZIP_FROM = 8 * 1024
"""Bodies from this many bytes on travel compressed."""

_XML_MESSAGE = re.compile(rb"<Message>([^<]+)</Message>")

Parameters = Mapping[str, str | int | float | Sequence[str] | None]
Answer = TypeVar("Answer")


class ServerAbsent(EpochwatchError):
    """Nobody answers at the server's address, or not in time."""


class Refused(EpochwatchError):
    """The server answered, and said no. ``status`` is the HTTP status, ``code`` the error's name."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code

    @property
    def final(self) -> bool:
        """True when the same request can never succeed."""
        return 400 <= self.status < 500 and self.status not in (408, 429)


@contextlib.contextmanager
def refusals_as_usage_errors() -> Iterator[None]:
    """What the server refuses for what was asked is told as a UsageError; not so what it refuses for who asks."""
    try:
        yield
    except Refused as refusal:
        if not refusal.final or refusal.status in (401, 403):
            raise
        raise UsageError(refusal.message, refusal.hint) from refusal


class Client:
    """Requests to one server with one key."""

    def __init__(self, settings: Settings, *, timeout: float = 30.0) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._settings = settings
        self._timeout = timeout
        self._parts = urlsplit(settings.endpoint)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise UsageError(
                f"url must look like http://host:port, not {settings.endpoint!r}", "set it with EPOCHWATCH_URL"
            )

    def get_json(self, path: str, parameters: Parameters | None = None) -> Any:
        """The JSON a GET of ``path`` answers."""
        return json.loads(self.get_bytes(path, parameters))

    def get_bytes(self, path: str, parameters: Parameters | None = None) -> bytes:
        """The body a GET of ``path`` answers."""
        return self._exchange("GET", path, parameters, b"", {})

    def post_msgpack(self, path: str, record: msgspec.Struct, answer: type[Answer]) -> Answer:
        """Send ``record`` as msgpack; the answer decoded as ``answer``."""
        body = msgspec.msgpack.encode(record)
        headers = {"content-type": "application/msgpack"}
        if len(body) >= GZIP_FROM:
            body = gzip.compress(body, compresslevel=1)
            headers["content-encoding"] = "gzip"
        return msgspec.msgpack.decode(self._exchange("POST", path, None, body, headers), type=answer)

    def post_form(self, path: str, parameters: Parameters, service: str = SERVICE) -> bytes:
        """Send ``parameters`` as a form, which may be longer than an address; the body of the answer. ``service`` is
        what the signature is scoped to: an AWS API may be asked by its query protocol.
        """
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self._exchange("POST", path, None, _encoded(parameters).encode(), headers, service)

    def call(self, service: str, target: str, request: Mapping[str, Any]) -> Any:
        """What an operation of an AWS API answers, by its JSON protocol. ``service`` is what signatures are scoped to,
        ``target`` names the operation: ``GraniteServiceVersion20100801.DescribeAlarms``.
        """
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
        answer = self._exchange("POST", "/", None, json.dumps(request).encode(), headers, service)
        return json.loads(answer or b"{}")

    def post(self, path: str) -> bytes:
        """POST without a body."""
        return self._exchange("POST", path, None, b"", {})

    def stream_lines(self, path: str, parameters: Parameters | None = None) -> Iterator[str]:
        """The lines of an endless answer (server-sent events) on a connection of its own."""
        connection = self._connect(None)
        with contextlib.closing(connection):
            try:
                response = self._send(connection, "GET", path, parameters, b"", {"accept": "text/event-stream"})
                if response.status != 200:
                    raise self._refusal(response.status, response.read())
                for line in response:
                    yield line.decode("utf-8", "replace").rstrip("\r\n")
            except (OSError, http.client.HTTPException) as error:
                raise self._absent(error) from error

    def close(self) -> None:
        """Drop the kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        self.close()

    def _exchange(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        body: bytes,
        headers: dict[str, str],
        service: str = SERVICE,
    ) -> bytes:
        """One request. A kept connection the server has meanwhile closed is opened again, once; every request
        of ours may be repeated.
        """
        kept = self._connection is not None
        try:
            return self._attempt(method, path, parameters, body, headers, service)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if not kept:
                raise self._absent(error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._absent(error) from error
        try:
            return self._attempt(method, path, parameters, body, headers, service)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._absent(error) from error

    def _attempt(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        body: bytes,
        headers: dict[str, str],
        service: str,
    ) -> bytes:
        if self._connection is None:
            self._connection = self._connect(self._timeout)
        response = self._send(self._connection, method, path, parameters, body, headers, service)
        answer = response.read()
        if response.status >= 300:
            raise self._refusal(response.status, answer)
        return answer

    def _connect(self, timeout: float | None) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        parameters: Parameters | None,
        body: bytes,
        headers: dict[str, str],
        service: str = SERVICE,
    ) -> http.client.HTTPResponse:
        target = self._parts.path + path
        if encoded := _encoded(parameters or {}):
            target += f"?{encoded}"
        credentials = load_or_create(self._settings)
        signed = sign_request(
            method,
            f"{self._parts.scheme}://{self._parts.netloc}{target}",
            headers,
            body,
            credentials.access_key_id,
            credentials.secret_access_key,
            self._settings.region,
            service,
        )
        connection.request(method, target, body or None, signed)
        return connection.getresponse()

    def _absent(self, error: Exception) -> ServerAbsent:
        return ServerAbsent(
            f"no epochwatch server answers at {self._settings.endpoint} ({error or type(error).__name__})",
            "start one with `epochwatch serve --daemon`, or set EPOCHWATCH_URL",
        )

    def _refusal(self, status: int, body: bytes) -> Refused:
        try:
            answer = json.loads(body)
            message, code = str(answer["message"]), str(answer.get("code", f"HTTP{status}"))
            hint = answer.get("hint") or None
        except (ValueError, TypeError, KeyError, AttributeError):
            code, hint = f"HTTP{status}", None
            said = _XML_MESSAGE.search(body)  # of an AWS API's query protocol
            message = f"the server at {self._settings.endpoint} answered {status}"
            if said is not None:
                message = html.unescape(said[1].decode("utf-8", "replace"))
        if status in (401, 403):
            hint = "is this the server's key? `epochwatch config` shows which is used and where it comes from"
        return Refused(status, code, message, hint)


def _encoded(parameters: Parameters) -> str:
    """As in an address; those that are None are left out."""
    present = {name: value for name, value in parameters.items() if value is not None}
    return urlencode(present, doseq=True, quote_via=quote)
