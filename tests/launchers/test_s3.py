"""S3 at the server's own port: what AWS clients store there is there, under the same keys."""

import hashlib
import json
import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from epochwatch.store.state import StateStore
from tests.launchers.created_jobs import until
from tests.servers import ServerProcess

BUCKET = "sagemaker-us-east-1-123456789012"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("s3-server")) as running:
        running.boto3("s3").create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture(scope="module")
def s3(server: ServerProcess) -> Any:
    return server.boto3("s3")


def test_an_object_is_read_as_it_was_written(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="job/input/train.csv", Body=b"1,2\n", ContentType="text/csv")

    answer = s3.get_object(Bucket=BUCKET, Key="job/input/train.csv")

    assert answer["Body"].read() == b"1,2\n"
    assert answer["ETag"].strip('"') == hashlib.md5(b"1,2\n").hexdigest()
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]


def test_a_large_file_travels_in_parts_and_is_read_in_ranges(s3: Any, tmp_path: Path) -> None:
    content = os.urandom(23_000_001)
    (tmp_path / "model").write_bytes(content)

    s3.upload_file(str(tmp_path / "model"), BUCKET, "job/output/model.tar.gz")
    s3.download_file(BUCKET, "job/output/model.tar.gz", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == content
    part = s3.get_object(Bucket=BUCKET, Key="job/output/model.tar.gz", Range="bytes=22999990-")
    assert part["Body"].read() == content[22999990:]
    head = s3.head_object(Bucket=BUCKET, Key="job/output/model.tar.gz")
    assert head["ContentLength"] == len(content)


def test_what_is_acknowledged_is_in_the_directory(server: ServerProcess, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="now", Body=b"here")

    assert (server.home / "objects" / "buckets" / BUCKET / "now").read_bytes() == b"here"


def test_keys_are_listed_by_prefix_and_delimiter(s3: Any) -> None:
    for key in ("list/a", "list/b/c", "list/b/d"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", Delimiter="/")

    assert [entry["Key"] for entry in listed["Contents"]] == ["list/a"]
    assert listed["CommonPrefixes"] == [{"Prefix": "list/b/"}]


def test_a_presigned_address_needs_no_client(server: ServerProcess) -> None:
    s3 = server.boto3("s3", signature_version="s3v4")
    s3.put_object(Bucket=BUCKET, Key="shared", Body=b"for a browser")

    address = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "shared"})

    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"for a browser"


def test_a_wrong_secret_is_refused(server: ServerProcess) -> None:
    intruder = boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.credentials["access_key_id"],
        aws_secret_access_key="guessed",
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}),
    )

    with pytest.raises(ClientError) as refusal:
        intruder.list_buckets()

    assert refusal.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_what_is_missing_is_told_as_s3_tells_it(s3: Any) -> None:
    with pytest.raises(ClientError) as head:
        s3.head_bucket(Bucket="no-such-bucket")
    with pytest.raises(ClientError) as get:
        s3.get_object(Bucket=BUCKET, Key="no-such-key")

    assert head.value.response["Error"]["Code"] == "404"
    assert get.value.response["Error"]["Code"] == "NoSuchKey"


def test_the_endpoint_comes_back_after_a_crash_of_its_own(server: ServerProcess, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="kept", Body=b"still")
    os.kill(json.loads((server.home / "object-server.json").read_text())["pid"], signal.SIGKILL)

    patient = server.boto3("s3", retries={"max_attempts": 8, "mode": "standard"})

    assert patient.get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"still"


def test_a_server_that_was_killed_leaves_no_second_endpoint(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "home").start()
    server.boto3("s3", retries={"max_attempts": 8, "mode": "standard"}).create_bucket(Bucket=BUCKET)
    left = json.loads((server.home / "object-server.json").read_text())["pid"]
    server.kill()

    with server:
        assert server.boto3("s3", retries={"max_attempts": 8, "mode": "standard"}).list_buckets()["Buckets"]
        assert json.loads((server.home / "object-server.json").read_text())["pid"] != left
        assert not Path(f"/proc/{left}").exists()


PATIENT = {"retries": {"max_attempts": 8, "mode": "standard"}}


def new_key(server: ServerProcess, name: str, account: str) -> Callable[[str], Any]:
    """A key made behind the running server's back, as by another server on the same state; clients that use it."""
    state = StateStore.open(f"sqlite:///{server.home / 'state.db'}")
    state.keys.put(name, f"secret-of-{name}", account)
    state.close()
    keys = {"aws_access_key_id": name, "aws_secret_access_key": f"secret-of-{name}"}
    return lambda service: boto3.client(
        service, endpoint_url=server.url, region_name="us-east-1", config=Config(**PATIENT), **keys
    )


def test_a_key_made_while_the_server_runs_may_sign(server: ServerProcess, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="of-the-account", Body=b"ours")

    later = new_key(server, "AKIALATER", server.credentials["account"])("s3")

    assert later.get_object(Bucket=BUCKET, Key="of-the-account")["Body"].read() == b"ours"
    patient = server.boto3("s3", **PATIENT)
    assert patient.get_object(Bucket=BUCKET, Key="of-the-account")["Body"].read() == b"ours"


def test_accounts_have_buckets_of_their_own(server: ServerProcess, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="secret", Body=b"ours")

    other = new_key(server, "AKIAOTHER", "999988887777")("s3")

    assert other.list_buckets()["Buckets"] == []
    other.create_bucket(Bucket=BUCKET)
    other.put_object(Bucket=BUCKET, Key="secret", Body=b"theirs")
    assert s3.get_object(Bucket=BUCKET, Key="secret")["Body"].read() == b"ours"
    assert (server.home / "objects" / "buckets-999988887777" / BUCKET / "secret").read_bytes() == b"theirs"


def test_a_job_of_another_account_uses_that_accounts_buckets(server: ServerProcess) -> None:
    client = new_key(server, "AKIATHIRD", "111122223333")
    client("s3").create_bucket(Bucket="models")
    sagemaker = client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName="theirs",
        RoleArn="arn:aws:iam::111122223333:role/any",
        AlgorithmSpecification={
            "TrainingImage": "process",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/bash", "-c", "echo m > /opt/ml/model/m"],
        },
        OutputDataConfig={"S3OutputPath": "s3://models/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    until(lambda: status(sagemaker, "theirs") not in ("InProgress", "Stopping"))

    assert status(sagemaker, "theirs") == "Completed"
    [stored] = client("s3").list_objects_v2(Bucket="models")["Contents"]
    assert stored["Key"] == "out/theirs/output/model.tar.gz"
    with pytest.raises(ClientError):
        server.boto3("sagemaker").describe_training_job(TrainingJobName="theirs")


def status(sagemaker: Any, name: str) -> str:
    return str(sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])
