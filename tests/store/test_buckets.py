"""Buckets as the server reads them: only S3 URIs, only the own account's, in pieces."""

from pathlib import Path

import pytest

from epochwatch.model.tenant import Tenant
from epochwatch.store.buckets import BucketStore, parsed, uri_of

OWN, OTHER = Tenant("111111111111", "us-east-1"), Tenant("222222222222", "us-east-1")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, content in (
        ("buckets/data/a/1.bin", b"one"),
        ("buckets/data/a/2.bin", b"two!"),
        ("buckets/data/ab", b"x"),
        ("buckets-222222222222/data/a/theirs.bin", b"theirs"),
        ("secret.txt", b"secret"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path / "buckets"


def listed(store: BucketStore, tenant: Tenant, uri: str, most: int = 10) -> list[tuple[str, int]]:
    return [(one.uri, one.size) for one in store.list(tenant, uri, most)]


def test_a_folder_is_listed_and_an_object_is_itself(directory: Path) -> None:
    store = BucketStore.local(directory, OWN.account, shared=False)
    both = [("s3://data/a/1.bin", 3), ("s3://data/a/2.bin", 4)]
    assert listed(store, OWN, "s3://data/a") == listed(store, OWN, "s3://data/a/") == both
    assert listed(store, OWN, "s3://data/a/2.bin") == both[1:]
    assert len(listed(store, OWN, "s3://data")) == 3
    assert len(listed(store, OWN, "s3://data", 2)) == 2
    assert listed(store, OWN, "s3://data/none") == listed(store, OWN, "s3://nowhere/a") == []


def test_each_account_has_its_own_buckets_unless_all_are_one(directory: Path) -> None:
    apart = BucketStore.local(directory, OWN.account, shared=False)
    assert listed(apart, OTHER, "s3://data/a") == [("s3://data/a/theirs.bin", 6)]
    together = BucketStore.local(directory, OWN.account, shared=True)
    assert listed(together, OTHER, "s3://data/a/1.bin") == [("s3://data/a/1.bin", 3)]


def test_an_object_is_read(directory: Path) -> None:
    store = BucketStore.local(directory, OWN.account, shared=False)
    found = store.open(OWN, "s3://data/a/2.bin")
    assert found is not None
    assert (found.size, b"".join(found.pieces)) == (4, b"two!")
    for uri in ("s3://data/none", "s3://nowhere/a", "s3://data", "s3://data/a"):
        assert store.open(OWN, uri) is None


@pytest.mark.parametrize(
    "uri",
    ["", "data/a", "file:///etc/passwd", "s3://", "s3:///a", "s3://../secret.txt", "s3://data/../../secret.txt"],
)
def test_nothing_else_is_a_place(directory: Path, uri: str) -> None:
    store = BucketStore.local(directory, OWN.account, shared=False)
    for act in (lambda: store.list(OWN, uri, 10), lambda: store.open(OWN, uri)):
        with pytest.raises(ValueError, match=r"expected|segments"):
            act()


def test_uris_and_keys_are_each_others_reverse() -> None:
    assert parsed("s3://data/a b/c") == ("data", "a b/c")
    assert uri_of(*parsed("s3://data/a b/c")) == "s3://data/a b/c"
    assert parsed("s3://data/") == ("data", "")
