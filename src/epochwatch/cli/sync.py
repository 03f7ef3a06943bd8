"""``epochwatch sync``: send what runs left behind."""

import sys

import click


@click.command("sync")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--all", "everything", is_flag=True, help="All runs (the default when none is named).")
@click.option("--keep-days", type=float, default=None, help="Delete delivered spools this old (default 7).")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def sync_command(
    context: click.Context,
    runs: tuple[str, ...],
    everything: bool,
    keep_days: float | None,
    as_json: bool,
) -> None:
    """Send to the server what recorded runs still have, oldest first.

    RUN is a job's name or the beginning of a run id. Runs that are being recorded or sent right now are left alone;
    one whose agent was lost is sent and marked as failed. The exit status is 1 if something could not be sent.
    """
    from dataclasses import asdict

    from epochwatch.agent.leftovers import KEEP_DAYS, chosen, clean, drain
    from epochwatch.agent.local_server import answers, is_local, start_in_background
    from epochwatch.errors import UsageError
    from epochwatch.settings import Settings, load

    if runs and everything:
        raise UsageError("name runs, or say --all, not both")
    settings = context.obj if isinstance(context.obj, Settings) else load()
    found = chosen(settings, runs)
    if any(not spool.state().finished for spool in found) and is_local(settings) and not answers(settings):
        start_in_background(settings)
    drained = []
    for spool in found:
        result = drain(spool, settings, lambda text: click.echo(f"epochwatch: {text}", err=True))
        drained.append(result)
        if not as_json:
            _print(result)
    deleted = clean(settings.spool_directory, KEEP_DAYS if keep_days is None else keep_days)
    if as_json:
        click.echo(_json([asdict(result) for result in drained], deleted))
    elif deleted:
        click.echo(f"deleted {len(deleted)} delivered spool{'s' if len(deleted) > 1 else ''}")
    elif not drained:
        click.echo("nothing to send")
    if any(result.outcome in ("refused", "unreachable", "unreadable") for result in drained):
        sys.exit(1)


def _print(result: object) -> None:
    from epochwatch.agent.leftovers import Drained

    assert isinstance(result, Drained)
    sent = f" {result.lines:,} lines, {result.values:,} values" if result.lines or result.values else ""
    reason = f" ({result.reason})" if result.reason else ""
    click.echo(f"{result.name or result.run_id}: {result.outcome}{sent}{reason}")


def _json(runs: list[dict[str, object]], deleted: list[str]) -> str:
    import json

    return json.dumps({"runs": runs, "deleted": deleted})
