"""``epochwatch serve``: the server, in the foreground or detached."""

import dataclasses
import importlib.util
import ipaddress

import click

_NEEDED = ("uvicorn", "starlette", "sqlalchemy", "chdb", "obstore", "botocore")


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="Address to bind. Default: the setting, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to bind; 0 takes a free one. Default: 4600.")
@click.option("--auth", type=click.Choice(["sigv4", "none"]), help="Check signatures, or (loopback only) do not.")
@click.option("--ephemeral", is_flag=True, help="Forget all data when the server ends, and allow a reset.")
@click.option("--daemon", is_flag=True, help="Detach, and return once the server answers.")
def serve_command(host: str | None, port: int | None, auth: str | None, ephemeral: bool, daemon: bool) -> None:
    """Serve the AWS APIs, the agents and the console on one port until Ctrl-C or `epochwatch stop`."""
    from epochwatch.errors import EpochwatchError, UsageError
    from epochwatch.settings import load

    settings = load({"host": host, "port": port, "auth": auth})
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EpochwatchError(
            f"the server is not installed here (missing: {', '.join(missing)})", "pip install 'epochwatch[server]'"
        )
    if not daemon:
        from epochwatch.server import serve

        serve(settings, ephemeral=ephemeral)
        return
    if settings.port == 0:
        raise UsageError("--daemon needs a port of its own, not 0", "leave --port away, or name one")
    from epochwatch.agent.local_server import log_file, start_in_background

    settings = dataclasses.replace(settings, url=f"http://{_reachable(settings.host)}:{settings.port}")
    pid = start_in_background(settings, ("--ephemeral",) if ephemeral else ())
    if pid == 0:
        click.echo(f"a server already answers at {settings.endpoint}", err=True)
        return
    click.echo(f"serving at {settings.endpoint} (process {pid}, log {log_file(settings)})", err=True)
    click.echo("`epochwatch status` shows the console's link, `epochwatch stop` ends it", err=True)


def _reachable(host: str) -> str:
    """Where a client on this machine finds a server bound to ``host``, as it stands in a URL."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "[::1]" if address.version == 6 else "127.0.0.1"
    return f"[{host}]" if address.version == 6 else host
