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
    from epochwatch.settings import load

    if sum(one is not None for one in (job, dashboard, widget)) != 1:
        raise UsageError(
            "draw one of JOB, --dashboard and --widget", "for example: epochwatch plot JOB train:loss"
        )
    client = Client(load(), timeout=PATIENCE)
    if job is not None and metrics and png is None:
        _draw_curves(client, job, metrics, Drawing(x, logarithmic, smoothing, width, height))
        return
    dashboards = Dashboards(client)
    widgets = _widgets(dashboards, client, job, metrics, dashboard, widget)
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


def _widgets(
    dashboards: "Dashboards",
    client: "Client",
    job: str | None,
    metrics: tuple[str, ...],
    dashboard: str | None,
    widget: "IO[str] | None",
) -> list[dict[str, Any]]:
    """What is to be drawn, as widgets of a dashboard."""
    import json

    from epochwatch.cli.job import job_path
    from epochwatch.errors import UsageError
    from epochwatch.model.dashboard.defaults import JOB
    from epochwatch.model.dashboard.widget import placed_widgets

    if widget is not None:
        try:
            given = json.load(widget)
        except ValueError as error:
            raise UsageError(f"{widget.name} is not JSON: {error}") from error
        whole = isinstance(given, dict) and isinstance(given.get("properties"), dict)
        return [given if whole and given.get("type") else {"type": "metric", "properties": given}]
    if job is not None:
        detail = client.get_json(job_path(job))
        if metrics:
            return [_widget_of(client, detail, metrics)]
    return placed_widgets(json.loads(dashboards.body(dashboard or f"{JOB}{job}")), time.time())


def _widget_of(client: "Client", detail: dict[str, Any], metrics: tuple[str, ...]) -> dict[str, Any]:
    """Metrics of a job in one chart over the job's time."""
    from epochwatch.model.dashboard.defaults import job_chart
    from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
    from epochwatch.settings import load

    missing = [name for name in metrics if name not in {one["name"] for one in detail["metrics"]}]
    if missing:
        raise _unknown(client, detail["name"], missing)
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
