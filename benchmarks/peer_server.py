"""Servers beside which ours is measured, each a process on a free port for the length of a ``with`` block."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peer_environment import ROOT, peer_python
from benchmarks.usage import Usage
from tests.servers import free_port

MOTO = ("moto[server]==5.2.5",)
START_SECONDS = 60


class PeerServer:
    """A server process. ``command`` makes its words from the port it is to listen on."""

    def __init__(self, command: Callable[[int], Sequence[str]], ready_path: str = "/") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command(self.port)
        self._ready_path = ready_path

    def __enter__(self) -> "PeerServer":
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise SystemExit(f"{self._command[0]} did not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def usage(self) -> Usage:
        """What the process uses."""
        return Usage(self._process.pid)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self._ready_path, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def null_server() -> PeerServer:
    """The server that only answers 200."""
    return PeerServer(lambda port: [sys.executable, "-m", "benchmarks.null_server", str(port)])


def moto_server() -> PeerServer:
    """Moto, which keeps everything in memory."""
    program = str(Path(peer_python("moto", MOTO)).parent / "moto_server")
    return PeerServer(lambda port: [program, "-H", "127.0.0.1", "-p", str(port)], "/moto-api/")
