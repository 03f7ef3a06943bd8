"""``epochwatch rules``: what is wrong with a training, by the tensors it saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.debugger import Trial
    from epochwatch.debugger.rules.diagnosis import Diagnosed
    from epochwatch.debugger.rules.finding import Finding
    from epochwatch.debugger.rules.offline import Choice

WIDTH = 60
"""Characters of a curve beside a finding."""


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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rules_command(
    path: str, chosen: tuple[str, ...], file: Path | None, seconds: float, megabytes: int, as_json: bool
) -> int:
    """Look for faults in the tensors that a training saved in PATH, a directory or s3://bucket/prefix. The exit status
    is 1 when there is a problem.
    """
    from epochwatch.cli.output import print_json
    from epochwatch.debugger import create_trial
    from epochwatch.debugger.exceptions import SMDebugError
    from epochwatch.debugger.rules.diagnosis import Diagnosed, diagnose
    from epochwatch.debugger.rules.isolated import run_isolated
    from epochwatch.debugger.rules.offline import Choice
    from epochwatch.errors import EpochwatchError, UsageError

    if not path.startswith("s3://") and not (Path(path) / "collections").is_dir():
        raise UsageError(
            f"{path} holds no tensors of a training", "name the directory, or s3://bucket/prefix, of a trial"
        )
    try:
        choices = [Choice.parse(text) for text in chosen]
        if file is not None:
            causes = [
                Diagnosed(one) for one in run_isolated(path, file, choices, seconds=seconds, megabytes=megabytes)
            ]
            shown: dict[str, Any] = {"findings": [one.finding.to_json() for one in causes]}
        elif choices:
            causes = [Diagnosed(one) for one in _chosen_findings(choices, create_trial(path))]
            shown = {"findings": [one.finding.to_json() for one in causes]}
        else:
            diagnosis = diagnose(create_trial(path))
            causes, shown = list(diagnosis.causes), diagnosis.to_json()
    except SMDebugError as error:
        raise EpochwatchError(str(error)) from error
    if as_json:
        print_json(shown)
    else:
        _print(causes)
    return int(any(cause.finding.kind == "problem" for cause in causes))


def _chosen_findings(choices: "list[Choice]", trial: "Trial") -> "list[Finding]":
    from epochwatch.debugger.rules.builtin import built_rule
    from epochwatch.debugger.rules.offline import OWN_RULES, SAGEMAKER, findings_of, own_rule

    rules: list[Any] = []
    for name, parameters in choices:
        if name in OWN_RULES:
            rules.append(own_rule(OWN_RULES[name], parameters)())
        else:
            rules.append(built_rule(name.removeprefix(SAGEMAKER), parameters, trial))
    return findings_of(rules, trial)


def _print(causes: "list[Diagnosed]") -> None:
    from epochwatch.cli.output import console

    out = console()
    if not causes:
        out.print("nothing found")
    for place, cause in enumerate(causes):
        if place:
            out.print()
        _print_finding(cause)


def _print_finding(cause: "Diagnosed") -> None:
    from rich.text import Text

    from epochwatch.cli.chart import Curve, sparkline
    from epochwatch.cli.output import console

    out, one = console(), cause.finding
    style = "bold red" if one.kind == "problem" else "bold cyan"
    again = f", {cause.times} times" if cause.times > 1 else ""
    out.print(Text(one.rule, style), f"{one.kind} since step {one.began}, known at step {one.step}{again}")
    out.print(f"  {one.evidence}")
    for name, points in one.series.items():
        values = [value for _, value in points]
        drawn = sparkline(Curve(name, [step for step, _ in points], values, values), WIDTH)
        if drawn:
            out.print(f"  {name}: {drawn}")
    if one.cause:
        out.print(f"  Cause: {one.cause}")
    if one.remedy:
        out.print(f"  Remedy: {one.remedy}")
    for effect in cause.consequences:
        out.print(f"  -> {effect.rule} since step {effect.began}: {effect.evidence}")
