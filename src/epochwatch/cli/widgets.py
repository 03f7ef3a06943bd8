"""Widgets in the terminal: curves over time, numbers with their curves, bars."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from epochwatch.cli.alarm import STATE_STYLES
from epochwatch.cli.chart import Curve, Frame, draw, sparkline
from epochwatch.cli.output import console, moment, number, table
from epochwatch.cli.plot import print_chart
from epochwatch.client.dashboards import Dashboards

SPARK_WIDTH = 24
"""Characters of the curve at a number."""
BAR_WIDTH = 40
"""Characters of the longest bar."""


def print_widget(dashboards: Dashboards, widget: Mapping[str, Any], width: int | None, height: int) -> None:
    """One widget of a dashboard on standard output."""
    properties = widget["properties"]
    if widget["type"] == "metric":
        print_picture(dashboards.picture(properties), width, height)
    elif widget["type"] == "text":
        console().print(Markdown(properties["markdown"]), width=width)
    elif widget["type"] == "alarm":
        _print_alarms(properties, dashboards.alarm_states(properties["alarms"]))
    else:
        click.echo(
            f"{properties.get('title') or 'untitled'}: a widget of the type {widget['type']} is not drawn here"
        )


def print_picture(picture: Mapping[str, Any], width: int | None, height: int) -> None:
    """What a metric widget shows (``Dashboards.picture``) on standard output."""
    screen = console()
    if picture["title"]:
        screen.print(Text(picture["title"], "bold"))
    curves = picture["curves"]
    if not any(curve["values"] for curve in curves):
        click.echo(f"no data from {moment(picture['start'])} to {moment(picture['end'])}", err=True)
        return
    if picture["view"] == "timeSeries":
        frame_width = width or shutil.get_terminal_size().columns
        for side in ("left", "right"):
            _print_axis(picture, side, frame_width, height)
    elif picture["view"] in ("singleValue", "table"):
        columns = ("LABEL", "VALUE", "UNIT", "MIN", "MAX", "")
        screen.print(table(columns, map(_numbers, curves), right=columns[1:5:2]))
    else:
        screen.print(_bars(picture))
    for curve in curves:
        if curve["incomplete"]:
            click.echo(f"warning: {curve['label']} could not be read whole", err=True)


def _print_axis(picture: Mapping[str, Any], side: str, width: int, height: int) -> None:
    """The curves of one value axis as a chart of their own, with the lines of annotations."""
    axis = picture["axes"][side]
    mine = [curve for curve in picture["curves"] if curve["axis"] == side and curve["values"]]
    if not mine:
        return
    units = {curve["unit"] for curve in mine}
    unit = units.pop() if len(units) == 1 and axis["showUnits"] else ""
    head = f"{axis['label']} ({unit})" if axis["label"] and unit else axis["label"] or unit
    if head:
        console().print(Text(head, "dim"))
    drawn = [Curve(one["label"], one["timestamps"], one["values"], one["high"] or one["values"]) for one in mine]
    ends = [min(min(one.x) for one in drawn), max(max(one.x) for one in drawn)]
    for level in picture["levels"]:
        if level["axis"] == side:
            drawn.append(
                Curve(level["label"] or number(level["value"]), ends, [level["value"]] * 2, [level["value"]] * 2)
            )
    print_chart(draw(drawn, Frame(width, height, "time", least=axis["min"], greatest=axis["max"])))


def _numbers(curve: Mapping[str, Any]) -> tuple[str, ...]:
    values = curve["values"]
    low, high = (number(min(values)), number(max(values))) if values else ("-", "-")
    drawn = sparkline(Curve(curve["label"], curve["timestamps"], values, values), SPARK_WIDTH)
    return (curve["label"], number(curve["number"]), curve["unit"], low, high, drawn)


def _bars(picture: Mapping[str, Any]) -> Table:
    """A bar for each curve: bar and pie as parts of the greatest and of all, a gauge between its ends."""
    counted = [(curve["label"], curve["number"]) for curve in picture["curves"] if curve["number"] is not None]
    axis = picture["axes"]["left"]
    whole = sum(value for _, value in counted if value > 0) or 1.0
    greatest = max((abs(value) for _, value in counted), default=1.0) or 1.0
    rows = []
    for label, value in counted:
        if picture["view"] == "gauge":
            part = (value - axis["min"]) / ((axis["max"] - axis["min"]) or 1.0)
            text = f"{number(value)} of {number(axis['min'])} to {number(axis['max'])}"
        elif picture["view"] == "pie":
            part = max(value, 0.0) / whole
            text = f"{part:.1%}"
        else:
            part, text = abs(value) / greatest, number(value)
        rows.append((label, _bar(part), text))
    return table(("LABEL", "", "VALUE"), rows, right=("VALUE",))


def _bar(part: float) -> str:
    """Whole blocks and one of eight parts."""
    eighths = round(min(max(part, 0.0), 1.0) * BAR_WIDTH * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _print_alarms(properties: Mapping[str, Any], states: Mapping[str, str]) -> None:
    wanted: Sequence[str] = properties.get("states") or ()
    rows: Iterable[tuple[Any, str]] = (
        (Text(states.get(arn, "-"), STATE_STYLES.get(states.get(arn, ""), "")), arn.partition(":alarm:")[2])
        for arn in properties["alarms"]
        if not wanted or states.get(arn) in wanted
    )
    if properties.get("title"):
        console().print(Text(properties["title"], "bold"))
    console().print(table(("STATE", "ALARM"), rows))
