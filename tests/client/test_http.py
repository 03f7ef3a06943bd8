"""The signed client against a plain HTTP server that keeps what it was sent."""

import calendar
import gzip
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from epochwatch.client.credentials import load_or_create
from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.batch import Committed, Progress
from epochwatch.model.signature import sign_request
from epochwatch.settings import Settings, load


class Recorder(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections: set[Any] = set()
        self.answers: list[tuple[int, bytes]] = []
        self.hang_up = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.command, self.path, headers, body))
        self.server.connections.add(self.client_address)
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        if self.server.hang_up:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever, args=(0.01,))
        thread.start()
        yield recorder
        recorder.shutdown()
        thread.join()


@pytest.fixture
def settings(server: Recorder, tmp_path: Path) -> Settings:
    return load({"home": tmp_path, "url": f"http://127.0.0.1:{server.server_port}"}, {})


def test_each_request_is_signed_over_what_is_sent(server: Recorder, settings: Settings) -> None:
    server.answers = [(200, b'{"a": 1}')]
    client = Client(settings)
    answer = client.get_json("/_/api/jobs/a%20b", {"metric": ["x y", "é/ü"], "search": "a+b&c", "none": None})
    client.close()
    assert answer == {"a": 1}
    ((_, target, headers, _),) = server.requests
    assert target == "/_/api/jobs/a%20b?metric=x%20y&metric=%C3%A9%2F%C3%BC&search=a%2Bb%26c"
    keys = load_or_create(settings)
    moment = calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    again = sign_request(
        "GET", settings.endpoint + target, {}, b"", keys.access_key_id, keys.secret_access_key, "us-east-1",
        "epochwatch", moment,
    )  # fmt: skip
    assert headers["authorization"] == again["authorization"]


def test_large_records_travel_compressed(server: Recorder, settings: Settings) -> None:
    record = Progress("r" * 32, "InProgress", 1.5, failure_reason="x" * 20_000)
    server.answers = [(200, msgspec.msgpack.encode(Committed({"a": 7})))]
    client = Client(settings)
    assert client.post_msgpack("/_/agent/progress", record, Committed) == Committed({"a": 7})
    client.close()
    ((_, _, headers, body),) = server.requests
    assert headers["content-encoding"] == "gzip"
    assert len(body) < 2_000
    assert msgspec.msgpack.decode(gzip.decompress(body), type=Progress) == record


def test_a_connection_is_kept_and_opened_again_when_the_server_has_closed_it(
    server: Recorder, settings: Settings
) -> None:
    server.answers = [(200, b"1")] * 5
    client = Client(settings)
    assert [client.get_json("/a") for _ in range(3)] == [1, 1, 1]
    assert len(server.connections) == 1
    server.hang_up = True
    assert [client.get_json("/a") for _ in range(2)] == [1, 1]
    assert len(server.connections) == 2
    client.close()


@pytest.mark.parametrize(
    ("status", "body", "code", "message", "final"),
    [
        (404, {"code": "UnknownRun", "message": "no such run"}, "UnknownRun", "no such run", True),
        (400, {"message": "x is wrong", "hint": "do y"}, "HTTP400", "x is wrong", True),
        (502, {"error": "a proxy's"}, "HTTP502", None, False),
        (503, {"code": "TryAgain", "message": "later"}, "TryAgain", "later", False),
        (429, {"code": "Slow", "message": "down"}, "Slow", "down", False),
    ],
)
def test_refusals_are_typed(
    server: Recorder,
    settings: Settings,
    status: int,
    body: dict[str, str],
    code: str,
    message: str | None,
    final: bool,
) -> None:
    server.answers = [(status, json.dumps(body).encode())]
    client = Client(settings)
    with pytest.raises(Refused) as caught:
        client.get_json("/a")
    client.close()
    assert (caught.value.status, caught.value.final) == (status, final)
    assert caught.value.code == code
    assert caught.value.message == (message or f"the server at {settings.endpoint} answered {status}")
    assert caught.value.hint == body.get("hint")


def test_nobody_there_and_silence_are_an_absent_server(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = Client(load({"home": tmp_path, "url": url}, {}), timeout=0.2)
        with pytest.raises(ServerAbsent, match="no epochwatch server answers"):
            client.get_json("/a")
        client.close()
    with pytest.raises(ServerAbsent) as caught:
        client.get_json("/a")
    assert caught.value.hint is not None
    assert "epochwatch serve" in caught.value.hint


def test_a_url_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    for url in ("localhost:4600", "ftp://x", "http://"):
        with pytest.raises(UsageError):
            Client(load({"home": tmp_path, "url": url}, {}))


def test_the_key_pair_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load({"home": tmp_path / "new"}, {})
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(load_or_create(settings))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert len(made) == 16
    assert settings.credentials_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["credentials.json"]


def test_unusable_credentials_are_said(tmp_path: Path) -> None:
    settings = load({"home": tmp_path}, {})
    for text in ("{", "[]", '{"access_key_id": "a"}', '"text"'):
        settings.credentials_file.write_text(text)
        with pytest.raises(EpochwatchError, match="not a credentials file"):
            load_or_create(settings)
    with pytest.raises(EpochwatchError, match="both or neither"):
        load_or_create(load({"home": tmp_path, "access_key_id": "a"}, {}))
