"""Dashboards as the console shows them: their widgets placed, with values for variables and over a time of choice."""

import json
import time
import uuid
from typing import Any, Final

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.aws_error import AwsError
from epochwatch.model.dashboard.times import InvalidMoment, moment
from epochwatch.model.dashboard.variables import UnknownVariable, with_variables
from epochwatch.model.dashboard.widget import placed_widgets
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.dashboards import get_dashboard
from epochwatch.store.stores import Stores

MOST_VARIABLES: Final = 25
SIDE: Final = 6
"""Columns and rows of a widget that names none."""


def dashboard(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/dashboards/NAME``. ``start`` and ``end`` take the place of every widget's own times; each
    ``variable`` is ``ID=VALUE``. Raises Refusal.
    """
    now = time.time()
    name = str(asked.request.path_params["name"])
    try:
        found = get_dashboard(Call(asked.tenant, stores, uuid.uuid4().hex, now), {"DashboardName": name})
    except AwsError as error:
        raise Refusal(404, f"There is no dashboard '{name}'.", "See them all under: /_/dashboards") from error
    body = json.loads(found["DashboardBody"])
    times = _times(asked, now)
    try:
        placed = placed_widgets(_over(_laid_out(with_variables(body, _variables(asked))), times), now)
    except UnknownVariable as error:
        raise Refusal(400, f"{error}.") from error
    return {
        "name": name,
        "account": asked.tenant.account,
        "region": asked.tenant.region,
        "source": found["DashboardBody"],
        "variables": body.get("variables", []),
        "start": times.get("start") or body.get("start", ""),
        "end": times.get("end") or body.get("end", ""),
        "widgets": placed,
    }


def _variables(asked: Asked) -> dict[str, str]:
    pairs = [text.partition("=") for text in asked.texts("variable", MOST_VARIABLES)]
    if not all(equals for _, equals, _ in pairs):
        raise Refusal(400, "variable must be ID=VALUE.")
    return {id: value for id, _, value in pairs}


def _times(asked: Asked, now: float) -> dict[str, str]:
    """``start`` and ``end`` where they are given: ISO 8601, or durations back from now."""
    given = {name: text for name in ("start", "end") if (text := asked.text(name))}
    try:
        for text in given.values():
            moment(text, now)
    except InvalidMoment as error:
        raise Refusal(400, f"{error}.") from error
    return given


def _laid_out(body: dict[str, Any]) -> dict[str, Any]:
    """The dashboard with a box for each widget, what names no place below all before it, and each with its position in
    the source as ``place``.
    """
    widgets: list[dict[str, Any]] = []
    for place, one in enumerate(body["widgets"]):
        bottom = max((known["y"] + known["height"] for known in widgets), default=0)
        widgets.append({"place": place, "x": 0, "y": bottom, "width": SIDE, "height": SIDE} | one)
    return {**body, "widgets": widgets}


def _over(body: dict[str, Any], times: dict[str, str]) -> dict[str, Any]:
    """The dashboard with the times for all of its metric widgets, those with their own included."""
    if not times:
        return body
    widgets = [
        {**one, "properties": {**_timeless(one["properties"]), **times}} if one["type"] == "metric" else one
        for one in body["widgets"]
    ]
    return {**body, "widgets": widgets}


def _timeless(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in ("start", "end")}
