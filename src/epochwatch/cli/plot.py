"""``epochwatch plot``: curves of a job, drawn in the terminal."""

import shutil
import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from epochwatch.cli.chart import Chart, Curve
    from epochwatch.client.dashboards import Dashboards
    from epochwatch.client.http import Client

PATIENCE = 120.0
"""Seconds to wait for an answer."""


@click.command("plot")
@click.argument("job", required=False)
@click.argument("metrics", nargs=-1, metavar="[METRIC]...")
@click.option("--dashboard", metavar="NAME", help="Draw the widgets of this dashboard.")
@click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="ID=VALUE",
    help="Of the dashboard; repeatable. Default: its own.",
)
@click.option("--widget", metavar="FILE", type=click.File("r", encoding="utf-8"), help="Draw this metric widget.")
@click.option("--png", metavar="FILE", type=click.Path(dir_okay=False), help="Write pictures instead.")
@click.option(
    "--x",
    type=click.Choice(["step", "time", "relative", "epoch"]),
    default="step",
    show_default=True,
    help="The horizontal axis.",
)
@click.option("--log", "logarithmic", is_flag=True, help="Logarithmic value axis; values up to zero are left out.")
@click.option("--width", type=click.IntRange(20, 1000), help="Characters. Default: the terminal's.")
@click.option("--height", type=click.IntRange(4, 500), default=20, show_default=True, help="Lines.")
@click.option(
    "--smoothing",
    type=click.FloatRange(0, 0.99),
    default=0.0,
    show_default=True,
    help="Weight of the past in a moving average.",
)
def plot_command(
    job: str | None,
    metrics: tuple[str, ...],
    dashboard: str | None,
    variables: tuple[str, ...],
    widget: Any,
    png: str | None,
    x: str,
    logarithmic: bool,
    width: int | None,
    height: int,
    smoothing: float,
) -> None:
    """Draw METRICs of JOB; without any, the job's dashboard. Each column shows the least and the greatest value it
    covers: no spike is lost. Or draw any dashboard, or a metric widget in JSON (`-`: standard input).
    """
    from epochwatch.client.dashboards import Dashboards
    from epochwatch.client.http import Client
    from epochwatch.errors import UsageError
    from epochwatch.model.dashboard.defaults import JOB
    from epochwatch.settings import load

    if sum(one is not None for one in (job, dashboard, widget)) != 1:
        raise UsageError(
            "draw one of JOB, --dashboard and --widget", "for example: epochwatch plot JOB train:loss"
        )
    if variables and dashboard is None:
        raise UsageError("--variable is for --dashboard", "name the dashboard")
    client = Client(load(), timeout=PATIENCE)
    if job is not None and metrics and png is None:
        _draw_curves(client, job, metrics, Drawing(x, logarithmic, smoothing, width, height))
        return
    dashboards = Dashboards(client)
    if widget is not None:
        widgets = [_widget_in(widget)]
    elif job is not None and metrics:
        widgets = [_widget_of(client, job, metrics)]
    else:
        widgets = _widgets_of(dashboards, dashboard or f"{JOB}{job}", variables)
    _draw_widgets(dashboards, widgets, png, width, height)


class Drawing(NamedTuple):
    """How the curves of a job are drawn."""

    x: str
    logarithmic: bool
    smoothing: float
    width: int | None
    height: int


def _draw_curves(client: "Client", job: str, metrics: tuple[str, ...], how: Drawing) -> None:
    from epochwatch.cli.chart import Frame, draw
    from epochwatch.cli.job import job_path
    from epochwatch.client.http import Parameters
    from epochwatch.errors import EpochwatchError

    frame = Frame(how.width or shutil.get_terminal_size().columns, how.height, how.x, how.logarithmic)
    asked: Parameters = {"metric": metrics, "x": how.x, "width": frame.width * 2, "smoothing": how.smoothing}
    answered = client.get_json(job_path(job, "/curves"), asked)["curves"]
    missing = [name for name in metrics if name not in {curve["metric"] for curve in answered}]
    if missing:
        raise _unknown(client, job, missing)
    client.close()
    try:
        chart = draw(_curves(answered, how.smoothing > 0), frame)
    except ValueError as error:
        raise EpochwatchError(
            f"{error} for {', '.join(metrics)}", "leave --log away" if how.logarithmic else "try another --x"
        ) from error
    print_chart(chart)
    for curve in answered:
        if curve["non_finite"]:
            click.echo(
                f"{curve['metric']}: {len(curve['non_finite'])} values are NaN or infinite, not drawn", err=True
            )


def _widget_in(file: IO[str]) -> dict[str, Any]:
    """The widget in a file, which may have its properties alone."""
    import json

    from epochwatch.errors import UsageError

    try:
        given = json.load(file)
    except ValueError as error:
        raise UsageError(f"{file.name} is not JSON: {error}") from error
    whole = isinstance(given, dict) and isinstance(given.get("properties"), dict) and "type" in given
    return given if whole else {"type": "metric", "properties": given}


def _widgets_of(dashboards: "Dashboards", name: str, variables: tuple[str, ...]) -> list[dict[str, Any]]:
    """The widgets of a dashboard with values in place of its variables."""
    import json

    from epochwatch.errors import UsageError
    from epochwatch.model.dashboard.variables import UnknownVariable, with_variables
    from epochwatch.model.dashboard.widget import placed_widgets

    pairs = [variable.partition("=") for variable in variables]
    if not all(equals for _, equals, _ in pairs):
        raise UsageError("--variable must be ID=VALUE", "for example: --variable region=eu-west-1")
    body = json.loads(dashboards.body(name))
    try:
        return placed_widgets(with_variables(body, {id: value for id, _, value in pairs}), time.time())
    except UnknownVariable as error:
        raise UsageError(str(error)) from error


def _widget_of(client: "Client", job: str, metrics: tuple[str, ...]) -> dict[str, Any]:
    """Metrics of a job in one chart over the job's time."""
    from epochwatch.cli.job import job_path
    from epochwatch.model.dashboard.defaults import job_chart
    from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
    from epochwatch.settings import load

    detail = client.get_json(job_path(job))
    missing = [name for name in metrics if name not in {one["name"] for one in detail["metrics"]}]
    if missing:
        raise _unknown(client, job, missing)
    rows = [MetricId.of(TRAINING_JOBS_NAMESPACE, name, [("TrainingJobName", detail["name"])]) for name in metrics]
    now = time.time()
    return job_chart(detail["name"], detail["started"], detail["ended"], now, rows, load().region)


def _draw_widgets(
    dashboards: "Dashboards", widgets: list[dict[str, Any]], png: str | None, width: int | None, height: int
) -> None:
    if png is not None:
        _write_pictures(dashboards, widgets, png)
        return
    from epochwatch.cli.widgets import print_widget

    for place, one in enumerate(widgets):
        if place:
            click.echo()
        print_widget(dashboards, one, width, height)


def _write_pictures(dashboards: "Dashboards", widgets: list[dict[str, Any]], path: str) -> None:
    """One picture into the file; several into files numbered from 1: ``loss-1.png``."""
    from pathlib import Path

    from epochwatch.cli.output import write_out
    from epochwatch.errors import UsageError

    drawn = [
        one["properties"]
        for one in widgets
        if one["type"] == "metric" and one["properties"].get("view") != "table"
    ]
    if not drawn:
        raise UsageError("there is no metric widget to be drawn as a picture")
    whole = Path(path)
    for number, properties in enumerate(drawn, 1):
        name = whole if len(drawn) == 1 else whole.with_name(f"{whole.stem}-{number}{whole.suffix}")
        write_out(dashboards.png(properties), str(name))


def _unknown(client: "Client", job: str, missing: list[str]) -> Exception:
    import difflib

    from epochwatch.cli.job import job_path
    from epochwatch.errors import EpochwatchError

    known = [metric["name"] for metric in client.get_json(job_path(job))["metrics"]]
    near = [match for name in missing for match in difflib.get_close_matches(name, known, 2)] or known
    hint = f"it has: {', '.join(near[:8])}" if near else "it has no metrics yet"
    return EpochwatchError(f"job {job} has no metric {', '.join(missing)}", hint)


def _curves(answered: list[dict[str, Any]], smooth: bool) -> "list[Curve]":
    from epochwatch.cli.chart import Curve

    several = len({curve["host"] for curve in answered}) > 1
    return [
        Curve(
            f"{curve['metric']} {curve['host']}" if several else curve["metric"],
            _floats(curve["x"]),
            _floats(curve["smooth" if smooth else "min"]),
            _floats(curve["smooth" if smooth else "max"]),
        )
        for curve in answered
    ]


def _floats(values: list[Any]) -> list[float]:
    """Numbers as the server writes them: null and texts like ``NaN`` for what JSON has no number for."""
    return [float("nan") if value is None else float(value) for value in values]


def print_chart(chart: "Chart") -> None:
    """The chart and its legend on standard output, coloured in a terminal."""
    from rich.text import Text

    from epochwatch.cli.chart import COLORS, MARKS
    from epochwatch.cli.output import console

    screen = console()
    for row in chart.rows:
        line = Text(no_wrap=True, overflow="ignore")
        for text, owner in row:
            line.append(text, COLORS[owner % len(COLORS)] if owner >= 0 else None)
        line.rstrip()
        screen.print(line, crop=False)
    legend = Text()
    for index, name in enumerate(chart.names):
        legend.append(f"{MARKS[index % len(MARKS)]} {name}   ", COLORS[index % len(COLORS)])
    legend.rstrip()
    screen.print(legend)
