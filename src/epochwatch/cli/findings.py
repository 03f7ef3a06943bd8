"""Findings about a training as the terminal shows them: what is wrong, since when, why, and what to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from epochwatch.cli.chart import Curve, sparkline

if TYPE_CHECKING:
    from epochwatch.debugger.rules.diagnosis import Diagnosed

WIDTH = 60
"""Characters of a curve beside a finding."""


def holds_tensors(path: str) -> bool:
    """Whether a training has begun to save tensors in a directory. Of S3 it is taken for granted."""
    return path.startswith("s3://") or (Path(path) / "collections").is_dir()


def show(causes: "Sequence[Diagnosed]", out: Console) -> None:
    """One after the other, in their order."""
    if not causes:
        out.print("nothing found")
    for place, cause in enumerate(causes):
        if place:
            out.print()
        _show_one(cause, out)


def _show_one(cause: "Diagnosed", out: Console) -> None:
    one = cause.finding
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
