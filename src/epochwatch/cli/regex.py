"""``epochwatch regex``: metric definitions tried on a log, without a server."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING

import click

from epochwatch.cli.definitions import definition_options, definitions_of

if TYPE_CHECKING:
    from epochwatch.extraction.report import DefinitionReport, Example, Report
    from epochwatch.extraction.suggest import Suggestions
    from epochwatch.model.batch import Definition

CHUNK_BYTES = 1 << 18
MOST_IN_A_REQUEST = 40
"""Definitions that a CreateTrainingJob request of SageMaker holds at most."""


@click.command("regex")
@click.argument("logs", metavar="FILE...", nargs=-1, required=True, type=click.File("rb", lazy=False))
@definition_options
@click.option(
    "--suggest", "suggesting", is_flag=True, help="Print definitions for the metrics learnt from the log."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def regex_command(
    logs: tuple[IO[bytes], ...],
    flags: tuple[str, ...],
    files: tuple[str, ...],
    presets: tuple[str, ...],
    no_auto: bool,
    suggesting: bool,
    as_json: bool,
) -> None:
    """Show what metric definitions find in the log FILE (- for standard input), as `epochwatch run` would.

    Metrics are learnt from the log only where no definition is given. The exit status is 1 if a definition never
    matched; of a preset, one that matches is enough.

    With --suggest, print definitions in SageMaker's form for what can be learnt from the log and is not defined:
    for --metrics, and for the MetricDefinitions of a CreateTrainingJob request. The exit status is 1 if there is
    nothing to suggest.
    """
    import msgspec

    from epochwatch.errors import UsageError
    from epochwatch.extraction.report import examine

    definitions = definitions_of(flags, files, presets)
    if suggesting:
        if no_auto:
            raise UsageError("--suggest learns from the log, --no-auto forbids it", "leave one of them out")
        _suggest(logs, definitions, as_json=as_json)
        return
    if not definitions and no_auto:
        raise UsageError("nothing to try", "give definitions with -m, --metrics or --preset")
    named = {log.name: _chunks(log) for log in logs}
    report = examine(named, definitions, automatic=not no_auto and not definitions)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if _failed(report):
        sys.exit(1)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _suggest(logs: Iterable[IO[bytes]], definitions: "list[Definition]", *, as_json: bool) -> None:
    from epochwatch.extraction.suggest import suggest

    taken = {definition.name for definition in definitions}
    made = suggest([_readable_again(log) for log in logs], taken)
    entries = [suggestion.definition() for suggestion in made.suggestions]
    if as_json:
        import msgspec

        click.echo(json.dumps({"MetricDefinitions": entries, **msgspec.to_builtins(made)}, ensure_ascii=False))
    else:
        lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
        click.echo(f"[\n{lines}\n]" if entries else "[]")
    for remark in _remarks_on(made):
        click.echo(remark, err=True)
    if not entries:
        sys.exit(1)


def _readable_again(file: IO[bytes]) -> Callable[[], Iterator[bytes]]:
    """A log that can be read from its beginning more than once, also one that comes through a pipe."""
    if not file.seekable():
        kept = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        shutil.copyfileobj(file, kept, CHUNK_BYTES)
        kept.seek(0)
        file = kept
    start = file.tell()

    def read() -> Iterator[bytes]:
        file.seek(start)
        return _chunks(file)

    return read


def _remarks_on(made: "Suggestions") -> Iterator[str]:
    from epochwatch.cli.output import plural

    for suggestion in made.suggestions:
        if not suggestion.same:
            yield (
                f"warning: '{suggestion.name}' finds {plural(suggestion.found, 'value')} where"
                f" {suggestion.values:,} were learnt: look at its regex"
            )
    for name in made.too_long:
        yield f"warning: no definition for '{name}': it would be longer than a definition may be"
    if len(made.suggestions) > MOST_IN_A_REQUEST:
        yield f"warning: a CreateTrainingJob request takes {MOST_IN_A_REQUEST} definitions at most: choose"
    values = sum(suggestion.found for suggestion in made.suggestions)
    yield f"{plural(len(made.suggestions), 'definition')} for {plural(values, 'value')} in {plural(made.lines, 'line')}"


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
            f"{_place(found.first)}: {found.first.text.strip()}" if found.first is not None else "never matched",
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


def _place(example: "Example") -> str:
    return f"{example.file}:{example.line}" if isinstance(example.file, str) else str(example.line)


def _remarks(found: "DefinitionReport") -> Iterator[str]:
    if not found.matched:
        yield f"'{found.name}' never matched: {found.regex}"
    if found.not_a_number is not None:
        where = f"line {_place(found.not_a_number)}: {found.not_a_number.text.strip()}"
        share = f"{found.non_numeric:,} of {found.matched:,} matches"
        yield f"'{found.name}' captured what is no number in {share}, first in {where}"
    for doubt in found.doubts:
        yield f"'{found.name}' {doubt}"
    if found.warning:
        yield f"'{found.name}': {found.warning}"
    if found.engine.startswith("disabled"):
        yield f"'{found.name}' is {found.engine}"
