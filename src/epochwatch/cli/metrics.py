"""``epochwatch metrics``: a job's points in full resolution."""

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import click

LONGEST_TABLE = 1000
"""Rows of a table in a terminal; more are for a file."""


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
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="Default: by the file's ending, else a table.",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to FILE.")
def metrics_command(
    job: str, metrics: tuple[str, ...], host: str | None, x: str, form: str | None, output: str | None
) -> None:
    """Export all points of JOB: metric, host, step, epoch, time (Unix seconds) and value, nothing averaged."""
    from epochwatch.cli.job import job_path
    from epochwatch.client.http import Client
    from epochwatch.errors import UsageError
    from epochwatch.settings import load

    form = form or _by_ending(output)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for a terminal", "name a file with -o, or pipe it")
    client = Client(load(), timeout=300)
    asked = {"metric": metrics, "host": host, "format": "json" if form == "table" else form}
    if form == "table":
        points = client.get_json(job_path(job, "/points"), asked)["points"]
        body = _table(points, x, cut=output is None and sys.stdout.isatty()).encode()
    else:
        body = client.get_bytes(job_path(job, "/points"), asked)
    client.close()
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    else:
        _write(Path(output), body)


def _by_ending(output: str | None) -> str:
    ending = Path(output).suffix.lower() if output else ""
    return {".csv": "csv", ".json": "json", ".parquet": "parquet"}.get(ending, "table")


def _table(points: list[dict[str, Any]], x: str, *, cut: bool) -> str:
    import io

    from epochwatch.cli.output import console, moment, number, table

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
    text = io.StringIO()
    console(text).print(table((x.upper(), "METRIC", "HOST", "VALUE"), rows, right=("STEP", "VALUE")))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _write(path: Path, body: bytes) -> None:
    """Replaces the file whole: a reader never finds half of it."""
    from epochwatch.errors import EpochwatchError

    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to replace
        path.write_bytes(body)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(body)
        temporary.replace(path)
    except OSError as error:
        raise EpochwatchError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    click.echo(f"wrote {path} ({len(body):,} bytes)", err=True)
