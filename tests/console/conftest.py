"""A console server with stored runs, and a real Chromium."""

import copy
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from epochwatch.client.credentials import console_token

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Console:
    """The server process and how to talk to it."""

    def __init__(self, home: Path) -> None:
        self._log = home / "server.log"
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "console_server.py"), str(home)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.port = self._line()["port"]
        except BaseException:
            self.stop()
            raise
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = console_token("the-owner-of-the-runs")
        self.stranger = console_token("somebody-else")
        self.tuner = console_token("the-tuner")

    def of(self, token: str) -> "Console":
        """The same server, as whom the token belongs to."""
        mine = copy.copy(self)
        mine.token = token
        return mine

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server ended:\n{self._log.read_text()}"
        return dict(json.loads(line))

    def tell(self, **command: Any) -> None:
        """Have the live job print or report something; durable and announced on return."""
        assert self.process.stdin is not None
        print(json.dumps(command), file=self.process.stdin, flush=True)
        self._line()

    def request(self, path: str, body: bytes | None = None, *, method: str | None = None, **headers: str) -> Any:
        """An open answer of any status; with a body of a POST, if no other method is given."""
        headers = {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): v for name, v in headers.items()
        }
        given = {k: v for k, v in headers.items() if v}
        request = urllib.request.Request(self.url + path, body, headers=given, method=method)
        try:
            return urllib.request.build_opener(_Stay).open(request, timeout=30)
        except urllib.error.HTTPError as error:
            return error

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        with self.request(path, **headers) as answer:
            return answer.status, answer.read()

    def call(self, operation: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """What an AWS operation (``service/Operation``) answers to the console: its status and its JSON."""
        headers = {"content_type": "application/json"} | headers
        with self.request(f"/_/api/operations/{operation}", body, **headers) as answer:
            return answer.status, json.loads(answer.read())

    def perform(self, operation: str, **given: Any) -> Any:
        """What an AWS operation (``service/Operation``) answers; it must succeed."""
        status, answer = self.call(operation, json.dumps(given).encode())
        assert status == 200, answer
        return answer

    def json(self, path: str) -> Any:
        status, body = self.get("/_/api" + path)
        assert status == 200, body
        return json.loads(body)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers, too."""

    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    server = Console(tmp_path_factory.mktemp("console"))
    yield server
    server.stop()


# Not for the session: while it runs, Playwright has an event loop in this thread, and asyncio.run() of any other test
# refuses to work beside it.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # on a machine that is busy with other tests
    assert CHROMIUM.exists(), "the console is tested in a real browser: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any) -> Iterator[Callable[..., Any]]:
    """
    Opens a page of a server (what has a ``url`` and a ``token``) in a browser of its own: signed in, or blank without
    a path. Afterwards: no script error, nothing that the content security policy refused, nothing asked of others;
    ``problems`` takes those of a page that is to have some.
    """
    failures: list[str] = []
    contexts: list[Any] = []

    def opened(
        server: Any,
        path: str | None = "/_/",
        *,
        theme: str = "light",
        width: int = 1280,
        problems: list[str] = failures,
        **more: Any,
    ) -> Any:
        looks = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
        context = chromium.new_context(**looks, base_url=server.url, **more)
        contexts.append(context)
        context.set_default_timeout(60_000)  # as above

        def asked(request: Any) -> None:
            if urlsplit(request.url).netloc not in ("", urlsplit(server.url).netloc):
                problems.append(f"asked for {request.url}")

        def said(message: Any) -> None:
            if "Content Security Policy" in message.text:
                problems.append(message.text)

        context.on("weberror", lambda fault: problems.append(str(fault.error)))
        context.on("console", said)
        context.on("request", asked)
        page = context.new_page()
        if path is not None:
            context.request.get(f"/_/login?token={server.token}", max_redirects=0)
            page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert failures == []
