"""``epochwatch plot``: curves of a job, drawn in the terminal."""

import shutil
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.cli.chart import Chart, Curve


@click.command("plot")
@click.argument("job")
@click.argument("metrics", nargs=-1, required=True, metavar="METRIC...")
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
    job: str,
    metrics: tuple[str, ...],
    x: str,
    logarithmic: bool,
    width: int | None,
    height: int,
    smoothing: float,
) -> None:
    """Draw METRICs of JOB. Each column shows the least and the greatest value it covers: no spike is lost."""
    from epochwatch.cli.chart import Frame, draw
    from epochwatch.cli.job import job_path
    from epochwatch.client.http import Client, Parameters
    from epochwatch.errors import EpochwatchError
    from epochwatch.settings import load

    frame = Frame(width or shutil.get_terminal_size().columns, height, x, logarithmic)
    client = Client(load())
    asked: Parameters = {"metric": metrics, "x": x, "width": frame.width * 2, "smoothing": smoothing}
    answered = client.get_json(job_path(job, "/curves"), asked)["curves"]
    missing = [name for name in metrics if name not in {curve["metric"] for curve in answered}]
    if missing:
        raise _unknown(client, job, missing)
    client.close()
    try:
        chart = draw(_curves(answered, smoothing > 0), frame)
    except ValueError as error:
        raise EpochwatchError(
            f"{error} for {', '.join(metrics)}", "leave --log away" if logarithmic else "try another --x"
        ) from error
    print_chart(chart)
    for curve in answered:
        if curve["non_finite"]:
            click.echo(
                f"{curve['metric']}: {len(curve['non_finite'])} values are NaN or infinite, not drawn", err=True
            )


def _unknown(client: Any, job: str, missing: list[str]) -> Exception:
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
