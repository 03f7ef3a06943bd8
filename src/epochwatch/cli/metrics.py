"""``epochwatch metrics``: a job's points in full resolution."""

import sys
from typing import Any

import click

LONGEST_TABLE = 1000
"""Rows of a table in a terminal; more are for a file."""
FORMS = ("table", "csv", "json", "parquet")


@click.command("metrics")
@click.argument("job")
@click.option("-m", "--metric", "metrics", multiple=True, metavar="METRIC", help="Only this metric; repeatable.")
@click.option("--host", metavar="HOST", help="Only points of this host, such as algo-1.")
@click.option(
    "--x",
    type=click.Choice(["step", "time"]),
    default="step",
    show_default=True,
    help="The table's first column; a step that is not known leaves the time.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="Default: by the file's ending, else a table.",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to FILE.")
def metrics_command(
    job: str, metrics: tuple[str, ...], host: str | None, x: str, form: str | None, output: str | None
) -> None:
    """Export all points of JOB: metric, host, step, epoch, time (Unix seconds) and value, nothing averaged."""
    from epochwatch.cli.job import job_path
    from epochwatch.cli.output import form_of, write_out
    from epochwatch.client.http import Client
    from epochwatch.settings import load

    form = form_of(form, output, FORMS)
    client = Client(load(), timeout=300)
    asked = {"metric": metrics, "host": host, "format": "json" if form == "table" else form}
    if form == "table":
        points = client.get_json(job_path(job, "/points"), asked)["points"]
        body = _table(points, x, cut=output is None and sys.stdout.isatty())
    else:
        body = client.get_bytes(job_path(job, "/points"), asked)
    client.close()
    write_out(body, output)


def _table(points: list[dict[str, Any]], x: str, *, cut: bool) -> bytes:
    from epochwatch.cli.output import moment, number, rendered, table

    shown = points[-LONGEST_TABLE:] if cut else points
    if len(shown) < len(points):
        click.echo(f"the last {LONGEST_TABLE:,} of {len(points):,} points; --format csv has all", err=True)
    rows = [
        (
            number(point["step"]) if x == "step" and point["step"] is not None else moment(point["time"]),
            point["metric"],
            point["host"],
            number(point["value"]),
        )
        for point in shown
    ]
    return rendered(table((x.upper(), "METRIC", "HOST", "VALUE"), rows, right=("STEP", "VALUE")))
