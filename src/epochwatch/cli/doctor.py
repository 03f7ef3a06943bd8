"""``epochwatch doctor``: each thing that must be right, looked at, with what to do where it is not."""

import sys
from typing import Any

import click

MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the checks.")
def doctor_command(as_json: bool) -> None:
    """Check this installation, its data and its server. The exit status is 1 if a check failed."""
    from dataclasses import asdict

    from epochwatch.cli.checks import examine
    from epochwatch.cli.output import console, print_json
    from epochwatch.settings import load

    checks = []
    screen = console()
    for check in examine(load()):
        checks.append(check)
        if not as_json:
            _print(screen, check)
    if as_json:
        print_json([asdict(check) for check in checks])
    if any(check.outcome == "fail" for check in checks):
        sys.exit(1)


def _print(screen: Any, check: Any) -> None:
    from rich.text import Text

    mark, style = MARKS[check.outcome]
    screen.print(Text.assemble((mark, style), f"  {check.name}: {check.finding}"))
    if check.remedy and check.outcome != "ok":
        screen.print(Text(f"      -> {check.remedy}"))
