"""When following ends by itself, and what became of a training whose exit status nobody tells."""

import os
import re
import time
from collections.abc import Sequence
from typing import Protocol

from epochwatch.agent.child import Training
from epochwatch.agent.spool import Exit
from epochwatch.errors import EpochwatchError

JUDGED_BYTES = 1 << 14
"""So much of a log's end tells how it ended."""
SETTLE_SECONDS = 1.0
"""How long after the end the files are still read: what the training left behind may still write."""


class End(Protocol):
    """Something by which following ends."""

    def reached(self, quiet_seconds: float) -> Exit | None:
        """How it ended; None if it goes on. ``quiet_seconds``: since anything was last read.

        An Exit with neither status nor exit code is judged by the log.
        """


class ProcessEnd:
    """Ends with the process ``pid``."""

    def __init__(self, pid: int, *, resuming: bool) -> None:
        """Raises EpochwatchError if there is no such process, unless it may have ended while nobody followed."""
        self._training: Training | None = None
        try:
            os.kill(pid, 0)
        except ProcessLookupError as error:
            if not resuming:
                hint = "its log can still be read: leave out --pid and say --no-follow"
                raise EpochwatchError(f"there is no process {pid}", hint) from error
            return
        except PermissionError:
            pass  # another user's
        self._training = Training(pid)

    def reached(self, quiet_seconds: float) -> Exit | None:
        """As End.reached."""
        if self._training is None:
            return Exit(time.time())
        over, code = self._training.ended()
        return Exit(time.time(), code) if over else None


class IdleEnd:
    """Ends when nothing was read for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def reached(self, quiet_seconds: float) -> Exit | None:
        """As End.reached. The training ended when it last wrote."""
        return Exit(time.time() - quiet_seconds) if quiet_seconds >= self._seconds else None


def judged(end: Exit, tails: Sequence[bytes]) -> Exit:
    """``end`` with a status: by the exit code if it is known, else by the ``tails`` of the logs.

    Without an exit code a training has failed if a log ends in an exception or in a signal's or a launcher's words.
    """
    if end.status or end.interrupted or end.exit_code is not None:
        return end
    for tail in tails:
        line = last_words(tail)
        if line is not None:
            return Exit(end.ended, None, status="Failed", reason=f"exit status unknown; the log ends with: {line}")
    return Exit(end.ended, None, status="Completed")


_ERROR_LINE = re.compile(
    r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Killed|OutOfMemory\w*)(?::.*)?"
)
_FATAL = re.compile(
    r"Segmentation fault|Bus error|Illegal instruction|Fatal Python error|oom-kill|^terminate called|"
    r"(?:slurmstepd|srun): error|^\*\*\* (?:JOB|STEP) .* CANCELLED|^(?:.*line \d+:\s+\d+ )?(?:Killed|Aborted)\b"
)
_NEAR = 5
"""So many lines may stand behind the one that tells."""


def last_words(tail: bytes) -> str | None:
    """The line by which a log says that its training died; None if it does not end in one."""
    lines: list[str] = [
        line.rstrip() for line in re.split(r"[\r\n]+", tail.decode("utf-8", "replace")) if line.strip()
    ]
    for line in reversed(lines[-_NEAR:]):
        text = line.strip()
        if _FATAL.search(text):
            return text[:500]
    started = [number for number, line in enumerate(lines) if "Traceback (most recent call last)" in line]
    if not started:
        return None
    errors = [
        number
        for number, line in enumerate(lines)
        if number > started[-1] and _ERROR_LINE.match(line.lstrip("| +-"))
    ]
    if errors and len(lines) - 1 - errors[-1] < _NEAR:
        return lines[errors[-1]].strip()[:500]
    return None
