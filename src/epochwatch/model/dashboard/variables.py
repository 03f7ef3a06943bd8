"""Variables of dashboards: values put in place of a property of the widgets, or of a text in them."""

from collections.abc import Mapping
from typing import Any, Final

FIRST: Final = "__FIRST"
"""As default value: the first of the variable's values."""


class UnknownVariable(ValueError):
    """A value is given for a variable that the dashboard has not got; the message says which."""


def with_variables(body: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, Any]:
    """The dashboard with the chosen values, by the variables' ids, else their defaults in place of its variables. One
    that has no value stays as it is. Raises UnknownVariable.
    """
    variables = {one["id"]: one for one in body.get("variables", ())}
    for id in chosen:
        if id not in variables:
            known = f"it has {', '.join(variables)}" if variables else "it has none"
            raise UnknownVariable(f"the dashboard has no variable {id}: {known}")
    widgets: list[Any] = list(body["widgets"])
    for id, variable in variables.items():
        value = chosen.get(id) or _default(variable)
        if value is not None and variable["type"] == "pattern":
            widgets = [_replaced(widget, variable["pattern"], value) for widget in widgets]
        elif value is not None:
            widgets = [_with_property(widget, variable["property"], value) for widget in widgets]
    return {**body, "widgets": widgets}


def _default(variable: Mapping[str, Any]) -> str | None:
    default: str | None = variable.get("defaultValue")
    if default != FIRST:
        return default
    values = variable.get("values")
    return str(values[0]["value"]) if values else None


def _replaced(value: Any, pattern: str, text: str) -> Any:
    """The value with ``text`` wherever ``pattern`` stands in one of its texts."""
    if isinstance(value, str):
        return value.replace(pattern, text)
    if isinstance(value, list):
        return [_replaced(one, pattern, text) for one in value]
    return (
        {name: _replaced(one, pattern, text) for name, one in value.items()} if isinstance(value, dict) else value
    )


def _with_property(widget: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    """The widget with another value of a property that it has, or of a dimension of its metrics."""
    properties = dict(widget["properties"])
    if isinstance(properties.get(name), str):
        properties[name] = value
    if isinstance(properties.get("metrics"), list):
        properties["metrics"] = [_with_dimension(row, name, value) for row in properties["metrics"]]
    return {**widget, "properties": properties}


def _with_dimension(row: Any, name: str, value: str) -> Any:
    if not isinstance(row, list) or not row:
        return row
    made = list(row)
    for place in range(2, len(row) - 1, 2):
        if row[place] == name and isinstance(row[place + 1], str):
            made[place + 1] = value
    if isinstance(row[-1], dict) and isinstance(row[-1].get(name), str):
        made[-1] = {**row[-1], name: value}
    return made
