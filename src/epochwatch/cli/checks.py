"""The checks of ``epochwatch doctor``."""

import email.utils
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from epochwatch.agent.local_server import is_local
from epochwatch.cli.record import running_server
from epochwatch.cli.status import waiting
from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.errors import EpochwatchError
from epochwatch.settings import Settings

SERVER_PACKAGES = ("uvicorn", "starlette", "sqlalchemy", "chdb", "obstore", "botocore", "pyarrow", "numpy")
NOTEBOOK_PACKAGES = ("pandas", "matplotlib")
SKEW_WARN_SECONDS = 5.0
SKEW_FAIL_SECONDS = 900.0
"""Signatures older than this are refused."""
SPACE_WARN_BYTES = 5 << 30
SPACE_FAIL_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``outcome`` is ``ok``, ``warn`` or ``fail``; ``remedy`` says what to do."""

    name: str
    outcome: str
    finding: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, each made when it is asked for. None raises; none changes anything but the key pair, which is
    made on first use as by every command.
    """
    checks: tuple[Callable[[Settings], Check], ...] = (
        _python,
        _server_extra,
        _notebook_extra,
        _directory,
        _space,
        _engine,
        _server,
        _key,
        _clock,
        _port,
        _leftovers,
        _gpus,
    )
    for check in checks:
        yield check(settings)


def _python(_: Settings) -> Check:
    return Check("python", "ok", f"{sys.version.split()[0]} ({sys.executable})")


def _missing(packages: tuple[str, ...]) -> list[str]:
    return [name for name in packages if importlib.util.find_spec(name) is None]


def _server_extra(settings: Settings) -> Check:
    missing = _missing(SERVER_PACKAGES)
    if not missing:
        return Check("server extra", "ok", "installed")
    needed = is_local(settings)
    found = f"missing: {', '.join(missing)}"
    remedy = "pip install 'epochwatch[server]', or set EPOCHWATCH_URL to a server elsewhere"
    return Check("server extra", "fail" if needed else "ok", found, remedy)


def _notebook_extra(_: Settings) -> Check:
    missing = _missing(NOTEBOOK_PACKAGES)
    if not missing:
        return Check("notebook extra", "ok", "installed")
    remedy = "for dataframes and job.plot(): pip install 'epochwatch[notebook]'"
    return Check("notebook extra", "warn", f"missing: {', '.join(missing)}", remedy)


def _directory(settings: Settings) -> Check:
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"epochwatch")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        remedy = "choose another with EPOCHWATCH_HOME, or correct its owner and permissions"
        return Check("data directory", "fail", f"{home} cannot be written: {error.strerror}", remedy)
    return Check("data directory", "ok", f"{home} is writable")


def _space(settings: Settings) -> Check:
    place = next((path for path in (settings.home, *settings.home.parents) if path.exists()), settings.home)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Check("disk space", "fail", f"cannot be read at {place}: {error.strerror}")
    found = f"{free / (1 << 30):.1f} GiB free at {place}"
    remedy = "free some, or move the data with EPOCHWATCH_HOME"
    if free < SPACE_FAIL_BYTES:
        return Check("disk space", "fail", found, remedy)
    return Check("disk space", "warn" if free < SPACE_WARN_BYTES else "ok", found, remedy)


def _engine(settings: Settings) -> Check:
    """Imported in a process of its own: an engine built for another processor ends the process that loads it."""
    if settings.effective_metrics_url.startswith("clickhouse://"):
        package, label = "clickhouse_connect", "ClickHouse client"
    else:
        package, label = "chdb", "chDB"
    if importlib.util.find_spec(package) is None:
        outcome = "fail" if is_local(settings) else "ok"
        return Check("engine", outcome, f"{package} is not installed", "pip install 'epochwatch[server]'")
    code = f"import {package} as engine; print(getattr(engine, '__version__', ''))"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return Check("engine", "fail", f"{label} did not load within 60 s", "is the machine out of memory?")
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        remedy = "reinstall it: pip install --force-reinstall 'epochwatch[server]'"
        return Check("engine", "fail", f"{label} cannot be imported: {reason}", remedy)
    return Check("engine", "ok", f"{label} {done.stdout.strip()}".rstrip())


def _server(settings: Settings) -> Check:
    record = running_server(settings)
    try:
        version = Client(settings, timeout=5).get_json("/_/health")["version"]
    except ServerAbsent as error:
        if record is not None:
            remedy = f"set EPOCHWATCH_URL={record.url}"
            return Check("server", "fail", f"none at {settings.endpoint}, but one at {record.url}", remedy)
        if is_local(settings):
            remedy = "`epochwatch run` starts one by itself; or: epochwatch serve --daemon"
            return Check("server", "warn", f"none runs at {settings.endpoint}", remedy)
        return Check("server", "fail", error.message, "is it running, and is EPOCHWATCH_URL its address?")
    except (EpochwatchError, ValueError, TypeError, KeyError):
        remedy = "choose another port with EPOCHWATCH_PORT, or correct EPOCHWATCH_URL"
        return Check("server", "fail", f"what answers at {settings.endpoint} is no epochwatch server", remedy)
    whose = ""
    if is_local(settings) and (record is None or record.url != settings.endpoint):
        whose = ", of another home directory or user"
    elif record is not None:
        whose = f", process {record.pid}"
    return Check("server", "ok", f"epochwatch {version} at {settings.endpoint}{whose}")


def _key(settings: Settings) -> Check:
    client = Client(settings, timeout=5)
    try:
        account = client.get_json("/_/api/overview")["account"]
    except ServerAbsent:
        return Check("key", "warn", "not checked: no server answers", "start one and run this again")
    except Refused as error:
        remedy = f"use the server's key: its home has credentials.json, yours is {settings.credentials_file}"
        return Check("key", "fail", f"refused: {error.message}", error.hint or remedy)
    except (EpochwatchError, ValueError, TypeError, KeyError) as error:
        return Check("key", "fail", f"cannot be checked: {error}", "see the server check above")
    finally:
        client.close()
    return Check("key", "ok", f"accepted, account {account}")


def _clock(settings: Settings) -> Check:
    try:
        with urllib.request.urlopen(f"{settings.endpoint}/_/health", timeout=5) as answer:  # noqa: S310
            date = answer.headers.get("date", "")
    except (urllib.error.URLError, OSError, ValueError):
        return Check("clock", "warn", "not checked: no server answers", "start one and run this again")
    try:
        skew = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return Check("clock", "warn", "not checked: the server sends no date")
    skew = 0.0 if -1 <= skew <= 1.5 else skew  # the header has whole seconds, cut
    found = (
        "agrees with the server's" if not skew else f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} it"
    )
    remedy = "set both clocks by NTP; requests signed more than 15 minutes off are refused"
    if abs(skew) > SKEW_FAIL_SECONDS:
        return Check("clock", "fail", found, remedy)
    return Check("clock", "warn" if abs(skew) > SKEW_WARN_SECONDS else "ok", found, remedy)


def _port(settings: Settings) -> Check:
    if not is_local(settings):
        return Check("port", "ok", f"not needed: the server is at {settings.endpoint}")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return _taken(settings, error)
    return Check("port", "ok", f"{settings.port} on {settings.host} is free")


def _taken(settings: Settings, error: OSError) -> Check:
    from epochwatch.agent.local_server import answers

    if answers(settings):
        return Check("port", "ok", f"{settings.port} on {settings.host} is the server's")
    found = f"{settings.port} on {settings.host} cannot be bound: {error.strerror}"
    return Check("port", "fail", found, "choose another with EPOCHWATCH_PORT")


def _leftovers(settings: Settings) -> Check:
    try:
        names = waiting(settings)
    except OSError as error:
        return Check("spool", "fail", f"{settings.spool_directory} cannot be read: {error.strerror}")
    if not names:
        return Check("spool", "ok", "nothing waits to be sent")
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return Check("spool", "warn", f"waits to be sent: {', '.join(names[:3])}{more}", "epochwatch sync")


def _gpus(_: Settings) -> Check:
    import pynvml

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0)) if count else ""
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        if os.path.exists("/dev/nvidiactl"):
            return Check("gpu", "warn", f"a driver is there, but NVML says: {error}", "do driver and NVML agree?")
        return Check("gpu", "ok", "no NVIDIA driver: GPU metrics are not recorded")
    return Check("gpu", "ok", f"{count} x {name}" if count else "none")
