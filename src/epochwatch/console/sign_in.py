"""Signing in to the console and out of it: by a link, by its token, or by an access key."""

import re
import time
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from epochwatch.console.pages import PAGES, page
from epochwatch.console.requests import Door, Refusal, json_body, json_response
from epochwatch.console.session import COOKIE, SESSION_SECONDS, Access, ConsoleKey, Guesses

ACCOUNTS_COOKIE: Final = "epochwatch_accounts"
"""Tokens of all keys this browser has signed in with, the newest first, with dots between them."""
MOST_ACCOUNTS: Final = 10
_PATH: Final = "/_/"
_NAME = "[A-Za-z0-9%._~-]+"
_PAGE = re.compile(f"/_/({'|'.join(re.sub(r'{.*}', _NAME, address) for address in PAGES)})")
"""Where a login may lead: only to our own pages."""
_HELP: Final = "`epochwatch status`, on the machine of the server, prints a link that signs you in."


class Given(msgspec.Struct):
    """What somebody signs in with: the token, a key, or the id of a key this browser has signed in with before."""

    token: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""


class SignIn:
    """Who is signed in, how one becomes it, and how one stops being it. Guessing is slowed down by address."""

    def __init__(self, access: Access, door: Door) -> None:
        self._access = access
        self._door = door
        self._guesses = Guesses()

    def routes(self) -> list[Route]:
        """Routes relative to ``/_/api``."""
        return [Route("/session", self._session, methods=["GET", "POST", "DELETE"])]

    async def link(self, request: Request) -> Response:
        """``/login``: takes the token of the link and goes on to the page it names. What does not open the console
        gets the page that asks for a key.
        """
        try:
            self._door.check(request)
            token = request.query_params.get("token", "")
            if not token:
                return await page(request)
            key = await self._tried(request, Given(token))
        except Refusal as refusal:
            return told(refusal) if refusal.status == 421 else await page(request, refusal.status)
        wanted = request.query_params.get("next", "")
        response = RedirectResponse(wanted if _PAGE.fullmatch(wanted) else _PATH, 303)
        _remember(request, response, key, await self._known(request))
        return response

    async def _session(self, request: Request) -> Response:
        try:
            self._door.check(request)
            if request.method == "POST":
                return await self._sign_in(request)
            known = await self._known(request)
            if request.method == "DELETE":
                response = json_response(self._told(None, []))
                for name in (COOKIE, ACCOUNTS_COOKIE):
                    response.delete_cookie(name, path=_PATH, httponly=True, samesite="strict")
                return response
            current = await run_in_threadpool(self._access.key_of, request.cookies.get(COOKIE, ""))
            return json_response(self._told(current, known))
        except Refusal as refusal:
            return refusal.response()

    async def _sign_in(self, request: Request) -> Response:
        given = await json_body(request, Given)
        known = await self._known(request)
        before = next((key for key in known if key.access_key_id == given.access_key_id), None)
        if before is not None and not (given.token or given.secret_access_key):
            key = before
        else:
            key = await self._tried(request, given)
        response = json_response(self._told(key, known))
        _remember(request, response, key, known)
        return response

    async def _tried(self, request: Request, given: Given) -> ConsoleKey:
        """The key that opens the console. Raises Refusal; what is wrong counts as a guess."""
        address = request.client.host if request.client else ""
        seconds = self._guesses.wait(address, time.monotonic())
        if seconds > 0:
            raise Refusal(
                429,
                "Too many wrong tokens or keys came from your address.",
                f"Try again in {seconds:.0f} seconds.",
            )
        if given.token:
            key = await run_in_threadpool(self._access.key_of, token_in(given.token))
        else:
            key = await run_in_threadpool(
                self._access.key_with, given.access_key_id.strip(), given.secret_access_key.strip()
            )
        if key is None:
            self._guesses.note(address, time.monotonic())
            raise Refusal(403, _wrong(given), _HELP)
        return key

    async def _known(self, request: Request) -> list[ConsoleKey]:
        """The keys this browser has signed in with that still open the console."""
        tokens = request.cookies.get(ACCOUNTS_COOKIE, "").split(".")[:MOST_ACCOUNTS]
        found = await run_in_threadpool(lambda: [self._access.key_of(token) for token in tokens])
        return [key for key in found if key is not None]

    def _told(self, current: ConsoleKey | None, known: list[ConsoleKey]) -> dict[str, Any]:
        tenant = current.tenant if current is not None else self._access.open_to
        others = {key.access_key_id: key for key in (*known, *([current] if current else []))}
        return {
            "signed_in": tenant is not None,
            "open": self._access.open_to is not None,
            "account": tenant.account if tenant else None,
            "region": tenant.region if tenant else None,
            "access_key_id": current.access_key_id if current else None,
            "accounts": [
                {"access_key_id": key.access_key_id, "account": key.tenant.account, "region": key.tenant.region}
                for key in sorted(others.values(), key=lambda one: (one.tenant.account, one.access_key_id))
            ],
        }


def token_in(given: str) -> str:
    """The token somebody pasted, also where they pasted the whole link."""
    found = re.search(r"[?&]token=([^&\s]+)", given)
    return found.group(1) if found else given.strip()


def told(refusal: Refusal) -> Response:
    """A page for somebody whose browser may not even have ours; its words are our own, never the request's."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>epochwatch</title>'
        '<link rel="stylesheet" href="/_/assets/app.css">'
        f'<body><main><div class="empty"><h2>{refusal.message}</h2><p>{refusal.hint}</p></div></main></body></html>',
        refusal.status,
    )


def _wrong(given: Given) -> str:
    if given.token:
        return "This token does not open the console."
    if not (given.access_key_id and given.secret_access_key):
        return "A token, or an access key id with its secret access key, is missing."
    return "No key of this server has this access key id and this secret access key."


def _remember(request: Request, response: Response, key: ConsoleKey, known: list[ConsoleKey]) -> None:
    tokens = list(dict.fromkeys([key.token, *(one.token for one in known)]))[:MOST_ACCOUNTS]
    for name, value in ((COOKIE, key.token), (ACCOUNTS_COOKIE, ".".join(tokens))):
        response.set_cookie(
            name,
            value,
            max_age=SESSION_SECONDS,
            path=_PATH,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
