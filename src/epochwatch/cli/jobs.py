"""``epochwatch jobs``: the list of training jobs."""

import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped")
SHOWN_METRICS = 3
"""How many of a job's metrics its line shows."""


@click.command("jobs")
@click.option("--search", metavar="TEXT", help="Only jobs whose name holds TEXT.")
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only jobs of this status.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def jobs_command(search: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List training jobs, newest first."""
    from epochwatch.cli.output import console, print_json, table
    from epochwatch.client.http import Client
    from epochwatch.settings import load

    client = Client(load())
    found = client.get_json(
        "/_/api/jobs",
        {"search": search, "status": status, "sort": "created", "order": "desc", "limit": limit},
    )
    client.close()
    if as_json:
        print_json(found)
        return
    if not found["jobs"]:
        filtered = search is not None or status is not None
        click.echo("no such job" if filtered else "no jobs yet; `epochwatch run -- COMMAND` records one", err=True)
        return
    now = time.time()
    columns = ("NAME", "STATUS", "STARTED", "DURATION", "LAST METRICS")
    console().print(table(columns, [_row(job, now) for job in found["jobs"]], right=("DURATION",)))
    more = found["total"] - len(found["jobs"])
    if more > 0:
        click.echo(f"and {more:,} more (--limit)", err=True)


def _row(job: dict[str, Any], now: float) -> "tuple[str, Text, str, str, str]":
    from epochwatch.cli.output import moment

    return (job["name"], status_text(job["status"]), moment(job["started"]), lasted(job, now), _last_metrics(job))


def status_text(status: str) -> "Text":
    """The status in its colour."""
    from rich.text import Text

    from epochwatch.cli.output import STATUS_STYLES

    return Text(status, STATUS_STYLES.get(status, ""))


def lasted(job: dict[str, Any], now: float) -> str:
    """How long the job took, or takes until ``now`` (Unix seconds)."""
    from epochwatch.cli.chart import duration

    if job["started"] is None:
        return "-"
    end = job["ended"] if job["ended"] is not None else now
    return duration(max(0.0, end - job["started"]))


def _last_metrics(job: dict[str, Any]) -> str:
    from epochwatch.cli.output import number

    metrics = job["metrics"]
    shown = "  ".join(f"{metric['name']}={number(metric['final'])}" for metric in metrics[:SHOWN_METRICS])
    more = len(metrics) - SHOWN_METRICS
    return f"{shown}  +{more}" if more > 0 else shown
