"""Recording a run: draining the training's output and noting how it ended, whoever is killed meanwhile.

Three processes hold all descriptors of a run. One *records* (it holds ``run.lock``), the others stand by: one (in the
slot ``standby``) ships and usually displays too, one (``spare``) only waits. Each waits for the others' locks. When one
that stands by dies, the recorder starts another; when the recorder dies, one of them goes on recording.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from epochwatch.agent.channel import QUIET_LINE_SECONDS, Channel, ChannelEnds
from epochwatch.agent.child import Training
from epochwatch.agent.spool import Exit, Lock, Spool

TICK_SECONDS = 1.0
COALESCE_BELOW = 1 << 15
COALESCE_SECONDS = 0.001
"""After little output the recorder rests this long, so that a printing loop costs few wake-ups."""
QUIET_SECONDS = 0.2
LINGER_SECONDS = 2.0
"""After the training's end its children may hold its outputs open: what they print is recorded until it is quiet
for QUIET_SECONDS, and for at most LINGER_SECONDS."""
RESTART_SECONDS = 1.0
QUICK_RESTARTS = 5


@dataclass(frozen=True, slots=True)
class Handover:
    """All that a process needs to record a run: descriptors and the training's process id."""

    ends: tuple[ChannelEnds, ...]
    bell: tuple[int, int]
    """A pipe: the recorder writes a byte after each chunk, the display reads them."""
    pid: int
    pidfd: int | None

    @property
    def descriptors(self) -> list[int]:
        """Descriptors that a successor must inherit."""
        own = [*self.bell] + ([] if self.pidfd is None else [self.pidfd])
        return own + [fd for ends in self.ends for fd in ends.descriptors]

    def to_json(self) -> str:
        """For a successor's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Handover":
        """The reverse of ``to_json``."""
        fields: dict[str, Any] = json.loads(text)
        ends = tuple(
            ChannelEnds(one["name"], one["source"], tuple(one["transit"]), tuple(one["spare"]))
            for one in fields["ends"]
        )
        read, write = fields["bell"]
        return cls(ends, (read, write), fields["pid"], fields["pidfd"])


class Recorder:
    """Drains a run's outputs until the training ends. Made by the holder of ``run.lock`` only."""

    def __init__(self, spool: Spool, handover: Handover) -> None:
        self._spool = spool
        self._handover = handover
        self._training = Training(handover.pid, handover.pidfd)
        self._channels = [Channel(ends, spool.path) for ends in handover.ends]
        self._poll = select.poll()
        for ends in handover.ends:
            self._poll.register(ends.source, select.POLLIN)
        if self._training.pidfd is not None:
            self._poll.register(self._training.pidfd, select.POLLIN)
        self._wait_seconds = TICK_SECONDS if self._training.pidfd is not None else 0.1

    def record(self) -> Exit:
        """Returns when the training has ended and all it printed is in the spool; the exit record is written."""
        self._ring()  # a predecessor may have died before it did
        while True:
            unsettled = [channel for channel in self._channels if channel.mark_quiet()]
            patience = QUIET_LINE_SECONDS if unsettled else TICK_SECONDS
            self._poll.poll(1000 * min(patience, self._wait_seconds))
            moved = self._pump()
            over, code = self._training.ended()
            if over:
                break
            if moved < COALESCE_BELOW:
                time.sleep(COALESCE_SECONDS)
        ended = time.time()
        self._drain_rest()
        lost = sum(channel.lost for channel in self._channels)
        record = Exit(ended, code, self._spool.stop_requested, lost)
        with contextlib.suppress(OSError):
            self._spool.write_exit(record)
        self._training.collect()
        self._ring()
        return record

    def _pump(self) -> int:
        moved = 0
        for channel in self._channels:
            if channel.ended:
                continue
            count, ended = channel.pump()
            moved += count
            if ended:
                self._poll.unregister(channel.ends.source)
        if moved:
            self._ring()
        return moved

    def _drain_rest(self) -> None:
        if self._training.pidfd is not None:
            self._poll.unregister(self._training.pidfd)
        begin = quiet_since = time.monotonic()
        while not all(channel.ended for channel in self._channels):
            now = time.monotonic()
            if self._pump():
                quiet_since = now
            elif now - quiet_since > QUIET_SECONDS:
                return
            if now - begin > LINGER_SECONDS:
                return
            self._poll.poll(QUIET_SECONDS * 250)

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._handover.bell[1], b"\1")


class Companions:
    """The processes beside the recorder: those that stand by and the host sampler, which it keeps alive, and the one
    that diagnoses the training.
    """

    def __init__(self, spool: Spool, handover: Handover, before: Callable[[], None] | None = None) -> None:
        self._spool = spool
        self._handover = handover
        self._before = before
        self._failed_starts = 0
        self._stopping = threading.Event()

    def start(self, *, vacant: str) -> None:
        """Starts the sampler, what diagnoses the training if that is wanted, and a process in the slot ``vacant``, and
        watches over all of them.

        ``before`` is called once, when the first holder of the slot ``standby`` was found dead.
        """
        first = self._spawn(vacant)
        for slot in SLOTS:
            process = first if slot == vacant else None
            threading.Thread(target=self._watch, args=(slot, process), name=slot, daemon=True).start()
        threading.Thread(target=self._watch_sampler, name="sampler", daemon=True).start()
        diagnosis = self._start_diagnosis()
        if diagnosis is not None:
            threading.Thread(target=diagnosis.wait, name="diagnosis", daemon=True).start()

    def stop(self) -> None:
        """None is started again from now on; all end by themselves when they see the exit record."""
        self._stopping.set()

    def _watch_sampler(self) -> None:
        command = [sys.executable, "-m", "epochwatch.agent.sampler", str(self._spool.path), here() or "/"]
        command.append(str(self._handover.pid))
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                subprocess.Popen(command, **_DETACHED).wait()  # it waits itself while another one samples
            self._stopping.wait(RESTART_SECONDS)

    def _start_diagnosis(self) -> "subprocess.Popen[bytes] | None":
        """None where none is wanted or one was started: what ended that, memory or a tensor, would end the next."""
        command = [sys.executable, "-m", "epochwatch.agent.diagnosis", str(self._spool.path)]
        with contextlib.suppress(OSError, ValueError):  # whatever is wrong, the run is recorded
            if not self._spool.run().trial or self._spool.diagnosis() is not None:
                return None
            with self._spool.lock("diagnosis") as lock:
                if lock.take(wait=False):
                    return subprocess.Popen(command, pass_fds=[lock.fileno()], **_DETACHED)
        return None

    def _watch(self, slot: str, process: "subprocess.Popen[bytes] | None") -> None:
        with self._spool.lock(slot) as lock:
            if process is not None:
                self._await(lock, process)
            while not self._stopping.is_set():
                lock.take(wait=True)
                if self._stopping.is_set():
                    return
                process = self._spawn(slot)
                if slot == "standby" and self._before is not None:
                    self._before()
                    self._before = None
                lock.release()
                self._await(lock, process)

    def _await(self, lock: Lock, process: "subprocess.Popen[bytes] | None") -> None:
        """Until the new holder of the slot has its lock, or is dead."""
        while not self._stopping.is_set():
            time.sleep(0.01)
            if not lock.take(wait=False):
                self._failed_starts = 0
                return
            lock.release()
            if process is None or process.poll() is not None:
                self._failed_starts += 1
                # One that was killed is replaced at once; one that cannot start is not tried in a loop.
                if self._failed_starts > QUICK_RESTARTS:
                    self._stopping.wait(RESTART_SECONDS)
                return

    def _spawn(self, slot: str) -> "subprocess.Popen[bytes] | None":
        command = [sys.executable, "-m", "epochwatch.agent.standby", str(self._spool.path)]
        command += [self._handover.to_json(), slot]
        try:
            return subprocess.Popen(command, pass_fds=self._handover.descriptors, **_DETACHED)
        except OSError:  # out of memory or processes: the next round tries again
            return None


SLOTS = ("standby", "spare")
"""Places beside the recorder. Whoever has ``standby`` ships as well; ``spare`` only waits, so that two ready ones are
left while a killed one is being replaced."""
_DETACHED: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
    "start_new_session": True,
}


def here() -> str:
    """The working directory; empty when it has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def stand_by(spool: Spool, handover: Handover, slot: Lock, name: str) -> Exit | None:
    """Waits for the recorder to end; goes on recording if it was killed. Returns the exit record.

    ``slot`` is this process's hold on the lock of the slot ``name``: it is let go of for a successor.
    """
    with spool.lock("run") as lock:
        lock.take(wait=True)
        record = spool.exit()
        if record is not None:
            return record
        slot.close()
        companions = Companions(spool, handover)
        companions.start(vacant=name)
        record = Recorder(spool, handover).record()
        companions.stop()
        return record
