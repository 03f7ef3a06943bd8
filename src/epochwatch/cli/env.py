"""``epochwatch env``: what AWS clients need to find this server, as shell commands."""

import os
import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from epochwatch.settings import Settings

SHELLS = ("sh", "fish", "powershell")


@click.command("env")
@click.option("--shell", type=click.Choice(SHELLS), help="Whose syntax. Default: by $SHELL, else sh.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object of the variables.")
def env_command(shell: str | None, as_json: bool) -> None:
    """Print the variables that point boto3, the AWS CLI and the SageMaker SDK here.

    Use it as: eval "$(epochwatch env)". The output holds the secret key. The key pair and the SageMaker SDK's
    configuration file are made in the home directory if they are not there.
    """
    from epochwatch.cli.output import print_json
    from epochwatch.settings import load

    settings = load()
    pairs = variables(settings)
    if as_json:
        print_json(pairs)
        return
    shell = shell or ("fish" if Path(os.environ.get("SHELL", "")).name == "fish" else "sh")
    for name, value in pairs.items():
        click.echo(export(shell, name, value))


def variables(settings: "Settings") -> dict[str, str]:
    """The variables by name; writes the file one of them names."""
    from epochwatch.client.credentials import load_or_create

    credentials = load_or_create(settings)
    return {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_ENDPOINT_URL_S3": by_address(settings.s3_endpoint),
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(_write_sagemaker_configuration(settings, credentials.account)),
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }


def by_address(url: str) -> str:
    """``url`` with its host as an address: at a name, AWS clients would look for buckets as subdomains."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return url
    address = min(found, key=lambda one: one[0] != socket.AF_INET)[4][0]
    shown = f"[{address}]" if ":" in str(address) else str(address)
    if parts.scheme == "https" or str(address) == host:
        return url
    return parts._replace(netloc=shown if parts.port is None else f"{shown}:{parts.port}").geturl()


def export(shell: str, name: str, value: str) -> str:
    """The command that sets a variable in ``shell`` to exactly ``value``."""
    if shell == "fish":
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{escaped}';"
    if shell == "powershell":
        doubled = value.replace("'", "''")
        return f"$env:{name} = '{doubled}'"
    return f"export {name}={shlex.quote(value)}"


def _write_sagemaker_configuration(settings: "Settings", account: str) -> Path:
    """The SDK's defaults: a bucket named here, since the SDK would ask AWS for one, and no reports of its use."""
    path = settings.home / "sagemaker-config.yaml"
    text = (
        "SchemaVersion: '1.0'\n"
        "SageMaker:\n"
        "  PythonSDK:\n"
        "    Modules:\n"
        "      TelemetryOptOut: true\n"
        "      Session:\n"
        f"        DefaultS3Bucket: 'sagemaker-{settings.region}-{account}'\n"
    )
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(path)
    return path
