"""The embedded S3 endpoint: ``rclone serve s3`` over a directory of each account, on loopback ports, while we serve."""

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

from epochwatch.store.buckets import account_directory
from epochwatch.store.state.keys import AccessKey, KeyStore

Address = tuple[str, int]

logger = logging.getLogger(__name__)

RESTART_SECONDS: Final = 1.0
ON_ITS_WAY_SECONDS: Final = 5.0
"""How long a request waits for an endpoint that is being started."""
_STARTED = re.compile(rb"Starting s3 server on \[http://127\.0\.0\.1:(\d+)/\]")
_REMEMBERED_HOURS: Final = 24
"""How long rclone remembers a folder and its files' hashes. An object's ETag is its MD5, which would otherwise be
computed again for each part of a download."""


class ObjectServer:
    """One account's endpoint. Buckets are the folders of ``directory``. ``keys`` are (access key id, secret) pairs that
    may sign; None takes every request. It is started again when it dies, and one that a killed server left behind is
    ended first.
    """

    def __init__(self, directory: Path, keys: Iterable[tuple[str, str]] | None, record: Path) -> None:
        self._directory = directory
        self._keys = None if keys is None else list(keys)
        self._record = record
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._stopping = threading.Event()
        self._renewed = threading.Event()
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

    def admit(self, access_key_id: str, secret: str) -> None:
        """Let a key sign from now on. For one that it does not know the endpoint is started anew: what is under way is
        cut off, and tried again by its client.
        """
        if self._keys is None or (access_key_id, secret) in self._keys:
            return
        self._keys = [pair for pair in self._keys if pair[0] != access_key_id] + [(access_key_id, secret)]
        self._renewed.set()
        self._down()
        if self._process is not None:
            self._process.terminate()

    def address(self) -> Address | None:
        """Where it listens; None while it does not. Waits for one that is on its way up."""
        if not self._port and self._thread.is_alive():
            self._up.wait(ON_ITS_WAY_SECONDS)
        return ("127.0.0.1", self._port) if self._port else None

    def _down(self) -> None:
        self._port = 0
        self._up.clear()

    def _run(self) -> None:
        self._end_leftover()
        self._directory.mkdir(parents=True, exist_ok=True)
        while not self._stopping.is_set():
            try:
                self._serve_once()
            except OSError:
                logger.exception("the S3 endpoint did not start")
            self._down()
            if not self._renewed.is_set():
                self._stopping.wait(RESTART_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            self._record.unlink()

    def _serve_once(self) -> None:
        self._renewed.clear()
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
        if self._stopping.is_set() or self._renewed.is_set():
            process.terminate()
        self._note(process.pid)
        assert process.stderr is not None
        for line in process.stderr:
            found = _STARTED.search(line)
            if found and not self._renewed.is_set():
                self._port = int(found[1])
                self._up.set()
            elif b"authorization keys provided" not in line:
                logger.info("rclone: %s", line.decode("utf-8", "replace").strip()[:500])
        process.wait()
        if not self._stopping.is_set() and not self._renewed.is_set():
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


class ObjectServers:
    """An endpoint for each account whose keys ask for S3. The server's ``own`` account keeps its buckets in
    ``directory``, another one in a directory of its own beside it. Without ``verify`` all is the own account's.
    """

    def __init__(self, directory: Path, keys: KeyStore, own: str, record: Path, *, verify: bool) -> None:
        self._directory = directory
        self._keys = keys
        self._own = own
        self._record = record
        self._verify = verify
        self._lock = threading.Lock()
        self._servers: dict[str, ObjectServer] = {}

    def start(self) -> None:
        """Begin with the server's own account's. The others are started when they are asked for."""
        self._of(self._own)

    def stop(self) -> None:
        """End all."""
        with self._lock:
            for server in self._servers.values():
                server.stop()

    def address(self, access_key_id: str) -> Address | None:
        """Where requests that a key signed are answered; None while nobody listens. A key that is unknown is told so
        by the own account's endpoint.
        """
        key = self._keys.get(access_key_id) if self._verify else None
        if key is None:
            return self._of(self._own).address()
        server = self._of(key.account)
        server.admit(key.access_key_id, key.secret_access_key)
        return server.address()

    def _of(self, account: str) -> ObjectServer:
        with self._lock:
            server = self._servers.get(account)
            if server is None:
                server = self._servers[account] = self._made(account)
                server.start()
            return server

    def _made(self, account: str) -> ObjectServer:
        keys = [_pair(key) for key in self._keys.all() if key.account == account] if self._verify else None
        directory = account_directory(self._directory, self._own, account)
        if account == self._own:
            return ObjectServer(directory, keys, self._record)
        return ObjectServer(directory, keys, self._record.with_stem(f"{self._record.stem}-{account}"))


def _pair(key: AccessKey) -> tuple[str, str]:
    return key.access_key_id, key.secret_access_key


def rclone() -> Path | None:
    """The program, beside this Python or on the path."""
    beside = Path(sys.executable).with_name("rclone")
    if beside.exists():
        return beside
    found = shutil.which("rclone")
    return Path(found) if found else None
