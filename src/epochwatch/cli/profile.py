"""``epochwatch profile``: look closely into some steps of a training that runs on this machine."""

import json
import os
import time
from pathlib import Path

import click

from epochwatch.profiler.hooks.parameters import DETAILED, MOST_STEPS, PYTHON


@click.command("profile")
@click.argument("job", required=False)
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), default=5, help="So many steps. Default: 5.")
@click.option("--start", type=click.IntRange(0), help="The first of them. Default: the next one.")
@click.option(
    "--python", "functions", is_flag=True, help="Python's functions instead of the framework's operators."
)
@click.pass_context
def profile_command(
    context: click.Context, job: str | None, steps: int, start: int | None, functions: bool
) -> None:
    """Record every operator of some steps of JOB, or of the newest run here that is timed (`run --profile`)."""
    from epochwatch.agent.profile import FOLDER
    from epochwatch.cli.sampled import name_of, sampled_spools, spools_of
    from epochwatch.errors import UsageError
    from epochwatch.settings import Settings, load

    settings = context.obj if isinstance(context.obj, Settings) else load()
    timed = [spool for spool in sampled_spools(settings) if (spool.path / FOLDER).is_dir()]
    found = spools_of(timed, job)
    if not found:
        raise UsageError(
            f"{job or 'nothing'} is {'not ' if job else ''}being timed on this machine",
            "start it with `epochwatch run --profile`; a created job follows its ProfilerConfig",
        )
    parameters = {"NumSteps": steps} | ({} if start is None else {"StartStep": start})
    _write(found[0].path / FOLDER, {PYTHON if functions else DETAILED: json.dumps(parameters)})
    begin = "the next step" if start is None else f"step {start}"
    click.echo(f"{name_of(found[0])}: {steps} steps from {begin} on")


def _write(directory: Path, parameters: dict[str, str]) -> None:
    """The hook looks at the file once a second."""
    path = directory / "profilerconfig.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"ProfilingParameters": parameters, "Asked": time.time_ns()}))
    temporary.replace(path)
