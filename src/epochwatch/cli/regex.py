"""``epochwatch regex``: metric definitions tried on a log, without a server."""

import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import click

from epochwatch.cli.definitions import definition_options, definitions_of

if TYPE_CHECKING:
    from epochwatch.extraction.report import DefinitionReport, Report

CHUNK_BYTES = 1 << 18


@click.command("regex")
@click.argument("file", type=click.File("rb", lazy=False))
@definition_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def regex_command(
    file: IO[bytes],
    flags: tuple[str, ...],
    files: tuple[str, ...],
    presets: tuple[str, ...],
    no_auto: bool,
    as_json: bool,
) -> None:
    """Show what metric definitions find in the log FILE (- for standard input), as `epochwatch run` would.

    Metrics are learnt from the log only where no definition is given. The exit status is 1 if a definition never
    matched; of a preset, one that matches is enough.
    """
    import msgspec

    from epochwatch.errors import UsageError
    from epochwatch.extraction.report import examine

    definitions = definitions_of(flags, files, presets)
    if not definitions and no_auto:
        raise UsageError("nothing to try", "give definitions with -m, --metrics or --preset")
    report = examine(_chunks(file), definitions, automatic=not no_auto and not definitions)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if _failed(report):
        sys.exit(1)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _failed(report: "Report") -> bool:
    """A preset has definitions for many outputs: it fails only as a whole."""
    groups: dict[str, int] = {}
    for number, found in enumerate(report.definitions):
        group = found.origin if found.origin.startswith("preset:") else str(number)
        groups[group] = groups.get(group, 0) + found.matched
    return 0 in groups.values()


def _print(report: "Report") -> None:
    from epochwatch.cli.output import console, number, plural, table

    shown = [found for found in report.definitions if found.matched or not found.origin.startswith("preset:")]
    rows = [
        (
            found.name,
            found.origin,
            f"{found.matched:,}",
            number(found.first.value) if found.first is not None else "-",
            f"{found.first.line}: {found.first.text.strip()}" if found.first is not None else "never matched",
        )
        for found in shown
    ]
    if rows:
        columns = ("METRIC", "FROM", "MATCHES", "FIRST VALUE", "FIRST LINE")
        console().print(table(columns, rows, right=("MATCHES", "FIRST VALUE")))
    for found in shown:
        for line in _remarks(found):
            click.echo(f"warning: {line}", err=True)
    quiet = len(report.definitions) - len(shown)
    if quiet:
        click.echo(f"{plural(quiet, 'preset definition')} found nothing", err=True)
    click.echo(f"{plural(report.values, 'value')} in {plural(report.lines, 'line')}", err=True)


def _remarks(found: "DefinitionReport") -> Iterator[str]:
    if not found.matched:
        yield f"'{found.name}' never matched: {found.regex}"
    if found.not_a_number is not None:
        where = f"line {found.not_a_number.line}: {found.not_a_number.text.strip()}"
        share = f"{found.non_numeric:,} of {found.matched:,} matches"
        yield f"'{found.name}' captured what is no number in {share}, first in {where}"
    if found.warning:
        yield f"'{found.name}': {found.warning}"
    if found.engine.startswith("disabled"):
        yield f"'{found.name}' is {found.engine}"
