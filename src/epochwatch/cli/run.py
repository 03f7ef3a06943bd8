"""``epochwatch run``: wrap a training command."""

import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from epochwatch.cli.definitions import definition_options, definitions_of
from epochwatch.cli.naming import checked_name, made_name, parsed_tags
from epochwatch.cli.recording import recording_options

if TYPE_CHECKING:
    from epochwatch.agent.spool import Spool


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--name", help="Name of the training job. Default: from the command, with a few random characters.")
@definition_options
@click.option(
    "--pty/--no-pty",
    "pty",
    default=None,
    help="A terminal or pipes for the command; the default decides by itself.",
)
@click.option("--profile", is_flag=True, help="Time the phases of the steps of a training.")
@click.option("--debug", is_flag=True, help="Save tensors of a training by PyTorch: gradients, weights, losses.")
@click.option(
    "--debug-config",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="What to save, as SageMaker's debughookconfig.json has it. Implies --debug.",
)
@click.option("--debug-dir", help="Where to, a directory or s3://bucket/prefix. Implies --debug.")
@recording_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run_command(
    context: click.Context,
    name: str | None,
    flags: tuple[str, ...],
    files: tuple[str, ...],
    presets: tuple[str, ...],
    no_auto: bool,
    pty: bool | None,
    profile: bool,
    debug: bool,
    debug_config: str | None,
    debug_dir: str | None,
    quiet: bool,
    as_json: bool,
    no_server: bool,
    tags: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run COMMAND and watch it: its output passes through unchanged, its metrics are recorded live.

    The exit status is the command's (128 + n when signal n ended it).
    """
    from epochwatch.agent.session import RunOptions, Session
    from epochwatch.settings import Settings, load

    settings = context.obj if isinstance(context.obj, Settings) else load()
    definitions = definitions_of(flags, files, presets)
    name = _job_name(name, command)
    tensors, variables = "", {}
    if debug or debug_config or debug_dir:
        tensors = _tensors_in(debug_dir or str(settings.home / "tensors" / f"{name}-{secrets.token_hex(4)}"))
        variables = _debugging(tensors, debug_config, quiet)
    if profile:
        from epochwatch.profiler.injection import profile_environment

        variables |= profile_environment()
    options = RunOptions(
        command=command,
        name=name,
        definitions=definitions,
        auto=not no_auto and not definitions,
        pty=pty,
        quiet=quiet,
        json=as_json,
        start_server=not no_server,
        tags=parsed_tags(tags),
        variables=variables,
        tensors=tensors,
        trial=tensors,
        conclude=lambda spool: None if quiet or as_json else _show_diagnosis(spool),
    )
    _check_command(command[0])
    sys.exit(Session(options, settings).run())


def _tensors_in(place: str) -> str:
    """Where tensors go, whatever the command's working directory becomes."""
    return place if place.startswith("s3://") else os.path.abspath(os.path.expanduser(place))


def _show_diagnosis(spool: "Spool") -> None:
    """Say what the tensors, if any were saved, tell of the training, which has ended."""
    from epochwatch.agent.diagnosis import DiagnosisReader
    from epochwatch.cli.findings import show_diagnosis
    from epochwatch.cli.output import console

    told = DiagnosisReader(spool)
    try:
        told.await_end()
    except KeyboardInterrupt:
        click.echo(f"epochwatch: not looking any longer; `epochwatch rules {spool.run().tensors}` does", err=True)
        return
    diagnosis = told.latest()
    if diagnosis is not None:
        show_diagnosis(diagnosis, console(sys.stderr), "\nepochwatch: ")


def _debugging(directory: str, config: str | None, quiet: bool) -> dict[str, str]:
    """The variables of a command whose tensors are saved; says where they go."""
    from epochwatch.debugger.injection import debug_environment

    if not quiet:
        click.echo(f"epochwatch: tensors of the training go to {directory}", err=True)
    return debug_environment(directory, config)


def _job_name(name: str | None, command: tuple[str, ...]) -> str:
    """The wanted training job name, as SageMaker allows them. Raises UsageError."""
    if name is not None:
        return checked_name(name, "--name")
    words = [Path(word).stem for word in command if word.endswith(".py")] or [Path(command[0]).name]
    return f"{made_name(words[0])}-{secrets.token_hex(3)}"


def _check_command(program: str) -> None:
    """Ends as a shell would where there is no such program: 127, or 126 where it may not be executed."""
    from epochwatch.errors import EpochwatchError

    if shutil.which(program) is not None:
        return
    if os.path.dirname(program) and os.path.exists(program):
        raise EpochwatchError(
            f"'{program}' cannot be executed", "is it a program, and is its x bit set?", exit_code=126
        )
    hint = f"did you mean: epochwatch run -- {sys.executable} {program}" if program.endswith(".py") else None
    raise EpochwatchError(f"command not found: '{program}'", hint, exit_code=127)
