"""What the user sees: the training's output as it is, our notices between its lines, and a status line below."""

import contextlib
import errno
import os
import re
import select
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from epochwatch.agent.channel import ChannelEnds

_CHUNK = 1 << 16
_TICK_SECONDS = 0.1
_ERASE = b"\0337\033[0m\033[K\0338"
_SCREEN = re.compile(rb"\033\[\?(?:1049|1047|47)([hl])")


@dataclass(slots=True)
class _Stream:
    ends: ChannelEnds
    log: Path
    target: int
    position: int = 0
    open: bool = True
    """Whether the target still takes output."""
    last: bytes = b"\n"
    file: int = -1

    def next(self) -> bytes:
        """The bytes to show next: of the log, then those that the disk did not take."""
        if self.file < 0:
            try:
                self.file = os.open(self.log, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
        data = os.pread(self.file, _CHUNK, self.position)
        self.position += len(data)
        if not data:
            with contextlib.suppress(OSError):
                data = os.read(self.ends.spare[0], _CHUNK)
        return data


class Display(threading.Thread):
    """Follows the spool's logs and writes them to our standard output and error.

    It may wait for the terminal or the pipe behind us as long as that takes: nobody waits for it but the end of
    ``epochwatch run``. Notices and the status line go to standard error: the line only if that is a terminal, and
    only while the training's cursor stands at the beginning of a line.
    """

    def __init__(
        self,
        directory: Path,
        ends: Sequence[ChannelEnds],
        bell: int,
        *,
        quiet: bool,
        status: Callable[[], str],
        on_bytes: Callable[[], None],
    ) -> None:
        super().__init__(name="display", daemon=True)
        targets = (1, 2) if len(ends) > 1 else (1,)
        pairs = zip(ends, targets, strict=True)
        self._streams = [_Stream(one, directory / one.name, target) for one, target in pairs]
        self._bell = bell
        self._quiet = quiet
        self._status = status
        self._on_bytes = on_bytes
        self._finishing = threading.Event()
        self._notices: list[str] = []
        self._line = not quiet and _is_terminal(2)
        self._drawn = ""
        self._full_screen = False

    def notice(self, text: str) -> None:
        """Shows one line of ours, between two lines of the training."""
        if not self._quiet:
            self._notices.append(text)

    def finish(self) -> None:
        """Shows the rest and ends; for when all output is in the spool."""
        self._finishing.set()

    def run(self) -> None:
        """The thread's work."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        while True:
            finishing = self._finishing.is_set()
            if not finishing and poll.poll(_TICK_SECONDS * 1000):
                with contextlib.suppress(OSError):
                    os.read(self._bell, 4096)
                self._on_bytes()
            moved = False
            for stream in self._streams:
                while self._show(stream):
                    moved = True
            self._say()
            if finishing:
                break
            self._draw(refresh=not moved)
        self._erase()

    def _show(self, stream: _Stream) -> bool:
        data = stream.next()
        if not data:
            return False
        if stream.open:
            if _is_terminal(stream.target):
                self._erase()
                for switch in _SCREEN.findall(data):
                    self._full_screen = switch == b"h"
            stream.open = _write(stream.target, data)
        stream.last = data[-1:]
        return True

    @property
    def _between_lines(self) -> bool:
        shown = [
            stream for stream in self._streams if stream.open and (self._line or stream.target == 2 or _same(1, 2))
        ]
        return not self._full_screen and all(stream.last in (b"\n", b"") for stream in shown)

    def _say(self) -> None:
        if self._notices and (self._between_lines or self._finishing.is_set()):
            self._erase()
            lead = "" if self._between_lines else "\n"
            texts, self._notices = self._notices, []
            _write(2, (lead + "".join(f"epochwatch: {text}\n" for text in texts)).encode())

    def _draw(self, *, refresh: bool) -> None:
        if not self._line or not self._between_lines:
            return
        if self._drawn and not refresh:
            return
        text = self._status()
        with contextlib.suppress(OSError):
            text = text[: max(os.get_terminal_size(2).columns - 1, 10)]
        if text and text != self._drawn:
            _write(2, b"\0337\033[0;2m" + text.encode("utf-8", "replace") + b"\033[K\0338")
            self._drawn = text

    def _erase(self) -> None:
        if self._drawn:
            self._drawn = ""
            _write(2, _ERASE)


def _write(target: int, data: bytes) -> bool:
    """Whether ``target`` took it all; False once it is closed."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:  # somebody made our terminal non-blocking
            select.select([], [target], [])
        except OSError as error:
            if error.errno == errno.EINTR:
                continue
            return False
    return True


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _same(first: int, second: int) -> bool:
    """Whether two descriptors lead to the same place."""
    try:
        one, other = os.fstat(first), os.fstat(second)
    except OSError:
        return False
    return (one.st_dev, one.st_ino, one.st_rdev) == (other.st_dev, other.st_ino, other.st_rdev)


def outputs_are_one() -> bool:
    """Whether our standard output and error are the same file, so that one terminal can stand for both."""
    return _same(
        sys.__stdout__.fileno() if sys.__stdout__ else 1, sys.__stderr__.fileno() if sys.__stderr__ else 2
    )
