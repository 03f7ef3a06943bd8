"""Which files are followed: those named, and whatever comes to match a pattern."""

import glob
import os
import re
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from epochwatch.agent.follow.marks import is_packed
from epochwatch.errors import EpochwatchError, UsageError

RESCAN_SECONDS = 2.0
SCAN_SHARE = 0.002
"""Of the time at most this share goes into looking for new files: large trees are looked through less often."""


class Paths:
    """The files that ``words`` name; a word with ``*``, ``?`` or ``[`` is a pattern, in which ``**`` is any depth,
    unless a file is called so.
    """

    def __init__(self, words: Sequence[str], *, complete: bool) -> None:
        """Raises UsageError or EpochwatchError for what cannot be followed; with ``complete`` that is also what is
        not there.
        """
        absolute = [os.path.abspath(os.path.expanduser(word)) for word in words]
        self._named = [word for word in absolute if not glob.has_magic(word) or os.path.lexists(word)]
        self._patterns = [word for word in absolute if word not in self._named]
        for path in self._named:
            _check(path, complete=complete)
        for pattern in self._patterns:
            _check_directory(pattern)
        self._next = 0.0
        self._found = self._scan()
        if complete and self._patterns and not self._found:
            raise EpochwatchError(f"no file matches {' '.join(self._patterns)}")

    def waiting(self) -> list[str]:
        """What is named and not there yet: files, and patterns if nothing matches any."""
        missing = [path for path in self._named if not os.path.exists(path)]
        return missing if self._found else [*missing, *self._patterns]

    def targets(self) -> list[str]:
        """All files named and found so far, those named first, then in the order a person would count them."""
        if self._patterns and time.monotonic() > self._next:
            self._found = self._scan()
        return [*self._named, *self._found]

    def _scan(self) -> list[str]:
        begin = time.monotonic()
        found = {path for pattern in self._patterns for path in glob.iglob(pattern, recursive=True)}
        files = [path for path in found if not is_packed(Path(path)) and os.path.isfile(path)]
        now = time.monotonic()
        self._next = now + max(RESCAN_SECONDS, (now - begin) / SCAN_SHARE)
        return sorted(set(files) - set(self._named), key=_counted)


def _counted(path: str) -> list[tuple[int, str]]:
    """``rank10`` behind ``rank9``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]


def _check(path: str, *, complete: bool) -> None:
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{path} is a directory", f"name files, for example: '{path}/**/*.log'")
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"{path} is no regular file", "pipe a program's output through `epochwatch run` instead"
            )
        with open(path, "rb"):
            return
    except FileNotFoundError as error:
        if complete:
            raise EpochwatchError(f"there is no file {path}", "without --no-follow it is waited for") from error
    except OSError as error:
        raise EpochwatchError(f"cannot read {path}: {error.strerror}", "who may read it? see: ls -l") from error


def _check_directory(pattern: str) -> None:
    """The directory in which a pattern begins must be readable, or nothing would ever match."""
    fixed = pattern[: re.search(r"[*?\[]", pattern).start()]  # type: ignore[union-attr]
    directory = os.path.dirname(fixed)
    try:
        with os.scandir(directory):
            return
    except FileNotFoundError:
        return  # it may come
    except OSError as error:
        raise EpochwatchError(f"cannot look into {directory}: {error.strerror}") from error
