"""One ``epochwatch run``, from the command line's words to the exit status."""

import contextlib
import getpass
import os
import select
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from epochwatch.agent.channel import ChannelEnds, open_pipe
from epochwatch.agent.child import StandardStreams, Training
from epochwatch.agent.display import Display, outputs_are_one
from epochwatch.agent.keeper import Kept, Launch, launch
from epochwatch.agent.recorder import here, stand_by
from epochwatch.agent.sending import MakeShipper, Sending
from epochwatch.agent.spool import Exit, RunFile, Spool
from epochwatch.agent.terminal import Keyboard, copy_size, first_terminal, open_training_terminal
from epochwatch.model.batch import Definition
from epochwatch.settings import Settings

if TYPE_CHECKING:
    from epochwatch.agent.shipper import Shipper

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TO_GROUP = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Those a terminal would send to the whole group."""
TICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What ``epochwatch run`` was asked for."""

    command: Sequence[str]
    name: str
    definitions: Sequence[Definition] = ()
    auto: bool = True
    pty: bool | None = None
    """None: a terminal, unless standard output and error are different files."""
    quiet: bool = False
    json: bool = False
    start_server: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    """The created job that this is a host of."""
    host: str = "algo-1"
    shown: Sequence[str] = ()
    """What stands for the command on the record, where it is not the command itself."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the command finds in its environment besides ours."""
    tensors: str = ""
    """Where others find the tensors that the command saves, if it does: a directory, or ``s3://bucket/prefix``."""
    trial: str = ""
    """Where they are followed to diagnose the training; empty where it is not diagnosed."""
    prepare: Callable[[Spool], None] = lambda _: None
    """Called once, with the spool, before anything is recorded."""
    attend: Callable[[], None] = lambda: None
    """Called several times a second while the command runs."""
    conclude: Callable[[Spool], None] = lambda _: None
    """Called when the command has ended and all is told."""


class Session:
    """One run, seen by the user. ``run`` returns the training's exit status."""

    def __init__(self, options: RunOptions, settings: Settings) -> None:
        self._options = options
        self._settings = settings
        self._terminal = first_terminal(0)
        self._pty = outputs_are_one() if options.pty is None else options.pty
        self._begin = time.time()
        self._master: int | None = None

    def run(self) -> int:
        """Starts the training, stays until it has ended and its output is shown, and tells how it went."""
        try:
            spool = self._make_spool()
        except OSError as error:
            self._without_us(f"cannot write to {self._settings.spool_directory} ({error.strerror})")
        plan = self._plan(spool)
        kept = launch(spool, plan)
        if not kept.handover.pid:
            self._without_us("the recording process was killed before it began")
        return _Front(self._options, self._settings, spool, plan, kept, self._master, self._begin).stay()

    def _without_us(self, reason: str) -> NoReturn:
        """The training matters more than its recording."""
        if not self._options.quiet:
            print(f"epochwatch: {reason}: running the command without recording it", file=sys.stderr, flush=True)
        command = list(self._options.command)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606

    def _make_spool(self) -> Spool:
        options = self._options
        user = "unknown"
        with contextlib.suppress(OSError, KeyError):
            user = getpass.getuser()
        run = RunFile(
            run_id=uuid.uuid4().hex,
            name=options.name,
            started=self._begin,
            command=list(options.shown or options.command),
            working_directory=here(),
            hostname=socket.gethostname(),
            user=user,
            definitions=list(options.definitions),
            tags=dict(options.tags),
            outputs=["output.log"] if self._pty else ["stdout.log", "stderr.log"],
            auto=options.auto,
            job=options.job,
            host=options.host,
            tensors=options.tensors,
            trial=options.trial,
        )
        spool = Spool.create(self._settings.spool_directory, run)
        options.prepare(spool)
        return spool

    def _plan(self, spool: Spool) -> Launch:
        environment = {**os.environ, **self._options.variables}
        environment |= {"EPOCHWATCH_RUN_DIR": str(spool.path), "EPOCHWATCH_JOB": self._options.name}
        environment["EPOCHWATCH_HOME"] = str(self._settings.home)
        if self._pty:
            master, slave = open_training_terminal(self._terminal)
            self._master = master
            window = first_terminal(1, 2, 0)
            if window is not None:
                copy_size(window, master)
            ends: tuple[ChannelEnds, ...] = (ChannelEnds.open("output.log", master),)
            streams = StandardStreams(None if self._terminal is not None else 0, slave, slave, terminal=True)
        else:
            environment["PYTHONUNBUFFERED"] = "1"
            (out_read, out_write), (err_read, err_write) = open_pipe(), open_pipe()
            ends = (ChannelEnds.open("stdout.log", out_read), ChannelEnds.open("stderr.log", err_read))
            streams = StandardStreams(0, out_write, err_write, terminal=False)
        bell = os.pipe()
        for end in bell:
            os.set_blocking(end, False)
        return Launch(self._options.command, environment, streams, ends, bell, self._terminal)


class _Front:
    """The process the user sees, once the training runs."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        spool: Spool,
        plan: Launch,
        kept: Kept,
        master: int | None,
        begin: float,
    ) -> None:
        self._options = options
        self._settings = settings
        self._spool = spool
        self._kept = kept
        self._master = master
        self._begin = begin
        self._training = Training(kept.handover.pid, kept.handover.pidfd)
        self._keyboard = Keyboard(plan.terminal, master) if plan.terminal is not None and master else None
        self._exit: Exit | None = None
        self._over = threading.Event()
        self._status: Callable[[], str] = str
        self._display = Display(
            spool.path,
            plan.ends,
            plan.bell[0],
            quiet=options.quiet,
            status=self._status_text,
            on_bytes=self._wake,
        )
        self._sending = Sending(
            spool,
            settings,
            start_server=options.start_server,
            on_notice=self._display.notice,
            make=self._make,
            on_shipper=self._on_shipper,
        )

    def stay(self) -> int:
        """Until the training has ended and everything is shown (and sent, where a server answers)."""
        previous = {number: signal.getsignal(number) for number in FORWARDED}
        for number in FORWARDED:
            if previous[number] is not signal.SIG_IGN:
                signal.signal(number, self._forward)
        signal.signal(signal.SIGWINCH, self._resize)
        signal.signal(signal.SIGCONT, self._resume)
        watching = threading.Thread(target=self._watch, name="standby", daemon=True)
        try:
            if self._keyboard is not None:
                self._keyboard.engage()
            watching.start()
            self._display.start()
            self._sending.thread.start()
            self._attend()
        finally:
            if self._keyboard is not None:
                self._keyboard.restore()
        for number in FORWARDED:
            signal.signal(number, previous[number])
        try:
            self._display.finish()
            _join(self._display)
            _join(self._sending.thread)
        except KeyboardInterrupt:
            print("epochwatch: not waiting any longer; `epochwatch sync` sends the rest", file=sys.stderr)
        self._kept.standby.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._kept.keeper_pid, os.WNOHANG)
        self._tell()
        self._options.conclude(self._spool)
        return self._code()

    # -- while the training runs --------------------------------------------------------------------------

    def _attend(self) -> None:
        poll = select.poll()
        while not self._over.is_set():
            if self._keyboard is not None:
                self._keyboard.watch(poll)
            if poll.poll(TICK_SECONDS * 1000) and self._keyboard is not None:
                self._keyboard.serve()
            self._options.attend()
            self._reap()

    def _watch(self) -> None:
        """The thread that waits for the recorder's end, and takes its place when that was a violent one."""
        try:
            self._exit = stand_by(self._spool, self._kept.handover, self._kept.standby, "standby")
        except Exception as error:  # noqa: BLE001 (the training's exit status must still be passed on)
            self._display.notice(f"recording stopped: {error}")
            self._exit = self._wait_only()
        self._sending.ended_at = time.monotonic()
        self._over.set()
        self._wake()

    def _wait_only(self) -> Exit:
        while True:
            over, code = self._training.ended()
            if over:
                return Exit(time.time(), code)
            time.sleep(TICK_SECONDS)

    def _reap(self) -> None:
        """Collects orphans of the training that became ours."""
        for _ in range(64):
            try:
                status = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if status is None or status.si_pid == self._training.pid:
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(status.si_pid, os.WNOHANG)

    def _forward(self, number: int, _: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            self._spool.request_stop()
        self._training.signal(number, group=number in _TO_GROUP)

    def _resize(self, *_: object) -> None:
        window = first_terminal(1, 2, 0)
        if self._master is not None and window is not None:
            copy_size(window, self._master)

    def _resume(self, *_: object) -> None:
        if self._keyboard is not None:
            self._keyboard.restore()
            self._keyboard.engage()
        self._resize()

    # -- sending ------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._sending.wake()

    def _status_text(self) -> str:
        return self._status()

    @staticmethod
    def _make() -> MakeShipper:
        from epochwatch.agent.shipper import Shipper

        return Shipper

    def _on_shipper(self, shipper: "Shipper") -> None:
        from epochwatch.agent.status import StatusLine

        self._status = StatusLine(self._begin, shipper.tally).text

    # -- afterwards ---------------------------------------------------------------------------------------

    def _code(self) -> int:
        code = self._exit.exit_code if self._exit is not None else None
        return 1 if code is None else code

    def _tell(self) -> None:
        from epochwatch.agent.summary import Summary

        shipper = self._sending.shipper
        if self._exit is not None and self._exit.lost_bytes and not self._options.quiet:
            print(f"epochwatch: {self._exit.lost_bytes} bytes of output could not be recorded", file=sys.stderr)
        run = self._spool.run()
        summary = Summary(
            run.assigned or run.name,
            self._code(),
            (self._exit.ended if self._exit is not None else time.time()) - self._begin,
            list(shipper.tally.metrics.values()) if shipper is not None else [],
            shipper.health() if shipper is not None else [],
            run.console_url if self._options.json else self._sending.link(run.console_url),
            shipper is not None and shipper.delivered,
            str(self._spool.path),
            run.outputs,
            run.auto,
        )
        if self._options.json:
            print(summary.to_json(), file=sys.stderr, flush=True)
        elif not self._options.quiet:
            summary.show()


def _join(thread: threading.Thread) -> None:
    """Waits so that Ctrl-C is heard."""
    while thread.is_alive():
        thread.join(TICK_SECONDS)
