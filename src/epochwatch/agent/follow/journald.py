"""What a unit of systemd has in the journal, through ``journalctl``; the cursor of an entry is the place behind it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from epochwatch.agent.follow.file import Taken
from epochwatch.agent.follow.log import Place
from epochwatch.agent.spool import Exit
from epochwatch.errors import EpochwatchError

PREFIX = "journal:"
"""Before a unit's name, among what is followed."""
READ_BYTES = 1 << 18
RESTART_SECONDS = 1.0

# Messages of systemd's own about a unit, by their ids in its catalogue.
_PROCESS_ENDED = "98e322203f7a4ed290d09fe03c09fe15"
_SUCCEEDED = "7ad2d189f7e94e70a38c781354912448"
_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"


class Units:
    """The journals of some units."""

    def __init__(self, units: Sequence[str]) -> None:
        """Raises EpochwatchError where there is no ``journalctl``."""
        if shutil.which("journalctl") is None:
            raise EpochwatchError("there is no journalctl here", "the journal belongs to systemd")
        self._targets = [PREFIX + unit for unit in dict.fromkeys(units)]

    def targets(self) -> list[str]:
        """``journal:`` and the unit, for each."""
        return self._targets


class JournalSource:
    """Follows ``unit``. ``since`` is where to begin, as ``journalctl --since`` takes it."""

    def __init__(
        self,
        unit: str,
        since: str | None,
        place: Place | None,
        on_notice: Callable[[str], None],
        *,
        follow: bool = True,
    ) -> None:
        self.unit = unit
        self.name = f"journal of {unit}"
        self.ended: Exit | None = None
        """How the unit ended, once systemd has said so."""
        self._since = since
        self._cursor: str | None = place["cursor"] if place else None
        self._code: int | None = place["code"] if place else None
        self._on_notice = on_notice
        self._follow = follow
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._started = -RESTART_SECONDS
        self.complete = False
        """Whether all was read that the journal had, where it is not followed."""

    def read(self, *, last: bool = False) -> Taken | None:
        """The next entries; None when there are none now."""
        if self._process is None and not self._start():
            return None
        assert self._process is not None
        assert self._process.stdout is not None
        data = None
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._process.stdout.fileno(), READ_BYTES)
        if data:
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            return self._taken(lines)
        if data == b"":
            self._ended()
        return None

    def close(self) -> None:
        """Ends ``journalctl``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            self._process = None
        self._rest = b""

    def _start(self) -> bool:
        if self.complete or time.monotonic() - self._started < RESTART_SECONDS:
            return False
        self._started = time.monotonic()
        command = ["journalctl", "--quiet", "--no-pager", "--all", "--output=json", f"--unit={self.unit}"]
        command += ["--follow", "--no-tail"] if self._follow else []
        if self._cursor is not None:
            command.append(f"--after-cursor={self._cursor}")
        elif self._since is not None:
            command.append(f"--since={self._since}")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._on_notice(f"cannot run journalctl: {error.strerror}")
            return False
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        return True

    def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip()
        code = self._process.wait()
        self.close()
        if said or code:
            self._on_notice(f"journalctl: {said.splitlines()[0] if said else f'exit status {code}'}")
        self.complete = not self._follow and not code

    def _taken(self, lines: list[bytes]) -> Taken | None:
        out, times = bytearray(), []
        for line in lines:
            entry = _entry(line)
            if entry is None:
                continue
            self._cursor = entry["__CURSOR"]
            now = int(entry.get("__REALTIME_TIMESTAMP", time.time_ns() // 1000))
            self._note_end(entry, now)
            out += _text(entry.get("MESSAGE")) + b"\n"
            times.append((len(out), now))
        if not out:
            return None
        return Taken(bytes(out), times, {"cursor": self._cursor, "code": self._code})

    def _note_end(self, entry: dict[str, Any], now: int) -> None:
        """systemd's own words about the unit: how its process ended, and what became of the unit."""
        if entry.get("_PID") != "1" and entry.get("_COMM") != "systemd":
            return
        message = entry.get("MESSAGE_ID")
        if message == _PROCESS_ENDED:
            self._code = _exit_code(entry.get("EXIT_CODE", ""), entry.get("EXIT_STATUS", ""))
        elif message == _SUCCEEDED:
            self.ended = Exit(now / 1e6, 0 if self._code is None else self._code, status="Completed")
        elif message == _FAILED:
            result = entry.get("UNIT_RESULT", "failed")
            code = "" if self._code is None else f", ExitCode {self._code}"
            self.ended = Exit(now / 1e6, self._code, status="Failed", reason=f"{self.unit}: {result}{code}")


def last_start(unit: str) -> str | None:
    """When systemd last started the unit, for ``since``; None where that is not known."""
    command = ["systemctl", "show", "--property=ExecMainStartTimestamp", "--value", "--timestamp=unix", unit]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip() or None
    return None


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("__CURSOR"), str) else None


def _text(message: object) -> bytes:
    """A message as JSON has it: text, a list of bytes where it is no UTF-8, a list of several, or null."""
    if isinstance(message, str):
        return message.encode("utf-8", "replace")
    if isinstance(message, list):
        if all(isinstance(part, int) for part in message):
            return bytes(message)
        return b"\n".join(_text(part) for part in message)
    return b""


def _exit_code(how: str, status: str) -> int | None:
    if how == "exited":
        return int(status) if status.isdecimal() else None
    number = status if status.isdecimal() else getattr(signal, f"SIG{status}", None)
    return None if number is None else 128 + int(number)
