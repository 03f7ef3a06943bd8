"""``epochwatch follow``: watch a training that somebody else has started, by what it writes."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from epochwatch.cli.definitions import definition_options, definitions_of
from epochwatch.cli.naming import checked_name, made_name, parsed_tags
from epochwatch.cli.recording import recording_options
from epochwatch.errors import UsageError

if TYPE_CHECKING:
    from epochwatch.agent.follow.ends import End
    from epochwatch.agent.follow.session import Targets


@dataclass(slots=True)
class _Followed:
    """What is followed, and what that tells of the training."""

    targets: "Targets"
    name: str
    ends: "list[Callable[[bool], End]]" = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@click.command("follow")
@click.option("--job", "name", metavar="NAME", help="Name of the training job. Default: from what is followed.")
@click.option(
    "--journal", "units", multiple=True, metavar="UNIT", help="Follow a systemd unit's journal; repeatable."
)
@click.option("--since", metavar="TIME", help="With --journal: begin there. Default: the unit's last start.")
@click.option("--slurm", metavar="JOBID", help="Follow what a job of Slurm writes, until it ends.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "plain", "cri", "docker"]),
    default="auto",
    show_default=True,
    help="What is around each line: nothing, Kubernetes' or Docker's envelope.",
)
@click.option("--pid", type=click.IntRange(min=1), help="End with this process.")
@click.option(
    "--idle",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End when nothing was written for so long.",
)
@click.option("--no-follow", is_flag=True, help="End when all that is there now is read.")
@definition_options
@click.option(
    "--host-metrics/--no-host-metrics",
    "host_metrics",
    default=None,
    help="Sample this host too. Default: only with --pid.",
)
@recording_options
@click.argument("paths", nargs=-1, metavar="[FILE]...")
@click.pass_context
def follow_command(
    context: click.Context,
    name: str | None,
    units: tuple[str, ...],
    since: str | None,
    slurm: str | None,
    form: str,
    pid: int | None,
    idle: float | None,
    no_follow: bool,
    flags: tuple[str, ...],
    files: tuple[str, ...],
    presets: tuple[str, ...],
    no_auto: bool,
    host_metrics: bool | None,
    quiet: bool,
    as_json: bool,
    no_server: bool,
    tags: tuple[str, ...],
    paths: tuple[str, ...],
) -> None:
    """Record what FILEs have and get as one training job, each as a log stream of its own.

    A FILE may be a pattern ('logs/**/*.log'): files that come to match later are taken up. Files may be rotated,
    truncated, replaced or not there yet. Started again for the same job, it goes on where it was.

    The exit status is 0 when the training completed, its own where it is known, else 1; 130 after Ctrl-C, which ends
    the job as stopped, and 143 after SIGTERM, which leaves it to be gone on with.
    """
    from epochwatch.agent.follow.session import FollowOptions, FollowSession
    from epochwatch.settings import Settings, load

    if sum(map(bool, (paths, units, slurm))) != 1:
        raise UsageError(
            "name FILEs, or --journal UNIT, or --slurm JOBID", "for example: epochwatch follow train.log"
        )
    if since is not None and not units:
        raise UsageError("--since goes with --journal only")
    if no_follow and slurm:
        raise UsageError("--no-follow does not go with --slurm", "it ends with the job by itself")
    if no_follow and (pid or idle):
        raise UsageError("--no-follow ends by itself: leave out --pid and --idle")
    settings = context.obj if isinstance(context.obj, Settings) else load()
    followed = (
        _slurm(slurm) if slurm else _units(units) if units else _files(paths, complete=no_follow, quiet=quiet)
    )
    if pid is not None:
        _end_with_process(followed, pid)
    if idle is not None:
        followed.ends.append(_idle(idle))
    definitions = definitions_of(flags, files, presets)
    options = FollowOptions(
        name=checked_name(name, "--job") if name is not None else followed.name,
        targets=followed.targets,
        ends=followed.ends,
        complete=no_follow,
        form=form,
        since=since,
        definitions=definitions,
        auto=not no_auto and not definitions,
        quiet=quiet,
        json=as_json,
        start_server=not no_server,
        host_metrics=pid is not None if host_metrics is None else host_metrics,
        tags=followed.tags | parsed_tags(tags),
        **followed.about,
    )
    sys.exit(FollowSession(options, settings).run())


def _files(words: tuple[str, ...], *, complete: bool, quiet: bool) -> _Followed:
    from epochwatch.agent.follow.marks import family
    from epochwatch.agent.follow.paths import Paths

    paths = Paths(words, complete=complete)
    for path in paths.waiting() if not quiet else ():
        click.echo(f"epochwatch: waiting for {path}", err=True)
    first = Path(paths.targets()[0] if paths.targets() else words[0].split("*")[0])
    return _Followed(paths, made_name(Path(family(first.name)).stem or first.parent.name))


def _units(units: tuple[str, ...]) -> _Followed:
    from epochwatch.agent.follow.journald import Units

    return _Followed(Units(units), made_name(units[0].removesuffix(".service")))


def _slurm(number: str) -> _Followed:
    from epochwatch.agent.follow.slurm import Slurm, SlurmWatch

    if not _SLURM_ID.fullmatch(number):
        raise UsageError(
            f"'{number}' is no job id of Slurm", "for example: --slurm 1234, or a task: --slurm 1234_7"
        )
    watch = SlurmWatch(Slurm(number), lambda text: click.echo(f"epochwatch: {text}", err=True))
    job = watch.jobs[0]
    about = {"user": job.user, "hostname": job.host, "started": job.started}
    tags = {"slurm:job": number, "slurm:name": job.name}
    return _Followed(watch, f"{made_name(job.name)[:40]}-{made_name(number)}", [lambda _: watch], about, tags)


_SLURM_ID = re.compile(r"\d{1,10}(_\d{1,10})?")


def _end_with_process(followed: _Followed, pid: int) -> None:
    import psutil

    from epochwatch.agent.follow.ends import ProcessEnd

    try:
        process = psutil.Process(pid)
        followed.about = {"user": process.username(), "started": process.create_time()} | followed.about
    except psutil.Error:
        pass  # said by the end, unless the job is gone on with
    followed.ends.append(lambda resuming: ProcessEnd(pid, resuming=resuming))


def _idle(seconds: float) -> "Callable[[bool], End]":
    from epochwatch.agent.follow.ends import IdleEnd

    return lambda _: IdleEnd(seconds)
