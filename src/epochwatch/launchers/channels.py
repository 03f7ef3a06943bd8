"""Input channels: what a host finds under ``/opt/ml/input/data``."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from epochwatch.launchers.buckets import Buckets, Location, TransferFailed
from epochwatch.launchers.contract import DEFAULT_MODE

MODES: Final = ("File", "FastFile", "Pipe")


@dataclass(frozen=True)
class Part:
    """One object of a channel, and where it belongs in the channel's folder."""

    location: Location
    name: str


@dataclass(frozen=True)
class Channel:
    """A channel as one host gets it."""

    name: str
    mode: str
    parts: Sequence[Part] = ()
    folder: Path | None = None
    """A folder (or file) of this machine that stands for the channel, instead of parts."""
    records: str = "None"
    """``RecordIO`` where each object is to be wrapped in a record (Pipe)."""


def resolve(channel: dict[str, Any], default_mode: str, host: int, hosts: int, buckets: Buckets) -> Channel:
    """What a channel of the request means for the host number ``host`` (from 0) of ``hosts``.

    Raises TransferFailed with the failure reason.
    """
    name = channel["ChannelName"]
    mode = channel.get("InputMode") or default_mode or DEFAULT_MODE
    if mode not in MODES:
        raise TransferFailed(f"ClientError: channel {name}: there is no input mode '{mode}'")
    source = channel.get("DataSource") or {}
    if "FileSystemDataSource" in source:
        return Channel(name, mode, folder=_folder(name, source["FileSystemDataSource"]["DirectoryPath"]))
    data = source.get("S3DataSource")
    if data is None:
        raise TransferFailed(f"ClientError: channel {name}: it has neither S3DataSource nor FileSystemDataSource")
    uri = data["S3Uri"]
    if uri.startswith("file://"):
        return Channel(name, mode, folder=_folder(name, unquote(urlsplit(uri).path)))
    if channel.get("CompressionType", "None") == "Gzip" and mode != "Pipe":
        raise TransferFailed(f"ClientError: channel {name}: CompressionType Gzip is for the input mode Pipe only")
    parts = _parts(name, data, buckets)
    if data.get("S3DataDistributionType") == "ShardedByS3Key" and hosts > 1:
        parts = parts[host::hosts]
    return Channel(name, mode, parts, records=channel.get("RecordWrapperType") or "None")


def fetch(channel: Channel, data: Path, buckets: Buckets) -> None:
    """Fill the channel's folder below ``data``. What is there from an earlier start is not fetched again."""
    target = data / channel.name
    if channel.folder is not None:
        _link(channel.folder, target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for part in channel.parts:
        path = target / part.name
        if not path.exists():
            buckets.download(part.location, path)


def _link(source: Path, target: Path) -> None:
    """A folder of this machine as the channel's, or a file in it."""
    place = target / source.name if source.is_file() else target
    if not place.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)


def _parts(name: str, data: dict[str, Any], buckets: Buckets) -> list[Part]:
    location = Location.parse(data["S3Uri"])
    kind = data.get("S3DataType", "S3Prefix")
    if kind == "S3Prefix":
        parts = [Part(Location(location.bucket, key), short) for key, short in _below(location, buckets)]
    elif kind == "ManifestFile":
        parts = _listed(location, buckets)
    else:
        raise TransferFailed(
            f"ClientError: channel {name}: S3DataType {kind} is not available here: use S3Prefix or ManifestFile"
        )
    if not parts:
        raise TransferFailed(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{data["S3Uri"]}" given in input '
            "data source. Please ensure that the bucket exists in the selected region, that objects exist under that "
            "S3 prefix."
        )
    return parts


def _below(location: Location, buckets: Buckets) -> list[tuple[str, str]]:
    """Keys below a prefix, each with its name in the channel's folder: what follows the prefix taken as a folder,
    else what follows the prefix's last slash.
    """
    folder = location.key if not location.key or location.key.endswith("/") else location.key + "/"
    parent = location.key.rpartition("/")[0]
    start = len(parent) + 1 if parent else 0
    found = []
    for key, _ in buckets.list(location):
        short = key[len(folder) :] if key.startswith(folder) else key[start:]
        if short and not short.endswith("/"):
            found.append((key, _checked(short)))
    return found


def _listed(location: Location, buckets: Buckets) -> list[Part]:
    """The objects a manifest names: ``[{"prefix": "s3://bucket/folder/"}, "a", "b/c"]``."""
    try:
        entries = json.loads(buckets.get(location))
        prefix = Location.parse(entries[0]["prefix"])
        names = [str(entry) for entry in entries[1:]]
    except (ValueError, LookupError, TypeError) as error:
        raise TransferFailed(f"ClientError: {location} is no manifest: {error}") from error
    return [Part(Location(prefix.bucket, prefix.key + name), _checked(name)) for name in names]


def _checked(name: str) -> str:
    """A key may hold anything: nothing may be written outside the channel's folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise TransferFailed(f"ClientError: Data download failed: the key '{name}' leads out of the channel")
    return name


def _folder(name: str, path: str) -> Path:
    folder = Path(path)
    if not folder.exists():
        raise TransferFailed(f"ClientError: channel {name}: there is no {path} on this machine")
    return folder
