"""S3 as a job uses it: objects below a URI, files up and down, each tried until the endpoint answers."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError
from obstore.store import S3Store

Result = TypeVar("Result")

PIECE_BYTES: Final = 8 * 1024 * 1024
_FIRST_PAUSE_SECONDS: Final = 0.2
_LONGEST_PAUSE_SECONDS: Final = 10.0


class TransferFailed(Exception):
    """Something that no other try will change: no such object, no permission. The message is a failure reason."""


@dataclass(frozen=True)
class Location:
    """``s3://bucket/key``."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """Raises TransferFailed for what is no S3 URI."""
        parts = urlsplit(uri)
        if parts.scheme != "s3" or not parts.netloc:
            raise TransferFailed(f"ClientError: '{uri}' is no S3 URI: s3://bucket/prefix is expected")
        return cls(parts.netloc, uri.partition(parts.netloc)[2].lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, *names: str) -> "Location":
        """The location of a name in this folder."""
        return Location(self.bucket, "/".join([*filter(None, [self.key.strip("/")]), *names]))


class Buckets:
    """All buckets of one endpoint, with one key. ``patience`` tells whether to go on trying."""

    def __init__(
        self,
        endpoint: str,
        region: str,
        access_key_id: str,
        secret_access_key: str,
        patience: Callable[[], bool] = lambda: True,
    ) -> None:
        self._options: dict[str, Any] = {
            "endpoint": endpoint,
            "region": region,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "virtual_hosted_style_request": False,
        }
        self._allow_http = endpoint.startswith("http://")
        self._stores: dict[str, S3Store] = {}
        self._patience = patience

    def list(self, location: Location) -> list[tuple[str, int]]:
        """(key, bytes) of the objects whose keys begin with the location's, sorted by key."""
        folder = location.key.rpartition("/")[0]

        def listed() -> list[tuple[str, int]]:
            pages = obstore.list(self._store(location.bucket), prefix=folder or None)
            return sorted((entry["path"], entry["size"]) for page in pages for entry in page)

        found = self._persist(listed, str(location))
        return [(key, size) for key, size in found if key.startswith(location.key)]

    def get(self, location: Location) -> bytes:
        """An object's content. Raises TransferFailed where there is none."""
        return self._persist(
            lambda: bytes(obstore.get(self._store(location.bucket), location.key).bytes()), str(location)
        )

    def stream(self, location: Location) -> Iterator[bytes]:
        """An object in pieces, tried once."""
        answer = obstore.get(self._store(location.bucket), location.key)
        for piece in answer.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)

    def download(self, location: Location, path: Path) -> None:
        """Make ``path`` the object's content, at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")

        def fetch() -> None:
            with open(temporary, "wb") as file:
                for piece in self.stream(location):
                    file.write(piece)

        self._persist(fetch, str(location))
        temporary.replace(path)

    def upload(self, path: Path, location: Location) -> None:
        """Make the object the file's content."""

        def send() -> None:
            obstore.put(self._store(location.bucket), location.key, path, chunk_size=PIECE_BYTES)

        self._persist(send, str(location))

    def put(self, content: bytes, location: Location) -> None:
        """Make the object ``content``."""
        self._persist(lambda: obstore.put(self._store(location.bucket), location.key, content), str(location))

    def delete(self, location: Location) -> None:
        """Remove an object."""
        self._persist(lambda: obstore.delete(self._store(location.bucket), location.key), str(location))

    def _store(self, bucket: str) -> S3Store:
        if bucket not in self._stores:
            self._stores[bucket] = S3Store(
                bucket,
                **self._options,
                client_options={"allow_http": self._allow_http, "timeout": "3600s"},
            )
        return self._stores[bucket]

    def _persist(self, attempt: Callable[[], Result], what: str) -> Result:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except (FileNotFoundError, PermissionDeniedError) as error:
                raise TransferFailed(_reason(error, what)) from error
            except BaseError as error:
                if _is_final(error) or not self._patience():
                    raise TransferFailed(_reason(error, what)) from error
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _is_final(error: BaseError) -> bool:
    return any(f"{status} " in str(error) for status in ("400", "403", "404", "405", "409"))


def _reason(error: Exception, what: str) -> str:
    text = str(error)
    if isinstance(error, FileNotFoundError) or "NoSuchBucket" in text or "404 " in text:
        return f"ClientError: Data download failed: there is no object or bucket at {what}"
    if isinstance(error, PermissionDeniedError) or "403 " in text:
        return f"ClientError: Data download failed: no permission for {what}"
    return f"ClientError: transfer of {what} failed: {text.splitlines()[0][:300]}"
