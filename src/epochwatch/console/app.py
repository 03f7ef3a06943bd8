"""The console's part of the server: routes under ``/_/`` (API, event stream, login, pages) as one list or one app."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from epochwatch.console.api import Api
from epochwatch.console.operations import OperationCalls
from epochwatch.console.pages import PAGES, Files, Secured, icon, page
from epochwatch.console.requests import Door, Refusal
from epochwatch.console.session import Access
from epochwatch.console.sign_in import SignIn, told
from epochwatch.gateway.operations import Operations
from epochwatch.store.buckets import BucketStore
from epochwatch.store.stores import Stores


def console_routes(
    stores: Stores, access: Access, operations: Operations, buckets: BucketStore
) -> list[BaseRoute]:
    """Routes relative to ``/_``; ``access`` says who may see what, who may see it may call the ``operations`` and fetch
    what jobs left in ``buckets``.

    Each answer carries the security headers of ``pages``. Blocking work runs in threads.
    """
    door = Door(access)

    sign_in = SignIn(access, door)

    async def shown(request: Request) -> Response:
        try:
            await door.tenant(request)
        except Refusal as refusal:
            # Who is not signed in gets the page too, which asks for the key and then shows what was wanted.
            return await page(request, 401) if refusal.status == 401 else told(refusal)
        return await page(request)

    async def missing(request: Request) -> Response:
        # The page says that there is none, and leads on.
        return await page(request, 404)

    routes: list[BaseRoute] = [
        Route(
            "/api/operations/{service}/{operation}", OperationCalls(operations, door).endpoint, methods=["POST"]
        ),
        Mount("/api", routes=[*sign_in.routes(), *Api(stores, door, buckets).routes()]),
        Route("/login", sign_in.link),
        Mount("/assets", Files()),
        Route("/icon.svg", icon),
        *(Route(f"/{address}", shown) for address in PAGES),
        Route("/{path:path}", missing),
    ]
    return [Mount("", app=Secured(Starlette(routes=routes)))]


def console_app(stores: Stores, access: Access, operations: Operations, buckets: BucketStore) -> Starlette:
    """The console alone, mounted at ``/_``."""
    return Starlette(routes=[Mount("/_", routes=console_routes(stores, access, operations, buckets))])
