"""BucketStore of S3 as the server itself reads them: what jobs left there, to be listed and handed out."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from epochwatch.errors import EpochwatchError
from epochwatch.model.tenant import Tenant
from epochwatch.store.objects import checked_key

PIECE_BYTES: Final = 1024 * 1024
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_SCHEME: Final = "s3://"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its URI, bytes, and when it was last changed in Unix seconds."""

    uri: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Opened:
    """An object that is being read."""

    size: int
    pieces: Iterator[bytes]


class BucketStore:
    """All buckets of all accounts. ``store_of`` opens a tenant's bucket; None where there is none of that name."""

    def __init__(self, store_of: Callable[[Tenant, str], Any]) -> None:
        self._store_of = store_of

    @classmethod
    def local(cls, directory: Path, own: str, *, shared: bool) -> "BucketStore":
        """Those of the embedded endpoint. With ``shared``, all accounts' are the own one's."""

        def store_of(tenant: Tenant, bucket: str) -> Any:
            folder = account_directory(directory, own, own if shared else tenant.account) / bucket
            return LocalStore(prefix=folder) if folder.is_dir() else None

        return cls(store_of)

    @classmethod
    def remote(cls, endpoint: str, key_of: Callable[[str], tuple[str, str]]) -> "BucketStore":
        """Those of another endpoint; ``key_of`` gives an account's access key id and secret."""

        def store_of(tenant: Tenant, bucket: str) -> Any:
            access_key_id, secret = key_of(tenant.account)
            return S3Store(
                bucket,
                endpoint=endpoint,
                region=tenant.region,
                access_key_id=access_key_id,
                secret_access_key=secret,
                virtual_hosted_style_request=False,
                client_options={"allow_http": endpoint.startswith("http://"), "connect_timeout": "5s"},
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
            )

        return cls(store_of)

    def list(self, tenant: Tenant, uri: str, most: int) -> list[StoredObject]:
        """The object at ``uri``, or the first ``most`` of those in the folder that it names, by name; empty for none.
        Raises ValueError for what is no S3 URI and EpochwatchError where the endpoint does not answer as it should.
        """
        bucket, key = parsed(uri)
        store = self._store_of(tenant, bucket)
        if store is None:
            return []
        try:
            found = list(itertools.islice(_entries(store, key), most))
        except BaseError as error:
            raise _failure(uri, error) from error
        objects = [
            StoredObject(uri_of(bucket, entry["path"]), entry["size"], entry["last_modified"].timestamp())
            for entry in found
        ]
        return sorted(objects, key=lambda one: one.uri)

    def open(self, tenant: Tenant, uri: str) -> Opened | None:
        """An object's content, piece by piece; None if there is none. Raises as ``list``."""
        bucket, key = parsed(uri)
        store = self._store_of(tenant, bucket)
        if store is None or not key:
            return None
        try:
            found = obstore.get(store, key)
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise _failure(uri, error) from error
        return Opened(found.meta["size"], map(bytes, found.stream(min_chunk_size=PIECE_BYTES)))


def parsed(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; the key may be empty. Raises ValueError for anything else."""
    bucket, _, key = uri.removeprefix(_SCHEME).partition("/")
    if not uri.startswith(_SCHEME) or not _BUCKET.fullmatch(bucket):
        raise ValueError(f"'{uri}' is no S3 URI: s3://bucket/key is expected")
    key = key.strip("/")
    return bucket, checked_key(key) if key else ""


def uri_of(bucket: str, key: str) -> str:
    """The reverse of ``parsed``."""
    return f"{_SCHEME}{bucket}/{key}"


def account_directory(directory: Path, own: str, account: str) -> Path:
    """Where the embedded endpoint keeps an account's buckets: beside the ``own`` account's, which are in
    ``directory``.
    """
    return directory if account == own else directory.with_name(f"{directory.name}-{account}")


def _entries(store: Any, key: str) -> Iterator[Any]:
    if key:
        try:
            yield obstore.head(store, key)
            return
        except FileNotFoundError:
            pass
    for page in obstore.list(store, prefix=key or None):
        yield from page


def _failure(uri: str, error: BaseError) -> EpochwatchError:
    return EpochwatchError(f"{uri} cannot be read: {str(error).splitlines()[0][:300]}")
