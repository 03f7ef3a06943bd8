"""The Prometheus part of the server: routes under ``/_/prometheus`` and ``/_/otlp``."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from epochwatch.errors import EpochwatchError
from epochwatch.model.promql.errors import PromqlError
from epochwatch.prometheus.access import Door
from epochwatch.prometheus.answers import refusal_of, refused
from epochwatch.prometheus.api import Api
from epochwatch.prometheus.bodies import bounded
from epochwatch.prometheus.errors import Refusal
from epochwatch.store.metrics import MetricStore

logger = logging.getLogger(__name__)

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def prometheus_routes(metrics: MetricStore, door: Door) -> list[BaseRoute]:
    """Routes relative to ``/_``."""
    api = Api(metrics, door)
    reads: dict[str, Endpoint] = {
        "query": api.query,
        "query_range": api.query_range,
        "series": api.series,
        "labels": api.labels,
        "label/{name}/values": api.label_values,
        "metadata": api.metadata,
        "status/buildinfo": api.build_information,
    }
    base = "/prometheus/api/v1"
    return [
        *(Route(f"{base}/{path}", _guarded(act), methods=["GET", "POST"]) for path, act in reads.items()),
        Route(f"{base}/write", _guarded(_remote_write(metrics, door)), methods=["GET", "POST"]),
        Route("/prometheus/{path:path}", _guarded(_unknown), methods=["GET", "POST"]),
        Route("/otlp/v1/metrics", _guarded(_otlp(metrics, door), _otlp_refusal), methods=["POST"]),
    ]


# Loading protobuf takes a tenth of a second: a server to which nobody sends starts without it.


def _remote_write(metrics: MetricStore, door: Door) -> Endpoint:
    async def write(request: Request) -> Response:
        from epochwatch.prometheus.remote_write import RemoteWrite

        return await RemoteWrite(metrics, door).write(request)

    return write


def _otlp(metrics: MetricStore, door: Door) -> Endpoint:
    async def export(request: Request) -> Response:
        from epochwatch.prometheus.otlp import Otlp

        return await Otlp(metrics, door).export(request)

    return export


def _otlp_refusal(request: Request, refusal: Refusal) -> Response:
    from epochwatch.prometheus.otlp import refused

    return refused(request, refusal)


async def _unknown(request: Request) -> Response:
    path = request.path_params["path"]
    raise Refusal(404, "not_found", f"there is no /{path[:200]} here: see docs/prometheus.md for what there is")


def _guarded(
    act: Endpoint, answer: Callable[[Request, Refusal], Response] = lambda _, refusal: refused(refusal)
) -> Endpoint:
    """``act`` with its refusals and failures as answers. What failed here may be sent again (503)."""

    async def endpoint(request: Request) -> Response:
        try:
            return await act(bounded(request))
        except Refusal as refusal:
            return answer(request, refusal)
        except PromqlError as error:
            return answer(request, refusal_of(error))
        except EpochwatchError as error:
            return answer(request, Refusal(503, "unavailable", error.message))
        except Exception:
            logger.exception("%s failed", request.url.path)
            return answer(request, Refusal(503, "internal", "the server failed: try again in a moment"))

    return endpoint
