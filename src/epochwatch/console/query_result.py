"""The result of a query, and how it is written: JSON by series, or a long table with a row for each value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.console.exports import file_of
from epochwatch.model.metric import Dimensions
from epochwatch.model.metric_math import TimeSeries
from epochwatch.model.selector import quoted


@dataclass(frozen=True, slots=True)
class Series:
    """One series: the expression it comes from, and its label, which no other has."""

    id: str
    label: str
    points: TimeSeries


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be said about the result, or about the metric or expression ``id`` of it."""

    code: str
    message: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Series over ``[start, end)`` (Unix seconds), at ``period`` seconds unless a search names another."""

    start: float
    end: float
    period: int
    series: Sequence[Series]
    messages: Sequence[Message]

    def written(self, form: str) -> bytes:
        """As JSON, or its table as a file of one of MEDIA_TYPES."""
        if form == "json":
            return msgspec.json.encode(
                {
                    "start": self.start,
                    "end": self.end,
                    "period": self.period,
                    "series": [_record(one) for one in self.series],
                    "messages": self.messages,
                }
            )
        return file_of(self.table(plain=form == "csv"), form)

    def table(self, *, plain: bool) -> pa.Table:
        """A row for each value: time, series (the label), value; then namespace, metric, dimensions and statistic, null
        where the series was computed, and the period. ``plain``: in the types of a CSV file, which has times in ISO
        8601 and dimensions as ``a=b;c=d``.
        """
        points = [one.points for one in self.series]
        rows = pa.array(np.repeat(np.arange(len(points)), [len(one) for one in points]))

        def repeated(names: list[str | None]) -> pa.Array:
            found = pa.array(names, pa.string())
            return (found if plain else found.dictionary_encode()).take(rows)

        metrics = [one.metric for one in points]
        pairs = [None if metric is None else metric.dimensions for metric in metrics]
        seconds = pa.array(np.concatenate([np.empty(0, np.int64), *(one.timestamps for one in points)]))
        time = seconds.cast(pa.timestamp("s", tz="UTC"))
        dimensions = pa.array(pairs, pa.map_(pa.string(), pa.string()))
        return pa.table(
            {
                "time": _iso(time) if plain else time,
                "series": repeated([one.label for one in self.series]),
                "value": np.concatenate([np.empty(0), *(one.values for one in points)]),
                "namespace": repeated([None if metric is None else metric.namespace for metric in metrics]),
                "metric": repeated([None if metric is None else metric.name for metric in metrics]),
                "dimensions": repeated([_joined(one) for one in pairs]) if plain else dimensions.take(rows),
                "statistic": repeated([one.statistic for one in points]),
                "period": pa.array([one.period for one in points], pa.int32()).take(rows),
            }
        )


def _record(one: Series) -> dict[str, Any]:
    points, metric = one.points, one.points.metric
    return {
        "id": one.id,
        "label": one.label,
        "namespace": None if metric is None else metric.namespace,
        "metric": None if metric is None else metric.name,
        "dimensions": None if metric is None else dict(metric.dimensions),
        "statistic": points.statistic,
        "period": points.period,
        "timestamps": points.timestamps.tolist(),
        "values": points.values.tolist(),
    }


def _iso(time: pa.Array) -> pa.Array:
    """Times as texts; each time that occurs is written once, for that is slow."""
    encoded = time.dictionary_encode()
    return pc.strftime(encoded.dictionary, "%Y-%m-%dT%H:%M:%SZ").take(encoded.indices)


def _joined(dimensions: Dimensions | None) -> str | None:
    """In the notation of selectors, and with quotes around what holds a semicolon."""
    if dimensions is None:
        return None
    return ";".join(f"{quoted(name, ';')}={quoted(value, ';')}" for name, value in dimensions)
