"""A server on this machine: found, started in the background, started again when it dies."""

import fcntl
import importlib.util
import ipaddress
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from epochwatch.errors import EpochwatchError
from epochwatch.settings import Settings

START_SECONDS = 30.0
RESTART_PAUSE_SECONDS = 5.0
_NEEDED = ("uvicorn", "starlette", "sqlalchemy", "chdb", "obstore", "botocore")


class NotInstalled(EpochwatchError):
    """The server's part of the package is missing here."""


def is_local(settings: Settings) -> bool:
    """Whether the server the settings name would be one on this machine that we may start."""
    host = urlsplit(settings.endpoint).hostname or ""
    if settings.url and settings.url.rstrip("/") != f"http://{settings.host}:{settings.port}":
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answers(settings: Settings, timeout: float = 2.0) -> bool:
    """Whether an epochwatch server answers at the settings' URL."""
    try:
        with urllib.request.urlopen(f"{settings.endpoint}/_/health", timeout=timeout) as answer:  # noqa: S310
            return bool(json.load(answer).get("status") == "ok")
    except (urllib.error.URLError, OSError, ValueError, AttributeError):
        return False


def log_file(settings: Settings) -> Path:
    """Where a server in the background writes what it says."""
    return settings.home / "logs" / "server.log"


def start_in_background(settings: Settings, arguments: tuple[str, ...] = ()) -> int:
    """Starts ``epochwatch serve`` as a daemon and returns its process id once it answers (0: one already did).

    Several callers at once start one server. Raises EpochwatchError with the end of its log if it does not come up.
    """
    log = log_file(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log.parent / "server.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if answers(settings):
            return 0
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise NotInstalled(
                "the server is not installed here (missing: " + ", ".join(missing) + ")",
                "pip install 'epochwatch[server]', or set EPOCHWATCH_URL to a server elsewhere",
            )
        return _start(settings, arguments, log)


def _start(settings: Settings, arguments: tuple[str, ...], log: Path) -> int:
    begin = log.stat().st_size if log.exists() else 0
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "epochwatch", "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=settings.home,
            env=os.environ | _environment(settings),
        )
    _STARTED.append(process)
    deadline = time.monotonic() + START_SECONDS
    while not answers(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            with open(log, "rb") as said:
                said.seek(begin)
                last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            reason = last[0] if last else "it said nothing"
            raise EpochwatchError(f"the server did not start: {reason}", f"see {log}")
        time.sleep(0.05)
    return process.pid


_STARTED: list["subprocess.Popen[bytes]"] = []
"""Servers this process started: they outlive it, and are kept so that Python does not wait for them."""


def _environment(settings: Settings) -> dict[str, str]:
    """The settings in force, for a server that is to serve the same place."""
    values = {"home": str(settings.home), "host": settings.host, "port": str(settings.port), "auth": settings.auth}
    for name in (
        "region",
        "account",
        "access_key_id",
        "secret_access_key",
        "metrics_url",
        "state_url",
        "objects_url",
    ):
        values[name] = getattr(settings, name)
    return {f"EPOCHWATCH_{name.upper()}": value for name, value in values.items() if value}


class LocalServer:
    """Keeps a local server there during a run: starts one when none answers, at most every few seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tried = 0.0
        self._thread: threading.Thread | None = None
        self._possible = is_local(settings)
        self.failure = ""
        """Why the last start failed, if it did."""
        self.seen = 0.0
        """Monotonic seconds at which a server was last found or started, 0 before."""

    @property
    def starting(self) -> bool:
        """Whether a server is being looked for or started right now."""
        return self._thread is not None and self._thread.is_alive()

    def ensure(self) -> None:
        """Starts a server, in a thread, if none answers and the last try is long enough ago."""
        if not self._possible or self.starting:
            return
        if self._tried and time.monotonic() - self._tried < RESTART_PAUSE_SECONDS:
            return
        self._thread = threading.Thread(target=self._try, name="local server", daemon=True)
        self._thread.start()

    def _try(self) -> None:
        try:
            if not answers(self._settings):
                start_in_background(self._settings)
            self.failure = ""
            self.seen = time.monotonic()
        except EpochwatchError as error:
            self.failure = f"{error.message}; {error.hint}" if error.hint else error.message
            self._possible = not isinstance(error, NotInstalled)
        except OSError as error:
            self.failure = f"the server could not be started: {error}"
        self._tried = time.monotonic()
