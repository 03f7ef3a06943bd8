"""The documents name every command, option and setting, and none that is not there."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from epochwatch.cli.main import COMMANDS, cli
from epochwatch.settings import ENVIRONMENT_PREFIX, Settings

DOCS = Path(__file__).parents[2] / "docs"
OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")


def sections() -> dict[str, str]:
    """The text of each command's section in docs/cli.md."""
    parts = re.split(r"^## epochwatch (\w+)$", (DOCS / "cli.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def options(command: click.Command) -> set[str]:
    return {
        word
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for word in (*parameter.opts, *parameter.secondary_opts)
    }


def command_named(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_options_of_a_command_are_those_in_its_table(name: str) -> None:
    rows = [line.split(" | ")[0] for line in sections()[name].splitlines() if line.startswith("| `")]
    assert set(OPTION.findall(" ".join(rows))) == options(command_named(name))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_choices_of_an_option_are_named(name: str) -> None:
    text = sections()[name]
    for parameter in command_named(name).params:
        if isinstance(parameter.type, click.Choice):
            for choice in parameter.type.choices:
                assert re.search(rf"\b{choice}\b", text), f"{name} {parameter.name}: {choice}"


def test_global_options_are_named() -> None:
    text = (DOCS / "cli.md").read_text().split("\n## ")[0]
    assert options(cli) <= set(OPTION.findall(text))


def test_every_setting_has_a_row_with_its_variable_and_default() -> None:
    rows = {}
    for line in (DOCS / "settings.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 4 and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = cells
    assert set(rows) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        assert rows[field.name][1] == f"`{ENVIRONMENT_PREFIX}{field.name.upper()}`"
        if isinstance(field.default, str | int) and field.default != "":
            assert rows[field.name][2] == f"`{field.default}`"
