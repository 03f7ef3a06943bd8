"""How grave a line of a log is, by the words that programs use for it. Regular expressions of RE2."""

from collections.abc import Mapping
from typing import Final, Literal

Level = Literal["error", "warning", "info", "debug"]

_MEMBER: Final = r'"(?:level|levelname|severity)" *: *'
LEVELS: Final[Mapping[Level, str]] = {
    "error": r"\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|\bTraceback \(most recent call last\)"
    r"|\b[A-Za-z_.]*(?:Error|Exception): |^[EF][0-9]{4} [0-9]{2}:"
    rf'|{_MEMBER}"(?i:error|critical|fatal)"',
    "warning": r"\bWARN(?:ING)?\b|\b[A-Za-z_.]*Warning: |^W[0-9]{4} [0-9]{2}:"
    rf'|{_MEMBER}"(?i:warn|warning)"',
    "info": rf'\b(?:INFO|NOTICE)\b|^I[0-9]{{4}} [0-9]{{2}}:|{_MEMBER}"(?i:info|notice)"',
    "debug": rf'\b(?:DEBUG|TRACE)\b|{_MEMBER}"(?i:debug|trace)"',
}
"""Tell the level of a line without escapes, the gravest first: a line is of the first that it has."""
