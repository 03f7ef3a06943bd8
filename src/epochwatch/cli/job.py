"""``epochwatch job``: one training job in detail."""

import shlex
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click


@click.command("job")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def job_command(name: str, as_json: bool) -> None:
    """Show the training job NAME: how it stands, its metrics, what is wrong with it by the tensors it saves, and
    definitions that found nothing.
    """
    import msgspec

    from epochwatch.cli.findings import show_diagnosis
    from epochwatch.cli.output import console, print_json
    from epochwatch.client.http import Client
    from epochwatch.model.diagnosis import Diagnosis
    from epochwatch.settings import load

    client = Client(load())
    job = client.get_json(job_path(name))
    client.close()
    if as_json:
        print_json(job)
        return
    for label, value in _facts(job):
        click.echo(f"{label:<10} {value}")
    if job["metrics"]:
        click.echo()
        console().print(_metric_table(job["metrics"]))
    if job["diagnosis"] is not None:
        click.echo()
        show_diagnosis(msgspec.convert(job["diagnosis"], Diagnosis), console())
    for line in _complaints(job["health"]):
        click.echo(line, err=True)


def job_path(name: str, rest: str = "") -> str:
    """The server's path of a job, and of what is below it."""
    return f"/_/api/jobs/{quote(name, safe='')}{rest}"


def _facts(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from epochwatch.cli.jobs import lasted
    from epochwatch.cli.output import moment

    exit_code = "" if job["exit_code"] is None else f" (exit status {job['exit_code']})"
    yield "name", job["name"]
    yield "status", job["status"] + exit_code
    if job["failure_reason"]:
        yield "reason", job["failure_reason"]
    yield "started", moment(job["started"])
    if job["ended"] is not None:
        yield "ended", moment(job["ended"])
    yield "duration", lasted(job, time.time())
    if job["command"]:
        yield "command", shlex.join(job["command"])
    where = "@".join(part for part in (job["user"], job["hostname"]) if part)
    if where:
        yield "where", f"{where}:{job['working_directory']}"
    for label in ("tags", "config", "summary"):
        if job[label]:
            yield label, ", ".join(f"{key}={value}" for key, value in job[label].items())
    yield "log", f"{job['log_group']} {job['log_stream']}"


def _metric_table(metrics: list[dict[str, Any]]) -> Any:
    from epochwatch.cli.output import number, table

    columns = ("METRIC", "FINAL", "BEST", "AT STEP", "MIN", "MAX", "POINTS")
    rows = []
    for metric in metrics:
        name = metric["name"]
        if metric["non_finite"]:
            name += f" ({metric['non_finite']} not finite)"
        shown = (number(metric[key]) for key in ("final", "best", "best_step", "min", "max"))
        rows.append((name, *shown, f"{metric['points']:,}"))
    return table(columns, rows, right=columns[1:])


def _complaints(health: list[dict[str, Any]]) -> Iterator[str]:
    for definition in health:
        for problem in definition["problems"]:
            yield f"warning: definition '{definition['name']}' {problem}"
