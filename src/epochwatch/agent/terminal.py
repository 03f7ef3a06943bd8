"""The terminal we were started in, and the one the training gets."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
from typing import Any

_SIZE = struct.Struct("HHHH")
_INPUT, _OUTPUT, _LOCAL = 0, 1, 3
_STDIN_BYTES = 1024


def open_training_terminal(like: int | None) -> tuple[int, int]:
    """Master and slave of a new terminal that passes output through unchanged.

    It takes its size and key settings from the terminal ``like``. Its own flow control is off: Ctrl-S pauses what
    the user sees, never the training.
    """
    master, slave = pty.openpty()
    for end in (master, slave):
        os.set_inheritable(end, False)
    with contextlib.suppress(termios.error):
        settings = termios.tcgetattr(slave if like is None else like)
        settings[_OUTPUT] &= ~termios.OPOST
        settings[_INPUT] &= ~(termios.IXON | termios.IXOFF)
        if like is None:
            settings[_LOCAL] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
    return master, slave


def copy_size(source: int, master: int) -> None:
    """Gives the training's terminal the size of ours; the kernel tells the training (SIGWINCH)."""
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(_SIZE.size))
        if _SIZE.unpack(size)[:2] != (0, 0):
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def first_terminal(*descriptors: int) -> int | None:
    """The first of the descriptors that is a terminal."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            if os.isatty(descriptor):
                return descriptor
    return None


class Keyboard:
    """Hands what is typed to the training's terminal, which does the echo, line editing and Ctrl-C."""

    def __init__(self, stdin: int, master: int) -> None:
        self._stdin = stdin
        self._master = master
        self._before: list[Any] | None = None
        self._pending = b""
        self._open = True

    def engage(self) -> None:
        """Takes the terminal's keys raw, if we are in its foreground (else it is not ours to change)."""
        with contextlib.suppress(OSError, termios.error):
            if self._before is None and os.tcgetpgrp(self._stdin) == os.getpgrp():
                before = termios.tcgetattr(self._stdin)
                raw = termios.tcgetattr(self._stdin)
                # Output processing and flow control stay as they are: they belong to what the user sees.
                raw[_INPUT] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP | termios.BRKINT)
                raw[_LOCAL] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
                termios.tcsetattr(self._stdin, termios.TCSADRAIN, raw)
                self._before = before

    def restore(self) -> None:
        """Puts the terminal back as it was."""
        if self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._stdin, termios.TCSADRAIN, self._before)
            self._before = None

    def watch(self, poll: "select.poll") -> None:
        """Registers what ``serve`` needs to hear of now."""
        for end in (self._stdin, self._master):
            with contextlib.suppress(KeyError):
                poll.unregister(end)
        if self._before is None or not self._open:
            return
        if self._pending:
            poll.register(self._master, select.POLLOUT)
        else:
            poll.register(self._stdin, select.POLLIN)

    def serve(self) -> None:
        """Moves what was typed; never waits (the master is non-blocking)."""
        try:
            if not self._pending:
                self._pending = os.read(self._stdin, _STDIN_BYTES)
                self._open = bool(self._pending)
            self._pending = self._pending[os.write(self._master, self._pending) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._open = False  # our terminal hung up, or the training's is gone
