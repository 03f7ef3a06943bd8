"""``epochwatch stop``: end the local server."""

import click


@click.command("stop")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for its end.",
)
def stop_command(timeout: float) -> None:
    """Ask this home directory's server to end, and wait until it has.

    Requests under way are answered first. Running trainings go on and keep what they print until a server is back.
    """
    import psutil

    from epochwatch.cli.record import running_server
    from epochwatch.errors import EpochwatchError
    from epochwatch.settings import load

    settings = load()
    record = running_server(settings)
    if record is None:
        click.echo(f"no server of {settings.home} runs", err=True)
        return
    try:
        process = psutil.Process(record.pid)
        process.terminate()
        process.wait(timeout)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired as error:
        raise EpochwatchError(
            f"the server (process {record.pid}) has not ended after {timeout:g} s",
            f"wait longer, or as a last resort: kill -9 {record.pid} (what was acknowledged is on disk)",
        ) from error
    except psutil.AccessDenied as error:
        raise EpochwatchError(f"the server (process {record.pid}) belongs to another user") from error
    click.echo(f"stopped the server at {record.url} (process {record.pid})", err=True)
