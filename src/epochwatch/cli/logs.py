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
@click.option(
    "--records",
    is_flag=True,
    help="With --search: of a stack trace or a document in which a line holds TEXT, all lines.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: time, message, stream.")
def logs_command(job: str, follow: bool, limit: int, search: str | None, records: bool, as_json: bool) -> None:
    """Print the last lines of JOB's log; with -f, go on as they come. Ctrl-C ends only the looking."""
    from epochwatch.client.http import Client
    from epochwatch.errors import UsageError
    from epochwatch.settings import load

    if follow and search is not None:
        raise UsageError("--search does not go with --follow", "pipe it: epochwatch logs -f JOB | grep TEXT")
    if records and search is None:
        raise UsageError("--records goes with --search", "what to look for: --search TEXT")
    settings = load()
    client = Client(settings)
    events = _tail(client, job, limit, None if records else search)
    client.close()
    if records and search is not None:
        events = _of_records(events, search)
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


def _of_records(events: list[dict[str, Any]], search: str) -> list[dict[str, Any]]:
    """The events of each record of which one holds the text, whatever its case."""
    from epochwatch.extraction.records import record_numbers

    wanted: set[int] = set()
    by_stream: dict[str, list[int]] = {}
    for number, event in enumerate(events):
        by_stream.setdefault(event["stream"], []).append(number)
    for places in by_stream.values():
        records = record_numbers(events[place]["message"] for place in places)
        found = {
            record
            for place, record in zip(places, records, strict=True)
            if search.casefold() in events[place]["message"].casefold()
        }
        wanted |= {place for place, record in zip(places, records, strict=True) if record in found}
    return [event for number, event in enumerate(events) if number in wanted]


def _print(event: dict[str, Any], as_json: bool) -> None:
    from epochwatch.cli.live_log import as_line

    click.echo(as_line(event) if as_json else event["message"])
