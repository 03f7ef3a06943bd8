"""Posts to subscribers: to allowed addresses only, no redirect followed, bounded in time and in what is read."""

import base64
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from epochwatch.delivery.errors import FailedError, RefusedError
from epochwatch.model.sns.destinations import Destinations

SECONDS: Final = 15.0
"""From the connection to the last byte of the answer."""
MOST_READ: Final = 64 * 1024
"""Bytes of an answer's body; the rest is not looked at."""
TOO_MANY: Final = 429
_PORTS: Final = {"http": 80, "https": 443}


def post(url: str, headers: Mapping[str, str], body: bytes, destinations: Destinations) -> None:
    """Post a body. Raises RefusedError where the answer is final, FailedError where it may be another later."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    try:
        raw = _connected(host, parts.port or _PORTS[parts.scheme], destinations)
        with _guarded(raw), contextlib.closing(_connection(parts.scheme, host, parts.port, raw)) as connection:
            connection.request("POST", path, body, {**headers, **_authorization(parts)})
            answer = connection.getresponse()
            answer.read(MOST_READ)
    except (OSError, http.client.HTTPException) as error:
        raise FailedError(f"{host}: {type(error).__name__}: {error}"[:300]) from error
    _judge(answer.status)


def _authorization(parts: SplitResult) -> dict[str, str]:
    """By the name and the password that the URL has."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == TOO_MANY or status >= 500:
        raise FailedError(f"it answered {status}")
    raise RefusedError(f"it answered {status}")


def _connection(scheme: str, host: str, port: int | None, raw: socket.socket) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(host, port or _PORTS[scheme], timeout=SECONDS)
    connection.default_port = _PORTS[scheme]
    connection.sock = raw
    if scheme == "https":
        try:
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        except BaseException:
            raw.close()
            raise
    return connection


@contextlib.contextmanager
def _guarded(raw: socket.socket) -> Iterator[None]:
    """Ends the connection after a time: a peer that sends a byte now and then outlasts any limit on one read."""
    with raw.dup() as same:

        def end() -> None:
            with contextlib.suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        guard = threading.Timer(SECONDS, end)
        guard.start()
        try:
            yield
        finally:
            guard.cancel()
            guard.join()


def _connected(host: str, port: int, destinations: Destinations) -> socket.socket:
    """A connection to the first of the host's addresses that is allowed and answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [one for one in found if destinations.allow(str(one[4][0]))]
    if not allowed:
        raise RefusedError(f"{host}: notification_destinations does not allow its address")
    for family, kind, protocol, _, address in allowed:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(SECONDS)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            last = error
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise last
