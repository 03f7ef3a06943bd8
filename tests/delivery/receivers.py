"""Real receivers: an HTTP server and an SMTP server that keep what they are sent."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tests.servers import free_port

PATIENCE = 120.0


@dataclass
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Web:
    """An HTTP server. ``answers`` are the statuses of the next requests; then all get 200."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    confirms: bool = False
    """Visits the link of each confirmation, as the owner of an endpoint would."""

    def of_type(self, type: str) -> list[Received]:
        return [one for one in list(self.received) if one.headers.get("x-amz-sns-message-type") == type]


@contextmanager
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it was killed amid it
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Received(self.path, headers, body.decode())
            status = kept.answers.pop(0) if kept.answers else 200
            kept.received.append(one)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{kept.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            if kept.confirms and headers.get("x-amz-sns-message-type") == "SubscriptionConfirmation":
                threading.Thread(target=visit, args=(one.document["SubscribeURL"],)).start()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Web(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def until(condition: Callable[[], Any]) -> Any:
    """What the condition comes to when it holds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


def visit(url: str, data: bytes | None = None) -> str:
    """What is found there."""
    with urlopen(url, data, timeout=30) as answer:
        return str(answer.read().decode())


@dataclass
class Mailbox:
    """An SMTP server. ``answers`` are what it says to the next letters; then it takes all."""

    port: int
    letters: list[Message] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    def of(self, subject: str) -> list[Message]:
        return [one for one in list(self.letters) if one["Subject"] == subject]


def text_of(letter: Message) -> str:
    payload = letter.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    kept = Mailbox(free_port())

    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:
            answer = kept.answers.pop(0) if kept.answers else "250 taken"
            if answer.startswith("2"):
                assert isinstance(envelope.content, bytes)
                kept.letters.append(message_from_bytes(envelope.content))
            return answer

    def authenticate(
        _server: object, _session: object, _envelope: object, _mechanism: str, data: Any
    ) -> AuthResult:
        kept.logins.append((data.login, data.password))
        return AuthResult(success=True)

    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=kept.port,
        ready_timeout=60,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
