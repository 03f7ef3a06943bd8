"""One ``epochwatch host``: a machine sampled until somebody ends it, as a job without a training."""

import getpass
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from epochwatch.agent.host.sampling import Sampling, write_sampling
from epochwatch.agent.recorder import here
from epochwatch.agent.sending import MakeShipper, Sending
from epochwatch.agent.spool import Exit, RunFile, Spool
from epochwatch.settings import Settings

if TYPE_CHECKING:
    pass

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESTART_SECONDS = 1.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What ``epochwatch host`` was asked for."""

    name: str
    sampling: Sampling
    directory: str = "/"
    pid: int | None = None
    start_server: bool = True
    quiet: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


class HostSession:
    """``run`` returns the exit status: 0 when the server has everything, 1 when something waits for it."""

    def __init__(self, options: HostOptions, settings: Settings) -> None:
        self._options = options
        self._ending = threading.Event()
        self._spool = Spool.create(settings.spool_directory, self._run_file())
        write_sampling(self._spool.path, options.sampling)
        self._sending = Sending(
            self._spool,
            settings,
            start_server=options.start_server,
            on_notice=self._notice,
            make=_make,
        )

    def run(self) -> int:
        """Samples until a signal comes; what was sampled is sent by then, where a server answers."""
        with self._spool.lock("run") as lock:
            lock.take(wait=True)
            for number in ENDING:
                signal.signal(number, lambda *_: self._ending.set())
            self._sending.thread.start()
            self._sample()
            self._ending.clear()
            self._await_delivery()
        shipper = self._sending.shipper
        delivered = shipper is not None and shipper.delivered
        if not delivered:
            self._notice(f"not all is sent: `epochwatch sync` sends what is in {self._spool.path}")
        return 0 if delivered else 1

    def _sample(self) -> None:
        """Keeps a sampler alive until a signal comes."""
        command = [
            sys.executable,
            "-m",
            "epochwatch.agent.sampler",
            str(self._spool.path),
            self._options.directory,
        ]
        command += [] if self._options.pid is None else [str(self._options.pid)]
        nowhere = subprocess.DEVNULL
        while not self._ending.is_set():
            process = subprocess.Popen(
                command, start_new_session=True, stdin=nowhere, stdout=nowhere, stderr=nowhere
            )
            while process.poll() is None and not self._ending.wait(LOOK_SECONDS):
                pass
            if self._ending.is_set():
                self._spool.write_exit(Exit(time.time(), interrupted=True))  # the sampler ends by it
                process.wait()
            else:
                self._ending.wait(RESTART_SECONDS)

    def _await_delivery(self) -> None:
        self._sending.ended_at = time.monotonic()
        self._sending.wake()
        while self._sending.thread.is_alive() and not self._ending.is_set():
            self._sending.thread.join(LOOK_SECONDS)

    def _run_file(self) -> RunFile:
        options, user = self._options, "unknown"
        with suppress(OSError, KeyError):
            user = getpass.getuser()
        return RunFile(
            run_id=uuid.uuid4().hex,
            name=options.name,
            started=time.time(),
            command=["epochwatch", *sys.argv[1:]],
            working_directory=here(),
            hostname=socket.gethostname(),
            user=user,
            tags=dict(options.tags),
        )

    def _notice(self, text: str) -> None:
        if not self._options.quiet:
            print(f"epochwatch: {text}", file=sys.stderr, flush=True)


def _make() -> MakeShipper:
    from epochwatch.agent.shipper import Shipper

    return Shipper
