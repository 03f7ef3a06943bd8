"""What is looked for in a log: words, a regular expression, a filter pattern or a level; as a condition of the engine,
and as a judgement of one message where the engine cannot tell.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import re2

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.filter_pattern import InvalidFilterPattern, compile_pattern
from epochwatch.model.log_level import LEVELS

KINDS: Final = ("words", "regex", "pattern", "level")
ESCAPES: Final = r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
"""Colours, titles, links and other orders to a terminal."""
Tinted = Literal["error", "warning"]
"""Levels that lines are marked by and looked for."""

_SIGNS: Final[Mapping[Tinted, tuple[str, ...]]] = {
    "error": (
        *("ERROR", "CRITICAL", "FATAL", "PANIC", "Traceback", "Error: ", "Exception: "),
        *("E0", "E1", "F0", "F1", "level", "severity"),
    ),
    "warning": ("WARN", "Warning: ", "W0", "W1", "level", "severity"),
}
"""Every line of a level has one of these, which the engine finds much faster."""

_ESCAPE: Final = re2.compile(ESCAPES)
_ERROR: Final = re2.compile(LEVELS["error"])
_WARNING: Final = re2.compile(LEVELS["warning"])
_PLAIN: Final = "if(position(message, '\x1b') > 0, replaceRegexpAll(message, %(escapes)s, ''), message)"


def plain(message: str) -> str:
    """The message without escapes."""
    return _ESCAPE.sub("", message) if "\x1b" in message else message


def level(message: str) -> Tinted | Literal[""]:
    """How grave a line is by what it says; "": neither."""
    text = plain(message)
    if _ERROR.search(text):
        return "error"
    return "warning" if _WARNING.search(text) else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for."""

    condition: str = ""
    """Of the engine: holds for every event that is wanted. Empty: for all."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    matches: Callable[[str], bool] | None = None
    """Whether an event for which the condition holds is wanted; None: it is."""


def wanted(asked: Asked) -> Wanted | None:
    """What ``search`` and ``kind`` ask for; None: nothing in particular. Raises Refusal."""
    search, kind = asked.text("search"), asked.choice("kind", KINDS, "words")
    if not search:
        return None
    if kind == "words":
        return _words(search)
    if kind == "regex":
        return _regex(search)
    return _pattern(search) if kind == "pattern" else _level(search)


def _words(search: str) -> Wanted:
    return Wanted(f"positionCaseInsensitiveUTF8({_PLAIN}, %(words)s) > 0", {"words": search, "escapes": ESCAPES})


def _regex(search: str) -> Wanted:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(search, options)
    except re2.error as error:
        raise Refusal(
            400, f"search is no regular expression: {_reason(error)}.", "RE2 is spoken here: no look-around."
        ) from error
    return Wanted(f"match({_PLAIN}, %(regex)s)", {"regex": search, "escapes": ESCAPES})


def _pattern(search: str) -> Wanted:
    try:
        pattern = compile_pattern(search)
    except InvalidFilterPattern as error:
        raise Refusal(
            400, f"search is no filter pattern: {error}.", "See docs/logs.md, Filter patterns."
        ) from error
    texts = {f"text{number}": text for number, text in enumerate(pattern.required)}
    regexes = {f"regex{number}": regex for number, regex in enumerate(pattern.required_regexes)}
    conditions = [f"position(message, %({name})s) > 0" for name in texts]
    conditions += [f"match(message, %({name})s)" for name in regexes]
    return Wanted(" AND ".join(conditions), texts | regexes, None if pattern.is_required else pattern.matches)


def _level(search: str) -> Wanted:
    found: Tinted | None = next((known for known in _SIGNS if known == search), None)
    if found is None:
        raise Refusal(400, f"search must be one of {', '.join(_SIGNS)}.")
    signs = {f"sign{number}": sign for number, sign in enumerate(_SIGNS[found])}
    any_sign = ", ".join(f"%({name})s" for name in signs)
    return Wanted(
        f"multiSearchAny(message, [{any_sign}]) AND match({_PLAIN}, %(level)s)",
        signs | {"level": LEVELS[found], "escapes": ESCAPES},
    )


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)) or "it cannot be read"
