"""Runs patterns that may take for ever, so that nothing else does."""

import contextlib
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any, cast

import msgspec

from epochwatch.extraction.pattern import Capture, Pattern
from epochwatch.extraction.worker import HEADER, write_frame

STRIKES = 3
"""A pattern that exhausts its budget this often is disabled for the rest of the run."""
ALLOWANCE = (1.0, 0.001)
"""CPU seconds that a pattern may use in all: this many, and this many more for each text it is tried on."""
LONGEST_TEXT = 8192
"""Bytes of a line that such a pattern gets to see."""

_KNOWN = 8  # texts after which it is known how slow a pattern is
_START = 60.0  # seconds that a busy machine may take to start the worker
_REQUEST = 32768  # bytes: both pipes hold so much without a reader, so that neither side waits for the other


@dataclass(slots=True)
class Account:
    """What one pattern has cost."""

    strikes: int = 0
    """Texts on which it ran out of budget."""
    texts: int = 0
    seconds: float = 0.0

    def disabled(self, allowance: tuple[float, float]) -> str:
        """Why the pattern is run no more; empty while it is."""
        if self.strikes >= STRIKES:
            return f"{STRIKES} lines took longer than its budget"
        if self.seconds > allowance[0] + allowance[1] * self.texts:
            return f"took {self.seconds:.1f} s for {self.texts} lines"
        return ""


class Worker:
    """The process in which guarded patterns run, started when first needed. Any number of guards may share it, from
    any number of threads: it serves one after another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self.process: subprocess.Popen[bytes] | None = None
        """None before it is needed."""

    def ask(
        self, pattern: Pattern, texts: list[bytes], limit: int, budget: float, patience: float
    ) -> list[tuple[bytes, Any]]:
        """(text, (CPU seconds, matches)) up to the first text that ran out (None), which ends the request."""
        with self._lock:
            return self._ask(pattern, _at_most(texts, _REQUEST), limit, budget, patience)

    def close(self) -> None:
        """Ends the process; it is started anew when it is needed again."""
        with self._lock:
            self._end()

    def _ask(
        self, pattern: Pattern, texts: list[bytes], limit: int, budget: float, patience: float
    ) -> list[tuple[bytes, Any]]:
        answers: list[tuple[bytes, Any]] = []
        try:
            process = self._started()
            write_frame(
                cast("IO[bytes]", process.stdin),  # type: ignore[arg-type]
                [pattern.source, pattern.wide, limit, budget, texts],
            )
            for text in texts:
                answer = self._answer(cast("IO[bytes]", process.stdout), patience)
                answers.append((text, answer))
                if answer[1] is None:
                    break
        except (TimeoutError, EOFError, OSError):
            self._end()
            answers.append((texts[len(answers)], (min(budget, patience), None)))
        return answers

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        self._buffer.clear()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self.process is None or self.process.poll() is not None:
            self._end()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "epochwatch.extraction.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
            # Its start is no part of any text's time.
            self._answer(cast("IO[bytes]", self.process.stdout), _START)
        return self.process

    def _answer(self, stream: IO[bytes], patience: float) -> Any:
        deadline = time.monotonic() + patience
        while True:
            if len(self._buffer) >= HEADER.size:
                (length,) = struct.unpack_from("<I", self._buffer)
                if len(self._buffer) >= HEADER.size + length:
                    body = bytes(self._buffer[HEADER.size : HEADER.size + length])
                    del self._buffer[: HEADER.size + length]
                    return msgspec.msgpack.decode(body)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise TimeoutError
            data = os.read(stream.fileno(), 65536)
            if not data:
                raise EOFError
            self._buffer += data


@dataclass(slots=True)
class Guard:
    """What the patterns of one extractor may cost, and have cost.

    Each text has ``budget`` seconds of the worker's CPU time. A worker that does not answer within ``patience``
    seconds of wall time for one text is killed and started anew. A text that runs out costs its pattern a
    strike; after three, or when it is slow on the whole (``allowance``), the pattern is disabled. CPU time is nearly
    but not wholly repeatable: these patterns are the only part of extraction whose values may differ when the same
    bytes are read again, and only on texts at the very edge of the budget.
    """

    budget: float = 0.1
    patience: float = 10.0
    allowance: tuple[float, float] = ALLOWANCE
    shared: Worker | None = None
    """A worker that others use too; else the guard has its own."""
    accounts: dict[int, Account] = field(default_factory=dict)
    """By the pattern's number."""
    _worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self._worker = self.shared or Worker()

    def disabled(self, number: int) -> str:
        """Why the pattern of this number is run no more; empty while it is."""
        account = self.accounts.get(number)
        return "" if account is None else account.disabled(self.allowance)

    def captures(self, number: int, pattern: Pattern, texts: Sequence[bytes], limit: int) -> list[list[Capture]]:
        """For each text the first ``limit`` (0: all) matches; none for texts that ran out of budget."""
        seen = [pattern.seen(text)[:LONGEST_TEXT] for text in texts]
        if pattern.wide:
            seen = [text.decode("utf-8", "ignore").encode() for text in seen]
        found: list[list[Capture]] = []
        account = self.accounts.setdefault(number, Account())
        while len(found) < len(seen) and not account.disabled(self.allowance):
            rest = seen[len(found) : len(found) + self._affordable(account)]
            for text, (seconds, spans) in self._worker.ask(pattern, rest, limit, self.budget, self.patience):
                account.texts += 1
                account.seconds += seconds
                account.strikes += spans is None
                found.append([pattern.groups.capture(text, match) for match in spans or ()])
        found.extend([] for _ in range(len(seen) - len(found)))
        return found

    def _affordable(self, account: Account) -> int:
        """How many texts may be asked for at once: by what the pattern has cost, they stay within the allowance."""
        pace = 4 * account.seconds / account.texts if account.texts >= _KNOWN else self.budget
        left = self.allowance[0] + self.allowance[1] * account.texts - account.seconds
        return max(1, int(left / max(pace, 1e-4)))

    def close(self) -> None:
        """Ends the guard's own worker."""
        if self.shared is None:
            self._worker.close()


def _at_most(texts: list[bytes], size: int) -> list[bytes]:
    """The first texts that together hold at most ``size`` bytes; at least one."""
    taken = 0
    for count, text in enumerate(texts):
        taken += len(text) + 8
        if taken > size and count:
            return texts[:count]
    return texts
