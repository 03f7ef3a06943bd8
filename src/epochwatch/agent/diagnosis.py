"""The diagnosis of a run: a process of its own beside the training, which follows the tensors that this saves.

``python -m epochwatch.agent.diagnosis SPOOL`` keeps what it finds in the spool's ``diagnosis.json``, from where it is
sent with the run. It inherits ``diagnosis.lock`` from the recorder. When the training has ended nobody waits for it: it
reads on for a while, and sends its last word itself. Whatever ends it costs only the diagnosis.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from epochwatch.agent.spool import Spool
from epochwatch.debugger.places import open_place
from epochwatch.debugger.smdebug.layout import has_begun
from epochwatch.model.diagnosis import LONGEST_AFTERWARDS_SECONDS, Diagnosis, of_json

if TYPE_CHECKING:
    from epochwatch.debugger.rules.diagnosis import Diagnoser

LOOK_SECONDS: Final = 1.0
"""Between two looks at whether tensors have come, and at whether the run goes on."""
NEWS_SECONDS: Final = 1.0
"""The least time between two words of something new."""
STEPS_SECONDS: Final = 10.0
"""... and between two that only say how far it has come."""
LINGER_SECONDS: Final = 15.0
"""How long S3 is looked at after the training's end, where others may still copy to it, unless it has its end."""
OUTAGE_SECONDS: Final = 5.0
"""Before S3 that does not answer is looked at again."""
SEND_SECONDS: Final = 10.0
"""For the last word, where the time is over."""
SHARE_OF_MEMORY: Final = 0.125
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class DiagnosisReader:
    """What is new of a run's diagnosis, for those who tell others of it."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._followed = bool(spool.run().trial)
        self._read: Diagnosis | None = None
        self._told: Diagnosis | None = None
        self._written = 0

    def latest(self) -> Diagnosis | None:
        """What is known now; None where nothing was told. Of a process that was killed it says so."""
        diagnosis = self._spool.diagnosis() if self._followed else None
        if diagnosis is None or diagnosis.ended or self._is_going_on():
            return diagnosis
        diagnosis = self._spool.diagnosis() or diagnosis  # ended between the two looks
        return diagnosis if diagnosis.ended else replace(diagnosis, ended=True, failure="its process was killed")

    def news(self) -> Diagnosis | None:
        """What is known now; None where that was told."""
        self._written = self._written_at()
        self._read = self.latest()
        return None if self._read == self._told else self._read

    def sent(self) -> None:
        """What ``news`` gave last was told."""
        self._told = self._read

    def changed(self) -> bool:
        """Whether something was written since ``news`` was asked for."""
        return self._written_at() != self._written

    def await_end(self) -> None:
        """Return when it has ended; it is given up when it should have ended long ago."""
        deadline = time.monotonic() + LONGEST_AFTERWARDS_SECONDS + LOOK_SECONDS
        while self._followed and self._is_going_on() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _written_at(self) -> int:
        if self._followed:
            with suppress(FileNotFoundError):
                return (self._spool.path / "diagnosis.json").stat().st_mtime_ns
        return 0

    def _is_going_on(self) -> bool:
        with self._spool.lock("diagnosis") as lock:
            return not lock.take(wait=False)


class Report:
    """What was found, as the spool has it. Written by one thread, ended by whichever comes first."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._told = Diagnosis()
        self._written = 0.0
        self._news = self._ended = False
        self._lock = threading.Lock()
        self.begun = False
        """Whether anything was told."""

    def begin(self) -> None:
        """There is something to be looked at."""
        self._write()

    def see(self, diagnoser: "Diagnoser", *, news: bool) -> None:
        """Tell how it stands: soon where there is something new."""
        self._news = self._news or news
        if time.monotonic() - self._written > (NEWS_SECONDS if self._news else STEPS_SECONDS):
            self._take(diagnoser)
            self._write()

    def end(self, diagnoser: "Diagnoser") -> None:
        """All was seen."""
        self._take(diagnoser)
        self._write(ended=True)

    def fail(self, reason: str) -> bool:
        """No more is seen. Whether that is new."""
        return self._write(ended=True, failure=reason)

    def _take(self, diagnoser: "Diagnoser") -> None:
        self._told = of_json(diagnoser.diagnosis().to_json())

    def _write(self, *, ended: bool = False, failure: str = "") -> bool:
        """False where it has ended."""
        with self._lock:
            if self._ended:
                return False
            self._spool.write_diagnosis(replace(self._told, ended=ended, failure=failure))
            self._ended, self.begun = ended, True
        self._written, self._news = time.monotonic(), False
        return True


class FollowedRun:
    """The run whose tensors are followed."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.trial = spool.run().trial
        self._over_at = 0.0
        """Monotonic seconds; 0 while it goes on."""

    def over_for(self) -> float:
        """Seconds since its end was seen; 0 while it goes on."""
        if not self._over_at and (self._spool.exit() is not None or not self._spool.being_recorded()):
            self._over_at = time.monotonic()
        return time.monotonic() - self._over_at if self._over_at else 0.0

    def may_save_more(self) -> bool:
        """Whether more tensors may come."""
        return self.over_for() <= (LINGER_SECONDS if self.trial.startswith("s3://") else 0.0)

    def wait_for_tensors(self) -> bool:
        """Whether any were saved before the end."""
        place = open_place(self.trial)
        while True:
            more = self.may_save_more()
            if has_begun(place):
                return True
            if not more:
                return False
            time.sleep(LOOK_SECONDS)

    def outages(self) -> tuple[type[Exception], ...]:
        """What is raised where the tensors cannot be reached for a while."""
        if not self.trial.startswith("s3://"):
            return ()
        from obstore.exceptions import BaseError

        return (BaseError,)


def diagnose(spool: Spool) -> None:
    """Follow the run's tensors to their end; from their beginning where S3 was away for long."""
    run, report = FollowedRun(spool), Report(spool)
    threading.Thread(target=_end_in_time, args=(spool, run, report), name="limit", daemon=True).start()
    try:
        while True:
            try:
                if run.wait_for_tensors():
                    report.begin()
                    _follow(run, report)
                return
            except run.outages():
                time.sleep(OUTAGE_SECONDS)
    except MemoryError:
        report.fail("its memory was not enough for the tensors")
    except ImportError as error:
        report.fail(f"{error}: pip install 'epochwatch[debugger]'")
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the tensors is no fault of the training
        report.fail(f"{type(error).__name__}: {error}")


def tell_end(spool: Spool) -> None:
    """Send the last word where all else was delivered before; whoever still ships the run sends it with the rest."""
    from epochwatch.agent.shipper import Shipper
    from epochwatch.settings import load

    with spool.lock("shipper") as lock:
        lock.take(wait=True)
        if spool.state().finished:
            Shipper(spool, load(), give_up=lambda: True).ship_diagnosis()


def _follow(run: FollowedRun, report: Report) -> None:
    import pyarrow as pa

    from epochwatch.debugger.create import create_trial
    from epochwatch.debugger.rules.diagnosis import Diagnoser
    from epochwatch.debugger.rules.follow import follow

    pa.set_cpu_count(1)
    diagnoser = Diagnoser()

    def idle(now: float) -> None:
        report.see(diagnoser, news=bool(diagnoser.idle(now)))

    for step in follow(create_trial(run.trial), live=run.may_save_more, idle=idle):
        report.see(diagnoser, news=bool(diagnoser.see(step)))
    diagnoser.end()
    report.end(diagnoser)


def _end_in_time(spool: Spool, run: FollowedRun, report: Report) -> None:
    """A place that does not answer, or more tensors than can be read in time, must not outlive the training by much."""
    while run.over_for() < LONGEST_AFTERWARDS_SECONDS:
        time.sleep(LOOK_SECONDS)
    late = f"not all was looked at within {LONGEST_AFTERWARDS_SECONDS:g} s after the training's end"
    if report.begun and report.fail(late):
        sending = threading.Thread(target=tell_end, args=(spool,), daemon=True)
        sending.start()
        sending.join(SEND_SECONDS)
    os._exit(1)


def main(arguments: list[str]) -> None:
    """The process."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    from epochwatch.debugger.rules.limits import keep_within_limits

    keep_within_limits(SHARE_OF_MEMORY)
    spool = Spool(Path(arguments[0]))
    diagnose(spool)
    if spool.diagnosis() is not None:
        tell_end(spool)


if __name__ == "__main__":
    main(sys.argv[1:])
