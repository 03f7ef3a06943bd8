"""The server process: sockets, signals, the record of who serves, and a clean end."""

import contextlib
import dataclasses
import ipaddress
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from epochwatch.client.console import sign_in_link
from epochwatch.client.credentials import load_or_create
from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.retention import parse as parse_retention
from epochwatch.server import memory
from epochwatch.server.composition import compose
from epochwatch.settings import Settings
from epochwatch.store.stores import Stores

GRACE_SECONDS = 5
"""How long requests under way may take once the server is told to stop."""


def serve(settings: Settings, *, ephemeral: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. ``ephemeral`` keeps data in a temporary directory and allows a reset.

    Raises UsageError where the settings contradict each other and EpochwatchError where the port or the data
    directory is taken.
    """
    if settings.auth == "none" and not _is_loopback(settings.host):
        raise UsageError(
            f"auth 'none' accepts every request, so it is only allowed on loopback, not on {settings.host}",
            "bind 127.0.0.1, or leave auth at 'sigv4'",
        )
    _log_to_stderr()
    memory.tune()
    # uvicorn sends itself again what ended it: by default SIGTERM would then kill us before anything is closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _data(settings, ephemeral) as data, _listening(settings) as listener:
        port = listener.getsockname()[1]
        served = dataclasses.replace(data, port=port)
        credentials = load_or_create(settings)
        stores = Stores.open(
            served.effective_metrics_url,
            served.effective_state_url,
            served.effective_objects_url,
            parse_retention(served.retention),
        )
        try:
            stores.state.keys.put(credentials.access_key_id, credentials.secret_access_key, credentials.account)
            app = compose(stores, served, credentials, ephemeral=ephemeral)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                lifespan="on",
            )
            with _announced(settings, served):
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            stores.close()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("alembic", "botocore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextlib.contextmanager
def _data(settings: Settings, ephemeral: bool) -> Iterator[Settings]:
    """The settings with the stores' places: the home directory, or a temporary one that ends with the server."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not ephemeral:
        yield settings
        return
    directory = tempfile.mkdtemp(prefix="epochwatch-ephemeral-")
    try:
        yield dataclasses.replace(
            settings,
            metrics_url=f"chdb://{directory}/metrics",
            state_url=f"sqlite:///{directory}/state.db",
            objects_url=f"file://{directory}/objects",
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """A bound socket, taken before anything is opened so that a second server ends at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise EpochwatchError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}",
            "another server may run there: `epochwatch status` tells; or choose another with --port",
        ) from error
    listener.set_inheritable(False)
    with listener:
        yield listener


@contextlib.contextmanager
def _announced(settings: Settings, served: Settings) -> Iterator[None]:
    """``<home>/server.json`` says who serves where, for `status`, `stop` and agents that look for us."""
    record = settings.home / "server.json"
    url = f"http://{_in_url(served.host)}:{served.port}"
    logger = logging.getLogger(__name__)
    try:  # a signal to stop may come at any line from here on
        _write(record, {"pid": os.getpid(), "url": url})
        logger.info("serving AWS APIs at %s", url)
        # The token opens the console: it is shown to a person, never written to a log file.
        if sys.stderr.isatty():
            print(f"console: {sign_in_link(served, f'{url}/_/')}", file=sys.stderr)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError, ValueError):
            if json.loads(record.read_text()).get("pid") == os.getpid():
                record.unlink()
        logger.info("stopped")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _write(path: Path, value: dict[str, object]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value))
    temporary.replace(path)
