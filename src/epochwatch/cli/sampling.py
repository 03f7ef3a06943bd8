"""``epochwatch sampling``: how often hosts are sampled on this machine, and another interval for one that runs."""

from typing import TYPE_CHECKING, Any

import click

from epochwatch.model.sampling import INTERVALS

if TYPE_CHECKING:
    from epochwatch.agent.spool import Spool

NEWEST = 600
"""Samples whose intervals are looked at."""


@click.command("sampling")
@click.argument("job", required=False)
@click.option(
    "--interval",
    type=click.Choice([str(one) for one in INTERVALS]),
    help="From now on so many milliseconds between two samples.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def sampling_command(context: click.Context, job: str | None, interval: str | None, as_json: bool) -> None:
    """Show how hosts are sampled on this machine: all, or JOB's. With --interval change it while they run: of JOB, or
    of the newest.
    """
    from epochwatch.cli.output import console, print_json, table
    from epochwatch.cli.sampled import sampled_spools, spools_of
    from epochwatch.errors import UsageError
    from epochwatch.settings import Settings, load

    settings = context.obj if isinstance(context.obj, Settings) else load()
    found = sampled_spools(settings)
    if job is not None or interval is not None:
        found = spools_of(found, job)
        if not found:
            raise UsageError(
                f"{job or 'nothing'} is {'not ' if job else ''}being sampled on this machine",
                "`epochwatch sampling` lists what is",
            )
    if interval is not None:
        for spool in found:
            _change(spool, int(interval))
    hosts = [_host(spool) for spool in found]
    if as_json:
        print_json(hosts)
        return
    columns = {
        "job": "JOB",
        "host": "HOST",
        "interval": "MILLISECONDS",
        "p99": "P99",
        "columns": "COLUMNS",
        "scheduling": "SCHEDULING",
    }
    rows = [["-" if host[name] is None else str(host[name]) for name in columns] for host in hosts]
    console().print(table(list(columns.values()), rows, right=("MILLISECONDS", "P99", "COLUMNS")))


def _change(spool: "Spool", interval: int) -> None:
    """Raises UsageError for a job whose sampling is the server's to say."""
    import msgspec

    from epochwatch.agent.host.sampling import SamplingFile, read_wanted, write_sampling
    from epochwatch.cli.sampled import name_of
    from epochwatch.errors import UsageError

    if read_wanted(spool.path) is not None:
        raise UsageError(
            f"{name_of(spool)} was created through the API, which says how it is sampled",
            f"aws sagemaker update-training-job --training-job-name {name_of(spool)} "
            f"--profiler-config ProfilingIntervalInMilliseconds={interval}",
        )
    write_sampling(spool.path, msgspec.structs.replace(SamplingFile(spool.path).now, interval=interval))


def _host(spool: "Spool") -> dict[str, Any]:
    """What is asked for, and what the sampler says of the file it writes now; None where it has not begun."""
    from epochwatch.agent.host.rows_file import RowsReader, row_files
    from epochwatch.agent.host.sampling import SamplingFile
    from epochwatch.cli.sampled import name_of

    told: dict[str, Any] = {"p99": None, "columns": None, "scheduling": None}
    for path in row_files(spool.path)[-1:]:
        reader = RowsReader(path)
        seconds = sorted(row.seconds for row in reader.newest(NEWEST))
        if reader.layout is not None:
            told["columns"] = len(reader.layout.columns)
            told["scheduling"] = reader.layout.about.get("scheduling")
        if seconds:
            told["p99"] = round(seconds[len(seconds) * 99 // 100] * 1000, 1)
    interval = SamplingFile(spool.path).now.interval
    return {"job": name_of(spool), "host": spool.run().host, "interval": interval, **told}
