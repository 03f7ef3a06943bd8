"""What commands print: JSON, tables and numbers."""

import datetime
import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

import click
from rich.console import Console
from rich.table import Table

STATUS_STYLES = {"InProgress": "cyan", "Completed": "green", "Failed": "red", "Stopped": "yellow"}
"""The colour of each training job status."""
UNBOUNDED_WIDTH = 10_000
"""Columns where the output is no terminal: nothing is cut for a program that reads it."""


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def console(file: IO[str] | None = None) -> Console:
    """A console on standard output (or ``file``): colours only in a terminal and without NO_COLOR."""
    file = file or sys.stdout
    return Console(file=file, width=None if file.isatty() else UNBOUNDED_WIDTH, highlight=False, markup=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> Table:
    """A borderless table; the columns named in ``right`` are aligned right, as numbers are."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def number(value: Any) -> str:
    """A value as people read it: six significant digits; ``-`` for none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return str(value)


def moment(seconds: float | None) -> str:
    """Unix seconds as local date and time; ``-`` for none."""
    if seconds is None:
        return "-"
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def plural(count: int, noun: str) -> str:
    """``1 line``, ``2 lines``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
