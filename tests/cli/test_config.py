import json
from pathlib import Path

import pytest

from epochwatch.cli.config import mask_password
from tests.cli.commands import epochwatch


def test_each_value_says_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "epochwatch.toml").write_text('region = "eu-west-3"\n')
    done = epochwatch(tmp_path, "config", "--json", environment={"EPOCHWATCH_PORT": "4711"})
    found = json.loads(done.stdout)
    assert found["port"] == {"value": 4711, "source": "EPOCHWATCH_PORT"}
    assert found["region"] == {"value": "eu-west-3", "source": str(tmp_path / "epochwatch.toml")}
    assert found["auth"] == {"value": "sigv4", "source": "default"}
    assert found["url"] == {"value": "http://127.0.0.1:4711", "source": "default"}
    assert found["home"] == {"value": str(tmp_path), "source": "EPOCHWATCH_HOME"}


def test_home_flag_is_named_as_the_source(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "--home", str(tmp_path / "other"), "config", "--json")
    assert json.loads(done.stdout)["home"] == {"value": str(tmp_path / "other"), "source": "flag"}


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    environment = {
        "EPOCHWATCH_ACCESS_KEY_ID": "AKIATEST",
        "EPOCHWATCH_SECRET_ACCESS_KEY": "hush-hush",
        "EPOCHWATCH_STATE_URL": "postgresql://me:pass@word@db:5432/state",
        "EPOCHWATCH_METRICS_URL": "clickhouse://me:secret@ch:8123/epochwatch",
    }
    for arguments in (("config",), ("config", "--json")):
        printed = epochwatch(tmp_path, *arguments, environment=environment).stdout
        assert "AKIATEST" in printed
        for secret in ("hush", "pass@", "word@", "secret@"):
            assert secret not in printed
        assert "db:5432/state" in printed


def test_showing_makes_no_key_pair(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "made on first use" in epochwatch(home, "config").stdout
    assert not home.exists()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:********@h/d"),
        ("postgresql://u:p@:/h@h/d", "postgresql://u:********@h/d"),
        ("clickhouse://:p@h:8123/d", "clickhouse://:********@h:8123/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:////a/b@c:d.db", "sqlite:////a/b@c:d.db"),
        ("http://127.0.0.1:4600", "http://127.0.0.1:4600"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, masked: str) -> None:
    assert mask_password(url) == masked
