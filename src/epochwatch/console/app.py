"""The console's part of the server: routes under ``/_/`` (API, event stream, login, pages) as one list or one app."""

import re

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from epochwatch.console.api import Api
from epochwatch.console.operations import OperationCalls
from epochwatch.console.pages import PAGES, Files, Secured, icon, page
from epochwatch.console.requests import Door, Refusal
from epochwatch.console.session import COOKIE, SESSION_SECONDS, Access
from epochwatch.gateway.operations import Operations
from epochwatch.store.stores import Stores

_NAME = "[A-Za-z0-9%._~-]+"
_PAGE = re.compile(f"/_/({'|'.join(re.sub(r'{.*}', _NAME, address) for address in PAGES)})")
"""Where a login may lead: only to our own pages."""


def console_routes(stores: Stores, access: Access, operations: Operations) -> list[BaseRoute]:
    """Routes relative to ``/_``; ``access`` says who may see what, who may see it may call the ``operations``.

    Each answer carries the security headers of ``pages``. Blocking work runs in threads.
    """
    door = Door(access)

    async def login(request: Request) -> Response:
        token = request.query_params.get("token", "")
        if not access.answers(request.headers.get("host", "")):
            return _told("This server is not known by that name.", "Open it by its address, or as localhost.", 421)
        if await run_in_threadpool(access.tenant_of, token) is None:
            return _told(
                "This link does not open the console.",
                "Get a fresh one on the machine that runs the server: <code>epochwatch status</code>.",
                403,
            )
        wanted = request.query_params.get("next", "")
        response = RedirectResponse(wanted if _PAGE.fullmatch(wanted) else "/_/", 303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=SESSION_SECONDS,
            path="/_/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def shown(request: Request) -> Response:
        try:
            await door.tenant(request)
        except Refusal as refusal:
            return _told(refusal.message, refusal.hint, refusal.status)
        return await page(request)

    routes: list[BaseRoute] = [
        Route(
            "/api/operations/{service}/{operation}", OperationCalls(operations, door).endpoint, methods=["POST"]
        ),
        Mount("/api", routes=Api(stores, door).routes()),
        Route("/login", login),
        Mount("/assets", Files()),
        Route("/icon.svg", icon),
        *(Route(f"/{address}", shown) for address in PAGES),
    ]
    return [Mount("", app=Secured(Starlette(routes=routes)))]


def console_app(stores: Stores, access: Access, operations: Operations) -> Starlette:
    """The console alone, mounted at ``/_``."""
    return Starlette(routes=[Mount("/_", routes=console_routes(stores, access, operations))])


def _told(title: str, hint: str, status: int) -> Response:
    """A page for somebody who is not let in; ``title`` and ``hint`` are our own words, never the request's."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>epochwatch</title>'
        '<link rel="stylesheet" href="/_/assets/app.css">'
        f'<body><main><div class="empty"><h2>{title}</h2><p>{hint}</p></div></main></body></html>',
        status,
    )
