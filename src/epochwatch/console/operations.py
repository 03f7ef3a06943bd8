"""AWS operations for the console itself: what it changes, it changes by them."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from epochwatch.console.requests import JSON, Door, Refusal, json_bytes
from epochwatch.gateway.authentication import Identity
from epochwatch.gateway.operations import MAX_BODY, Operations
from epochwatch.gateway.requests import StreamedResponse


class OperationCalls:
    """``POST /operations/SERVICE/OPERATION``: the operation's input as JSON in, its output as JSON out, or its error as
    AWS JSON has it. The caller is who is signed in.
    """

    def __init__(self, operations: Operations, door: Door) -> None:
        self._operations = operations
        self._door = door

    async def endpoint(self, request: Request) -> Response:
        """Serve one call."""
        try:
            return await self._answer(request)
        except Refusal as refusal:
            return refusal.response()

    async def _answer(self, request: Request) -> Response:
        tenant = await self._door.tenant(request)
        body = await json_bytes(request, MAX_BODY)
        service, operation = request.path_params["service"], request.path_params["operation"]
        answer = await run_in_threadpool(self._operations.answer, service, operation, body, Identity(tenant, ""))
        if isinstance(answer, StreamedResponse):
            await answer.chunks.aclose()
            await answer.events.aclose()
            raise Refusal(400, f"{operation} answers with a stream.", "Call it by an AWS SDK.")
        return Response(answer.body, answer.status, {**answer.headers, "cache-control": "no-store"}, JSON)
