"""The training's process: started as a shell would start it, and watched by whoever is left to."""

import array
import contextlib
import fcntl
import os
import signal
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_PIDFD_GET_INFO = 0xC040FF0B  # its argument is a struct of 64 bytes
_PIDFD_INFO_EXIT = 1 << 3
_RESTORED = ("SIGPIPE", "SIGXFSZ")
"""Signals that Python ignores and other programs expect at their default."""


@dataclass(frozen=True, slots=True)
class StandardStreams:
    """What the training gets as 0, 1 and 2. ``stdin`` None: its terminal."""

    stdin: int | None
    stdout: int
    stderr: int
    terminal: bool
    """Whether ``stdout`` is the slave of a terminal that becomes the controlling one."""


def start(command: Sequence[str], streams: StandardStreams, environment: Mapping[str, str]) -> int:
    """Forks and executes ``command`` as leader of a session of its own; returns its process id.

    For a single-threaded process only. A command that cannot be executed prints why on its own standard error and
    ends with 126 or 127, as in a shell.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        _become(command, streams, environment)
    except BaseException as error:  # noqa: BLE001 (nothing may escape into the parent's code)
        missing = isinstance(error, FileNotFoundError)
        reason = getattr(error, "strerror", None) or str(error)
        os.write(2, f"epochwatch: cannot run '{command[0]}': {reason}\n".encode())
        os._exit(NOT_FOUND if missing else NOT_EXECUTABLE)
    os._exit(NOT_EXECUTABLE)


def _become(command: Sequence[str], streams: StandardStreams, environment: Mapping[str, str]) -> None:
    os.setsid()
    if streams.terminal:
        fcntl.ioctl(streams.stdout, termios.TIOCSCTTY, 0)
    stdin = streams.stdout if streams.stdin is None else streams.stdin
    # Out of the way first: a stream may be one of the numbers that another goes to.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (stdin, streams.stdout, streams.stderr)]
    for number, end in enumerate(ends):
        os.dup2(end, number)
    for name in _RESTORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(command[0], list(command), dict(environment))  # noqa: S606


class Training:
    """A running training, our child or not."""

    def __init__(self, pid: int, pidfd: int | None = None) -> None:
        self.pid = pid
        self.pidfd = pidfd
        """Readable once the training has ended; None where the kernel has no such thing."""
        if pidfd is None and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.pidfd = os.pidfd_open(pid)

    def ended(self) -> tuple[bool, int | None]:
        """Whether it has ended, and its exit code as a shell tells it (None: it ended unseen).

        Does not collect the child, so that a successor can still ask when this process is killed right now.
        """
        try:
            status = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return self._ended_elsewhere()
        if status is None:
            return False, None
        code = status.si_status
        return True, code if status.si_code == os.CLD_EXITED else 128 + code

    def collect(self) -> None:
        """Lets the kernel forget a child that has ended."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)

    def signal(self, number: int, *, group: bool) -> None:
        """Sends a signal to the training, or to the whole of its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(self.pid, number)
            elif self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, number)
            else:
                os.kill(self.pid, number)

    def _ended_elsewhere(self) -> tuple[bool, int | None]:
        """The end of a process whose parent was killed: as a zombie, or as its pidfd remembers it."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX":
                return False, None
            return True, _shell_code(int(fields[-1]))
        if self.pidfd is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, 0)
                return False, None
            return True, None
        return True, _remembered(self.pidfd)


def _remembered(pidfd: int) -> int | None:
    """The exit code that a pidfd keeps after the process is gone (Linux 6.15 and later)."""
    if sys.platform != "linux":
        return None
    info = array.array("Q", [_PIDFD_INFO_EXIT] + [0] * 7)
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info, True)
    except OSError:
        return None
    if not info[0] & _PIDFD_INFO_EXIT:
        return None
    return _shell_code(array.array("i", info.tobytes())[-1])


def _shell_code(wait_status: int) -> int:
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code
