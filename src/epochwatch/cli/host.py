"""``epochwatch host``: watch a machine, whatever runs on it."""

import socket
import sys

import click

from epochwatch.cli.naming import checked_name, made_name, parsed_tags
from epochwatch.model.sampling import INTERVALS


@click.command("host")
@click.option(
    "--name", help="Name of the training job under which it is kept. Default: host- and the machine's name."
)
@click.option(
    "--interval",
    type=click.Choice([str(one) for one in INTERVALS]),
    default="1000",
    show_default=True,
    help="Milliseconds between two samples.",
)
@click.option("--pid", type=click.IntRange(min=1), help="Tell apart what this process and its children use.")
@click.option(
    "--directory", default="/", show_default=True, type=click.Path(exists=True), help="Whose disk is watched."
)
@click.option(
    "--smdebug-layout",
    default="",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False),
    help="Write SageMaker Debugger's files of system metrics there too.",
)
@click.option("--no-server", is_flag=True, help="Do not start a server; what is sampled waits for one.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the job; repeatable.")
@click.pass_context
def host_command(
    context: click.Context,
    name: str | None,
    interval: str,
    pid: int | None,
    directory: str,
    smdebug_layout: str,
    no_server: bool,
    quiet: bool,
    tags: tuple[str, ...],
) -> None:
    """Sample this machine until Ctrl-C or SIGTERM; then the job has stopped.

    What cannot be sent is kept; `epochwatch sync` sends it later.
    """
    from epochwatch.agent.host.sampling import Sampling
    from epochwatch.agent.host.session import HostOptions, HostSession
    from epochwatch.settings import Settings, load

    settings = context.obj if isinstance(context.obj, Settings) else load()
    options = HostOptions(
        name=checked_name(name, "--name") if name is not None else f"host-{made_name(socket.gethostname())}"[:63],
        sampling=Sampling(interval=int(interval), smdebug_layout=smdebug_layout),
        directory=directory,
        pid=pid,
        start_server=not no_server,
        quiet=quiet,
        tags=parsed_tags(tags),
    )
    sys.exit(HostSession(options, settings).run())
