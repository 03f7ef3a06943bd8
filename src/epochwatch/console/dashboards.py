"""Dashboards as the console shows them: their widgets placed, with values for variables and over a time of choice."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model import search
from epochwatch.model.aws_error import AwsError
from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.times import InvalidMoment
from epochwatch.model.dashboard.variables import UnknownVariable, with_variables
from epochwatch.model.dashboard.widget import DEFAULT_START, placed_widgets
from epochwatch.model.search import InvalidSearch
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.dashboard_defaults import default_body
from epochwatch.services.cloudwatch.dashboards import get_dashboard, put_where
from epochwatch.services.cloudwatch.metric_list import LISTED_SECONDS
from epochwatch.store.state.dashboards import Dashboard
from epochwatch.store.stores import Stores

MOST_VARIABLES: Final = 25
MOST_VALUES: Final = 500
"""Of a variable."""
MOST_LISTED: Final = 5000
LARGEST_BODY: Final = 1_000_000
"""Characters of a body that is drawn without being kept."""
LARGEST_WRITTEN: Final = 4 * 1024 * 1024
"""Bytes of two bodies in JSON."""
SIDE: Final = 6
"""Columns and rows of a widget that names none."""
POPULATING: Final = ("search", "populateFrom")
"""What a variable has whose values are those of a dimension."""


def listed_dashboards(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/dashboards``: those that were put, by name, with their tags and how many widgets they have."""
    found = stores.state.dashboards.list(asked.tenant.account, limit=MOST_LISTED + 1)
    return {"dashboards": [_entry(one) for one in found[:MOST_LISTED]], "more": len(found) > MOST_LISTED}


def _entry(one: Dashboard) -> dict[str, Any]:
    return {
        "name": one.name,
        "arn": one.arn,
        "modified": one.modified,
        "size": len(one.body.encode()),
        "tags": one.tags,
        "widgets": len(json.loads(one.body)["widgets"]),
    }


def dashboard(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/dashboards/NAME``. ``start`` and ``end`` take the place of every widget's own times; each
    ``variable`` is ``ID=VALUE``. Raises Refusal.
    """
    name = str(asked.request.path_params["name"])
    call = Call(asked.tenant, stores, uuid.uuid4().hex, time.time())
    try:
        found = get_dashboard(call, {"DashboardName": name})
    except AwsError as error:
        raise Refusal(404, f"There is no dashboard '{name}'.", "See them all under: /_/dashboards") from error
    kept = stores.state.dashboards.get(asked.tenant.account, name)
    return _drawn(stores, asked, json.loads(found["DashboardBody"]), call.now) | {
        "name": name,
        "arn": found["DashboardArn"],
        "source": found["DashboardBody"],
        "modified": None if kept is None else kept.modified,
        "tags": {} if kept is None else kept.tags,
    }


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a PUT: the dashboard's, and the one that its author had before them; None where there was none."""

    body: str
    before: str | None
    tags: dict[str, str] = {}
    """Of a dashboard that is made."""


def write_dashboard(stores: Stores, asked: Asked) -> dict[str, Any]:
    """What PutDashboard does, unless somebody else was faster. Raises Refusal."""
    name, given = str(asked.request.path_params["name"]), asked.body(_Written)
    call = Call(asked.tenant, stores, uuid.uuid4().hex, time.time())
    tags = [{"Key": key, "Value": value} for key, value in given.tags.items()]
    # A default one is made anew for each who looks; over it, nobody wrote anything.
    unwritten = {None, given.before} if given.before and default_body(call, name) else {None}

    def look(known: Dashboard | None) -> None:
        if given.before in ({known.body} if known else unwritten):
            return
        if given.before is None:
            raise Refusal(409, f"There is a dashboard '{name}' already.", "Choose another name.")
        raise Refusal(
            409, "Somebody else has changed this dashboard meanwhile.", "Look at theirs, then save again."
        )

    try:
        put_where(call, {"DashboardName": name, "DashboardBody": given.body, "Tags": tags}, look)
    except AwsError as error:
        raise Refusal(400, error.message or error.code) from error
    return {"name": name, "modified": call.now}


def drawn_dashboard(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/drawn-dashboard``: the same of a ``body`` that is not kept, with ``problems``, all that
    PutDashboard would refuse in it; with any of them nothing is drawn. Raises Refusal.
    """
    # A JSON Schema library takes a tenth of a second to import: not every server has dashboards.
    from epochwatch.model.dashboard.validation import NotAnObject, body_problems, parse_object

    try:
        body = parse_object(asked.text("body", most=LARGEST_BODY))
    except NotAnObject as error:
        raise Refusal(400, f"{error}.", 'Such as {"widgets": []}; see docs/dashboards.md.') from error
    problems = [{"path": one.path, "message": one.message} for one in body_problems(body)]
    if problems:
        return {"problems": problems}
    return _drawn(stores, asked, body, time.time()) | {"problems": []}


def _drawn(stores: Stores, asked: Asked, body: Mapping[str, Any], now: float) -> dict[str, Any]:
    chosen = _times(asked, now)
    variables = [_populated(stores, asked.tenant, one, now) for one in body.get("variables", ())]
    # A variable is known by its id only: `search` and `populateFrom` have done their part.
    filled = {**body, "variables": variables}
    try:
        placed = placed_widgets(_over(_laid_out(with_variables(filled, _variables(asked))), chosen), now)
    except UnknownVariable as error:
        raise Refusal(400, f"{error}.") from error
    start = chosen.get("start") or body.get("start", "")
    end = chosen.get("end") or body.get("end", "")
    return {
        "account": asked.tenant.account,
        "region": asked.tenant.region,
        "variables": variables,
        "start": start,
        "end": end,
        "from": times.moment(start or DEFAULT_START, now),
        "to": times.moment(end, now) if end else now,
        "widgets": placed,
    }


def _populated(stores: Stores, tenant: Tenant, variable: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The variable with the values that its ``search`` finds now, of the dimension ``populateFrom``."""
    if not all(variable.get(name) for name in POPULATING):
        return dict(variable)
    dimension = variable["populateFrom"]
    try:
        wanted = search.parse(variable["search"])
    except InvalidSearch as error:
        return {**variable, "values": [], "problem": f"{error}."}
    found = stores.metrics.matching(
        tenant,
        wanted.matches,
        namespace=wanted.namespace,
        name=wanted.metric_name,
        active_since=int(now) - LISTED_SECONDS,
    )
    values = sorted({value for one in found for name, value in one.dimensions if name == dimension})
    return {**variable, "values": [{"value": value} for value in values[:MOST_VALUES]], "total": len(values)}


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
            times.moment(text, now)
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
