"""The shipper: reads a run's spool and sends it to the server until the server has all of it.

One shipper at a time (it holds ``shipper.lock``): a thread of ``epochwatch run``, a headless process
(``python -m epochwatch.agent.headless SPOOL``) or ``epochwatch sync``.
"""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from epochwatch.agent.clock import ServerClock
from epochwatch.agent.delivery import Answer, Delivery, GivenUp, Refused
from epochwatch.agent.diagnosis import DiagnosisReader
from epochwatch.agent.failure import LastLines
from epochwatch.agent.host.minutes import MinuteReader
from epochwatch.agent.host.sampling import write_wanted
from epochwatch.agent.profile import ProfileFiles
from epochwatch.agent.readers import JournalFileReader, OutputReader, Piece, Reader, SampleReader
from epochwatch.agent.spool import Exit, Spool
from epochwatch.agent.tally import Tally
from epochwatch.model.batch import (
    Batch,
    Committed,
    Definition,
    DefinitionHealth,
    Heard,
    Progress,
    Registered,
)
from epochwatch.model.health import merged
from epochwatch.model.host_rows import HostMinute
from epochwatch.model.profile_file import ProfileFile
from epochwatch.settings import Settings

TICK_SECONDS = 0.1
HEARTBEAT_SECONDS = 10.0
SAVE_SECONDS = 2.0
SAMPLER_GRACE_SECONDS = 2.0


class Shipper:
    """Ships one run.

    ``on_notice`` is told, once each, what the user should know. ``on_trouble`` is called between attempts to reach
    the server, may repair it, and tells whether that is under way. ``give_up`` tells, once the training has ended,
    whether to stop waiting for a server that does not answer.
    """

    def __init__(
        self,
        spool: Spool,
        settings: Settings,
        *,
        on_notice: Callable[[str], None] = lambda _: None,
        on_trouble: Callable[[], bool] = lambda: False,
        give_up: Callable[[], bool] = lambda: False,
        on_registered: Callable[[Registered], None] = lambda _: None,
    ) -> None:
        self.tally = Tally()
        self.wake = threading.Event()
        """Set when there is something new."""
        self.registered: Registered | None = None
        self.sent_lines = 0
        self.sent_values = 0
        self.delivered = False
        """Whether the server has everything, the end included."""
        self._spool = spool
        self._run = spool.run()
        self._state = spool.state()
        self._on_notice = on_notice
        self._on_trouble = on_trouble
        self._give_up = give_up
        self._on_registered = on_registered
        self._said: set[str] = set()
        self._delivery = Delivery(settings, self._pause)
        self._clock = ServerClock()
        self._outputs = self._open_outputs()
        self._others: dict[str, Reader] = {}
        self._minutes: MinuteReader | None = MinuteReader(spool.run_id, spool.path, self._state.acknowledged)
        self._diagnosis = DiagnosisReader(spool)
        self._profile: ProfileFiles | None = ProfileFiles(spool.run_id, spool.path, self._state.acknowledged)
        self._ahead: list[Reader] = []
        self._beat = self._saved = 0.0
        self._last_lines = LastLines()
        self._over: Exit | None = None
        self._lost = False
        self._pending = False  # something was read that the server does not have

    @property
    def last_answer(self) -> float:
        """Monotonic seconds of the server's last answer, 0 before the first."""
        return self._delivery.last_answer

    @property
    def finished(self) -> bool:
        """Whether nothing is left to send, since before this shipper."""
        return self._state.finished

    def ship(self) -> None:
        """Returns when all is delivered, refused for good, or given up (then the spool keeps the rest)."""
        try:
            if not self._state.finished and not self._state.refused:
                self._register()
                self._stream()
        except GivenUp:
            self._read_on(last=True)
        except Refused as refusal:
            self._park(str(refusal))
        finally:
            self._save()
            for reader in self._outputs:
                reader.close()

    def ship_diagnosis(self) -> None:
        """Send what was found in the tensors after all else was delivered, where the server answers."""
        with suppress(GivenUp, Refused):
            self._is_over()
            self._report(*self._ending())
        for reader in self._outputs:
            reader.close()

    def health(self) -> list[DefinitionHealth]:
        """How the definitions fared, as far as the output was read; outputs are added up."""
        return merged([reader.health() for reader in self._furthest()])

    def definitions(self) -> list[Definition]:
        """All definitions in force, learnt ones included."""
        found = {one: None for reader in self._furthest() for one in reader.extractor.definitions()}
        return list(found)

    # -- the way of a value -------------------------------------------------------------------------------

    def _register(self) -> None:
        answer = self._delivery.post("/_/agent/registrations", self._run.registration, Registered)
        self.registered = answer
        if (answer.name, answer.console_url) != (self._run.assigned, self._run.console_url):
            self._run.assigned, self._run.console_url = answer.name, answer.console_url
            self._spool.write_run(self._run)
        self._on_registered(answer)

    def _stream(self) -> None:
        while True:
            self.wake.clear()
            over = self._is_over()
            pieces = self._collect(last=over)
            if pieces:
                self._send(pieces)
            elif self._send_minute(last=over) or self._send_profile(last=over):
                pass
            elif over:
                self._report_end()
                return
            else:
                self._save_now_and_then()
                self.wake.wait(TICK_SECONDS)
            if time.monotonic() - self._beat > HEARTBEAT_SECONDS or self._diagnosis.changed():
                self._report("InProgress")

    def _is_over(self) -> bool:
        """Whether nothing more will be written to the spool."""
        if self._over is not None or self._lost:
            return True
        self._over = self._spool.exit()
        if self._over is None:
            if self._spool.being_recorded():
                return False
            self._over = self._spool.exit()  # written between the two looks
            self._lost = self._over is None
        self._await_sampler()
        return True

    def _await_sampler(self) -> None:
        deadline = time.monotonic() + SAMPLER_GRACE_SECONDS
        with self._spool.lock("samples") as lock:
            while not lock.take(wait=False) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _readers(self) -> list[Reader]:
        for path in self._spool.journals:
            if path.name not in self._others:
                start = self._state.acknowledged.get(path.name, 0)
                self._others[path.name] = JournalFileReader(self._spool, path.name, start)
        if "samples.bin" not in self._others:
            start = self._state.acknowledged.get("samples.bin", 0)
            self._others["samples.bin"] = SampleReader(self._spool, position=start)
        readers: list[Reader] = [*self._outputs, *self._others.values()]
        return readers

    def _collect(self, *, last: bool) -> list[Piece]:
        """At most one piece of each file."""
        pieces = [piece for reader in self._readers() if (piece := reader.read(last=last)) is not None]
        self._pending = bool(pieces)
        for piece in pieces:
            self.tally.add(piece)
            if piece.log_events is not None:
                self._last_lines.add(piece.file, piece.log_events.messages)
        return pieces

    def _send(self, pieces: list[Piece]) -> None:
        def batch() -> Batch:
            return Batch(
                self._run.run_id,
                [piece.log_events for piece in pieces if piece.log_events is not None],
                [piece.run_points for piece in pieces if piece.run_points is not None],
                [piece.samples for piece in pieces if piece.samples is not None],
                resend=self._delivery.uncertain,
            )

        if any(piece.rows for piece in pieces):
            self._post("/_/agent/batches", batch, Committed)
            self._delivery.uncertain = False
        self._ahead = []
        self._pending = False
        for piece in pieces:
            self._state.acknowledged[piece.file] = piece.end
            self.sent_lines += len(piece.log_events.messages) if piece.log_events else 0
            self.sent_values += len(piece.run_points.values) // 8 if piece.run_points else 0
        self._save_now_and_then()

    def _send_minute(self, *, last: bool) -> bool:
        """Whether there was a minute of host samples to send. A server that takes none still gets the rest."""
        minute = self._minutes.next(last=last) if self._minutes is not None else None
        if minute is None or self._minutes is None:
            return False
        try:
            self._post("/_/agent/host-minutes", lambda: minute, dict[str, object])
        except Refused as refusal:
            self._say(f"the server does not take host samples ({refusal}); they stay in {self._spool.path}")
            self._minutes = None
            return False
        self._minutes.acknowledge()
        self._save_now_and_then()
        return True

    def _send_profile(self, *, last: bool) -> bool:
        """Whether there was a file of the profile to send. A server that takes none still gets the rest."""
        file = self._profile.next(last=last) if self._profile is not None else None
        if file is None or self._profile is None:
            return False
        try:
            self._post("/_/agent/profile-files", lambda: file, dict[str, object])
        except Refused as refusal:
            self._say(f"the server does not take the profile ({refusal}); it stays in {self._spool.path}")
            self._profile = None
            return False
        self._profile.acknowledge()
        self._save_now_and_then()
        return True

    def _post(
        self, path: str, make: Callable[[], Batch | Progress | HostMinute | ProfileFile], kind: type[Answer]
    ) -> Answer:
        try:
            return self._delivery.post(path, make, kind)
        except Refused as refusal:
            if not refusal.unknown_run:
                raise
            self._register()
            return self._delivery.post(path, make, kind)

    # -- what the job's record says -----------------------------------------------------------------------

    def _report_end(self) -> None:
        self._report(*self._ending())
        self._state.finished = self.delivered = True

    def _ending(self) -> tuple[str, str]:
        """The last status, and the reason of a failure."""
        over = self._over
        if over is None:
            return "Failed", "the agent was lost: nobody saw how the training ended"
        if over.exit_code == 0 and not over.interrupted:
            return "Completed", ""
        if over.interrupted or over.exit_code in _INTERRUPTED:
            return "Stopped", ""
        if over.exit_code is None:
            return "Failed", "the exit status was lost with the agents that were killed"
        return "Failed", self._last_lines.reason(over.exit_code, self._run.command)

    def _report(self, status: str, reason: str = "") -> None:
        over = self._over
        now = time.time()
        ended = self._last_seen() if self._lost else now
        notes = self._spool.notes()
        progress = Progress(
            self._run.run_id,
            status,
            over.ended if over is not None else ended,
            exit_code=over.exit_code if over is not None else None,
            failure_reason=reason,
            definitions=self.definitions(),
            health=self.health(),
            config=self._run.config | notes.config,
            summary=notes.summary,
            tags=self._run.tags | notes.tags,
            clock=self._clock.offset,
            diagnosis=self._diagnosis.news(),
        )
        heard = self._post("/_/agent/progress", lambda: progress, Heard)
        self._beat = time.monotonic()
        self._clock.answered(self._delivery.span, (heard.received, heard.answered))
        self._diagnosis.sent()
        if heard.sampling is not None:
            with suppress(OSError):  # the disk is full: the next answer says it again
                write_wanted(self._spool.path, heard.sampling)

    def _last_seen(self) -> float:
        """When a lost run last wrote anything."""
        return max(path.stat().st_mtime for path in self._spool.path.glob("*.*") if path.suffix in _GROWING)

    # -- when the server does not answer ------------------------------------------------------------------

    def _pause(self, seconds: float, reason: str) -> bool:
        """Between two attempts; whether to give up."""
        if not self._on_trouble():
            self._say(f"the server does not answer ({reason}); everything is kept and sent later")
        self._read_on(last=False)
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            if self._is_over() and self._give_up():
                return True
            self.wake.clear()
            if self.wake.wait(min(rest, TICK_SECONDS)):
                self._read_on(last=False)
                time.sleep(0.02)
        return False

    def _read_on(self, *, last: bool) -> None:
        """Goes on counting for the summary while nothing can be sent; what is read here is read again to be sent."""
        if not self._ahead:
            self._ahead = [reader.clone() for reader in self._readers()]
        known = {reader.file for reader in self._ahead}
        self._ahead += [reader.clone() for reader in self._readers() if reader.file not in known]
        for reader in self._ahead:
            while (piece := reader.read(last=last)) is not None:
                self.tally.add(piece)
                if not last:
                    break

    def _furthest(self) -> list[OutputReader]:
        ahead = [reader for reader in self._ahead if isinstance(reader, OutputReader)]
        return ahead or self._outputs

    def _park(self, reason: str) -> None:
        self._state.refused = reason
        self._say(f"the server refuses this run: {reason}; the rest stays in {self._spool.path}")
        self._read_on(last=self._is_over())

    def _say(self, text: str) -> None:
        kind = text.split("(", maxsplit=1)[0]
        if kind not in self._said:
            self._said.add(kind)
            self._on_notice(text)

    # -- the saved state ----------------------------------------------------------------------------------

    def _open_outputs(self) -> list[OutputReader]:
        readers = []
        for file in self._run.outputs:
            reader = OutputReader(self._spool, file, self._run.definitions, automatic=self._run.auto)
            state = self._state.extraction.get(file)
            if state is not None:
                reader.resume(state)
            readers.append(reader)
        return readers

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        """Extraction is saved only where the server has all that was read: elsewhere the older state stands."""
        self._saved = time.monotonic()
        if not self._pending:
            for reader in self._outputs:
                self._state.extraction[reader.file] = reader.state()
        try:
            self._spool.write_state(self._state)
        except OSError as error:
            self._say(f"cannot save how far the server has this run ({error.strerror}); it will be sent again")


_INTERRUPTED = tuple(128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM))
_GROWING = (".idx", ".ewj", ".bin", ".json")
