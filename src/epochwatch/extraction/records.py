"""Which lines of a log belong together: stack traces and documents that take several lines."""

import re
from collections.abc import Iterable, Sequence

LONGEST_RECORD = 500
"""Lines; a document that is not closed by then was none."""

_SPEAKER = re.compile(r"\[(?:rank|default)?\d{1,5}\]:\s?")
_TRACEBACK = "Traceback (most recent call last):"
_LINK = re.compile(r"(?:During handling of the above exception|The above exception was the direct cause of)\b.*:$")
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z_a-z]\w*(?::(?:\s|$)|$)")
_CAUSE = re.compile(r"(?:Caused by|Suppressed): \S")
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
_WRAPPERS = ("ChildFailedError", "CalledProcessError")
"""What launchers raise when a process of theirs has failed: the failure itself was told before."""


class Grouping:
    """Tells line by line, in the order printed, whether a line continues the record that the ones before it began.

    A stack trace of Python goes on to the line that names the exception, what that line's message has indented, and
    the exceptions it is chained to; an indented line continues any other record too; a JSON document that begins
    with a lone bracket goes on until it is closed.
    """

    def __init__(self) -> None:
        self._state = ""  # "stack", "raised", "linked", "document"; empty: none of these
        self._depth = 0
        self._lines = 0

    def continues(self, line: str) -> bool:
        """Whether it belongs to the record of the line before."""
        line = line.rstrip()
        going_on = self._lines > 0 and self._lines < LONGEST_RECORD and self._goes_on(line)
        self._lines = self._lines + 1 if going_on else 1
        if not going_on:
            self._begin(line)
        return going_on

    def _begin(self, line: str) -> None:
        self._depth = 0
        if line.endswith(_TRACEBACK):
            self._state = "stack"
        elif line in ("{", "["):
            self._state, self._depth = "document", 1
        else:
            self._state = ""

    def _goes_on(self, line: str) -> bool:
        if self._state == "document":
            return self._document(line)
        if line.endswith(_TRACEBACK):
            going_on, self._state = self._state == "linked", "stack"
            return going_on
        if line[:1] in (" ", "\t") and line.strip():
            return True
        return self._trace(line) if self._state else _CAUSE.match(line) is not None

    def _trace(self, line: str) -> bool:
        """A line of a stack trace that is not indented."""
        if self._state == "stack":
            going_on, self._state = _RAISED.match(line) is not None, "raised"
            return going_on
        if _LINK.match(line):
            self._state = "linked"
            return True
        return not line  # a blank line stands before and behind the words that link exceptions

    def _document(self, line: str) -> bool:
        if self._depth == 0:
            return False
        bare = _TEXTS.sub("", line)
        self._depth += bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")
        return True


def record_numbers(lines: Iterable[str]) -> list[int]:
    """For each line the number of its record, from 0 in the order in which they begin. Lines of several processes that
    a launcher mixes, each behind ``[rank0]:`` or the like, are told apart.
    """
    numbers: list[int] = []
    speaking: dict[str, tuple[Grouping, int]] = {}
    begun = 0
    for line in lines:
        speaker, text = _spoken(line)
        grouping, number = speaking.get(speaker) or (Grouping(), 0)
        if not grouping.continues(text):
            number, begun = begun, begun + 1
        speaking[speaker] = grouping, number
        numbers.append(number)
    return numbers


def records(lines: Iterable[str]) -> list[list[str]]:
    """The lines by record, without what a launcher puts in front of them."""
    given = list(lines)
    found: dict[int, list[str]] = {}
    for line, number in zip(given, record_numbers(given), strict=True):
        found.setdefault(number, []).append(_spoken(line)[1])
    return list(found.values())


def _spoken(line: str) -> tuple[str, str]:
    """Which process speaks, and what it says."""
    prefix = _SPEAKER.match(line)
    return (prefix[0].strip(), line[prefix.end() :]) if prefix else ("", line)


def last_traceback(lines: Iterable[str]) -> list[str]:
    """The lines of the last stack trace of Python, that of the exception which ended it: of chained ones the last.
    What a launcher raises because of another process's failure counts only if there is nothing else. Empty if there
    is none.
    """
    found = [trace for record in records(lines) if (trace := _last_link(record))]
    for trace in reversed(found):
        if not any(wrapper in trace[-1].partition(":")[0] for wrapper in _WRAPPERS):
            return trace
    return found[-1] if found else []


def _last_link(record: Sequence[str]) -> list[str]:
    begins = [number for number, line in enumerate(record) if line.rstrip().endswith(_TRACEBACK)]
    if not begins:
        return []
    trace = [line.rstrip() for line in record[begins[-1] :]]
    while trace and not trace[-1]:
        trace.pop()
    return [_TRACEBACK, *trace[1:]] if len(trace) > 1 else []


def shortened(trace: Sequence[str], most: int) -> str:
    """The trace in at most so many characters: its innermost calls and the exception count most."""
    whole = "\n".join(trace)
    if len(whole) <= most:
        return whole
    kept: list[str] = []
    left = most - len(_TRACEBACK) - len("\n  ...")
    for line in reversed(trace[1:]):
        left -= len(line) + 1
        if left < 0:
            break
        kept.insert(0, line)
    return "\n".join([_TRACEBACK, "  ...", *kept]) if kept else trace[-1][:most]
