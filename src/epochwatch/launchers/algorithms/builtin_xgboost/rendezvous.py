"""How the hosts of a job find the tracker that the first of them starts.

Its port is any that is free: one that is the same each time cannot be had again right after a job that had it. The
first host tells it to whoever connects to a port that follows from the job's name.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections.abc import Iterator

_PATIENCE = 0.1


def meeting_port(job: str) -> int:
    """Where the first host of a job answers."""
    return 20_000 + zlib.crc32(job.encode()) % 10_000


@contextlib.contextmanager
def telling(host: str, port: int, told: int) -> Iterator[None]:
    """Tell ``told`` to all who connect to the port."""
    with socket.create_server((host, port), backlog=128) as listener:
        threading.Thread(target=_tell, args=(listener, told), daemon=True).start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # ends the thread's wait


def _tell(listener: socket.socket, told: int) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"%d\n" % told)


def ask(host: str, port: int, seconds: float) -> int:
    """What is told at the port. The other host may start later, within ``seconds``. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, port), timeout=10) as connection,
            connection.makefile("rb") as answer,
        ):
            line = answer.readline()
            if line.endswith(b"\n"):
                return int(line)
        time.sleep(_PATIENCE)
    raise TimeoutError(f"{host} was not there within {seconds:.0f} seconds")
