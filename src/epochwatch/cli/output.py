"""What commands print: JSON, tables and numbers."""

import contextlib
import datetime
import io
import json
import math
import os
import secrets
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.table import Table

from epochwatch.errors import EpochwatchError, UsageError

STATUS_STYLES = {"InProgress": "cyan", "Completed": "green", "Failed": "red", "Stopped": "yellow"}
"""The colour of each training job status."""
BINARY = {"arrow": "Arrow", "parquet": "Parquet"}
"""Formats that no terminal can show."""
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


def rendered(made: Table) -> bytes:
    """The table as text for a file or a pipe."""
    text = io.StringIO()
    console(text).print(made)
    return ("\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n").encode()


def form_of(asked: str | None, output: str | None, forms: Sequence[str]) -> str:
    """The format asked for, else the one of ``forms`` that is the output file's ending, else a table. Raises UsageError
    for one that would go to a terminal and cannot.
    """
    ending = Path(output).suffix.lower().removeprefix(".") if output else ""
    form = asked or (ending if ending in forms else "table")
    if form in BINARY and output is None and sys.stdout.isatty():
        raise UsageError(f"{BINARY[form]} is not for a terminal", "name a file with -o, or pipe it")
    return form


def write_out(body: bytes, output: str | None) -> None:
    """To the file ``output``, or standard output where that is None. A file is replaced whole: a reader never finds
    half of it.
    """
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to replace
        path.write_bytes(body)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(body)
        temporary.replace(path)
    except OSError as error:
        raise EpochwatchError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    click.echo(f"wrote {path} ({len(body):,} bytes)", err=True)


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
