"""``epochwatch run`` on a real terminal: a pseudo-terminal whose master the test holds."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.agent.running import environment, python, until, words


class User:
    """The person at the terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.master, self.slave = pty.openpty()
        self.seen = b""
        self.process: subprocess.Popen[bytes] | None = None
        self.resize(24, 80)

    def types_command(self, *arguments: str, shell: bool = False) -> "subprocess.Popen[bytes]":
        """``shell``: below a shell that leads the session and outlives the command, as in real life."""

        def lead() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*(["sh", "-c", '"$@"; sleep 60', "sh"] if shell else []), *words("run", "--no-server", *arguments)],
            env=environment(self.home),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            preexec_fn=lead,  # noqa: PLW1509 (no threads here)
        )
        return self.process

    def types(self, text: bytes) -> None:
        os.write(self.master, text)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def sees(self, text: bytes) -> bool:
        while select.select([self.master], [], [], 0.01)[0]:
            self.seen += os.read(self.master, 65536)
        return text in self.seen

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.slave)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    someone = User(tmp_path)
    yield someone
    if someone.process is not None and someone.process.poll() is None:
        someone.process.kill()
        someone.process.wait()
    os.close(someone.master)
    os.close(someone.slave)


def test_what_is_typed_reaches_the_training_and_the_terminal_is_restored(user: User) -> None:
    before = user.settings()
    front = user.types_command("--quiet", *python("print('name?'); print('hello', input())"))
    until(lambda: user.sees(b"name?\r\n"))
    assert user.settings() != before
    user.types(b"Ada\r")
    until(lambda: user.sees(b"hello Ada\r\n"))
    assert front.wait(30) == 0
    assert user.settings() == before


def test_control_c_interrupts_the_training(user: User) -> None:
    front = user.types_command("--quiet", *python("import time; print('ready'); time.sleep(60)"))
    until(lambda: user.sees(b"ready"))
    user.types(b"\x03")
    assert front.wait(30) == 128 + signal.SIGINT


def test_training_learns_of_a_new_window_size(user: User) -> None:
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print('now', *os.get_terminal_size()))\n"
        "print('first', *os.get_terminal_size())\nfor _ in range(200): time.sleep(0.1)"
    )
    user.types_command("--quiet", *python(code))
    until(lambda: user.sees(b"first 80 24"))
    user.resize(50, 132)
    until(lambda: user.sees(b"now 132 50"))


def test_terminal_is_restored_when_the_keeper_is_killed(user: User) -> None:
    before = user.settings()
    front = user.types_command("--quiet", *python("import time; print('ready'); time.sleep(1.5); print('end')"))
    until(lambda: user.sees(b"ready"))
    keeper = next(one for one in psutil.Process(front.pid).children() if "cli.run" in " ".join(one.cmdline()))
    keeper.kill()
    until(lambda: user.sees(b"end"))
    assert front.wait(30) == 0
    assert user.settings() == before


def test_terminal_is_restored_when_the_front_is_killed(user: User) -> None:
    before = user.settings()
    command = python("import time; print('ready'); time.sleep(3)")
    shell = user.types_command("--quiet", *command, shell=True)
    until(lambda: user.sees(b"ready") and user.settings() != before)
    [front] = [one for one in psutil.Process(shell.pid).children() if "cli.run" in " ".join(one.cmdline())]
    front.kill()
    until(lambda: user.settings() == before)


def test_status_line_leaves_the_output_as_it_is(user: User) -> None:
    code = (
        "import sys, time\nfor i in range(8):\n print(f'step={i} loss={1/(i+1)}', flush=True); time.sleep(0.2)\n"
        "sys.stdout.write('50%\\r'); sys.stdout.flush(); time.sleep(0.4)\nprint('100%')"
    )
    front = user.types_command(*python(code))
    until(lambda: user.sees(b"next:"))
    assert front.wait(30) == 0
    assert re.search(rb"step [0-7]  loss [0-9.]+ \(best [0-9.]+\)", user.seen)
    assert b"\x1b7\x1b[0;2m" in user.seen
    assert b"50%\r100%\r\n" in user.seen  # nothing of ours inside an unfinished line
    shown = Screen()
    shown.feed(user.seen.partition(b"ended with")[0].partition(b"completed")[0])
    lines = [line for line in shown.lines if not line.startswith("epochwatch:")]
    assert [line for line in lines if line.startswith("step=")] == [
        f"step={i} loss={1 / (i + 1)}" for i in range(8)
    ]
    assert not any("best" in line for line in lines)


class Screen:
    """As much of a terminal as the status line needs: lines, cursor, save and restore, erase."""

    def __init__(self) -> None:
        self.lines = [""]
        self.column = 0
        self.saved = 0

    def feed(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        while text:
            if text.startswith("\x1b7"):
                self.saved, text = self.column, text[2:]
            elif text.startswith("\x1b8"):
                self.column, text = self.saved, text[2:]
            elif text.startswith("\x1b[K"):
                self.lines[-1], text = self.lines[-1][: self.column], text[3:]
            elif text.startswith("\x1b["):
                text = text[text.index("m") + 1 :]
            elif text[0] == "\r":
                self.column, text = 0, text[1:]
            elif text[0] == "\n":
                self.lines.append("")
                text = text[1:]
            else:
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[: self.column] + text[0] + line[self.column + 1 :]
                self.column, text = self.column + 1, text[1:]


def test_control_s_pauses_the_display_and_not_the_training(user: User, tmp_path: Path) -> None:
    marker = tmp_path / "ended"
    code = (
        "import time; print('ready', flush=True); time.sleep(1)\n"
        f"print('x' * 300000)\nopen({str(marker)!r}, 'w').close()"
    )
    front = user.types_command("--quiet", *python(code))
    until(lambda: user.sees(b"ready"))
    user.types(b"\x13")
    until(marker.exists)
    user.types(b"\x11")
    until(lambda: user.sees(b"x" * 300000))
    assert front.wait(30) == 0


def test_run_in_the_background_leaves_the_terminal_alone(user: User) -> None:
    before = user.settings()
    process = user.types_command("--quiet", *python("import time; print('ready'); time.sleep(1)"))
    del process
    other = subprocess.Popen(
        words("run", "--no-server", "--quiet", *python("print('from behind')")),
        env=environment(user.home),
        stdin=user.slave,
        stdout=user.slave,
        stderr=user.slave,
        process_group=0,
    )
    until(lambda: user.sees(b"from behind"))
    assert other.wait(30) == 0
    until(lambda: user.process is not None and user.process.poll() is not None)
    assert user.settings() == before
    assert time.monotonic()
