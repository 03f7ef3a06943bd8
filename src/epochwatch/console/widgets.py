"""Widgets with what they show: as numbers for a face that draws them itself, or as a picture."""

import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.aws_error import AwsError
from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.picture import Curve, Floats, Picture, lines_of, stacked
from epochwatch.model.dashboard.widget import HorizontalAnnotation, MetricWidget, VerticalAnnotation, metric_widget
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.metric_widget import picture_of
from epochwatch.store.stores import Stores

FORMATS: Final = ("json", "png")
LARGEST_WIDGET: Final = 500_000
"""Characters of its JSON."""
_HINT: Final = 'A metric widget is an object such as {"metrics": [["Lab", "loss"]]}; see docs/dashboards.md.'


def widget(stores: Stores, asked: Asked) -> Response | dict[str, Any]:
    """The answer to ``/widget``: what the widget shows now. Raises Refusal."""
    wanted = asked.choice("format", FORMATS, "json")
    shown = _widget(asked.text("widget", most=LARGEST_WIDGET))
    call = Call(asked.tenant, stores, uuid.uuid4().hex, time.time())
    try:
        picture = picture_of(call, shown)
    except AwsError as error:
        raise Refusal(400, str(error)) from error
    if wanted == "json":
        return record(picture)
    from epochwatch.drawing.draw import draw

    if shown.view == "table":
        raise Refusal(400, "A widget of the view table is not drawn as a picture.", "Ask for format=json.")
    return Response(draw(picture), media_type="image/png", headers={"cache-control": "no-store"})


def _widget(text: str) -> MetricWidget:
    from epochwatch.model.dashboard.validation import NotAnObject, metric_problems, parse_object

    try:
        given = parse_object(text)
    except NotAnObject as error:
        raise Refusal(400, "The widget is not the JSON of an object.", _HINT) from error
    problems = metric_problems(given)
    if problems:
        told = "; ".join(f"{one.path or '/'}: {one.message}" for one in problems)
        raise Refusal(400, f"The widget is invalid: {told}.", _HINT)
    try:
        return metric_widget(given)
    except msgspec.ValidationError as error:  # theme, width or height, which only pictures have
        raise Refusal(400, f"The widget is invalid: {error}.", _HINT) from error


def record(picture: Picture) -> dict[str, Any]:
    """The picture as JSON: curves with what they are to be drawn as, those that are stacked upon each other."""
    shown = picture.widget
    curves = [_curve(curve, curve.values, curve.high) for curve in picture.curves]
    if shown.stacked and shown.view == "timeSeries":
        curves = [
            entry
            for side in ("left", "right")
            for entry in _stacked([c for c in picture.curves if c.axis == side])
        ]
    return {
        "title": shown.title,
        "view": shown.view,
        "start": picture.start,
        "end": picture.end,
        "axes": {"left": shown.y_axis.left, "right": shown.y_axis.right},
        "curves": curves,
        "levels": [_level(one) for one in picture.lines()],
        "bands": [_band(*lines) for level in picture.levels if len(lines := lines_of(level)) == 2],
        "marks": [mark for one in shown.annotations.vertical for mark in _marks(one)],
        "legend": shown.legend.position,
        "stacked": shown.stacked and shown.view == "timeSeries",
        "sparkline": shown.sparkline,
        "precise": shown.single_value_full_precision,
        "table": shown.table,
    }


def _stacked(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    there = [curve for curve in curves if len(curve.timestamps)]
    return [
        _curve(curve, high, None) | {"timestamps": moments.tolist(), "low": low.tolist()}
        for curve, (moments, low, high) in zip(there, stacked(there), strict=True)
    ]


def _curve(curve: Curve, values: Floats, high: Floats | None) -> dict[str, Any]:
    return {
        "label": curve.label,
        "color": curve.color,
        "axis": curve.axis,
        "unit": curve.unit,
        "number": curve.number,
        "incomplete": curve.incomplete,
        "row": curve.row,
        "period": curve.period,
        "dimensions": curve.dimensions,
        "timestamps": curve.timestamps.tolist(),
        "values": values.tolist(),
        "high": None if high is None else high.tolist(),
        "low": None,
    }


def _level(one: HorizontalAnnotation) -> dict[str, Any]:
    return {"value": one.value, "label": one.label, "color": one.color, "axis": one.y_axis, "fill": one.fill}


def _band(one: HorizontalAnnotation, other: HorizontalAnnotation) -> dict[str, Any]:
    low, high = sorted((one.value, other.value))
    return {"low": low, "high": high, "color": one.color or other.color, "axis": one.y_axis}


def _marks(given: VerticalAnnotation | list[VerticalAnnotation]) -> list[dict[str, Any]]:
    """A line at a time, or the two of a span: the first lasts until the second."""
    if isinstance(given, VerticalAnnotation):
        return [_mark(given)] if given.visible else []
    shown = sorted((_mark(one) for one in given if one.visible), key=lambda one: float(one["time"]))
    if len(shown) == 2:
        shown[0]["until"] = shown[1]["time"]
    return shown


def _mark(one: VerticalAnnotation) -> dict[str, Any]:
    time = times.moment(one.value, 0)
    return {"time": time, "until": None, "label": one.label, "color": one.color, "fill": one.fill}
