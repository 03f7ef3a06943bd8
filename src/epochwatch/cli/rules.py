"""``epochwatch rules``: what is wrong with a training, by the tensors it saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.debugger.rules.finding import Finding
    from epochwatch.debugger.rules.offline import Choice


@click.command("rules")
@click.argument("path")
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
    "--other", "others", multiple=True, metavar="PATH", help="Tensors of a training to compare with; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rules_command(
    path: str,
    chosen: tuple[str, ...],
    file: Path | None,
    seconds: float,
    megabytes: int,
    others: tuple[str, ...],
    as_json: bool,
) -> int:
    """Look for faults in the tensors that a training saved in PATH, a directory or s3://bucket/prefix. The exit status
    is 1 when there is a problem.
    """
    from epochwatch.cli.findings import holds_tensors, show
    from epochwatch.cli.output import console, print_json
    from epochwatch.debugger import create_trial
    from epochwatch.debugger.exceptions import SMDebugError
    from epochwatch.debugger.rules.diagnosis import Diagnosed, diagnose
    from epochwatch.debugger.rules.isolated import run_isolated
    from epochwatch.debugger.rules.offline import Choice
    from epochwatch.errors import EpochwatchError, UsageError

    for one in (path, *others):
        if not holds_tensors(one):
            raise UsageError(
                f"{one} holds no tensors of a training", "name the directory, or s3://bucket/prefix, of a trial"
            )
    try:
        choices = [Choice.parse(text) for text in chosen]
        if file is not None:
            causes = [
                Diagnosed(one) for one in run_isolated(path, file, choices, seconds=seconds, megabytes=megabytes)
            ]
            shown: dict[str, Any] = {"findings": [one.finding.to_json() for one in causes]}
        elif choices:
            causes = [Diagnosed(one) for one in _chosen_findings(choices, path, others)]
            shown = {"findings": [one.finding.to_json() for one in causes]}
        else:
            diagnosis = diagnose(create_trial(path))
            causes, shown = list(diagnosis.causes), diagnosis.to_json()
    except SMDebugError as error:
        raise EpochwatchError(str(error)) from error
    if as_json:
        print_json(shown)
    else:
        show(causes, console())
    return int(any(cause.finding.kind == "problem" for cause in causes))


def _chosen_findings(choices: "list[Choice]", path: str, others: tuple[str, ...]) -> "list[Finding]":
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
