"""The endpoints of Prometheus' query API."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import promql_parser
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from epochwatch import __version__
from epochwatch.model.metric import NO_UNIT
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import Evaluator
from epochwatch.model.promql.expressions import parse
from epochwatch.model.promql.labels import NAME, Labels, value_of
from epochwatch.model.promql.naming import UNIT
from epochwatch.model.promql.selectors import Selector, selector_of
from epochwatch.model.tenant import Tenant
from epochwatch.prometheus.access import Door
from epochwatch.prometheus.answers import instant_answer, range_answer, success
from epochwatch.prometheus.errors import bad_data
from epochwatch.prometheus.parameters import Parameters
from epochwatch.store.metrics import MetricStore
from epochwatch.store.promql import MetricSource

MAX_POINTS = 11_000
"""Points of one series in an answer."""
QUERIES_AT_ONCE = 4
"""Queries under way at a time: each may hold some hundred megabytes."""
LONGEST_SECONDS = 120
"""How long a query may take."""
EVERYTHING = Selector(())


@dataclass(frozen=True, slots=True)
class Api:
    """One method an endpoint; GET and POST of a form are alike. Each raises Refusal or PromqlError."""

    metrics: MetricStore
    door: Door
    _limiter: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(QUERIES_AT_ONCE))

    async def query(self, request: Request) -> Response:
        """``query``: an expression at one moment."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            moment = asked.moment("time", _now())
            evaluator = Evaluator(source, moment, moment, 1, _deadline(asked))
            return success(instant_answer(evaluator.value(parse(asked.text("query"))), moment))

        return await self._answer(request, answer)

    async def query_range(self, request: Request) -> Response:
        """``query_range``: an expression from ``start`` to ``end``, every ``step``."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            start, end, step = asked.moment("start"), asked.moment("end"), asked.duration("step")
            if end < start:
                raise bad_data('invalid parameter "end": end timestamp must not be before start time')
            if (end - start) // step >= MAX_POINTS:
                raise bad_data(
                    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
                    "(?step=XX)"
                )
            evaluator = Evaluator(source, start, end, step, _deadline(asked))
            value = evaluator.value(parse(asked.text("query")))
            return success(range_answer(value, evaluator.moments))

        return await self._answer(request, answer)

    async def series(self, request: Request) -> Response:
        """``series``: the label sets that any of the selectors ``match[]`` selects."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            if not asked.texts("match[]"):
                raise bad_data("no match[] parameter provided")
            return _limited([dict(labels) for labels in _series(asked, source)], asked)

        return await self._answer(request, answer)

    async def labels(self, request: Request) -> Response:
        """``labels``: the names of all labels, of the series selected by ``match[]`` if given."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            return _limited(sorted({name for labels in _series(asked, source) for name, _ in labels}), asked)

        return await self._answer(request, answer)

    async def label_values(self, request: Request) -> Response:
        """``label/NAME/values``: the values of a label."""
        name = str(request.path_params["name"])

        def answer(asked: Parameters, source: MetricSource) -> Response:
            return _limited(sorted({value_of(labels, name) for labels in _series(asked, source)} - {""}), asked)

        return await self._answer(request, answer)

    async def metadata(self, request: Request) -> Response:
        """``metadata``: the units of each metric. Type and help are not known of any."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            wanted, found = asked.text("metric"), dict[str, set[str]]()
            for labels in _series(asked, source):
                if not wanted or value_of(labels, NAME) == wanted:
                    found.setdefault(value_of(labels, NAME), set()).add(value_of(labels, UNIT))
            names = sorted(found)[: asked.limit()]
            return success({name: [_described(unit) for unit in sorted(found[name])] for name in names})

        return await self._answer(request, answer)

    async def build_information(self, request: Request) -> Response:
        """``status/buildinfo``: by which clients tell what they talk to."""

        def answer(asked: Parameters, source: MetricSource) -> Response:
            unknown = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "")
            return success({"version": "3.0.0", **unknown, "epochwatch": __version__})

        return await self._answer(request, answer)

    async def _answer(self, request: Request, act: Callable[[Parameters, MetricSource], Response]) -> Response:
        tenant: Tenant = await self.door.tenant(request)
        asked = await Parameters.of(request)
        source = MetricSource(self.metrics, tenant)
        return await run_sync(lambda: act(asked, source), limiter=self._limiter)


def _series(asked: Parameters, source: MetricSource) -> list[Labels]:
    """The label sets of any selector ``match[]``, or all, that have datapoints from ``start`` on; ascending."""
    selectors = [_selector(text) for text in asked.texts("match[]")] or [EVERYTHING]
    since = asked.moment("start", 0) // 1000
    return sorted({labels for selector in selectors for _, _, labels in source.series(selector, since)})


def _selector(text: str) -> Selector:
    expression = parse(text)
    if not isinstance(expression, promql_parser.VectorSelector):
        raise PromqlError(f'invalid parameter "match[]": {text[:200]} is no selector')
    return selector_of(expression)


def _limited(found: list[Any], asked: Parameters) -> Response:
    limit = asked.limit()
    if limit is None or len(found) <= limit:
        return success(found)
    return success(found[:limit], ["results truncated due to limit"])


def _described(unit: str) -> dict[str, str]:
    return {"type": "unknown", "help": "", "unit": "" if unit == NO_UNIT else unit}


def _now() -> int:
    return time.time_ns() // 1_000_000


def _deadline(asked: Parameters) -> float:
    """On the monotonic clock."""
    wanted = asked.duration("timeout", LONGEST_SECONDS * 1000) / 1000
    return time.monotonic() + min(wanted, LONGEST_SECONDS)
