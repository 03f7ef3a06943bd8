"""SageMaker's search expressions: which resources satisfy one, and in which order they come.

A resource is a document as its Describe operation answers it. A property is named by its path (``A.B.C``); on the way a
list stands for each of its items, and a map is looked into by the rest of the path, in which dots may stand.
``Metrics.<name>`` is a metric's value, for trial components also ``Metrics.<name>.<Min|Max|Avg|StdDev|Last|Count>``.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

MOST_CONDITIONS: Final = 50
_ORDERED: Final = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
_WITHOUT_VALUE: Final = ("Exists", "NotExists")
_MAPS: Final = frozenset({"HyperParameters", "Environment", "Parameters", "InputArtifacts", "OutputArtifacts"})
_STATISTICS: Final = frozenset({"Min", "Max", "Avg", "StdDev", "Last", "Count", "TimeStamp"})

Document = Mapping[str, Any]


class InvalidSearch(Exception):
    """Why an expression or a property cannot be used."""


def matches(document: Document, expression: Mapping[str, Any]) -> bool:
    """Whether the document satisfies the expression (`require_valid` has accepted it)."""
    results = (
        *(_satisfies(document, one) for one in expression.get("Filters", [])),
        *(_satisfies_nested(document, one) for one in expression.get("NestedFilters", [])),
        *(matches(document, one) for one in expression.get("SubExpressions", [])),
    )
    return any(results) if expression.get("Operator", "And") == "Or" else all(results)


def require_valid(expression: Mapping[str, Any], properties: Iterable[str]) -> None:
    """Raises InvalidSearch for an expression of no or too many conditions, of unknown properties, or with values that
    its operators cannot have.
    """
    known = frozenset(properties)
    conditions = list(_conditions(expression))
    if len(conditions) > MOST_CONDITIONS:
        raise InvalidSearch(f"A search expression can have at most {MOST_CONDITIONS} conditions.")
    for name, operator, value in conditions:
        require_property(name, known)
        if (operator in _WITHOUT_VALUE) == (value is not None):
            needs = "cannot have" if operator in _WITHOUT_VALUE else "needs"
            raise InvalidSearch(f"The operator {operator} {needs} a value (property {name}).")
        if operator in _ORDERED and _is_time(name) and math.isnan(_number(value or "")):
            raise InvalidSearch(f"The value '{value}' of {name} is no time: write YYYY-mm-dd'T'HH:MM:SS.")
        if operator == "Contains" and (_is_time(name) or name.startswith("Metrics.")):
            raise InvalidSearch(f"The operator Contains works on texts: {name} is none.")


def require_property(name: str, properties: Iterable[str]) -> None:
    """Raises InvalidSearch for a property that resources of the kind do not have."""
    if name.partition(".")[0] not in properties:
        raise InvalidSearch(f"Unknown property name: {name}")


def ordered(documents: Sequence[Document], by: str, descending: bool) -> list[Document]:
    """The documents by a property, those without it last."""

    def key(document: Document) -> tuple[bool, float, str]:
        value = next(iter(values(document, by)), None)
        number = _number(value)
        return (math.isnan(number), 0.0 if math.isnan(number) else number, "" if value is None else str(value))

    present = [one for one in documents if any(True for _ in values(one, by))]
    absent = [one for one in documents if not any(True for _ in values(one, by))]
    return sorted(present, key=key, reverse=descending) + absent


def values(document: Document, name: str) -> Iterable[Any]:
    """The values of a property: none, one, or several where lists are on its path."""
    first, _, rest = name.partition(".")
    if first == "Metrics" and rest:
        yield from _metric(document, rest)
    elif first == "Tags" and rest:
        yield from (tag["Value"] for tag in document.get("Tags", []) if tag["Key"] == rest)
    else:
        yield from _walk(document, name)


def _conditions(expression: Mapping[str, Any]) -> Iterable[tuple[str, str, str | None]]:
    if not any(expression.get(part) for part in ("Filters", "NestedFilters", "SubExpressions")):
        raise InvalidSearch("A search expression needs at least one filter, nested filter or subexpression.")
    for one in expression.get("Filters", []):
        yield one["Name"], one.get("Operator", "Equals"), one.get("Value")
    for nested in expression.get("NestedFilters", []):
        for one in nested["Filters"]:
            prefix = nested["NestedPropertyName"] + "."
            if not one["Name"].startswith(prefix):
                raise InvalidSearch(f"The nested filter's property {one['Name']} must begin with {prefix}")
            yield one["Name"], one.get("Operator", "Equals"), one.get("Value")
    for sub in expression.get("SubExpressions", []):
        yield from _conditions(sub)


def _satisfies(document: Document, condition: Mapping[str, Any]) -> bool:
    name, operator, value = condition["Name"], condition.get("Operator", "Equals"), condition.get("Value")
    found = list(values(document, name))
    if operator == "Exists":
        return bool(found)
    if operator == "NotExists":
        return not found
    if operator == "NotEquals":
        return not any(_equal(one, value or "") for one in found)
    return any(_compare(one, operator, value or "") for one in found)


def _satisfies_nested(document: Document, nested: Mapping[str, Any]) -> bool:
    """Whether one object of the list satisfies all conditions."""
    name = nested["NestedPropertyName"]
    conditions = [
        {**condition, "Name": condition["Name"].removeprefix(name + ".")} for condition in nested["Filters"]
    ]
    return any(
        isinstance(item, Mapping) and all(_satisfies(item, condition) for condition in conditions)
        for item in _walk(document, name)
    )


def _compare(found: Any, operator: str, value: str) -> bool:
    if operator == "Equals":
        return _equal(found, value)
    if operator == "Contains":
        return value in str(found)
    if operator == "In":
        return any(_equal(found, one.strip()) for one in value.split(","))
    one, other = _number(found), _number(value)
    if math.isnan(one) or math.isnan(other):
        return False
    if isinstance(found, str) and _is_whole(value):
        one = float(math.trunc(one))
    return {
        "GreaterThan": one > other,
        "GreaterThanOrEqualTo": one >= other,
        "LessThan": one < other,
        "LessThanOrEqualTo": one <= other,
    }[operator]


def _equal(found: Any, value: str) -> bool:
    if isinstance(found, bool):
        return value.lower() == str(found).lower()
    if str(found) == value:
        return True
    one, other = _number(found), _number(value)
    if isinstance(found, str) and _is_whole(value) and not math.isnan(one):
        one = float(math.trunc(one))
    return one == other


def _walk(value: Any, path: str) -> Iterable[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        first, _, rest = path.partition(".")
        if first in _MAPS and rest and isinstance(value.get(first), Mapping):
            yield from _entry(value[first], rest)
        elif value.get(first) is not None:
            yield from _walk(value[first], rest)


def _entry(entries: Mapping[str, Any], path: str) -> Iterable[Any]:
    """Of a map whose keys may hold dots: the entry that is the path, or begins it."""
    for key, value in entries.items():
        if key == path:
            found = value
            if isinstance(value, Mapping):  # a parameter or an artifact of a trial component
                found = next(
                    (value[part] for part in ("NumberValue", "StringValue", "Value") if part in value), None
                )
            if found is not None:
                yield found
        elif isinstance(value, Mapping) and path.startswith(key + "."):
            yield from _walk(value, path.removeprefix(key + "."))


def _metric(document: Document, name: str) -> Iterable[Any]:
    for final in document.get("FinalMetricDataList", []):
        if final["MetricName"] == name:
            yield final["Value"]
    for summary in document.get("Metrics", []):
        known = summary["MetricName"]
        statistic = name.removeprefix(known + ".")
        if name == known:
            yield summary["Last"]
        elif name != statistic and statistic in _STATISTICS and statistic in summary:
            yield summary[statistic]


def _is_time(name: str) -> bool:
    return name.rpartition(".")[2].endswith(("Time", "TimeStamp"))


def _is_whole(value: str) -> bool:
    return value.lstrip("+-").isdigit()


def _number(value: Any) -> float:
    """A number, or the Unix seconds of a written time; NaN for anything else."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
