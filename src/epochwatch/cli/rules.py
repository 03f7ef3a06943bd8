"""``epochwatch rules``: what is wrong with a training, by the tensors it saved."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.debugger.rules.finding import Finding
    from epochwatch.debugger.rules.offline import Choice


@click.command("rules")
@click.argument("training")
@click.option(
    "--rule",
    "chosen",
    multiple=True,
    metavar="NAME[=PARAM=VALUE,...]",
    help="Run this rule; repeatable. Default: all of our own, as a diagnosis.",
)
@click.option(
    "--file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Python file with rules of yours, run in a process of their own. Without --rule: all of them.",
)
@click.option(
    "--seconds", type=click.FloatRange(1), default=600, show_default=True, help="Time for the rules of --file."
)
@click.option(
    "--megabytes",
    type=click.IntRange(256),
    default=4096,
    show_default=True,
    help="Memory for the rules of --file.",
)
@click.option(
    "--other", "others", multiple=True, metavar="TRAINING", help="A training to compare with; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rules_command(
    training: str,
    chosen: tuple[str, ...],
    file: Path | None,
    seconds: float,
    megabytes: int,
    others: tuple[str, ...],
    as_json: bool,
) -> int:
    """Look for faults in the tensors that TRAINING saved: a training job's name, a directory, or s3://bucket/prefix.

    The exit status is 1 when there is a problem.
    """
    import msgspec

    from epochwatch.cli.findings import show
    from epochwatch.cli.output import console, print_json
    from epochwatch.debugger import create_trial
    from epochwatch.debugger.exceptions import SMDebugError
    from epochwatch.debugger.rules.diagnosis import diagnose
    from epochwatch.debugger.rules.isolated import run_isolated
    from epochwatch.debugger.rules.offline import Choice
    from epochwatch.errors import EpochwatchError
    from epochwatch.model.diagnosis import Cause

    path, *other_paths = [_tensors_of(one) for one in (training, *others)]
    try:
        choices = [Choice.parse(text) for text in chosen]
        if file is not None:
            found = run_isolated(path, file, choices, seconds=seconds, megabytes=megabytes)
            shown: dict[str, Any] = {"findings": [one.to_json() for one in found]}
        elif choices:
            shown = {"findings": [one.to_json() for one in _chosen_findings(choices, path, other_paths)]}
        else:
            shown = diagnose(create_trial(path)).to_json()
    except SMDebugError as error:
        raise EpochwatchError(str(error)) from error
    if as_json:
        print_json(shown)
    else:
        show(msgspec.convert(shown["findings"], list[Cause]), console())
    return int(any(one["kind"] == "problem" for one in shown["findings"]))


def _tensors_of(training: str) -> str:
    """Where a training saved its tensors. Raises UsageError where there are none."""
    from epochwatch.errors import UsageError

    if "/" in training or os.path.isdir(training):
        if not _has_tensors(training):
            hint = "name a training job, or the directory, or s3://bucket/prefix, of a trial"
            raise UsageError(f"{training} holds no tensors of a training", hint)
        return training
    job = _job(training)
    place: str = job["tensors"]
    if not place:
        raise UsageError(f"the job {training} saves no tensors", "epochwatch run --debug has a training save them")
    if not _has_tensors(place):
        elsewhere = (
            None if place.startswith("s3://") else f"are they on {job['hostname']}, and not on this machine?"
        )
        raise UsageError(f"the job {training} has no tensors in {place}", elsewhere)
    return place


def _has_tensors(place: str) -> bool:
    """Raises EpochwatchError for a place that cannot be looked at."""
    from epochwatch.debugger.places import open_place
    from epochwatch.debugger.smdebug.layout import has_begun
    from epochwatch.errors import EpochwatchError

    try:
        return has_begun(open_place(place))
    except EpochwatchError:
        raise
    except Exception as error:  # what S3 raises is a matter of its library
        reason, _, _ = str(error).partition("\n")
        raise EpochwatchError(f"cannot look into {place}: {reason}") from error


def _job(name: str) -> "dict[str, Any]":
    """A job as the server knows it. The tensors of one created there are in the server's S3, which the AWS variables
    say from now on.
    """
    from epochwatch.cli.env import variables
    from epochwatch.cli.job import job_path
    from epochwatch.client.http import Client
    from epochwatch.settings import load

    settings = load()
    client = Client(settings)
    try:
        job: dict[str, Any] = client.get_json(job_path(name))
    finally:
        client.close()
    if job["created_by_api"]:
        found = variables(settings)
        os.environ.update({name: value for name, value in found.items() if name.startswith("AWS_")})
    return job


def _chosen_findings(choices: "list[Choice]", path: str, others: list[str]) -> "list[Finding]":
    from epochwatch.debugger import create_trial
    from epochwatch.debugger.rules.builtin import built_rule
    from epochwatch.debugger.rules.offline import OWN_RULES, SAGEMAKER, findings_of, own_rule

    trial, other_trials = create_trial(path), [create_trial(other) for other in others]
    rules: list[Any] = []
    for name, parameters in choices:
        if name in OWN_RULES:
            rules.append(own_rule(OWN_RULES[name], parameters)())
        else:
            rules.append(built_rule(name.removeprefix(SAGEMAKER), parameters, trial, other_trials))
    return findings_of(rules, trial)
