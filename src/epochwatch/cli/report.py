"""``epochwatch report``: where a training's time went, as one HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.profiler.profile import Profile

SERVER_SECONDS = 600
"""The server may take so long for a report."""


@click.command("report")
@click.argument("source", metavar="JOB|DIRECTORY|s3://...")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the page to FILE, and the same as JSON beside it. Default: <job>-profile.html.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and write no file unless one is named.")
def report_command(source: str, out: str | None, as_json: bool) -> None:
    """Tell where the time of a training went: of a JOB by the server, while it runs and afterwards, or of a DIRECTORY
    (or s3://bucket/prefix) with the files of a profiler, without a server.
    """
    import json

    from epochwatch.cli.output import print_json, write_out

    is_job = not source.startswith("s3://") and not Path(source).is_dir()
    page, data = _from_server(source) if is_job else _from_files(source)
    found = json.loads(data)
    if as_json:
        print_json(found)
    if out is not None or not as_json:
        out = out or f"{found['job']}-profile.html"
        write_out(page, out)
        write_out(data, str(Path(out).with_suffix(".json")))
    if not as_json:
        _tell(found)


def _from_server(job: str) -> tuple[bytes, bytes]:
    from epochwatch.cli.job import job_path
    from epochwatch.client.http import Client
    from epochwatch.settings import load

    client = Client(load(), timeout=SERVER_SECONDS)
    page, data = (client.get_bytes(job_path(job, "/report"), {"format": form}) for form in ("html", "json"))
    client.close()
    return page, data


def _from_files(path: str) -> tuple[bytes, bytes]:
    from epochwatch.errors import EpochwatchError, UsageError

    try:
        from epochwatch.profiler.directory import open_profile
        from epochwatch.profiler.report.page import page
        from epochwatch.profiler.report.reported import reported
    except ModuleNotFoundError as error:
        raise EpochwatchError(
            f"a report of files needs {error.name}", "pip install 'epochwatch[debugger]'"
        ) from error
    profile: Profile = open_profile(path)
    if profile.span() == (0, 0):
        raise UsageError(
            f"{path} holds no profile of a training",
            "name a job, or the folder with its files: profiler-output of SageMaker, or what `run --profile` wrote",
        )
    summary = reported(profile)
    return page(summary).encode(), summary.to_json()


def _tell(found: dict[str, Any]) -> None:
    """The first screen in words."""
    if found["verdict"]:
        click.echo(found["verdict"])
    for loss in found["losses"]:
        click.echo(f"  {loss['seconds']:10,.1f} s  {loss['share']:6.1%}  {loss['name']}: {loss['remedy']}")
    for rule in found["rules"]:
        if rule["triggered"]:
            click.echo(f"{rule['rule']}: {rule['recommendation']}")
