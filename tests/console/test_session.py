"""Who is let into the console, by what, and how often they may guess."""

import asyncio
import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from epochwatch.client.credentials import console_token
from epochwatch.console.requests import Door
from epochwatch.console.session import GUESS_SECONDS, MOST_ADDRESSES, MOST_GUESSES, Access, ConsoleKey, Guesses
from epochwatch.console.sign_in import SignIn, token_in
from epochwatch.model.tenant import Tenant

OWNER = Tenant("111122223333", "eu-west-1")
KEYS = [ConsoleKey("AKIA1", "secret", OWNER), ConsoleKey("AKIA2", "other", Tenant())]
ACCESS = Access(keys=lambda: KEYS, host_names=frozenset({"watch.example"}))


def test_the_token_of_a_key_opens_its_tenant() -> None:
    assert ACCESS.tenant_of(console_token("secret")) == OWNER
    assert ACCESS.tenant_of(console_token("other")) == Tenant()


@pytest.mark.parametrize("token", ["", "secret", console_token("unknown"), "ü" * 64, "\udc80"])
def test_another_token_opens_nothing(token: str) -> None:
    assert ACCESS.tenant_of(token) is None


@pytest.mark.parametrize(
    ("access_key_id", "secret", "found"),
    [("AKIA1", "secret", True), ("AKIA2", "secret", False), ("AKIA1", "other", False), ("AKIA1", "", False),
     ("", "secret", False), ("AKIA1", "\udc80", False)],
)  # fmt: skip
def test_a_key_is_its_id_with_its_own_secret(access_key_id: str, secret: str, found: bool) -> None:
    assert ACCESS.key_with(access_key_id, secret) == (KEYS[0] if found else None)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:4600", "LOCALHOST:1", "127.0.0.1:4600", "10.1.2.3", "[::1]:4600", "[::1]", "::1",
     "watch.example:80", "a.localhost:4600"],
)  # fmt: skip
def test_names_of_this_server_are_answered(host: str) -> None:
    assert ACCESS.answers(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4600", "127.0.0.1.evil.example", "localhost.evil.example", "", ":4600"]
)
def test_names_that_a_foreign_page_can_point_here_are_not(host: str) -> None:
    assert not ACCESS.answers(host)


@pytest.mark.parametrize(
    ("given", "token"),
    [
        (" abc\n", "abc"),
        ("http://127.0.0.1:4600/_/login?token=abc&next=/_/", "abc"),
        ("http://127.0.0.1:4600/_/login?next=/_/&token=abc", "abc"),
    ],
)
def test_a_token_is_also_found_in_its_link(given: str, token: str) -> None:
    assert token_in(given) == token


def test_an_address_that_guesses_waits() -> None:
    guesses = Guesses()
    for at in range(MOST_GUESSES):
        assert guesses.wait("a", at) == 0
        guesses.note("a", at)
    assert guesses.wait("a", MOST_GUESSES) == GUESS_SECONDS - MOST_GUESSES
    assert guesses.wait("b", MOST_GUESSES) == 0
    assert guesses.wait("a", GUESS_SECONDS) == 0  # the first one is forgotten
    guesses.note("a", GUESS_SECONDS)
    assert guesses.wait("a", GUESS_SECONDS) == 1


def test_only_so_many_addresses_are_remembered() -> None:
    guesses = Guesses()
    for _ in range(MOST_GUESSES):
        guesses.note("first", 0)
    for number in range(MOST_ADDRESSES):
        guesses.note(str(number), 0)
    assert guesses.wait("first", 1) == 0


@dataclass
class Answer:
    status_code: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Browser:
    """A browser's requests to the sign-in alone, with the cookies it was given."""

    sign_in: SignIn
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> Answer:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        headers = {
            "host": "localhost",
            "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            **headers,
        }
        scope = {
            "type": "http", "method": method, "path": path, "query_string": query.encode(), "scheme": "http",
            "client": ("192.0.2.7", 1), "server": ("localhost", 80),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        [session] = self.sign_in.routes()
        serve = self.sign_in.link if path == "/login" else session.endpoint
        answer: Response = asyncio.run(serve(Request(scope, receive)))
        for line in answer.headers.getlist("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel.value:
                    self.cookies[name] = morsel.value
        return Answer(answer.status_code, answer.headers, bytes(answer.body))

    def get(self) -> Any:
        return self.request("GET", "/session").json()

    def post(self, given: Any) -> Answer:
        return self.request("POST", "/session", json.dumps(given).encode(), content_type="application/json")

    def open_link(self, **query: str) -> Answer:
        return self.request("GET", "/login", query=urlencode(query))


@pytest.fixture
def browser() -> Browser:
    """Not signed in."""
    return Browser(SignIn(ACCESS, Door(ACCESS)))


@pytest.mark.parametrize(
    "given", [{"token": console_token("secret")}, {"access_key_id": "AKIA1", "secret_access_key": " secret\n"}]
)
def test_signing_in_makes_a_session(browser: Browser, given: dict[str, str]) -> None:
    assert browser.get() == {
        "signed_in": False, "open": False, "account": None, "region": None, "access_key_id": None, "accounts": [],
    }  # fmt: skip
    answer = browser.post(given)
    assert answer.status_code == 200
    for cookie in answer.headers.getlist("set-cookie"):
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert "Path=/_/" in cookie
    told = browser.get()
    assert told == answer.json()
    assert (told["signed_in"], told["account"], told["region"]) == (True, "111122223333", "eu-west-1")
    assert told["access_key_id"] == "AKIA1"
    assert "secret" not in json.dumps(told).replace("AKIA1", "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": "wrong"}, "This token"),
        ({"access_key_id": "AKIA2", "secret_access_key": "secret"}, "No key of this server"),
        ({"access_key_id": "AKIA2"}, "missing"),
        ({}, "missing"),
    ],
)
def test_what_opens_nothing_is_told_apart(browser: Browser, given: dict[str, str], words: str) -> None:
    answer = browser.post(given)
    assert answer.status_code == 403
    assert words in answer.json()["message"]
    assert "epochwatch status" in answer.json()["hint"]
    assert "set-cookie" not in answer.headers


def test_a_browser_changes_between_the_accounts_it_has_keys_for(browser: Browser) -> None:
    browser.post({"token": console_token("secret")})
    answer = browser.post({"token": console_token("other")})
    assert [one["access_key_id"] for one in answer.json()["accounts"]] == ["AKIA1", "AKIA2"]  # by account
    answer = browser.post({"access_key_id": "AKIA1"})
    assert (answer.status_code, answer.json()["account"]) == (200, "111122223333")
    assert browser.get()["access_key_id"] == "AKIA1"


def test_a_link_signs_in_and_asks_for_nothing_more(browser: Browser) -> None:
    answer = browser.open_link(token=console_token("other"), next="/_/alarms")
    assert (answer.status_code, answer.headers["location"]) == (303, "/_/alarms")
    assert browser.get()["access_key_id"] == "AKIA2"


def test_signing_out_forgets_every_key(browser: Browser) -> None:
    browser.post({"token": console_token("secret")})
    assert browser.request("DELETE", "/session").json()["signed_in"] is False
    assert browser.cookies == {}
    assert browser.post({"access_key_id": "AKIA1"}).status_code == 403


def test_guesses_are_slowed_down_by_link_and_by_form_together(browser: Browser) -> None:
    for number in range(MOST_GUESSES):
        wrong = browser.open_link(token="x") if number % 2 else browser.post({"token": "x"})
        assert wrong.status_code == 403
    right = {"token": console_token("secret")}
    answer = browser.post(right)
    assert (answer.status_code, answer.json()["code"]) == (429, "TooManyGuesses")
    assert "Try again in" in answer.json()["hint"]
    assert browser.open_link(**right).status_code == 429


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"token":', {}, 400),
        (b'{"token": 7}', {}, 400),
        (b"[]", {}, 400),
        (b"token=x", {"content_type": "application/x-www-form-urlencoded"}, 400),
        (b"{}", {"sec_fetch_site": "cross-site"}, 403),
        (b"{}", {"host": "evil.example"}, 421),
        (b'"' + b"x" * 70_000 + b'"', {}, 413),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(
    browser: Browser, content: bytes, headers: dict[str, str], status: int
) -> None:
    headers = {"content_type": "application/json"} | headers
    assert browser.request("POST", "/session", content, **headers).status_code == status


def test_where_everybody_is_let_in_nobody_signs_in() -> None:
    access = Access(keys=lambda: [], open_to=OWNER)
    told = Browser(SignIn(access, Door(access))).get()
    assert (told["signed_in"], told["open"], told["account"]) == (True, True, "111122223333")
