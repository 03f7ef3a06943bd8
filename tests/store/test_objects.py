"""Objects by key: in a directory and on a real S3 server; no key leads out of the place."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.store.objects import MAX_KEY_BYTES, ObjectStore, checked_key
from tests.servers import free_port

RCLONE = Path(sys.executable).with_name("rclone")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server with one bucket; its URL."""
    directory = tmp_path_factory.mktemp("s3")
    (directory / "data" / "bucket").mkdir(parents=True)
    port = free_port()
    with pytest.MonkeyPatch.context() as patch, (directory / "log").open("wb") as log:
        for name in [name for name in os.environ if name.startswith(("AWS_", "RCLONE_"))]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "watcher")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("RCLONE_CONFIG", str(directory / "none.conf"))
        server = subprocess.Popen(
            [
                RCLONE, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "watcher,secret",
                "--vfs-cache-mode", "writes", str(directory / "data"),
            ],
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            while b"Starting s3 server" not in (directory / "log").read_bytes():
                assert server.poll() is None, (directory / "log").read_text()
                time.sleep(0.05)
            yield f"s3://bucket/some/prefix?endpoint=http%3A//127.0.0.1%3A{port}&region=us-east-1"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module", params=["file", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    if request.param == "s3":
        return ObjectStore.open(request.getfixturevalue("s3"))
    return ObjectStore.open(f"file://{tmp_path_factory.mktemp('objects') / 'made here'}")


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    if "objects" in request.fixturenames:
        request.getfixturevalue("objects").clear()


KEYS = [
    "a",
    "jobs/one/model.bin",
    "with space/and+plus",
    "100%/%2e%2e/%2F",
    'it\'s/"quoted"',
    "ünïcödé/π 漢字 🙂",
    ".hidden/...dots",
    "a=b&c?d#e;f",
    "[x]{y}*~^|<z>`",
    "-rf",
]


@pytest.mark.parametrize("key", KEYS)
def test_an_object_comes_back_replaced_and_removed(objects: ObjectStore, key: str) -> None:
    assert objects.get(key) is None
    objects.put(key, b"first")
    objects.put(key, b"\0second\xff")
    assert objects.get(key) == b"\0second\xff"
    assert list(objects.list()) == [(key, 8)]
    objects.delete(key)
    objects.delete(key)
    assert objects.get(key) is None
    assert list(objects.list()) == []


@pytest.mark.parametrize("size", [0, 1, 6 << 20])
def test_objects_of_any_size_come_back(objects: ObjectStore, size: int) -> None:
    content = os.urandom(size)
    objects.put("jobs/x", content)
    assert objects.get("jobs/x") == content
    assert list(objects.list("jobs")) == [("jobs/x", size)]


def test_a_folder_lists_what_is_in_it_and_below(objects: ObjectStore) -> None:
    for key in ("jobs/a/1", "jobs/a/2/3", "jobs/ab/1", "other"):
        objects.put(key, b"x")
    assert sorted(key for key, _ in objects.list("jobs/a")) == ["jobs/a/1", "jobs/a/2/3"]
    assert sorted(key for key, _ in objects.list("jobs/a/")) == ["jobs/a/1", "jobs/a/2/3"]
    assert [key for key, _ in objects.list("none")] == []
    assert len(list(objects.list())) == 4
    objects.clear()
    assert list(objects.list()) == []


TRICKS = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "a/./b",
    "..\\a",
    "a\\b",
    "a\0b",
    "a\nb",
    "\x7f",
]


@pytest.mark.parametrize("key", [*TRICKS, "x" * (MAX_KEY_BYTES + 1), "é" * (MAX_KEY_BYTES // 2 + 1), "\ud800"])
def test_keys_that_play_tricks_are_refused(objects: ObjectStore, key: str) -> None:
    for use in (lambda: objects.put(key, b"x"), lambda: objects.get(key), lambda: objects.delete(key)):
        with pytest.raises(ValueError, match="object key"):
            use()
    assert list(objects.list()) == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("./\\%~"), max_size=30))
@example("%2e%2e/%2e%2e/etc")
@example("~/x")
def test_a_key_that_is_accepted_stays_in_the_directory(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    outer = tmp_path_factory.mktemp("outer")
    objects = ObjectStore.open(f"file://{outer}/inner")
    try:
        assert checked_key(key) == key
    except ValueError:
        return
    objects.put(key, b"x")
    assert os.listdir(outer) == ["inner"]
    assert list(objects.list()) == [(key, 1)]
    assert objects.get(key) == b"x"


@pytest.mark.parametrize(
    "url", ["", "objects", "ftp://host/x", "file://elsewhere/x", "s3://", "s3://bucket?color=red", "gs://bucket"]
)
def test_other_places_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        ObjectStore.open(url)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EpochwatchError, match="cannot keep objects in"):
        ObjectStore.open(f"file://{tmp_path}/file/objects")
