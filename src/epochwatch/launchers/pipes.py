"""Channels in the input mode Pipe: a named pipe for each pass over the data, ``<channel>_<epoch>``."""

import contextlib
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from epochwatch.launchers.buckets import Buckets
from epochwatch.launchers.channels import Channel

_RECORD_MAGIC: Final = 0xCED7230A
_HEAD = struct.Struct("<II")


def make(channel: Channel, data: Path) -> None:
    """The first pass's pipe, before the training starts."""
    data.mkdir(parents=True, exist_ok=True)
    _fifo(data / f"{channel.name}_0")


def feed(channel: Channel, data: Path, buckets: Buckets) -> None:
    """Write the channel, pass after pass, in a thread of its own for as long as the process lives."""
    threading.Thread(target=_feed, args=(channel, data, buckets), name=channel.name, daemon=True).start()


def _feed(channel: Channel, data: Path, buckets: Buckets) -> None:
    epoch = 0
    while True:
        path = data / f"{channel.name}_{epoch}"
        _fifo(path)
        with open(path, "wb", buffering=0) as pipe:  # waits for a reader
            _fifo(data / f"{channel.name}_{epoch + 1}")
            with contextlib.suppress(BrokenPipeError):
                _write(channel, pipe, buckets)
        path.unlink(missing_ok=True)
        epoch += 1


def _write(channel: Channel, pipe: BinaryIO, buckets: Buckets) -> None:
    if channel.folder is not None:
        for path in sorted(path for path in channel.folder.rglob("*") if path.is_file()):
            _write_object(channel, iter([path.read_bytes()]), pipe)
    for part in channel.parts:
        _write_object(channel, buckets.stream(part.location), pipe)


def _write_object(channel: Channel, pieces: Iterator[bytes], pipe: BinaryIO) -> None:
    if channel.records != "RecordIO":
        for piece in pieces:
            _all(pipe, piece)
        return
    content = b"".join(pieces)
    _all(pipe, _HEAD.pack(_RECORD_MAGIC, len(content)) + content + b"\0" * (-len(content) % 4))


def _all(pipe: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[pipe.write(rest) :]


def _fifo(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
