"""What varies in lines of one form, by the kinds of it that can be told: the dynamic tokens of a pattern. Regular
expressions of RE2, applied one after the other.
"""

from typing import Final

MOST_CHARACTERS: Final = 4096
"""Of a text that are looked at."""
BEGIN: Final = "\x01"
"""Stands before the name of a token while tokens have no numbers yet."""
END: Final = "\x02"
"""Stands behind it."""

_DATE: Final = r"\d{4}[-/]\d\d[-/]\d\d(?:[T ,_]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\b"
_CLOCK: Final = r"\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d+)?"
_WEEKDAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY: Final = rf"(?:{_WEEKDAY},? )?{_MONTH} +\d{{1,2}}(?:,? \d{{4}}\b)?(?: {_CLOCK})?"
_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MIXED: Final = r"(?:\d{4,}[A-Za-z]|\d+[A-Za-z]\w*\d{3})\w*"
_ID: Final = rf"0x[0-9a-fA-F]+|\d{{6,}}(?:-\w+)+|(?:[0-9a-f]{{12,64}}|{_MIXED})(?:-\w+)*"
_NUMBER: Final = r"[-+]?(?:\d+(?:[_,]\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"


def _token(name: str, before: str = "") -> str:
    return f"{before}{BEGIN}{name}{END}"


REPLACED: Final[tuple[tuple[str, str], ...]] = (
    (r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>()\[\]]+", _token("URL")),
    (rf"\b{_UUID}\b", _token("ID")),
    (rf"\b(?:{_DATE}|{_DAY}|{_CLOCK})\b", _token("Time")),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", _token("IPAddress")),
    (r"(^|[\s\"'=(,:\[])(?:~?/[\w.+@=:,-]*\w(?:/[\w.+@=,-]*\w)*/?|[A-Za-z]:\\[^\s'\"]+)", _token("Path", r"\1")),
    (rf"\b(?:{_ID})\b", _token("ID")),
    (r"\|[ #█▉▊▋▌▍▎▏]{2,}\|", f"|{_token('Token')}|"),
    (rf"(^|[^0-9A-Za-z_.]){_NUMBER}", _token("Number", r"\1")),
    (r"\s+", " "),
)
"""Each with what stands in its place, from what is told the most surely on; at last, spaces that align."""
PLAIN: Final = r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]"
"""Colours of a terminal and control characters, which are no part of a pattern."""
