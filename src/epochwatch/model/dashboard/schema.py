"""What CloudWatch takes as the body of a dashboard, and as a picture's widget: JSON Schemas.

Members that are not named here are no error: a body from a newer client must still be kept. The rows of ``metrics`` are
judged apart, in ``metric_rows``; the rules between members, in ``validation``.
"""

from typing import Any, Final

MOST_WIDGETS: Final = 500
MOST_VARIABLES: Final = 25
MOST_METRICS_OF_WIDGET: Final = 500
MOST_METRICS: Final = 2500
"""In all widgets of a dashboard."""
COLUMNS: Final = 24
"""Of the grid on which widgets lie."""
LARGEST_PICTURE: Final = 2000
"""Pixels of a picture's side."""
MOST_METRICS_OF_PICTURE: Final = 100
MOST_ALARMS: Final = 100

Schema = dict[str, Any]

STRING: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
COLOR: Final[Schema] = {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}
PERIOD: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 2592000}
TIMEZONE: Final[Schema] = {"type": "string", "pattern": "^[+-]([01][0-9]|2[0-3])[0-5][0-9]$"}
ALARM_ARN: Final[Schema] = {
    "type": "string",
    "pattern": "^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$",
}


def _one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: Schema, least: int | None = None, most: int | None = None) -> Schema:
    limits = {"minItems": least, "maxItems": most}
    return {"type": "array", "items": items} | {name: limit for name, limit in limits.items() if limit is not None}


def _or_pair(one: Schema) -> Schema:
    """One annotation, or two, between which a band is filled."""
    return {
        "if": {"type": "array"},
        "then": {"type": "array", "items": one, "minItems": 2, "maxItems": 2},
        "else": one,
    }


_HORIZONTAL: Final = _object(
    {
        "value": NUMBER,
        "label": STRING,
        "color": COLOR,
        "fill": _one_of("above", "below", "none"),
        "yAxis": _one_of("left", "right"),
        "visible": BOOLEAN,
    },
    "value",
)
_VERTICAL: Final = _object(
    {
        "value": {"type": "string", "format": "date-time"},
        "label": STRING,
        "color": COLOR,
        "fill": _one_of("before", "after", "none"),
        "visible": BOOLEAN,
    },
    "value",
)
_AXIS: Final = _object({"min": NUMBER, "max": NUMBER, "label": STRING, "showUnits": BOOLEAN})
_LEGEND: Final = _object({"position": _one_of("right", "bottom", "hidden")})

_CHART: Final[Schema] = {
    "accountId": STRING,
    "annotations": _object(
        {
            "alarms": _list(ALARM_ARN, 1, 1),
            "horizontal": _list(_or_pair(_HORIZONTAL)),
            "vertical": _list(_or_pair(_VERTICAL)),
        }
    ),
    "legend": _LEGEND,
    "liveData": BOOLEAN,
    "period": PERIOD,
    "region": STRING,
    "stacked": BOOLEAN,
    "stat": STRING,
    "start": STRING,
    "end": STRING,
    "timezone": TIMEZONE,
    "title": STRING,
    "yAxis": _object({"left": _AXIS, "right": _AXIS}),
    "sparkline": BOOLEAN,
    "setPeriodToTimeRange": BOOLEAN,
    "singleValueFullPrecision": BOOLEAN,
}

METRIC: Final = _object(
    _CHART
    | {
        "metrics": {"type": "array", "maxItems": MOST_METRICS_OF_WIDGET},
        "view": _one_of("timeSeries", "singleValue", "gauge", "bar", "pie", "table"),
        "table": _object(
            {
                "layout": _one_of("vertical", "horizontal"),
                "stickySummary": BOOLEAN,
                "showTimeSeriesData": BOOLEAN,
                "summaryColumns": _list(_one_of("MIN", "MAX", "SUM", "AVG")),
            }
        ),
    }
)
PICTURE: Final = _object(
    _CHART
    | {
        "metrics": {"type": "array", "minItems": 1, "maxItems": MOST_METRICS_OF_PICTURE},
        "view": _one_of("timeSeries", "singleValue", "gauge", "bar", "pie"),
        "theme": _one_of("light", "dark"),
        "width": {"type": "integer", "minimum": 1, "maximum": LARGEST_PICTURE},
        "height": {"type": "integer", "minimum": 1, "maximum": LARGEST_PICTURE},
    }
)
_TEXT: Final = _object({"markdown": STRING, "background": _one_of("transparent", "solid")}, "markdown")
_LOG: Final = _object(
    {
        "query": STRING,
        "region": STRING,
        "accountId": STRING,
        "title": STRING,
        "view": _one_of("table", "timeSeries", "bar", "pie"),
        "stacked": BOOLEAN,
        "queryLanguage": _one_of("CWLI", "SQL", "PPL"),
    },
    "query",
)
_ALARM: Final = _object(
    {
        "alarms": _list(STRING, 1, MOST_ALARMS),
        "sortBy": _one_of("default", "stateUpdatedTimestamp", "timestamp"),
        "states": _list(_one_of("ALARM", "OK", "INSUFFICIENT_DATA"), None, 3),
        "title": STRING,
    },
    "alarms",
)
_EXPLORER: Final = _object(
    {
        "metrics": _list(
            _object({"metricName": STRING, "resourceType": STRING, "stat": STRING}, "metricName", "resourceType"),
            1,
            100,
        ),
        "labels": _list(_object({"key": STRING, "value": STRING}, "key")),
        "aggregateBy": _object({"key": STRING, "func": _one_of("AVG", "MIN", "MAX", "STDDEV", "SUM")}),
        "splitBy": STRING,
        "region": STRING,
        "period": PERIOD,
        "title": STRING,
        "widgetOptions": _object(
            {
                "legend": _LEGEND,
                "view": _one_of("timeSeries", "singleValue", "gauge", "bar", "pie", "table"),
                "stacked": BOOLEAN,
                "rowsPerPage": {"type": "integer", "minimum": 1},
                "widgetsPerRow": {"type": "integer", "minimum": 1, "maximum": COLUMNS},
            }
        ),
    },
    "metrics",
    "labels",
)
_CUSTOM: Final = _object({"endpoint": STRING, "params": {}, "title": STRING, "updateOn": {"type": "object"}})
_ANY: Final = _object({"title": STRING})

PROPERTIES: Final[dict[str, Schema]] = {
    "metric": METRIC,
    "text": _TEXT,
    "log": _LOG,
    "alarm": _ALARM,
    "explorer": _EXPLORER,
    "custom": _CUSTOM,
    "chart": _ANY,
    "trace": _ANY,
}
"""What the properties of a widget may be, by its type."""

WIDGET: Final = _object(
    {
        "type": _one_of(*PROPERTIES),
        "x": {"type": "integer", "minimum": 0, "maximum": COLUMNS - 1},
        "y": {"type": "integer", "minimum": 0},
        "width": {"type": "integer", "minimum": 1, "maximum": COLUMNS},
        "height": {"type": "integer", "minimum": 1, "maximum": 1000},
        "properties": {"type": "object"},
    },
    "type",
    "properties",
)
_VARIABLE: Final = _object(
    {
        "type": _one_of("property", "pattern"),
        "property": STRING,
        "pattern": STRING,
        "inputType": _one_of("input", "select", "radio"),
        "id": {"type": "string", "minLength": 1, "maxLength": 32},
        "label": {"type": "string", "maxLength": 30},
        "defaultValue": STRING,
        "visible": BOOLEAN,
        "search": {"type": "string", "maxLength": 2048},
        "populateFrom": STRING,
        "values": _list(_object({"value": STRING, "label": STRING}, "value"), 1, 500),
    },
    "type",
    "inputType",
    "id",
)
BODY: Final = _object(
    {
        "widgets": _list(WIDGET, None, MOST_WIDGETS),
        "start": STRING,
        "end": STRING,
        "periodOverride": _one_of("auto", "inherit"),
        "variables": _list(_VARIABLE, None, MOST_VARIABLES),
    },
    "widgets",
)
