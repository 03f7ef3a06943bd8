"""Numeric fields of a line: ``key=value``, ``key: value``, Python and JSON dictionaries, bars, plain words."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from epochwatch.extraction import names
from epochwatch.extraction.numbers import parse_number

NUMBER = r"[-+]?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:nan|NaN|inf|Infinity)"
"""A number in the syntax of Python's ``re`` and of RE2, for definitions that are written from fields."""

# Possessive repeats throughout: the scan never looks back, so its time is linear in the line.
_FIELD = re.compile(
    rb"""
    (?<![\w./@\\%+<-])
    (?P<name>
        (?:(?P<owner>[A-Za-z]\w*+)'s\ )?+                       # LightGBM: valid_0's l2
        [A-Za-z_][\w@./-]*+(?::[A-Za-z_][\w@./-]*+)*+
        (?P<second>\ <(?:loss|score)>)?+                        # SageMaker: train loss <loss>=1.5
    )
    (?P<separator>['"]?\s*+[=:]\s*+|\s++)
    (?:['"]|\((?=\d))?+
    (?:(?:np\.|numpy\.|jnp\.|torch\.|tf\.)?(?:[Tt]ensor|[Aa]rray|float(?:16|32|64)?|Variable)\(\[?)?+
    (?:
        \d++/\d++\s*+\(\s*+(?P<share>\d++(?:\.\d++)?+)\s*+%\)   # 9821/10000 (98%)
      |
        (?P<number>
            [-+]?+(?:\d{1,3}+(?:,\d{3})++(?!\d)(?:\.\d*+)?+|\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?\d++)?+
            | [-+]?+(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?+|INF(?:INITY)?+)
        )
    )
    (?!\w|[:/]\w|\.\w|-\d|%\s*+\|)                        # no unit, time, fraction, version, date, bar
    """,
    re.VERBOSE,
)
_LOGGER = re.compile(rb"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.]+:(?=[A-Za-z_])")
_QUALIFIERS = frozenset(
    b"train training trn val valid validation test testing eval evaluation dev average avg mean best running final"
    b" epoch smooth smoothed".split()
)
_BEFORE = re.compile(rb"([A-Za-z]\w*+) $")
_LONGEST_NAME = 120
_NESTED = (b"#metrics {", b"Namespace(")


class Field(NamedTuple):
    """A named number in a line."""

    name: str
    value: float
    printed: str
    """The text before the number from the start of the name, as printed."""


def fields(text: bytes) -> Iterator[Field]:
    """The numeric fields of a line from left to right, without those whose name is housekeeping."""
    if any(marker in text for marker in _NESTED):
        return
    logger = _LOGGER.match(text)
    position = logger.end() if logger else 0
    for match in _FIELD.finditer(text, position):
        field = _field(text, match)
        if field is not None:
            yield field


def _field(text: bytes, match: re.Match[bytes]) -> Field | None:
    owner, name, second, separator, share, number = match.group(
        "owner", "name", "second", "separator", "share", "number"
    )
    if len(name) > _LONGEST_NAME:
        return None
    if owner:
        name = owner + b":" + name[len(owner) + 3 :]
    joint = b"_"
    if second:
        name, joint = name[: -len(second)], b":"
    label = name.decode("ascii", "replace").strip(".-/")
    kind = names.kind(label)
    if kind == "junk" or (kind != "metric" and separator.isspace()):
        return None
    value = parse_number(share or number)
    if value is None:
        return None
    start = match.start()
    if not owner and text[start - 1 : start] == b" ":
        before = _BEFORE.search(text, max(0, start - 40), start)
        if before is not None and before[1].lower() in _QUALIFIERS:
            label = (before[1] + joint).decode("ascii") + label
            start = before.start()
    return Field(label, value, text[start : match.end("separator")].decode("ascii", "replace"))


def definition_regex(printed: str) -> str:
    """A regular expression that finds the field printed this way; its first group is the number."""
    head = re.escape(printed.rstrip()).replace(r"\ ", " ").replace(r"\=", "=")
    gap = r"\s*" if printed[-1:].isspace() else ""
    return rf"(?:^|[^\w./-]){head}{gap}['\"]?({NUMBER})"
