"""What is wrong with the body of a dashboard: every mistake, where it is, in CloudWatch's words."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from epochwatch.model.dashboard import schema, times
from epochwatch.model.dashboard.metric_rows import InvalidRow, rows
from epochwatch.model.dashboard.times import InvalidMoment

NO_OBJECT: Final = "The field DashboardBody must be a valid JSON object"
NO_DATA: Final = "The metric widget should have specified a region and a data source or an alarm annotation"
_NOT_A_MOMENT: Final = 'Should match format "date-time"'
_WORDS: Final = {
    "type": "Should be {}",
    "enum": "Should be equal to one of the allowed values",
    "minimum": "Should be >= {}",
    "maximum": "Should be <= {}",
    "minItems": "Should NOT have less than {} items",
    "maxItems": "Should NOT have more than {} items",
    "minLength": "Should NOT be shorter than {} characters",
    "maxLength": "Should NOT be longer than {} characters",
    "pattern": 'Should match pattern "{}"',
    "format": _NOT_A_MOMENT,
}
"""By the keyword of the schema that is broken."""


class NotAnObject(ValueError):
    """A text that is not the JSON of an object."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake: ``path`` is the JSON Pointer of where it is."""

    path: str
    message: str


def told(what: str, problems: Sequence[Problem]) -> str:
    """That ``what`` is invalid, with every mistake, as CloudWatch writes it."""
    shown = [{"dataPath": one.path, "message": one.message} for one in problems]
    return f"The {what} is invalid, there are {len(problems)} validation errors:\n{json.dumps(shown, indent=2)}"


def parse_object(text: str) -> dict[str, Any]:
    """The object of a JSON text. Raises NotAnObject."""
    try:
        found = json.loads(text, parse_constant=_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise NotAnObject(NO_OBJECT) from error
    if not isinstance(found, dict):
        raise NotAnObject(NO_OBJECT)
    return found


def body_problems(body: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with a dashboard's body."""
    found = _against(_BODY, body)
    found += [*_range_problems(body, ""), *_end_problems(body, "")]
    variables = body.get("variables")
    for number, variable in enumerate(variables if isinstance(variables, list) else ()):
        found += _variable_problems(variable, f"/variables/{number}")
    widgets = body.get("widgets")
    count = 0
    for number, widget in enumerate(widgets if isinstance(widgets, list) else ()):
        if isinstance(widget, dict) and isinstance(widget.get("properties"), dict):
            where = f"/widgets/{number}/properties"
            found += properties_problems(str(widget.get("type")), widget["properties"], where)
            count += _length(widget["properties"].get("metrics"))
    if count > schema.MOST_METRICS:
        found.append(Problem("/widgets", f"Should NOT have more than {schema.MOST_METRICS} metrics"))
    return found


def picture_problems(widget: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with what GetMetricWidgetImage is asked to draw."""
    found = _against(_PICTURE, widget)
    if not _has_data(widget):
        found.append(Problem("", "Should have required property 'metrics'"))
    return [*found, *_chart_problems(widget, ""), *_range_problems(widget, "")]


def metric_problems(properties: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with the properties of a metric widget, which need no region here."""
    return properties_problems("metric", {"region": "", **properties}, "")


def _variable_problems(variable: Any, where: str) -> Iterator[Problem]:
    """A variable has to say what it stands for: a property of widgets, or a pattern in their text."""
    kind = variable.get("type") if isinstance(variable, dict) else None
    if kind in ("property", "pattern") and kind not in variable:
        yield Problem(where, f"Should have required property '{kind}'")


def properties_problems(kind: str, properties: Mapping[str, Any], where: str = "") -> list[Problem]:
    """All that is wrong with the properties of a widget of a type, which is at ``where``."""
    if kind not in _PROPERTIES:
        return []
    found = _against(_PROPERTIES[kind], properties, where)
    if kind == "metric":
        found += [*_data_problems(properties, where), *_chart_problems(properties, where)]
        found += [*_range_problems(properties, where), *_end_problems(properties, where)]
    return found


def _data_problems(properties: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """A widget needs its region, and metrics or an alarm."""
    has_data = _has_data(properties)
    if not has_data:
        yield Problem(where, "Should have required property 'metrics'")
    if not has_data or "region" not in properties:
        yield Problem(where, NO_DATA)
    if not has_data:
        yield Problem(where, "Should have required property 'annotations'")


def _has_data(widget: Mapping[str, Any]) -> bool:
    annotations = widget.get("annotations")
    return "metrics" in widget or (isinstance(annotations, dict) and "alarms" in annotations)


def _chart_problems(widget: Mapping[str, Any], where: str) -> list[Problem]:
    found = []
    metrics = widget.get("metrics")
    for number, row in enumerate(rows(metrics) if isinstance(metrics, list) else ()):
        if isinstance(row, InvalidRow):
            place = "".join(f"/{one}" for one in (number, *row.place))
            found.append(Problem(f"{where}/metrics{place}", str(row)))
    if widget.get("view") == "gauge":
        found += _gauge_problems(widget.get("yAxis"), where)
    return found


def _gauge_problems(axes: Any, where: str) -> Iterator[Problem]:
    """A gauge has to know where it begins and ends."""
    if not isinstance(axes, dict):
        yield Problem(where, "Should have required property 'yAxis'")
        return
    left = axes.get("left")
    if not isinstance(left, dict):
        yield Problem(f"{where}/yAxis", "Should have required property 'left'")
        return
    for name in ("min", "max"):
        if name not in left:
            yield Problem(f"{where}/yAxis/left", f"Should have required property '{name}'")


def _range_problems(holder: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Start and end must be times."""
    for name in ("start", "end"):
        text = holder.get(name)
        if isinstance(text, str) and not _is_time(text):
            yield Problem(f"{where}/{name}", _NOT_A_MOMENT)


def _end_problems(holder: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """In a dashboard an end needs a start."""
    if "end" in holder and "start" not in holder:
        yield Problem(where, "Should have required property 'start'")


def _is_time(text: str) -> bool:
    try:
        times.moment(text, 0.0)
    except InvalidMoment:
        return False
    return True


def _against(wanted: Any, given: Any, where: str = "") -> list[Problem]:
    """What a schema says of a value, in the order of the text."""
    errors = sorted(wanted.iter_errors(given), key=lambda error: _order(error.absolute_path))
    return [Problem(where + _pointer(error.absolute_path), _words(error)) for error in errors]


def _required(_: Any, names: Sequence[str], given: Any, __: Any) -> Iterator[ValidationError]:
    """As the library does it, with the word for it at hand."""
    for name in names if isinstance(given, dict) else ():
        if name not in given:
            yield ValidationError(f"Should have required property '{name}'")


def _words(error: ValidationError) -> str:
    words = _WORDS.get(str(error.validator))
    return str(error.message) if words is None else words.format(error.validator_value)


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{key}" for key in path)


def _order(path: Sequence[str | int]) -> list[tuple[int, str]]:
    return [(key, "") if isinstance(key, int) else (-1, key) for key in path]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _number(text: str) -> float:
    """A number, but for NaN, infinities, and what is too large to be told from them."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


_FORMATS: Final = FormatChecker(formats=[])


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or (not times.is_relative(value) and _is_time(value))


_FORMATS.checks("date-time")(_is_moment)
_VALIDATOR: Final = extend(Draft202012Validator, {"required": _required})
_BODY: Final = _VALIDATOR(schema.BODY, format_checker=_FORMATS)
_PICTURE: Final = _VALIDATOR(schema.PICTURE, format_checker=_FORMATS)
_PROPERTIES: Final = {
    kind: _VALIDATOR(properties, format_checker=_FORMATS) for kind, properties in schema.PROPERTIES.items()
}
