"""``epochwatch logs``: what a job printed."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.client.http import Client


@click.command("logs")
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the job ends.")
@click.option(
    "--limit",
    type=click.IntRange(0, 1_000_000),
    default=1000,
    show_default=True,
    help="At most so many of the last lines.",
)
@click.option("--search", metavar="TEXT", help="Only lines that hold TEXT (not with --follow).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: time, message, stream.")
def logs_command(job: str, follow: bool, limit: int, search: str | None, as_json: bool) -> None:
    """Print the last lines of JOB's log; with -f, go on as they come. Ctrl-C ends only the looking."""
    from epochwatch.client.http import Client
    from epochwatch.errors import UsageError
    from epochwatch.settings import load

    if follow and search is not None:
        raise UsageError("--search does not go with --follow", "pipe it: epochwatch logs -f JOB | grep TEXT")
    settings = load()
    client = Client(settings)
    events = _tail(client, job, limit, search)
    client.close()
    for event in events if limit else ():
        _print(event, as_json)
    if not follow:
        return
    from epochwatch.cli.live_log import Follower

    follower = Follower(settings, job, lambda text: click.echo(f"epochwatch: {text}", err=True))
    for event in follower.events(events):
        _print(event, as_json)


def _tail(client: "Client", job: str, limit: int, search: str | None) -> list[dict[str, Any]]:
    """The last ``limit`` lines, oldest first; the last one also where none are wanted, to go on from."""
    from epochwatch.cli.job import job_path
    from epochwatch.cli.live_log import PAGE

    path = job_path(job, "/logs")
    left = max(1, limit)
    page = client.get_json(path, {"tail": 1, "limit": min(left, PAGE), "search": search})
    pages = [page["events"]]
    left -= len(page["events"])
    while left > 0 and page["events"]:
        page = client.get_json(path, {"before": page["backward"], "limit": min(left, PAGE), "search": search})
        pages.append(page["events"])
        left -= len(page["events"])
    return [event for events in reversed(pages) for event in events]


def _print(event: dict[str, Any], as_json: bool) -> None:
    from epochwatch.cli.live_log import as_line

    click.echo(as_line(event) if as_json else event["message"])
