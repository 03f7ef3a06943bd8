"""The options by which commands take metric definitions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from epochwatch.model.batch import Definition

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-m", "--metric", "flags", multiple=True, metavar="NAME=REGEX", help="A metric definition; repeatable."
    ),
    click.option(
        "--metrics",
        "files",
        multiple=True,
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help='Definitions as SageMaker has them: [{"Name": ..., "Regex": ...}].',
    ),
    click.option(
        "--preset",
        "presets",
        multiple=True,
        metavar="PRESET",
        help="Definitions for the output of a framework or of a built-in algorithm: keras, lightning, xgboost, ...",
    ),
    click.option("--no-auto", is_flag=True, help="Do not learn metrics from key=value and key: value numbers."),
)


def definition_options(command: Command) -> Command:
    """Gives a command the parameters ``flags``, ``files``, ``presets`` and ``no_auto``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def definitions_of(flags: tuple[str, ...], files: tuple[str, ...], presets: tuple[str, ...]) -> "list[Definition]":
    """The definitions that flags, files and presets give, in this order. Raises UsageError."""
    from epochwatch.extraction.definitions import load_file, parse_flags

    found = parse_flags(flags)
    for file in files:
        found += load_file(file)
    if presets:
        from epochwatch.extraction.presets import preset

        for name in presets:
            found += preset(name)
    return found
