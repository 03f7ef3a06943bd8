"""The ``epochwatch`` command: subcommands imported when they are used, failures said in two lines."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from epochwatch.errors import EpochwatchError

COMMANDS = {
    "run": ("epochwatch.cli.run:run_command", "Run a command and watch it."),
    "follow": ("epochwatch.cli.follow:follow_command", "Watch the logs of a training that runs already."),
    "host": ("epochwatch.cli.host:host_command", "Watch this machine, whatever runs on it."),
    "top": ("epochwatch.cli.top:top_command", "Show live what a job's hosts do."),
    "sampling": (
        "epochwatch.cli.sampling:sampling_command",
        "Show and change how often hosts are sampled here.",
    ),
    "profile": (
        "epochwatch.cli.profile:profile_command",
        "Look closely into some steps of a training here.",
    ),
    "serve": ("epochwatch.cli.serve:serve_command", "Run the server."),
    "stop": ("epochwatch.cli.stop:stop_command", "Stop the local server."),
    "status": (
        "epochwatch.cli.status:status_command",
        "Show the server and the console's link.",
    ),
    "jobs": ("epochwatch.cli.jobs:jobs_command", "List training jobs."),
    "job": ("epochwatch.cli.job:job_command", "Show one training job."),
    "metrics": ("epochwatch.cli.metrics:metrics_command", "Export a job's points: table, CSV, JSON or Parquet."),
    "logs": ("epochwatch.cli.logs:logs_command", "Show or follow a job's log."),
    "alarm": ("epochwatch.cli.alarm:alarm_command", "Make, list and delete a job's alarms."),
    "plot": ("epochwatch.cli.plot:plot_command", "Draw curves, widgets and dashboards."),
    "dashboard": ("epochwatch.cli.dashboard:dashboard_command", "List, show, export and import dashboards."),
    "query": ("epochwatch.cli.query:query_command", "Ask for metrics: an expression, a search, SQL."),
    "report": ("epochwatch.cli.report:report_command", "Tell where a training's time went, as one page."),
    "rules": ("epochwatch.cli.rules:rules_command", "Look for faults in the tensors of a training."),
    "regex": ("epochwatch.cli.regex:regex_command", "Try metric definitions on a log."),
    "interrupt": (
        "epochwatch.cli.interrupt:interrupt_command",
        "Interrupt a created job, as a spot interruption would.",
    ),
    "sync": ("epochwatch.cli.sync:sync_command", "Send what runs left behind."),
    "env": ("epochwatch.cli.env:env_command", "Print the variables that point AWS clients here."),
    "config": ("epochwatch.cli.config:config_command", "Show each setting and where it comes from."),
    "doctor": ("epochwatch.cli.doctor:doctor_command", "Check this installation."),
}
"""Each subcommand's place and its line in the overview; the place is imported only when the command is used."""

BROKEN_PIPE_STATUS = 141
"""128 + SIGPIPE: what a shell reports of a program that signal ended."""


class LazyGroup(click.Group):
    """A group whose overview is known without importing any subcommand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a first acquaintance, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command named for a mistyped one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            if near:
                raise click.UsageError(f"{error.format_message()} Did you mean '{near[0]}'?", ctx) from error
            raise

    def invoke(self, ctx: click.Context) -> object:
        """Runs the subcommand; a reader that has gone away ends it as SIGPIPE would, without a word."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _close_output()
            ctx.exit(BROKEN_PIPE_STATUS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"epochwatch {version('epochwatch')}")
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    metavar="DIRECTORY",
    help="Data directory. Default: $EPOCHWATCH_HOME, else ~/.local/share/epochwatch.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def cli(home: str | None) -> None:
    """Watch any training run live: metrics, hosts and logs, through the AWS APIs you already use."""
    if home is not None:  # as a variable, so that the processes we start see the same place
        os.environ["EPOCHWATCH_HOME"] = os.path.abspath(os.path.expanduser(home))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted; `run` has the command's."""
    try:
        status = cli.main(list(arguments) if arguments is not None else None, "epochwatch", standalone_mode=False)
        sys.stdout.flush()
    except EpochwatchError as error:
        sys.exit(_fail(error.message, error.hint, error.exit_code))
    except click.UsageError as error:
        hint = f"`{error.ctx.command_path} --help` shows how" if error.ctx is not None else None
        sys.exit(_fail(error.format_message(), hint, error.exit_code))
    except click.ClickException as error:
        sys.exit(_fail(error.format_message(), None, error.exit_code))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        _close_output()
        sys.exit(BROKEN_PIPE_STATUS)
    except OSError as error:  # a full disk, a directory that may not be written: no fault of the program
        place = f": {error.filename}" if error.filename else ""
        sys.exit(_fail(f"{error.strerror or error}{place}", "`epochwatch doctor` checks the installation", 1))
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, hint: str | None, exit_code: int) -> int:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return exit_code


def _close_output() -> None:
    """Lets the interpreter's last flush go nowhere, where it would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
