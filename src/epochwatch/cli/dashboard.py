"""``epochwatch dashboard``: dashboards listed, shown, and taken from and to CloudFormation's templates."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.client.dashboards import Dashboards


@click.group("dashboard")
def dashboard_command() -> None:
    """List, show, export and import dashboards. `epochwatch plot --dashboard NAME` draws one."""


@dashboard_command.command("list")
@click.option("--prefix", default="", metavar="TEXT", help="Only those whose name begins so.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(prefix: str, as_json: bool) -> None:
    """List the dashboards that were put."""
    from epochwatch.cli.output import console, moment, print_json, table

    found = _dashboards().all(prefix)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(
            "no such dashboard" if prefix else "no dashboards yet; the default ones are not listed", err=True
        )
        return
    rows = [(one["DashboardName"], f"{one['Size']:,}", moment(one["LastModified"])) for one in found]
    console().print(table(("NAME", "BYTES", "CHANGED"), rows, right=("BYTES",)))


@dashboard_command.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Print the body of the dashboard NAME as JSON: of a default one, too."""
    click.echo(json.dumps(json.loads(_dashboards().body(name)), ensure_ascii=False, indent=2))


@dashboard_command.command("export")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to FILE.")
def export_command(names: tuple[str, ...], output: str | None) -> None:
    """Write the dashboards NAME, or all that were put, as a CloudFormation template."""
    from epochwatch.cli.output import write_out
    from epochwatch.errors import UsageError
    from epochwatch.model.dashboard.cloudformation import template

    dashboards = _dashboards()
    wanted = list(dict.fromkeys(names)) or [one["DashboardName"] for one in dashboards.all()]
    if not wanted:
        raise UsageError("there are no dashboards to export", "name a default one: epochwatch-fleet")
    made = template({name: dashboards.body(name) for name in wanted})
    write_out(json.dumps(made, ensure_ascii=False, indent=2).encode() + b"\n", output)


@dashboard_command.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--name", metavar="NAME", help="FILE is the body of one dashboard, to be called so.")
def import_command(file: Any, name: str | None) -> None:
    """Put the dashboards of a CloudFormation template in JSON (`-`: standard input). One of the same name is replaced.

    All are read before the first is put.
    """
    from epochwatch.errors import UsageError
    from epochwatch.model.dashboard.cloudformation import InvalidTemplate, dashboards_in

    text = file.read()
    if name is not None:
        found = {name: text}
    else:
        try:
            found = dashboards_in(json.loads(text), _pseudo_parameters())
        except json.JSONDecodeError as error:
            raise UsageError(f"{file.name} is not JSON: {error}", "templates in YAML are not read") from error
        except InvalidTemplate as error:
            raise UsageError(
                f"{file.name}: {error}", "with --name NAME, a dashboard's body alone is read"
            ) from error
    dashboards = _dashboards()
    for one, body in found.items():
        dashboards.put(one, body)
        click.echo(one)


def _dashboards() -> "Dashboards":
    from epochwatch.client.dashboards import Dashboards
    from epochwatch.client.http import Client
    from epochwatch.settings import load

    return Dashboards(Client(load()))


def _pseudo_parameters() -> dict[str, str]:
    """What CloudFormation knows without a stack."""
    from epochwatch.client.credentials import load_or_create
    from epochwatch.settings import load

    settings = load()
    return {
        "AWS::Region": settings.region,
        "AWS::AccountId": load_or_create(settings).account,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
