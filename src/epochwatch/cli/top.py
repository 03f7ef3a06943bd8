"""``epochwatch top``: live what the hosts of a job do."""

import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.settings import Settings


@click.command("top")
@click.argument("job", required=False)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=0.5,
    show_default=True,
    help="Seconds between two pictures.",
)
@click.option("--once", is_flag=True, help="Print one picture and end.")
@click.pass_context
def top_command(context: click.Context, job: str | None, interval: float, once: bool) -> None:
    """Show the cores, memory, disks, network and GPUs of JOB's hosts until Ctrl-C; of the newest here without JOB.

    A host whose samples are on this machine is shown as it is sampled; others by the server's value of each second.
    """
    from epochwatch.cli.output import console
    from epochwatch.settings import Settings, load

    settings = context.obj if isinstance(context.obj, Settings) else load()
    view = TopView(settings, job)
    if once:
        time.sleep(interval)
        console().print(view.picture())
        return
    from rich.live import Live

    with Live(view.picture(), console=console(), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(interval)
            live.update(view.picture(), refresh=True)


class TopView:
    """Reads what there is of a job, here and at the server. Raises UsageError where nothing is sampled here."""

    def __init__(self, settings: "Settings", job: str | None) -> None:
        from epochwatch.cli.sampled import name_of, sampled_spools, spools_of
        from epochwatch.cli.top_remote import RemoteHosts
        from epochwatch.errors import UsageError

        self._spools = spools_of(sampled_spools(settings), job)
        if job is None and not self._spools:
            raise UsageError(
                "nothing is being sampled on this machine",
                "name a job: epochwatch top JOB; `epochwatch jobs` lists",
            )
        name = job or name_of(self._spools[0])
        self._remote = RemoteHosts(settings, name)
        self._name = name

    def picture(self) -> Any:
        """What is to be shown now."""
        from rich.console import Group
        from rich.text import Text

        from epochwatch.cli.top_host import host_panel, metrics_line, summary_panel

        self._remote.refresh()
        paces = self._remote.paces
        local = {(host := spool.run().host): host_panel(spool, paces.get(host)) for spool in self._spools}
        panels: list[Any] = [panel for panel in local.values() if panel is not None]
        panels += [
            summary_panel(host, values, paces.get(host))
            for host, values in self._remote.hosts.items()
            if host not in local
        ]
        head = Text.assemble((self._name, "bold"), "  ", (self._remote.said, "dim"))
        return Group(head, metrics_line(self._remote.metrics), *(panels or [Text("no samples yet", style="dim")]))
