import json
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from epochwatch.cli.env import export
from tests.cli.commands import epochwatch

NAMES = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_DISABLE_HOST_PREFIX_INJECTION",
    "SAGEMAKER_USER_CONFIG_OVERRIDE",
    "SAGEMAKER_VALIDATE_ROLE",
]
HARD = "a b'c\"d$HOME`id`\\e;f\\'g"


def test_shell_that_evaluates_it_has_the_variables(tmp_path: Path) -> None:
    home = tmp_path / "it's my $HOME"
    printed = epochwatch(home, "env", environment={"EPOCHWATCH_REGION": "eu-central-1"}).stdout
    done = subprocess.run(
        ["/bin/sh", "-c", f"eval {shlex.quote(printed)}; env -0"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    seen = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry)
    keys = json.loads((home / "credentials.json").read_text())
    assert seen["AWS_ACCESS_KEY_ID"] == keys["access_key_id"]
    assert seen["AWS_SECRET_ACCESS_KEY"] == keys["secret_access_key"]
    assert seen["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert seen["SAGEMAKER_USER_CONFIG_OVERRIDE"] == str(home / "sagemaker-config.yaml")
    assert seen["SAGEMAKER_VALIDATE_ROLE"] == "false"


def test_key_pair_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = epochwatch(tmp_path, "env", "--json", environment={"EPOCHWATCH_URL": "http://host:1"}).stdout
    again = epochwatch(tmp_path, "env", "--json", environment={"EPOCHWATCH_URL": "http://host:1"}).stdout
    assert json.loads(first) == json.loads(again)
    assert list(json.loads(first)) == NAMES
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_sagemaker_file_names_a_bucket_and_opts_out_of_telemetry(tmp_path: Path) -> None:
    settings = {"EPOCHWATCH_REGION": "eu-west-1", "EPOCHWATCH_ACCOUNT": "000000000042"}
    path = json.loads(epochwatch(tmp_path, "env", "--json", environment=settings).stdout)[
        "SAGEMAKER_USER_CONFIG_OVERRIDE"
    ]
    lines = [line.strip() for line in Path(path).read_text().splitlines()]
    assert lines[0] == "SchemaVersion: '1.0'"
    assert "TelemetryOptOut: true" in lines
    assert "DefaultS3Bucket: 'sagemaker-eu-west-1-000000000042'" in lines


def test_sh_gets_any_value_back() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", export("sh", "VALUE", HARD) + '\nprintf %s "$VALUE"'],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout == HARD


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_gets_any_value_back() -> None:
    done = subprocess.run(
        ["fish", "--no-config", "-c", export("fish", "VALUE", HARD) + '\nprintf %s "$VALUE"'],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout == HARD


def test_other_shells_quote_by_their_own_rules() -> None:
    assert export("fish", "VALUE", r"a'b\c$d") == r"set -gx VALUE 'a\'b\\c$d';"
    assert export("powershell", "VALUE", r"a'b\c$d") == r"$env:VALUE = 'a''b\c$d'"


def test_default_syntax_follows_the_login_shell(tmp_path: Path) -> None:
    assert epochwatch(tmp_path, "env", environment={"SHELL": "/usr/bin/fish"}).stdout.startswith("set -gx ")
    assert epochwatch(tmp_path, "env", environment={"SHELL": "/bin/zsh"}).stdout.startswith("export ")
