"""Sends what is followed: outputs may be added while it goes on, and it may leave before the training has ended."""

import queue
import threading
import time
from typing import Any

from epochwatch.agent.follow.log import FollowedLog
from epochwatch.agent.readers import OutputReader, Piece, Reader
from epochwatch.agent.shipper import Shipper
from epochwatch.agent.spool import Spool
from epochwatch.settings import Settings

LOOK_SECONDS = 1.0
"""How often the host's samples are looked for while the logs are quiet."""


class FollowShipper(Shipper):
    """Ships a spool that follows others' logs; otherwise as Shipper."""

    def __init__(self, spool: Spool, settings: Settings, **how: Any) -> None:
        self._new: queue.SimpleQueue[FollowedLog] = queue.SimpleQueue()
        self._leaving = threading.Event()
        self._logs: dict[str, FollowedLog] = {}
        """Those that grow in this process: it is known without asking whether there is something new."""
        self._looked = 0.0
        self._saved_at: dict[str, int] = {}
        self.left = False
        """Whether it left, and the server had all there was."""
        super().__init__(spool, settings, **how)

    def add(self, log: FollowedLog) -> None:
        """Ships one more output. Any thread may call."""
        self._new.put(log)
        self.wake.set()

    def leave(self) -> None:
        """Sends what there is and ends; the training goes on, and so does its job."""
        self._leaving.set()
        self.wake.set()

    def _is_over(self) -> bool:
        return self._leaving.is_set() or super()._is_over()

    def _collect(self, *, last: bool) -> list[Piece]:
        """Where another will go on, the last line may still be unfinished. Of many quiet files none is looked at."""
        now = time.monotonic()
        if not last and self._new.empty() and now - self._looked < LOOK_SECONDS and self._all_quiet():
            self._pending = False
            return []
        self._looked = now
        return super()._collect(last=last and not self._leaving.is_set())

    def _report_end(self) -> None:
        over = self._over
        if self._leaving.is_set():
            self._report("InProgress")
            self.left = True
        elif over is not None and over.status:
            self._report(over.status, reason=over.reason)
            self._state.finished = self.delivered = True
        else:
            super()._report_end()

    def _open_outputs(self) -> list[OutputReader]:
        return [self._opened(file) for file in self._spool.follows()]

    def _readers(self) -> list[Reader]:
        """Those that may have something new, of many files that are quiet."""
        while not self._new.empty():
            log = self._new.get()
            self._logs[log.file] = log
            if all(reader.file != log.file for reader in self._outputs):
                self._outputs.append(self._opened(log.file))
        readers = super()._readers()
        if self._over is not None or self._leaving.is_set():
            return readers
        return [reader for reader in readers if not self._is_quiet(reader)]

    def _all_quiet(self) -> bool:
        return len(self._logs) == len(self._outputs) and all(map(self._is_quiet, self._outputs))

    def _is_quiet(self, reader: Reader) -> bool:
        log = self._logs.get(reader.file)
        return log is not None and isinstance(reader, OutputReader) and log.end <= reader.extractor.offset

    def _furthest(self) -> list[OutputReader]:
        ahead = {reader.file: reader for reader in self._ahead if isinstance(reader, OutputReader)}
        return [ahead.get(reader.file, reader) for reader in self._outputs]

    def _save_now_and_then(self) -> None:
        """Nothing is written while nothing comes."""
        if self._saved_at != self._state.acknowledged:
            super()._save_now_and_then()

    def _save(self) -> None:
        self._saved_at = dict(self._state.acknowledged)
        super()._save()

    def _opened(self, file: str) -> OutputReader:
        reader = OutputReader(self._spool, file, self._run.definitions, automatic=self._run.auto)
        state = self._state.extraction.get(file)
        if state is not None:
            reader.resume(state)
        return reader
