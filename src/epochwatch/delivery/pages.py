"""What subscribers visit: the certificate, and the links that confirm and end subscriptions."""

import html
import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from epochwatch.delivery.signing import Signer
from epochwatch.model.aws_error import AwsError
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import split_arn
from epochwatch.services.sns.subscriptions import confirm_subscription, unsubscribe_by_link
from epochwatch.store.stores import Stores

_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>epochwatch</title><body style='font:16px/1.5 system-ui;max-width:40em;margin:3em auto;padding:0 1em'>{}"
)
_STATUS: Final = {"AuthorizationErrorException": 403, "NotFoundException": 404}
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


def sns_routes(stores: Stores, signer: Signer) -> list[Route]:
    """To be mounted under ``/_/sns``. Whoever has a token, or a subscription's ARN, may act on that subscription, as
    with SNS. What is behind ``pages/`` is for people: it asks before it acts.
    """
    pages = _Pages(stores, signer)
    return [
        Route("/confirm", pages.acting(pages.confirm)),
        Route("/unsubscribe", pages.acting(pages.unsubscribe)),
        Route("/pages/confirm", pages.asking("Get notifications of this topic?"), methods=["GET"]),
        Route("/pages/confirm", pages.acting(pages.confirm), methods=["POST"]),
        Route("/pages/unsubscribe", pages.asking("Get no more notifications of this topic?"), methods=["GET"]),
        Route("/pages/unsubscribe", pages.acting(pages.unsubscribe), methods=["POST"]),
        Route("/{name}.pem", pages.certificate),
    ]


class _Pages:
    def __init__(self, stores: Stores, signer: Signer) -> None:
        self._stores = stores
        self._signer = signer

    async def certificate(self, request: Request) -> Response:
        name = await run_in_threadpool(lambda: self._signer.certificate_name)
        if request.path_params["name"] + ".pem" != name:
            return Response(status_code=404)
        return Response(self._signer.certificate, media_type="application/x-pem-file")

    def confirm(self, request: Request) -> str:
        arn = request.query_params.get("TopicArn", "")
        token = request.query_params.get("Token", "")
        confirm_subscription(self._call(arn, "TopicArn"), {"TopicArn": arn, "Token": token}, authenticated=False)
        return "The subscription is confirmed."

    def unsubscribe(self, request: Request) -> str:
        arn = request.query_params.get("SubscriptionArn", "")
        unsubscribe_by_link(self._call(arn, "SubscriptionArn"), arn)
        return "The subscription has ended."

    def acting(self, act: Callable[[Request], str]) -> Callable[[Request], "object"]:
        async def respond(request: Request) -> Response:
            if request.method == "HEAD":  # whoever only looks changes nothing
                return _page("")
            try:
                return _page(html.escape(await run_in_threadpool(act, request)))
            except AwsError as error:
                return _page(html.escape(str(error)), _STATUS.get(error.code, 400))

        return respond

    def asking(self, question: str) -> Callable[[Request], "object"]:
        async def respond(request: Request) -> Response:
            arn = request.query_params.get("TopicArn") or request.query_params.get("SubscriptionArn", "")
            form = "<form method=post><button style='font:inherit'>Yes</button></form>"
            return _page(f"<p>{html.escape(question)}<p><code>{html.escape(arn)}</code>{form}")

        return respond

    def _call(self, arn: str, parameter: str) -> Call:
        """A call of whoever the ARN belongs to."""
        _, _, _, region, account, _ = split_arn(arn, parameter)
        return Call(Tenant(account, region), self._stores, "link", time.time())


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(content), status, _HEADERS)
