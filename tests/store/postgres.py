"""A real PostgreSQL of our own, as the user `postgres` when we are root (it refuses to run as root)."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

LOCALE = ("--locale=C", "--locale-provider=icu", "--icu-locale=en-US")
"""Sorts as people do, a before B: an order that the server takes from the database would show."""


def programs() -> Path | None:
    """The directory of the newest PostgreSQL's programs; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """A server on a socket of its own, without TCP; its URL."""
    user = _unprivileged()
    # A socket's path is at most 107 bytes long: pytest's directories are too deep, and closed to other users.
    directory = Path(tempfile.mkdtemp(prefix="epochwatch-pg-"))
    try:
        if user is not None:
            os.chown(directory, pwd.getpwnam(user).pw_uid, -1)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments],
                check=True,
                user=user,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                timeout=120,
            )

        data = str(directory / "data")
        run("initdb", "-D", data, "-U", "watcher", "--auth=trust", "-E", "UTF8", "--no-sync", *LOCALE)
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield f"postgresql://watcher@/postgres?host={quote(str(directory), safe='')}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
