"""A metric widget: what is drawn, from which metrics, and how."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.metric_rows import InvalidRow, Row, Side, rows
from epochwatch.model.periods import MINUTE
from epochwatch.model.time_range import suitable_period

View: TypeAlias = Literal["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]

DEFAULT_START = "-PT3H"
DEFAULT_PERIOD = 300
DEFAULT_STATISTIC = "Average"


class Axis(msgspec.Struct, frozen=True, rename="camel"):
    """One of the two value axes; a limit of None is found from the values."""

    min: float | None = None
    max: float | None = None
    label: str = ""
    show_units: bool = True


class YAxis(msgspec.Struct, frozen=True):
    """The two value axes."""

    left: Axis = Axis()
    right: Axis = Axis()


class Legend(msgspec.Struct, frozen=True):
    """Where the legend stands."""

    position: Literal["bottom", "right", "hidden"] = "bottom"


class HorizontalAnnotation(msgspec.Struct, frozen=True, rename="camel"):
    """A line at a value."""

    value: float
    label: str = ""
    color: str | None = None
    fill: Literal["above", "below", "none"] = "none"
    y_axis: Side = "left"
    visible: bool = True


class VerticalAnnotation(msgspec.Struct, frozen=True):
    """A line at a time (ISO 8601)."""

    value: str
    label: str = ""
    color: str | None = None
    fill: Literal["before", "after", "none"] = "none"
    visible: bool = True


class Annotations(msgspec.Struct, frozen=True):
    """Lines, bands between two of them, and the alarm whose threshold is drawn."""

    horizontal: list[HorizontalAnnotation | list[HorizontalAnnotation]] = []
    vertical: list[VerticalAnnotation | list[VerticalAnnotation]] = []
    alarms: list[str] = []


class Table(msgspec.Struct, frozen=True, rename="camel"):
    """How the view ``table`` looks."""

    layout: Literal["horizontal", "vertical"] = "horizontal"
    sticky_summary: bool = False
    show_time_series_data: bool = False
    summary_columns: list[Literal["MIN", "MAX", "SUM", "AVG"]] = []


class MetricWidget(msgspec.Struct, frozen=True, rename="camel"):
    """A metric widget of a dashboard, or what GetMetricWidgetImage is asked for. ``width`` and ``height`` are in
    pixels, ``period`` in seconds.
    """

    metrics: list[Any] = []
    view: View = "timeSeries"
    stacked: bool = False
    stat: str = DEFAULT_STATISTIC
    period: int = DEFAULT_PERIOD
    region: str | None = None
    account_id: str | None = None
    title: str = ""
    live_data: bool = False
    sparkline: bool = True
    timezone: str = "+0000"
    start: str | None = None
    end: str | None = None
    set_period_to_time_range: bool = False
    single_value_full_precision: bool = False
    theme: Literal["light", "dark"] = "light"
    width: int = 600
    height: int = 400
    legend: Legend = Legend()
    y_axis: YAxis = YAxis()
    table: Table = Table()
    annotations: Annotations = Annotations()

    def rows(self) -> list[Row]:
        """What is drawn, the short forms written out."""
        return [row for row in rows(self.metrics) if not isinstance(row, InvalidRow)]

    def range(self, now: float) -> tuple[float, float]:
        """From when to when, in Unix seconds."""
        return times.moment(self.start or DEFAULT_START, now), times.moment(self.end, now) if self.end else now


def metric_widget(properties: Mapping[str, Any]) -> MetricWidget:
    """The record of properties in which nothing is wrong."""
    return msgspec.convert(properties, MetricWidget, strict=False)  # 60.0 is a whole number in JSON


def placed_widgets(body: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """The widgets of a dashboard from top to bottom and from left to right; the metric ones have the dashboard's times
    where they name none, and periods that suit the time unless ``periodOverride`` is ``inherit``.
    """
    whole = {name: body[name] for name in ("start", "end") if name in body}
    placed = []
    for one in sorted(body["widgets"], key=lambda one: (one.get("y", 0), one.get("x", 0))):
        properties = one["properties"]
        if one["type"] == "metric":
            properties = properties if "start" in properties else whole | properties
            properties = properties if body.get("periodOverride") == "inherit" else _suited(properties, now)
        placed.append({**one, "properties": properties})
    return placed


def _suited(properties: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The properties with a period that suits the widget's time, which those of its rows give way to."""
    period = suitable_period(*metric_widget(properties).range(now), MINUTE)
    metrics = [
        [*row[:-1], {name: value for name, value in row[-1].items() if name != "period"}]
        if row and isinstance(row[-1], dict)
        else row
        for row in properties.get("metrics", ())
    ]
    return {**properties, "period": period} | ({"metrics": metrics} if "metrics" in properties else {})
