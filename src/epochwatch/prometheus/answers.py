"""Answers in the shape of Prometheus' API."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from starlette.responses import Response

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import Labels
from epochwatch.model.promql.numbers import sample_text
from epochwatch.model.promql.vectors import Floats, Integers, RangeVector, Scalar, Text, Value, Vector
from epochwatch.prometheus.errors import Refusal

_STATUSES = {"bad_data": 400, "execution": 422, "timeout": 503, "not_found": 404}


def success(data: Any, warnings: Sequence[str] = ()) -> Response:
    """What was asked for."""
    content = {"status": "success", "data": data}
    return json_response(content | {"warnings": warnings} if warnings else content, 200)


def refused(refusal: Refusal) -> Response:
    """A refusal in Prometheus' shape."""
    response = json_response(
        {"status": "error", "errorType": refusal.kind, "error": refusal.message}, refusal.status
    )
    if refusal.status == 401:
        response.headers["www-authenticate"] = 'Basic realm="epochwatch"'
    return response


def refusal_of(error: PromqlError) -> Refusal:
    """A query's error as a refusal."""
    return Refusal(_STATUSES[error.kind], error.kind, error.message)


def json_response(content: Any, status: int) -> Response:
    """``content`` as JSON that is never cached."""
    return Response(
        msgspec.json.encode(content), status, media_type="application/json", headers={"cache-control": "no-store"}
    )


def instant_answer(value: Value, moment: int) -> dict[str, Any]:
    """The ``data`` of an instant query."""
    seconds = _seconds(moment)
    match value:
        case Scalar():
            return {"resultType": "scalar", "result": (seconds, sample_text(float(value.values[0])))}
        case Text():
            return {"resultType": "string", "result": (seconds, value.text)}
        case RangeVector():
            return {"resultType": "matrix", "result": list(_ranges(value))}
    return {
        "resultType": "vector",
        "result": [
            {"metric": dict(labels), "value": (seconds, sample_text(number))}
            for labels, number in zip(value.labels, value.values[:, 0].tolist(), strict=True)
        ],
    }


def range_answer(value: Value, moments: Integers) -> dict[str, Any]:
    """The ``data`` of a range query: series in the order of their labels. Raises PromqlError."""
    if isinstance(value, Scalar):
        value = Vector([()], value.values[None, :], np.ones((1, len(moments)), np.bool_))
    if not isinstance(value, Vector):
        kind = "string" if isinstance(value, Text) else "range vector"
        raise PromqlError(
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector', "bad_data"
        )
    order = sorted(range(len(value.labels)), key=lambda row: value.labels[row])
    return {
        "resultType": "matrix",
        "result": [
            _written(value.labels[row], moments[value.present[row]], value.values[row, value.present[row]])
            for row in order
        ],
    }


def _ranges(value: RangeVector) -> Iterator[msgspec.Raw]:
    for samples in value.series:
        inside = (samples.times > value.starts[0]) & (samples.times <= value.ends[0])
        if inside.any():
            yield _written(samples.labels, samples.times[inside], samples.values[inside])


def _written(labels: Labels, moments: Integers, values: Floats) -> msgspec.Raw:
    """One series as JSON: the pairs of all series at once would take ten times the memory of their text."""
    pairs = zip(moments.tolist(), values.tolist(), strict=True)
    content = {
        "metric": dict(labels),
        "values": [(_seconds(moment), sample_text(value)) for moment, value in pairs],
    }
    return msgspec.Raw(msgspec.json.encode(content))


def _seconds(moment: int) -> float | int:
    """Unix seconds of milliseconds: with decimals only where there are any."""
    whole, rest = divmod(moment, 1000)
    return moment / 1000 if rest else whole
