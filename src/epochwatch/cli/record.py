"""The record a running server leaves in the home directory, and whether it is still true."""

import json
from dataclasses import dataclass

import psutil

from epochwatch.settings import Settings


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """What ``<home>/server.json`` says: which process serves this home directory, and where."""

    pid: int
    url: str


def running_server(settings: Settings) -> ServerRecord | None:
    """The server of this home directory, if its process lives and really is one of ours: a process id is used
    again once its process has ended.
    """
    path = settings.home / "server.json"
    try:
        read = json.loads(path.read_text())
        record = ServerRecord(int(read["pid"]), str(read["url"]))
        written = path.stat().st_mtime
        process = psutil.Process(record.pid)
        words = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE or process.create_time() > written + 1:
            return None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    ours = "serve" in words and any("epochwatch" in word for word in words)
    return record if ours else None
