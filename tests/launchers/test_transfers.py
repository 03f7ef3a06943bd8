"""Channels, artefacts and checkpoints against a real S3 endpoint."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from epochwatch.launchers.artifacts import Checkpoints, collect, unpack
from epochwatch.launchers.buckets import Buckets, Location, TransferFailed
from epochwatch.launchers.channels import fetch, resolve
from tests.launchers.created_jobs import BUCKET, JobServer, channel


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("transfers")) as running:
        yield running


@pytest.fixture
def buckets(server: JobServer) -> Buckets:
    keys = server.process.credentials
    return Buckets(
        server.process.url, "us-east-1", keys["access_key_id"], keys["secret_access_key"], patience=lambda: False
    )


def put(server: JobServer, *keys: str) -> None:
    for key in keys:
        server.put(key, key.encode())


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def got(entry: dict[str, Any], buckets: Buckets, into: Path, host: int = 0, hosts: int = 1) -> list[str]:
    fetch(resolve(entry, "File", host, hosts, buckets), into, buckets)
    return files(into / entry["ChannelName"])


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("pre/train", ["a.csv", "deep/b.csv"]),
        ("pre/train/", ["a.csv", "deep/b.csv"]),
        ("pre/train/a.csv", ["a.csv"]),
        ("pre/tr", ["train/a.csv", "train/deep/b.csv"]),
    ],
)
def test_a_prefix_becomes_the_channels_folder(
    server: JobServer, buckets: Buckets, tmp_path: Path, prefix: str, expected: list[str]
) -> None:
    put(server, "pre/train/a.csv", "pre/train/deep/b.csv", "pre/other/c.csv")

    assert got(channel("train", f"s3://{BUCKET}/{prefix}"), buckets, tmp_path) == expected
    assert (tmp_path / "train" / expected[0]).read_text().startswith("pre/train/a.csv")


def test_each_object_goes_to_one_host_of_a_sharded_channel(
    server: JobServer, buckets: Buckets, tmp_path: Path
) -> None:
    put(server, *[f"shard/{number}" for number in range(7)])
    entry = channel("train", f"s3://{BUCKET}/shard", S3DataDistributionType="ShardedByS3Key")

    shares = [got(entry, buckets, tmp_path / str(host), host, 3) for host in range(3)]

    assert shares == [["0", "3", "6"], ["1", "4"], ["2", "5"]]


def test_a_manifest_names_its_objects(server: JobServer, buckets: Buckets, tmp_path: Path) -> None:
    put(server, "all/x", "all/y/z", "all/unused")
    server.put("all.manifest", f'[{{"prefix": "s3://{BUCKET}/all/"}}, "x", "y/z"]'.encode())
    entry = channel("train", f"s3://{BUCKET}/all.manifest", S3DataType="ManifestFile")

    assert got(entry, buckets, tmp_path) == ["x", "y/z"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (channel("t", f"s3://{BUCKET}/nothing-there"), "No S3 objects found under S3 URL"),
        (channel("t", f"s3://{BUCKET}/bad.manifest", S3DataType="ManifestFile"), "is no manifest"),
        (channel("t", f"s3://{BUCKET}/evil.manifest", S3DataType="ManifestFile"), "leads out of the channel"),
        (
            channel("t", f"s3://{BUCKET}/x", S3DataType="AugmentedManifestFile"),
            "AugmentedManifestFile is not available",
        ),
        (channel("t", "https://elsewhere/x"), "is no S3 URI"),
        (channel("t", "file:///no/such/folder"), "there is no /no/such/folder on this machine"),
        (channel("t", f"s3://{BUCKET}/x") | {"InputMode": "Stream"}, "no input mode 'Stream'"),
        ({"ChannelName": "t", "DataSource": {}}, "neither S3DataSource nor FileSystemDataSource"),
    ],
)
def test_a_channel_that_cannot_be_had_gives_the_failure_reason(
    server: JobServer, buckets: Buckets, tmp_path: Path, entry: dict[str, Any], words: str
) -> None:
    server.put("bad.manifest", b"{}")
    server.put("evil.manifest", f'[{{"prefix": "s3://{BUCKET}/"}}, "../../etc/passwd"]'.encode())

    with pytest.raises(TransferFailed, match=words):
        got(entry, buckets, tmp_path)


def test_a_folder_of_this_machine_stands_for_a_channel(buckets: Buckets, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("here")

    fetch(resolve(channel("train", f"file://{tmp_path}/there"), "File", 0, 1, buckets), tmp_path / "data", buckets)

    assert (tmp_path / "data" / "train" / "x").read_text() == "here"
    fetch(resolve(channel("one", f"file://{tmp_path}/there/x"), "File", 0, 1, buckets), tmp_path / "data", buckets)
    assert (tmp_path / "data" / "one" / "x").read_text() == "here"


def test_the_hosts_models_become_one_archive(server: JobServer, buckets: Buckets, tmp_path: Path) -> None:
    for host, name in (("algo-1", "shared"), ("algo-1", "one"), ("algo-2", "shared"), ("algo-2", "deep/two")):
        path = tmp_path / host / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{host} {name}")
    place = Location(BUCKET, "artifacts/model.tar.gz")

    uri = collect([tmp_path / "algo-1", tmp_path / "algo-2"], tmp_path / "up", place, buckets, gzip=True)

    assert uri == f"s3://{BUCKET}/artifacts/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(server.get("artifacts/model.tar.gz"))) as tar:
        assert sorted(tar.getnames()) == ["deep/two", "one", "shared"]
        shared = tar.extractfile("shared")
        assert shared is not None
        assert shared.read() == b"algo-1 shared"


def test_without_compression_each_file_is_an_object(server: JobServer, buckets: Buckets, tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "weights").write_text("w")

    uri = collect([tmp_path / "model"], tmp_path / "up", Location(BUCKET, "plain/model"), buckets, gzip=False)

    assert uri == f"s3://{BUCKET}/plain/model/"
    assert server.keys("plain/") == ["plain/model/deep/weights"]
    assert collect([tmp_path / "empty"], tmp_path, Location(BUCKET, "x"), buckets, gzip=True) == ""


def test_checkpoints_are_sent_when_they_rest_and_come_back(
    server: JobServer, buckets: Buckets, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(tmp_path / "first", Location(BUCKET, "checks/job"), buckets)
    checkpoints.restore()
    (tmp_path / "first" / "step-1").write_text("1")

    checkpoints.send()
    assert server.keys("checks/") == []  # it may still be written
    checkpoints.send()
    assert server.keys("checks/") == ["checks/job/step-1"]
    (tmp_path / "first" / "step-2").write_text("2")
    checkpoints.send(last=True)

    Checkpoints(tmp_path / "second", Location(BUCKET, "checks/job"), buckets).restore()
    assert files(tmp_path / "second") == ["step-1", "step-2"]


def test_a_code_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "code.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))

    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack(tmp_path / "code.tar.gz", tmp_path / "code")
    assert not (tmp_path / "outside").exists()
