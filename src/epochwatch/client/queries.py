"""Queries over all metrics: expressions in, series or a file out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from epochwatch.client.http import Client, refusals_as_usage_errors
from epochwatch.client.jobs import load_pandas
from epochwatch.settings import load

if TYPE_CHECKING:
    import pandas as pd

Moment: TypeAlias = str | float | datetime
"""``-3h``, ``now``, ISO 8601 or Unix seconds; without a time zone it is in that of the query, else UTC."""

PATIENCE = 300.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: expressions, and the metrics (selectors by Id) that they refer to.

    An expression is a selector such as ``Lab temperature{Room=a} p99``, metric math, SEARCH(...) or a SELECT query.
    ``period`` is in seconds; None takes one that suits the time. ``timezone`` is ``+HHMM`` or ``-HHMM``.
    """

    expressions: Sequence[str]
    metrics: Mapping[str, str]
    start: Moment = "-3h"
    end: Moment = "now"
    period: int | None = None
    timezone: str | None = None


class Series(msgspec.Struct, frozen=True):
    """One series of the answer; no other has its label. What it was read from is None where it was computed."""

    id: str
    label: str
    namespace: str | None
    metric: str | None
    dimensions: dict[str, str] | None
    statistic: str | None
    period: int
    timestamps: list[int]
    values: list[float]


class Message(msgspec.Struct, frozen=True):
    """What the server says about the answer, or about the metric or expression ``id``."""

    code: str
    message: str
    id: str | None


class Answer(msgspec.Struct, frozen=True):
    """The series over ``[start, end)``, in Unix seconds, a value every ``period`` seconds where there is data."""

    start: float
    end: float
    period: int
    series: list[Series]
    messages: list[Message]


def ask(client: Client, query: Query) -> Answer:
    """The answer. Raises UsageError if the query is wrong."""
    return decoded(fetch(client, query, "json"))


def decoded(body: bytes) -> Answer:
    """An answer in JSON."""
    return msgspec.json.decode(body, type=Answer)


def fetch(client: Client, query: Query, form: str) -> bytes:
    """The answer as ``json``, or as a table with a row for each value: ``csv``, ``arrow`` or ``parquet``. Raises
    UsageError if the query is wrong.
    """
    asked: dict[str, Any] = {
        "expression": list(query.expressions),
        "metric": [f"{name}={selector}" for name, selector in query.metrics.items()],
        "start": _written(query.start),
        "end": _written(query.end),
        "period": query.period,
        "timezone": query.timezone,
        "format": form,
    }
    with refusals_as_usage_errors():
        return client.post_form("/_/api/query", asked)


def query(
    expression: str | Sequence[str],
    *,
    metrics: Mapping[str, str] | None = None,
    start: Moment = "-3h",
    end: Moment = "now",
    period: int | None = None,
    timezone: str | None = None,
) -> "pd.DataFrame":
    """A dataframe of metrics: indexed by time (UTC), a column for each series, by its label.

    ``expression`` is a metric such as ``Lab temperature{Room=a} p99``, metric math, ``SEARCH(...)`` or a ``SELECT``
    query, or several of them; ``metrics`` says which metrics the Ids in metric math are. Times are ``-3h``, ``now``,
    ISO 8601, Unix seconds or datetimes. ``period`` is in seconds; left out, it suits the time. Raises EpochwatchError.
    """
    pandas = load_pandas()
    expressions = [expression] if isinstance(expression, str) else expression
    client = Client(load(), timeout=PATIENCE)
    answer = ask(client, Query(expressions, metrics or {}, start, end, period, timezone))
    client.close()
    columns = {
        one.label: pandas.Series(one.values, pandas.to_datetime(one.timestamps, unit="s", utc=True), dtype=float)
        for one in answer.series
    }
    frame: pd.DataFrame = pandas.DataFrame(columns)
    frame.index = pandas.DatetimeIndex(frame.index, tz="UTC", name="time")
    return frame


def _written(moment: Moment) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return moment if isinstance(moment, str) else repr(float(moment))
