"""Objects by key: artefacts, profiles, reports; in a local directory or in S3."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from epochwatch.errors import EpochwatchError, UsageError

MAX_KEY_BYTES = 1024


class ObjectStore:
    """Objects under one URL. Keys are paths with ``/``; see ``checked_key``."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str) -> "ObjectStore":
        """Open ``file:///directory`` (made when absent) or ``s3://bucket/prefix``.

        S3 takes its credentials, region and endpoint from the AWS variables; the URL's query may give
        ``endpoint`` and ``region``. Raises UsageError for another URL.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            directory = Path(unquote(parts.path))
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EpochwatchError(f"cannot keep objects in {directory}: {error.strerror}") from error
            return cls(LocalStore(prefix=directory))
        if parts.scheme == "s3" and parts.netloc:
            return cls(_s3(url))
        raise UsageError(f"the object store cannot be '{url}'", "use file:///directory or s3://bucket/prefix")

    def put(self, key: str, content: bytes) -> None:
        """Store ``content``; replaces what was there, at once."""
        obstore.put(self._store, checked_key(key), content)

    def put_durably(self, key: str, content: bytes) -> None:
        """As ``put``; on disk on return."""
        self.put(key, content)
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            root = Path(self._store.prefix)
            path = root / key
            for place in (path, *path.parents):
                descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                if place == root:
                    break

    def get(self, key: str) -> bytes | None:
        """The object's content, or None."""
        try:
            return bytes(obstore.get(self._store, checked_key(key)).bytes())
        except FileNotFoundError:
            return None

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """(key, size in bytes) of all objects in the folder ``prefix`` and below it."""
        for page in obstore.list(self._store, prefix=checked_key(prefix.rstrip("/")) if prefix else None):
            for entry in page:
                yield entry["path"], entry["size"]

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        try:
            obstore.delete(self._store, checked_key(key))
        except FileNotFoundError:
            return

    def clear(self) -> None:
        """Remove every object."""
        for key, _ in list(self.list()):
            self.delete(key)


def checked_key(key: str) -> str:
    """``key`` if it is one: 1 to 1,024 bytes, segments parted by ``/``, none empty, ``.`` or ``..``, no control
    characters. Raises ValueError otherwise.
    """
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError("an object key must be valid Unicode") from error
    if not 1 <= size <= MAX_KEY_BYTES:
        raise ValueError(f"an object key has 1 to {MAX_KEY_BYTES} bytes, not {size}")
    if any(ord(letter) < 32 or ord(letter) == 127 or letter == "\\" for letter in key):
        raise ValueError("an object key has no control characters and no backslashes")
    if any(segment in ("", ".", "..") for segment in key.split("/")):
        raise ValueError(f"an object key has no empty, '.' or '..' segments: {key!r}")
    return key


def _s3(url: str) -> S3Store:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = set(options) - {"endpoint", "region"}
    if unknown:
        raise UsageError(
            f"the object store's URL has an unknown option '{min(unknown)}'", "known: endpoint, region"
        )
    config = dict(options)
    if config.get("endpoint", "").startswith("http://"):
        config["client_options"] = {"allow_http": True}  # type: ignore[assignment]
    client_options: Any = config.pop("client_options", None)
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    try:
        return S3Store.from_url(bare, config=config, client_options=client_options)  # type: ignore[arg-type]
    except BaseError as error:
        raise EpochwatchError(f"cannot open the object store {bare}: {error}") from error
