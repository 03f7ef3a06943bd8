"""What differs between any two runs of one program: times, places, addresses, process ids. Pure.

Lines of two logs are compared without it. What is masked keeps its place in the line, so that it can still be shown.
"""

import re
from collections.abc import Sequence
from typing import Final

MASK: Final = "\x00"
"""Stands for something that is masked."""
MOST_CHARACTERS: Final = 4096
"""Of a line that are looked at."""

_NUMBER: Final = r"[-+]?(?:\d+(?:[_,]\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_ALWAYS: Final = (
    # dates with or without a time, as ISO and syslog write them
    r"\d{4}[-/]\d\d[-/]\d\d(?:[T ,_]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?",
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s",
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s+\d{1,2}\b",
    # times of day and durations: 12:03:04.5, 00:12<01:00, 3.2s, 15 ms, 2.1 it/s
    r"\b\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d+)?\b",
    rf"{_NUMBER}\s?(?:ns|us|µs|ms|s|sec|secs|seconds?|mins?|minutes?|h|hrs?|hours?|days?)\b(?:/\w+)?",
    rf"{_NUMBER}\s?(?:it|its|steps?|samples?|tokens?|images?|ex|examples?|rows?|[KMGT]?i?B)/s(?:ec)?\b",
    # addresses of memory and of the network, identifiers
    r"\b0x[0-9a-fA-F]{4,}\b",
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b",
    r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64}\b",
    # paths: absolute ones, those of Windows, and addresses with a scheme
    r"\b(?:s\d|gs|hdfs|https?|file|tcp)://[^\s'\"<>()\[\]]+",
    r"(?<![\w/.])~?/(?:[\w.+@=:,-]+/)*[\w.+@=,-]+/?",
    r"\b[A-Za-z]:\\[^\s'\"]+",
    # numbers of processes, threads, ports and steps
    r"(?i:\b(?:pid|tid|process|thread|port|proc)(?:\s+id)?\s*[=:#]?\s*\[?)\d+",
    r"(?<=\w)\[\d{2,7}\](?=[:\s]|$)",
    r"(?i:\b(?:global[ _])?(?:steps?|iters?|iteration|batch|epoch|it)\b\s*[=:#]?\s*\[?\s*)"
    r"\d[\d_,.]*(?:\s*/\s*\d[\d_,]*)?",
    r"\b\d+/\d+\b",
    r"\b\d{1,3}(?:\.\d+)?\s?%(?:\|[^|]*\|)?",
)
_MASKED: Final = re.compile("|".join(_ALWAYS))
_NUMBERS: Final = re.compile(_NUMBER)

_ZEROS: Final = str.maketrans("123456789", "000000000")
MOST_FORMS: Final = 20_000
"""Forms of lines that are remembered."""

Span = tuple[int, int]
"""First character and the one behind the last."""


class LineMasks:
    """Masks lines of one log. ``names``, the log's own (of the job, its hosts), are masked, too."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = [name for name in names if name]
        self._known: dict[str, tuple[list[Span], str]] = {}

    def spans(self, line: str) -> list[Span]:
        """The parts of ``line`` that are masked, in order."""
        line = line[:MOST_CHARACTERS]
        found = self._form(line)[0]
        named = [
            match.span() for name in self._names if name in line for match in re.finditer(re.escape(name), line)
        ]
        return _joined([*found, *named]) if named else found

    def keys(self, line: str) -> tuple[str, str]:
        """``line`` with a MASK for what is masked, and with one for each other number, too: two lines with the same
        first key do not differ in what matters, two with the same second key at most in numbers.
        """
        line = line[:MOST_CHARACTERS]
        parts = self.spans(line)
        exact = _without(line, parts)
        found, form = self._form(line)
        return exact, form if parts is found else _NUMBERS.sub(MASK, exact)

    def _form(self, line: str) -> tuple[list[Span], str]:
        """Spans, and the line without numbers: the same for all lines that differ in single digits only, which are
        most lines of a log.
        """
        zeros = line.translate(_ZEROS)
        form = self._known.get(zeros)
        if form is None:
            found = _joined([match.span() for match in _MASKED.finditer(zeros)])
            form = found, _NUMBERS.sub(MASK, _without(zeros, found))
            if len(self._known) < MOST_FORMS:
                self._known[zeros] = form
        return form


def _joined(found: list[Span]) -> list[Span]:
    """Spans in order, those that overlap made one."""
    joined: list[Span] = []
    for low, high in sorted(found):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined


def _without(line: str, parts: Sequence[Span]) -> str:
    words, at = [], 0
    for low, high in parts:
        words += [line[at:low], MASK]
        at = high
    return " ".join("".join([*words, line[at:]]).split())
