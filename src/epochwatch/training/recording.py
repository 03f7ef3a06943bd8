"""Where a process's logged values go: the spool of the run it belongs to, or of a run of its own."""

import atexit
import contextlib
import copy
import getpass
import itertools
import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from epochwatch.agent.journal import Journal
from epochwatch.agent.spool import Exit, Notes, RunFile, Spool
from epochwatch.settings import Settings, load

RUN_DIRECTORY = "EPOCHWATCH_RUN_DIR"
JOB = "EPOCHWATCH_JOB"
INTERRUPTED = 130
_NUMBERS = itertools.count(1)
_LAST_NOTES_SECONDS = 1.0


class Recording:
    """A spool this process writes a journal into. Make one with `join` or `begin`.

    ``notes`` is what this process says of the run; other processes of the run say their own.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.notes = spool.notes()
        self._found = copy.deepcopy(self.notes)
        self.journal = _open_journal(spool)
        self._removed: set[str] = set()
        self._owner = os.getpid()
        self._finished = False
        atexit.register(self._at_exit)

    def forget(self, name: str) -> None:
        """Have ``name`` removed from the config or the summary when notes are written next."""
        self._removed.add(name)

    def write_notes(self) -> bool:
        """Lay our notes over what the run's processes have said. False while another process does the same: call
        again later. Raises OSError.
        """
        with self.spool.lock("notes") as lock:
            if not lock.take(wait=False):
                return False
            known, ours, found = self.spool.notes(), self.notes, self._found
            config = known.config | _ours(ours.config, found.config)
            summary = known.summary | _ours(ours.summary, found.summary)
            for name in self._removed:
                for merged, own in ((config, ours.config), (summary, ours.summary)):
                    if name not in own:
                        merged.pop(name, None)
            self._removed.clear()
            self.spool.write_notes(Notes(config, summary, known.tags | _ours(ours.tags, found.tags)))
        return True

    def finish(self, exit_code: int) -> None:
        """Nothing more will be written by this process; in a forked child that is not for it to say. Raises OSError."""
        if self._finished or self._owner != os.getpid():
            return
        self._finished = True
        atexit.unregister(self._at_exit)
        deadline = time.monotonic() + _LAST_NOTES_SECONDS
        try:
            while not self.write_notes() and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            self.journal.close()
            self._end(exit_code)

    def _end(self, exit_code: int) -> None:
        """The run itself goes on: it is for its recorder to end it."""

    def _at_exit(self) -> None:
        try:
            self.finish(EXIT_STATUS.code)
        except OSError as error:
            print(f"epochwatch: the end of the run could not be noted: {error}", file=sys.stderr)


class OwnRun(Recording):
    """A run that this process began and that ends with it; a headless shipper sends it, and outlives both."""

    def __init__(self, spool: Spool, settings: Settings, *, ship: bool) -> None:
        super().__init__(spool)
        self._lock = spool.lock("run")
        self._lock.take(wait=False)
        os.register_at_fork(after_in_child=self._disown)
        if ship:
            _ship(spool, settings)

    def _end(self, exit_code: int) -> None:
        """Write how the run ended; the shipper does the rest."""
        if os.environ.get(RUN_DIRECTORY) == str(self.spool.path):
            del os.environ[RUN_DIRECTORY], os.environ[JOB]
        self.spool.write_exit(Exit(time.time(), exit_code, interrupted=exit_code == INTERRUPTED))
        self._lock.close()

    def _disown(self) -> None:
        """In a forked child: it must not keep the run looking alive."""
        if not self._finished:
            self._finished = True
            self._lock.close()


def join() -> Recording | None:
    """The recording of the `epochwatch run` around this process; None if there is none. Raises OSError."""
    directory = os.environ.get(RUN_DIRECTORY)
    if not directory or not Path(directory, "run.json").exists():
        return None
    return Recording(Spool(Path(directory)))


def begin(name: str | None, tags: Mapping[str, str], *, ship: bool = True) -> OwnRun:
    """A new run of this process, and of those it starts. Without ``ship`` it is kept until `epochwatch sync`.

    Raises OSError where the spool cannot be written.
    """
    settings = load()
    EXIT_STATUS.listen()
    description = _description(name)
    spool = Spool.create(settings.spool_directory, description)
    spool.write_notes(Notes(tags=dict(tags)))
    recording = OwnRun(spool, settings, ship=ship and bool(sys.executable))
    os.environ.update({RUN_DIRECTORY: str(spool.path), JOB: description.name})
    return recording


def _ours(values: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What this process has set itself: of the rest others may know something newer."""
    return {name: value for name, value in values.items() if name not in found or found[name] != value}


def _open_journal(spool: Spool) -> Journal:
    while True:
        with contextlib.suppress(FileExistsError):  # another process of this number, in another container
            return Journal(spool.path / f"journal-{os.getpid()}-{next(_NUMBERS)}.ewj")


def job_name(wanted: str) -> str:
    """``wanted`` as a legal training job name: letters, digits and inner hyphens, at most 63."""
    name = re.sub(r"[^a-zA-Z0-9]+", "-", wanted).strip("-")[:63].strip("-")
    return name or "run"


def _description(name: str | None) -> RunFile:
    script = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
    wanted = name or f"{script}-{time.strftime('%Y%m%d-%H%M%S')}"
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


def _ship(spool: Spool, settings: Settings) -> None:
    """Start the headless shipper, detached: it lives until the run is over and delivered."""
    process = subprocess.Popen(
        [sys.executable, "-m", "epochwatch.agent.headless", str(spool.path), "--serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=spool.path,  # the training's directory may hold modules that shadow ours
        env=os.environ | {"EPOCHWATCH_HOME": str(settings.home)},
    )
    process.returncode = 0  # it outlives us: nobody waits for it, and nobody is to be warned of that


def exit_status(code: Any) -> int:
    """The process's exit status for an argument of ``sys.exit``."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


class _ExitStatus:
    """Notes how the process is about to end: an exit handler is not told."""

    def __init__(self) -> None:
        self.code = 0
        self._listening = False
        self._leave: Callable[..., object] = sys.exit
        self._unhandled = sys.excepthook

    def listen(self) -> None:
        """Once for a process; what was there is still called."""
        if self._listening:
            return
        self._listening = True
        self._leave, self._unhandled = sys.exit, sys.excepthook
        sys.exit = self._exit  # type: ignore[assignment]
        sys.excepthook = self._raised

    def _exit(self, status: object = None, /) -> object:
        self.code = exit_status(status)
        return self._leave(status)

    def _raised(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        self.code = INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1
        self._unhandled(kind, error, traceback)


EXIT_STATUS = _ExitStatus()
"""How this process ends."""
