"""Dashboards: putting, getting, listing and deleting them. They are an account's, the same in all regions."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_descriptions import position
from epochwatch.services.cloudwatch.alarm_requests import tags_of
from epochwatch.services.cloudwatch.dashboard_defaults import default_body
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.services.tokens import seal
from epochwatch.store.state.dashboards import Dashboard

PAGE: Final = 1000
MOST_DELETED: Final = 100
LONGEST_NAME: Final = 255
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]*")


def put_dashboard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PutDashboard: makes a dashboard, or replaces its body; the tags are those it was made with."""
    return put_where(call, request, lambda known: None)


def put_where(call: Call, request: dict[str, Any], look: Callable[[Dashboard | None], None]) -> dict[str, Any]:
    """What PutDashboard does, where ``look`` at what there is of that name (None: nothing) raises nothing; nobody can
    put anything between that look and the change.
    """
    name, body = request["DashboardName"], request["DashboardBody"]
    _require_name(name)
    tags = tags_of(request.get("Tags") or [], "A dashboard")
    _require_right(body)
    fresh = Dashboard(call.tenant.account, name, body, call.now, tags)

    def made(known: Dashboard | None) -> Dashboard:
        look(known)
        return fresh if known is None else replace(known, body=body, modified=call.now)

    call.stores.state.dashboards.change(call.tenant.account, name, made)
    return {"DashboardValidationMessages": []}


def get_dashboard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetDashboard: the body to the letter; by the names of default dashboards, what is made for them now."""
    name = request["DashboardName"]
    _require_name(name)
    known = call.stores.state.dashboards.get(call.tenant.account, name)
    if known is None:
        made = default_body(call, name)
        if made is None:
            raise AwsError("DashboardNotFoundError", f"Dashboard {name} does not exist")
        known = Dashboard(call.tenant.account, name, json.dumps(made), call.now, {})
    return {"DashboardArn": known.arn, "DashboardBody": known.body, "DashboardName": name}


def list_dashboards(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListDashboards: a page of those that were put, by name."""
    prefix = request.get("DashboardNamePrefix", "")
    if len(prefix) > LONGEST_NAME or not _PREFIX.fullmatch(prefix):
        raise invalid_value(f"The value {prefix} for parameter DashboardNamePrefix is invalid.")
    bound = {"DashboardNamePrefix": prefix}
    given = request.get("NextToken")
    try:
        after = position(bound, given)
    except AwsError as error:
        raise invalid_value(f"The value {given} for parameter NextToken is invalid.") from error
    found = call.stores.state.dashboards.list(
        call.tenant.account, prefix=prefix, after=after[0] if after else "", limit=PAGE + 1
    )
    page = found[:PAGE]
    answer: dict[str, Any] = {
        "DashboardEntries": [
            {
                "DashboardName": one.name,
                "DashboardArn": one.arn,
                "LastModified": one.modified,
                "Size": len(one.body.encode()),
            }
            for one in page
        ]
    }
    return answer | ({"NextToken": seal(bound, [page[-1].name])} if len(found) > PAGE else {})


def delete_dashboards(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteDashboards: as many as there are; an error names those that there are not."""
    names = list(dict.fromkeys(request["DashboardNames"]))
    if not names:
        raise invalid_value("The collection DashboardNames must not be empty.")
    if len(names) > MOST_DELETED:
        raise invalid_value(f"The collection DashboardNames must not have a size greater than {MOST_DELETED}.")
    for name in names:
        _require_name(name)
    absent = call.stores.state.dashboards.delete(call.tenant.account, names)
    if absent:
        raise AwsError("DashboardNotFoundError", f"The specified dashboard does not exist. [{', '.join(absent)}]")
    return {}


def _require_name(name: str) -> None:
    if not name:
        raise invalid_value("The field DashboardName is required.")
    if len(name) > LONGEST_NAME:
        raise invalid_value(
            f"The value for field DashboardName must not be longer than {LONGEST_NAME} characters."
        )
    if not _NAME.fullmatch(name):
        raise invalid_value(
            "The value for field DashboardName contains invalid characters. "
            "It can only contain alphanumerics, dash (-) and underscore (_).\n"
        )


def _require_right(body: str) -> None:
    """Raises AwsError with every mistake of a body."""
    # A JSON Schema library takes a tenth of a second to import: not every server has dashboards.
    from epochwatch.model.dashboard.validation import NotAnObject, body_problems, parse_object, told

    try:
        problems = body_problems(parse_object(body))
    except NotAnObject as error:
        raise AwsError("DashboardInvalidInputError", str(error), dashboardValidationMessages=[]) from error
    if problems:
        raise AwsError(
            "DashboardInvalidInputError",
            told("dashboard body", problems),
            dashboardValidationMessages=[{"DataPath": one.path, "Message": one.message} for one in problems],
        )
