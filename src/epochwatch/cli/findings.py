"""Findings about a training as the terminal shows them: what is wrong, since when, why, and what to do."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from epochwatch.cli.chart import Curve, sparkline
from epochwatch.model.diagnosis import Cause, Diagnosis

WIDTH = 60
"""Characters of a curve beside a finding."""


def show_diagnosis(diagnosis: Diagnosis, out: Console, before: str = "") -> None:
    """Of how many steps, what was found, and why no more."""
    so_far = "" if diagnosis.ended else " so far"
    out.print(f"{before}of {diagnosis.steps} steps with tensors{so_far}:")
    show(diagnosis.findings, out)
    if diagnosis.failure:
        out.print(f"not diagnosed to the end: {diagnosis.failure}")


def show(causes: Sequence[Cause], out: Console) -> None:
    """One after the other, in their order."""
    if not causes:
        out.print("nothing found")
    for place, cause in enumerate(causes):
        if place:
            out.print()
        _show_one(cause, out)


def _show_one(cause: Cause, out: Console) -> None:
    style = "bold red" if cause.kind == "problem" else "bold cyan"
    again = f", {cause.times} times" if cause.times > 1 else ""
    out.print(Text(cause.rule, style), f"{cause.kind} since step {cause.began}, known at step {cause.step}{again}")
    out.print(f"  {cause.evidence}")
    for name, points in cause.series.items():
        values = [math.nan if value is None else value for _, value in points]
        drawn = sparkline(Curve(name, [step for step, _ in points], values, values), WIDTH)
        if drawn:
            out.print(f"  {name}: {drawn}")
    if cause.cause:
        out.print(f"  Cause: {cause.cause}")
    if cause.remedy:
        out.print(f"  Remedy: {cause.remedy}")
    for effect in cause.consequences:
        out.print(f"  -> {effect.rule} since step {effect.began}: {effect.evidence}")
