"""``epochwatch config``: the settings in force."""

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.settings import Settings, Sourced

MASK = "********"


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def config_command(context: click.Context, as_json: bool) -> None:
    """Show each setting, its value and where it comes from; secrets are masked."""
    from epochwatch.cli.output import console, print_json, table
    from epochwatch.settings import Settings, explain

    found = explain({"home": context.find_root().params.get("home")})
    settings = Settings(**{name: sourced.value for name, sourced in found.items()})
    rows = [(name, *_shown(name, sourced, settings)) for name, sourced in found.items()]
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
        return
    console().print(
        table(("SETTING", "VALUE", "FROM"), [(name, str(value), source) for name, value, source in rows])
    )


def _shown(name: str, sourced: "Sourced", settings: "Settings") -> tuple[Any, str]:
    """The value to show, defaults that depend on other settings filled in, and its source."""
    from epochwatch.settings import SECRETS

    if name in ("access_key_id", "secret_access_key") and not sourced.value:
        return (
            "",
            f"in {settings.credentials_file}" if settings.credentials_file.exists() else "made on first use",
        )
    if name in SECRETS:
        return MASK, sourced.source
    if name == "home":
        return str(sourced.value), sourced.source
    derived = {
        "url": settings.endpoint,
        "metrics_url": settings.effective_metrics_url,
        "state_url": settings.effective_state_url,
        "objects_url": settings.effective_objects_url,
    }
    value = derived[name] if name in derived and not sourced.value else sourced.value
    return mask_password(value) if isinstance(value, str) else value, sourced.source


def mask_password(url: str) -> str:
    """A URL without the password it may hold."""
    return re.sub(r"^([^:]+://[^:/@]*):.*@([^@]*)$", rf"\1:{MASK}@\2", url)
