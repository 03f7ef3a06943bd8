"""Where a process's logged values go: the spool of the run it belongs to, or of a run of its own."""

import atexit
import getpass
import itertools
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from epochwatch.agent.journal import Journal
from epochwatch.agent.spool import Exit, Notes, RunFile, Spool
from epochwatch.settings import Settings, load

_NUMBERS = itertools.count(1)


class Recording:
    """A spool this process writes a journal into. Make one with `join` or `begin`."""

    def __init__(self, spool: Spool, notes: Notes) -> None:
        self.spool = spool
        self.notes = notes
        self.journal = Journal(spool.path / f"journal-{os.getpid()}-{next(_NUMBERS)}.ewj")

    def write_notes(self) -> None:
        """Make config, summary and tags known. Raises OSError."""
        self.spool.write_notes(self.notes)

    def finish(self, exit_code: int) -> None:
        """Nothing more will be written by this process."""
        self.write_notes()
        self.journal.close()


class OwnRun(Recording):
    """A run that this process began: a headless shipper delivers it and lives as long as it must."""

    def __init__(self, spool: Spool, notes: Notes) -> None:
        super().__init__(spool, notes)
        self._lock = spool.lock("run")
        self._lock.take(wait=False)
        self._exit = _ExitStatus()
        self._finished = False
        os.register_at_fork(after_in_child=self._lock.close)
        atexit.register(self._at_exit)
        _ship(spool)

    def finish(self, exit_code: int) -> None:
        """Write how the run ended; the shipper does the rest."""
        if self._finished:
            return
        self._finished = True
        super().finish(exit_code)
        self.spool.write_exit(Exit(time.time(), exit_code))
        self._lock.close()

    def _at_exit(self) -> None:
        try:
            self.finish(self._exit.code)
        except OSError as error:
            print(f"epochwatch: the end of the run could not be noted: {error}", file=sys.stderr)


def join() -> Recording | None:
    """The recording of the `epochwatch run` around this process; None if there is none. Raises OSError."""
    directory = os.environ.get("EPOCHWATCH_RUN_DIR")
    if not directory or not Path(directory, "run.json").exists():
        return None
    spool = Spool(Path(directory))
    return Recording(spool, spool.notes())


def begin(name: str | None, notes: Notes) -> OwnRun:
    """A new run of this process. Raises OSError where the spool cannot be written."""
    settings = load()
    spool = Spool.create(settings.spool_directory, _description(settings, name))
    spool.write_notes(notes)
    return OwnRun(spool, notes)


def job_name(wanted: str) -> str:
    """``wanted`` as a legal training job name: letters, digits and inner hyphens, at most 63."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", wanted).strip("-")[:63].strip("-")
    return name or "run"


def _description(settings: Settings, name: str | None) -> RunFile:
    script = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "python"
    wanted = name or f"{script or 'python'}-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return RunFile(
        run_id=uuid.uuid4().hex,
        name=job_name(wanted),
        started=time.time(),
        command=[sys.executable, *sys.argv],
        working_directory=os.getcwd(),
        hostname=socket.gethostname(),
        user=user,
    )


def _ship(spool: Spool) -> None:
    """Start the headless shipper, detached: it outlives neither the run nor its delivery."""
    subprocess.Popen(
        [sys.executable, "-m", "epochwatch.agent.shipper", str(spool.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
    )


class _ExitStatus:
    """Notes how the process is about to end: an exit handler is not told."""

    def __init__(self) -> None:
        self.code = 0
        self._leave: Callable[..., object] = sys.exit
        self._unhandled = sys.excepthook
        sys.exit = self._exit  # type: ignore[assignment]
        sys.excepthook = self._raised

    def _exit(self, status: object = None) -> object:
        self.code = 0 if status is None else status if isinstance(status, int) else 1
        return self._leave(status)

    def _raised(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        self.code = 130 if issubclass(kind, KeyboardInterrupt) else 1
        self._unhandled(kind, error, traceback)
