"""One ``epochwatch follow``: logs that somebody else writes, as one training job.

A single process and no keeper: what is followed is safe where it is. Killed at any moment, it goes on where it was when
it is started again for the same job.
"""

import getpass
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from epochwatch.agent.follow.ends import JUDGED_BYTES, SETTLE_SECONDS, End, judged
from epochwatch.agent.follow.file import FileSource, Taken
from epochwatch.agent.follow.journald import PREFIX, JournalSource, last_start
from epochwatch.agent.follow.log import FollowedLog
from epochwatch.agent.follow.marks import opened
from epochwatch.agent.recorder import here
from epochwatch.agent.sending import MakeShipper, Sending
from epochwatch.agent.spool import Exit, Lock, Notes, RunFile, Spool, spools
from epochwatch.errors import EpochwatchError
from epochwatch.model.batch import Definition
from epochwatch.settings import Settings

if TYPE_CHECKING:
    from epochwatch.agent.follow.shipper import FollowShipper

BUSY_SECONDS = 0.1
"""Between two looks while something comes."""
QUIET_SECONDS = 0.5
"""... and while nothing has come for a while."""
QUIET_AFTER_SECONDS = 5.0
MOST_STREAMS = 1000
TAG_VALUE = 256

LEAVING = (signal.SIGTERM, signal.SIGHUP)
"""A stop of the follower, not of the training: it goes on when it is started again."""


class Targets(Protocol):
    """What is to be followed, which may become more."""

    def targets(self) -> list[str]:
        """Absolute paths, and ``journal:UNIT``."""


class Source(Protocol):
    """Something that is followed."""

    name: str

    def read(self, *, last: bool = False) -> Taken | None:
        """The next lines; None when there are none now. ``last``: the unfinished last line too."""

    def close(self) -> None:
        """Lets it go."""


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What ``epochwatch follow`` was asked for."""

    name: str
    targets: Targets
    ends: Sequence[Callable[[bool], End]] = ()
    """Each makes an end, told whether an earlier following is gone on with."""
    complete: bool = False
    """What is followed is complete: the end is where there is no more to read."""
    form: str = "auto"
    since: str | None = None
    definitions: Sequence[Definition] = ()
    auto: bool = True
    quiet: bool = False
    json: bool = False
    start_server: bool = True
    host_metrics: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    hostname: str = ""
    started: float | None = None
    """Unix seconds at which the training began, if that is known."""


@dataclass(slots=True)
class _Stream:
    source: Source
    log: FollowedLog


class FollowSession:
    """``run`` returns the exit status."""

    def __init__(self, options: FollowOptions, settings: Settings) -> None:
        self._options = options
        self._settings = settings
        earlier = self._earlier()
        self._ends = [make(earlier is not None) for make in options.ends]
        self._spool = earlier or self._new_spool()
        self._streams: dict[str, _Stream] = {}
        self._numbers = self._spool.follows()
        self._signal = 0
        self._said: set[str] = set()
        self._moved = time.monotonic()
        self._looked = 0.0
        self._full = False
        self._sending = Sending(
            self._spool,
            settings,
            start_server=options.start_server,
            on_notice=self._notice,
            make=_make,
            on_shipper=self._on_shipper,
        )

    def run(self) -> int:
        """Follows until an end is reached or a signal comes; what was read is sent by then, where a server answers.

        Raises EpochwatchError where the job is being followed already.
        """
        with self._spool.lock("run") as lock:
            if not lock.take(wait=False):
                raise EpochwatchError(
                    f"{self._options.name} is being followed by another process",
                    "give this one another name: --job NAME",
                )
            return self._follow(lock)

    def _earlier(self) -> Spool | None:
        """The spool of this job, if its following has not ended."""
        for spool in reversed(spools(self._settings.spool_directory)):
            with suppress(OSError, ValueError):
                run = spool.run()
                if run.followed and self._options.name in (run.name, run.assigned) and spool.exit() is None:
                    return spool
        return None

    def _new_spool(self) -> Spool:
        options = self._options
        user = options.user
        with suppress(OSError, KeyError):
            user = user or getpass.getuser()
        run = RunFile(
            run_id=uuid.uuid4().hex,
            name=options.name,
            started=options.started or time.time(),
            command=["epochwatch", *sys.argv[1:]],
            working_directory=here(),
            hostname=options.hostname or socket.gethostname(),
            user=user or "unknown",
            definitions=list(options.definitions),
            tags=dict(options.tags),
            auto=options.auto,
            followed=True,
        )
        return Spool.create(self._settings.spool_directory, run)

    # -- following ------------------------------------------------------------------------------------------

    def _follow(self, lock: Lock) -> int:
        for number in (*LEAVING, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        self._take_up()
        self._sending.thread.start()
        sampler = self._start_sampler()
        end = self._until_end()
        if end is None:
            self._await_shipper(leaving=True)
        else:
            self._finish(end)
        lock.release()  # the sampler ends by it
        for stream in self._streams.values():
            stream.source.close()
        if sampler is not None:
            sampler.wait()
        return self._tell(end)

    def _until_end(self) -> Exit | None:
        """How the training ended; None where following is to stop before that."""
        while not self._signal:
            moved = self._pump()
            quiet = time.monotonic() - self._moved
            if not moved or time.monotonic() - self._looked > QUIET_SECONDS:
                self._looked = time.monotonic()
                for reached in [*(end.reached(quiet) for end in self._ends), self._unit_ended(quiet)]:
                    if reached is not None:
                        return reached
                self._take_up()
            if not moved and self._options.complete and self._is_complete():
                return Exit(time.time())
            if not moved:
                time.sleep(BUSY_SECONDS if quiet < QUIET_AFTER_SECONDS else QUIET_SECONDS)
        return Exit(time.time(), interrupted=True) if self._signal == signal.SIGINT else None

    def _unit_ended(self, quiet: float) -> Exit | None:
        """How the units ended that are followed, once all have: as the first that failed."""
        sources = [stream.source for stream in self._streams.values() if isinstance(stream.source, JournalSource)]
        ended = [source.ended for source in sources if source.ended is not None]
        if not ended or len(ended) < len(sources) or quiet < SETTLE_SECONDS:
            return None
        return next((end for end in ended if end.exit_code != 0), ended[-1])

    def _is_complete(self) -> bool:
        sources = [stream.source for stream in self._streams.values()]
        return not self._full and all(
            not isinstance(source, JournalSource) or source.complete for source in sources
        )

    def _pump(self, *, last: bool = False) -> bool:
        """Whether there was anything to read. One piece of each, so that none waits for another's flood."""
        moved = False
        for stream in list(self._streams.values()):
            if self._signal and not last:
                break
            taken = stream.source.read(last=last)
            if taken is None:
                continue
            self._store(stream, taken)
            moved = True
        if moved:
            self._moved = time.monotonic()
            self._sending.wake()
        return moved

    def _store(self, stream: _Stream, taken: Taken) -> None:
        """A full disk only delays: what is followed is still there."""
        while True:
            try:
                stream.log.append(taken.data, taken.times, taken.place)
            except OSError as error:
                if not self._full:
                    self._notice(f"cannot write to {self._spool.path} ({error.strerror}); trying again")
                self._full = True
                if self._signal:
                    return  # it is read again by the next to follow
                time.sleep(QUIET_SECONDS)
                continue
            self._full = False
            return

    def _finish(self, end: Exit) -> None:
        """Reads what is left, and notes the end."""
        deadline = time.monotonic() + (0.0 if self._options.complete or end.interrupted else SETTLE_SECONDS)
        self._signal = 0
        self._take_up()  # what came together with the end
        while self._pump() or time.monotonic() < deadline:
            time.sleep(BUSY_SECONDS if time.monotonic() - self._moved > BUSY_SECONDS else 0)
        while self._pump(last=True):
            pass
        tails = [stream.log.tail(JUDGED_BYTES) for stream in self._streams.values()]
        self._spool.write_exit(judged(end, tails))
        self._await_shipper(leaving=False)

    def _await_shipper(self, *, leaving: bool) -> None:
        self._sending.ended_at = time.monotonic()
        self._sending.wake()
        self._signal = 0
        while self._sending.thread.is_alive():
            shipper = self._follow_shipper()
            if leaving and shipper is not None:
                shipper.leave()
            self._sending.thread.join(BUSY_SECONDS)
            if self._signal == signal.SIGINT:
                self._notice("not waiting any longer; `epochwatch sync` sends the rest")
                return

    def _on_signal(self, number: int, _: object) -> None:
        self._signal = number

    # -- what is followed -----------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Follows what has come to be named."""
        for target in self._options.targets.targets():
            if target not in self._streams and not self._is_older(target):
                self._open(target)

    def _is_older(self, target: str) -> bool:
        """Whether the file is one that rotation made of another that is followed."""
        if target in self._numbers.values() or target.startswith(PREFIX):
            return False
        file = opened(Path(target))
        if file is None:
            return False
        try:
            return any(source.had(file) for source in self._files())
        finally:
            file.close()

    def _files(self) -> list[FileSource]:
        return [stream.source for stream in self._streams.values() if isinstance(stream.source, FileSource)]

    def _open(self, target: str) -> None:
        file = next((file for file, follows in self._numbers.items() if follows == target), "")
        if not file:
            if len(self._numbers) >= MOST_STREAMS:
                self._notice(f"more than {MOST_STREAMS} files: the others are not followed")
                return
            file = f"algo-{len(self._numbers) + 1}.log"
            self._numbers[file] = target
            # Noted first: another that is killed right here must not give the number to another file.
            self._spool.write_follows(self._numbers)
            tags = {f"file:{name.removesuffix('.log')}": path[-TAG_VALUE:] for name, path in self._numbers.items()}
            self._spool.write_notes(Notes(tags=tags))
        log = FollowedLog(self._spool.path, file)
        self._streams[target] = _Stream(self._source(target, log), log)
        self._notice(f"{file.removesuffix('.log')}: {target}{f' from byte {log.end:,}' if log.end else ''}")
        shipper = self._follow_shipper()
        if shipper is not None:
            shipper.add(log)

    def _source(self, target: str, log: FollowedLog) -> Source:
        if target.startswith(PREFIX):
            unit = target.removeprefix(PREFIX)
            since = self._options.since or last_start(unit)
            return JournalSource(unit, since, log.place, self._notice, follow=not self._options.complete)
        return FileSource(Path(target), self._options.form, log.place, self._files, self._notice)

    def _on_shipper(self, _: object) -> None:
        shipper = self._follow_shipper()
        for stream in list(self._streams.values()):
            if shipper is not None:
                shipper.add(stream.log)

    def _follow_shipper(self) -> "FollowShipper | None":
        from epochwatch.agent.follow.shipper import FollowShipper

        shipper = self._sending.shipper
        return shipper if isinstance(shipper, FollowShipper) else None

    def _start_sampler(self) -> "subprocess.Popen[bytes] | None":
        if not self._options.host_metrics:
            return None
        command = [sys.executable, "-m", "epochwatch.agent.sampler", str(self._spool.path), here() or "/"]
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(command, start_new_session=True, stdin=nowhere, stdout=nowhere, stderr=nowhere)

    # -- what is said ---------------------------------------------------------------------------------------

    def _notice(self, text: str) -> None:
        if not self._options.quiet and text not in self._said:
            self._said.add(text)
            print(f"epochwatch: {text}", file=sys.stderr, flush=True)

    def _tell(self, end: Exit | None) -> int:
        from epochwatch.agent.summary import Summary

        shipper = self._sending.shipper
        record = self._spool.exit() or Exit(time.time())
        run = self._spool.run()
        status = record.status or (
            "Stopped" if record.interrupted else "Failed" if record.exit_code else "Completed"
        )
        ending = "not followed any more (the same command goes on with it)" if end is None else status.lower()
        summary = Summary(
            run.assigned or run.name,
            _exit_status(end, status, record),
            max(0.0, record.ended - run.started),
            list(shipper.tally.metrics.values()) if shipper is not None else [],
            shipper.health() if shipper is not None else [],
            run.console_url if self._options.json else self._sending.link(run.console_url),
            shipper is not None and (shipper.delivered or getattr(shipper, "left", False)),
            str(self._spool.path),
            list(self._numbers) or ["algo-1.log"],
            run.auto,
            ending=ending if not record.reason else f"{ending}: {record.reason}",
        )
        if self._options.json:
            print(summary.to_json(), file=sys.stderr, flush=True)
        elif not self._options.quiet:
            summary.show()
        return summary.exit_code


def _exit_status(end: Exit | None, status: str, record: Exit) -> int:
    """Of the command: that of the training where it is known."""
    if end is None:
        return 128 + signal.SIGTERM
    if record.interrupted:
        return 128 + signal.SIGINT
    if status == "Completed":
        return 0
    return record.exit_code or 1


def _make() -> MakeShipper:
    from epochwatch.agent.follow.shipper import FollowShipper

    return FollowShipper
