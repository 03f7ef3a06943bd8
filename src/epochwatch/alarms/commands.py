"""Commands that alarms may run: those that are named in a file of the server's, and no others."""

import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from epochwatch.errors import UsageError
from epochwatch.settings import read_toml

USUAL_SECONDS: Final = 60
MOST_SECONDS: Final = 3600
KEPT_OUTPUT: Final = 1000
"""Bytes of the output that are told; the rest is read and dropped."""
_OWN_VARIABLES: Final = ("EPOCHWATCH_", "AWS_")


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, which no shell looks at."""

    words: tuple[str, ...]
    seconds: float
    """How long it may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int | None
    """Its exit status, negative for a signal; None where it took too long."""
    output: str
    """The beginning of what it wrote."""


def read_commands(path: Path) -> dict[str, Command]:
    """The commands of a file by name; none where there is no file. Raises UsageError naming what is wrong in it."""
    return {name: _command(f"{path}: [{name}]", entry) for name, entry in read_toml(path).items()}


def run(command: Command, given: str, directory: Path) -> Outcome:
    """Run a command with ``given`` at its standard input. What it has started is ended with it where it takes too
    long. Raises OSError where it cannot be started.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    with tempfile.TemporaryFile() as source:
        source.write(given.encode())
        source.seek(0)
        with subprocess.Popen(
            command.words,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=variables,
            start_new_session=True,
        ) as process:
            return _ended(process, time.monotonic() + command.seconds)


def _ended(process: subprocess.Popen[bytes], deadline: float) -> Outcome:
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    kept, open_ = b"", True
    while time.monotonic() < deadline:
        ready = open_ and poll.poll(100)
        if ready:
            chunk = os.read(descriptor, 65536)
            open_ = bool(chunk)
            kept += chunk[: KEPT_OUTPUT - len(kept)]
        elif process.poll() is not None:  # what it left running may hold its output open
            return Outcome(process.returncode, kept.decode(errors="replace"))
        elif not open_:
            time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    return Outcome(None, kept.decode(errors="replace"))


def _command(place: str, entry: Any) -> Command:
    if not isinstance(entry, dict):
        raise UsageError(f"{place} must be a table", 'write command = ["/path/of/program", "argument"]')
    for name in entry:
        if name not in ("command", "timeout"):
            raise UsageError(f"{place} has an unknown key '{name}'", "known are: command, timeout")
    words, seconds = entry.get("command"), entry.get("timeout", USUAL_SECONDS)
    if not isinstance(words, list) or not words or not all(isinstance(one, str) for one in words):
        raise UsageError(f"{place}: command must be a list of texts", 'write ["/path/of/program", "argument"]')
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= MOST_SECONDS:
        raise UsageError(f"{place}: timeout must be a number of seconds, at most {MOST_SECONDS}, not {seconds!r}")
    return Command(tuple(words), float(seconds))
