"""``epochwatch query``: any metrics, read, found and computed."""

import shutil
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from epochwatch.cli.chart import Curve
    from epochwatch.client.queries import Answer, Series

FORMS = ("table", "json", "csv", "arrow", "parquet")
SPARK_WIDTH = 24
"""Characters of the curve in a row of the table."""
CHART_HEIGHT = 20
"""Lines of a chart."""


@click.command("query")
@click.argument("expressions", nargs=-1, required=True, metavar="EXPRESSION...")
@click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    metavar="ID=SELECTOR",
    help="A metric expressions name; repeatable.",
)
@click.option("--start", default="-3h", show_default=True, metavar="TIME", help="-15m, ISO 8601 or Unix seconds.")
@click.option("--end", default="now", show_default=True, metavar="TIME", help="The same; not included.")
@click.option(
    "--period", type=click.IntRange(1, 86400), metavar="SECONDS", help="Default: about what a chart shows."
)
@click.option("--timezone", metavar="+HHMM", help="Of times that name none. Default: UTC.")
@click.option("--format", "form", type=click.Choice(FORMS), help="Default: by the file's ending, else a table.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to FILE.")
@click.option("--plot", is_flag=True, help="Draw the series.")
def query_command(
    expressions: tuple[str, ...],
    metrics: tuple[str, ...],
    start: str,
    end: str,
    period: int | None,
    timezone: str | None,
    form: str | None,
    output: str | None,
    plot: bool,
) -> None:
    """Ask for metrics. An EXPRESSION is a metric ('Lab temperature{Room=a} p99'), metric math over metrics that -m
    names, SEARCH('...', 'Average') or SELECT ... FROM ....
    """
    from epochwatch.cli.output import console, form_of, rendered, write_out
    from epochwatch.client.http import Client
    from epochwatch.client.queries import PATIENCE, Query, decoded, fetch
    from epochwatch.errors import UsageError
    from epochwatch.settings import load

    if plot and (form or output):
        raise UsageError("--plot draws in the terminal", "leave --format and --output away")
    form = form_of(form, output, FORMS)
    client = Client(load(), timeout=PATIENCE)
    asked = Query(expressions, _by_id(metrics), start, end, period, timezone)
    body = fetch(client, asked, "json" if form == "table" else form)
    client.close()
    if form != "table":
        write_out(body, output)
        return
    answer = decoded(body)
    _remark(answer)
    if plot:
        _draw(answer)
    elif answer.series and output:
        write_out(rendered(_table(answer)), output)
    elif answer.series:
        console().print(_table(answer))


def _by_id(metrics: tuple[str, ...]) -> dict[str, str]:
    from epochwatch.errors import UsageError

    found: dict[str, str] = {}
    for metric in metrics:
        name, equals, selector = metric.partition("=")
        if not equals or name in found:
            raise UsageError(
                f"-m {name} is given twice" if equals else f"-m must be ID=SELECTOR, not '{metric}'",
                "for example: -m 'loss=Lab loss{Run=7} Average'",
            )
        found[name] = selector
    return found


def _remark(answer: "Answer") -> None:
    """What the table itself does not say, on standard error."""
    from epochwatch.cli.output import moment

    for said in answer.messages:
        click.echo(f"warning: {said.message}", err=True)
    if not any(one.values for one in answer.series):
        click.echo(f"no data from {moment(answer.start)} to {moment(answer.end)}", err=True)
    else:
        click.echo(f"{moment(answer.start)} to {moment(answer.end)}, a point every {answer.period} s", err=True)


def _table(answer: "Answer") -> "Table":
    from epochwatch.cli.output import table

    columns = ("SERIES", "POINTS", "FIRST", "LAST", "MIN", "MAX", "AVERAGE", "")
    return table(columns, map(_row, answer.series), right=columns[1:-1])


def _row(one: "Series") -> tuple[str, ...]:
    from epochwatch.cli.chart import sparkline
    from epochwatch.cli.output import number

    values = one.values
    if not values:
        return (one.label, "0", *["-"] * 5, "")
    average = sum(value / len(values) for value in values)  # divided first: a sum of huge values would overflow
    numbers = (values[0], values[-1], min(values), max(values), average)
    return (one.label, f"{len(values):,}", *map(number, numbers), sparkline(_curve(one), SPARK_WIDTH))


def _curve(one: "Series") -> "Curve":
    from epochwatch.cli.chart import Curve

    return Curve(one.label, one.timestamps, one.values, one.values)


def _draw(answer: "Answer") -> None:
    from epochwatch.cli.chart import Frame, draw
    from epochwatch.cli.plot import print_chart

    curves = [_curve(one) for one in answer.series if one.values]
    if curves:
        print_chart(draw(curves, Frame(shutil.get_terminal_size().columns, CHART_HEIGHT, "time")))
