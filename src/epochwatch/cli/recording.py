"""The options that commands share which record a training job."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--quiet", is_flag=True, help="Print nothing of our own."),
    click.option(
        "--json", "as_json", is_flag=True, help="End with the summary as one line of JSON on standard error."
    ),
    click.option("--no-server", is_flag=True, help="Do not start a server; what is recorded waits for one."),
    click.option(
        "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the training job; repeatable."
    ),
)


def recording_options(command: Command) -> Command:
    """Gives a command the parameters ``quiet``, ``as_json``, ``no_server`` and ``tags``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
