"""``epochwatch status``: who serves, where the console is, what waits to be sent."""

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.settings import Settings


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status_command(as_json: bool) -> None:
    """Show the server, the link that opens the console, and recorded runs that wait to be sent.

    The exit status is 1 if no server answers.
    """
    from epochwatch.cli.output import print_json
    from epochwatch.settings import load

    settings = load()
    found = gather(settings)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not found["running"]:
        sys.exit(1)


def gather(settings: "Settings") -> dict[str, Any]:
    """What is known about the server, asked now."""
    from epochwatch.cli.record import running_server
    from epochwatch.client.console import sign_in_link
    from epochwatch.client.http import Client, Refused, ServerAbsent

    record = running_server(settings)
    local = record is not None and record.url == settings.endpoint
    found: dict[str, Any] = {
        "url": settings.endpoint,
        "running": False,
        "pid": record.pid if record is not None and local else None,
        "version": None,
        "jobs": None,
        "console": None,
        "problem": None,
        "home": str(settings.home),
        "home_server": record.url if record is not None and not local else None,
        "waiting": waiting(settings),
    }
    client = Client(settings, timeout=5)
    try:
        found["version"] = client.get_json("/_/health")["version"]
        found["running"] = True
        found["console"] = sign_in_link(settings, f"{settings.endpoint}/_/")
        found["jobs"] = client.get_json("/_/api/overview")["jobs"]
    except (ServerAbsent, Refused) as error:
        found["problem"] = error.message
    except (ValueError, TypeError, KeyError):
        found["problem"] = f"what answers at {settings.endpoint} is no epochwatch server"
        found["running"] = False
    finally:
        client.close()
    return found


def waiting(settings: "Settings") -> list[str]:
    """Names of recorded runs of which the server has not everything, except those being recorded now."""
    from epochwatch.agent.spool import spools

    names = []
    for spool in spools(settings.spool_directory):
        if spool.state().finished or spool.being_recorded():
            continue
        try:
            run = spool.run()
        except (OSError, ValueError):
            names.append(spool.run_id)
        else:
            names.append(run.assigned or run.name)
    return names


def _print(found: dict[str, Any]) -> None:
    if found["running"]:
        process = f", process {found['pid']}" if found["pid"] else ""
        click.echo(f"server    {found['url']} (epochwatch {found['version']}{process})")
        click.echo(f"console   {found['console']}")
    else:
        click.echo(f"server    none at {found['url']}")
    if found["jobs"] is not None:
        click.echo(f"jobs      {found['jobs']:,}")
    click.echo(f"home      {found['home']}")
    if found["home_server"]:
        click.echo(
            f"hint: a server of this home runs at {found['home_server']}: set EPOCHWATCH_URL to it", err=True
        )
    elif found["problem"]:
        click.echo(f"problem: {found['problem']}", err=True)
    if found["waiting"]:
        click.echo(f"waiting   {', '.join(found['waiting'])} (`epochwatch sync` sends it)")
