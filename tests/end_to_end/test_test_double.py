"""The server as a double of AWS in somebody's tests: any key, nothing kept, emptied at will."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.servers import ServerProcess


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("double") / "home"
    with ServerProcess(home, "--auth", "none", "--ephemeral") as server:
        yield server


def client(double: ServerProcess, service: str, key: str = "any", region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=double.url,
        aws_access_key_id=key,
        aws_secret_access_key="anything",
        region_name=region,
    )


def groups(double: ServerProcess, **where: str) -> list[str]:
    found = client(double, "logs", **where).describe_log_groups()["logGroups"]
    return [group["logGroupName"] for group in found]


def reset(double: ServerProcess) -> None:
    request = urllib.request.Request(f"{double.url}/_/reset", method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_any_key_is_taken_and_twelve_digits_are_the_account(double: ServerProcess) -> None:
    assert client(double, "sts", "111122223333").get_caller_identity()["Account"] == "111122223333"
    assert client(double, "sts", "whatever").get_caller_identity()["Account"] == "123456789012"


def test_accounts_and_regions_do_not_see_each_other(double: ServerProcess) -> None:
    client(double, "logs", "111122223333").create_log_group(logGroupName="mine")
    client(double, "logs", "111122223333", "eu-west-1").create_log_group(logGroupName="abroad")
    assert groups(double, key="111122223333") == ["mine"]
    assert groups(double, key="111122223333", region="eu-west-1") == ["abroad"]
    assert groups(double, key="444455556666") == []


def test_a_reset_empties_everything(double: ServerProcess) -> None:
    client(double, "logs").create_log_group(logGroupName="gone")
    client(double, "cloudwatch").put_metric_data(
        Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0, "StorageResolution": 1}]
    )
    assert groups(double) == ["gone"]
    assert client(double, "cloudwatch").list_metrics(Namespace="n")["Metrics"]
    reset(double)
    assert groups(double) == []
    assert client(double, "cloudwatch").list_metrics(Namespace="n")["Metrics"] == []
    client(double, "logs").create_log_group(logGroupName="gone")


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "home", "--auth", "none", "--ephemeral") as server:
        client(server, "logs").create_log_group(logGroupName="gone")
    assert not (tmp_path / "home" / "state.db").exists()
    assert not (tmp_path / "home" / "metrics").exists()
    with ServerProcess(tmp_path / "home", "--auth", "none", "--ephemeral") as server:
        assert groups(server) == []


def test_a_reset_needs_the_key_where_keys_are_checked_and_is_not_for_web_pages(
    double: ServerProcess, tmp_path: Path
) -> None:
    with (
        ServerProcess(tmp_path / "home", "--ephemeral") as server,
        pytest.raises(urllib.error.HTTPError) as refusal,
    ):
        reset(server)
    refusal.value.close()
    assert refusal.value.code == 403
    request = urllib.request.Request(
        f"{double.url}/_/reset", method="POST", headers={"Sec-Fetch-Site": "cross-site"}
    )
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    refusal.value.close()
    assert refusal.value.code == 403


def test_a_server_that_keeps_its_data_cannot_be_reset(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "home") as server:
        with pytest.raises(urllib.error.HTTPError) as refusal:
            reset(server)
        refusal.value.close()
        assert refusal.value.code in (401, 404, 405)


def test_requests_without_signatures_are_never_taken_from_the_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch", "--home", str(tmp_path), "serve"]
        + ["--auth", "none", "--host", "0.0.0.0", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "loopback" in done.stderr
