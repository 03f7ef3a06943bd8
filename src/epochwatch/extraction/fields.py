"""Numeric fields of a line: ``key=value``, ``key: value``, Python and JSON dictionaries, bars, plain words."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from epochwatch.extraction import names
from epochwatch.extraction.numbers import parse_scaled

_NOT_FINITE = "[-+]?(?:nan|NaN|NAN|inf|Inf|INF)"
NUMBER = rf"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|{_NOT_FINITE}"
THOUSANDS = rf"[-+]?(?:[0-9][0-9,_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|{_NOT_FINITE}"
"""Numbers in the syntax of Python's ``re`` and of RE2, for definitions that are written from fields."""

# Possessive repeats throughout: the scan never looks back, so its time is linear in the line. Bytes beyond ASCII
# belong to names where they are of letters: not the signs of U+2000 to U+2FFF, nor wide punctuation.
_FIELD = re.compile(
    rb"""
    (?<![\w./@\\+<-]) (?:(?<![\x80-\xbf])|(?<=\xc2[\x80-\xbf]))
    (?P<name>
        (?:(?P<owner>[A-Za-z]\w*+)'s\ )?+                       # LightGBM: valid_0's l2
        [A-Za-z_\xc3-\xdf\xe3-\xe9][\w@./\x80-\xbf\xc3-\xdf\xe3-\xe9-]*+
        (?::(?!(?i:nan|inf(?:inity)?+)(?!\w))[A-Za-z_][\w@./-]*+){0,4}+
        (?P<second>\ <(?:loss|score)>)?+                        # SageMaker: train loss <loss>=1.5
    )
    (?:\ (?P<when>(?:after|at)\ (?:epoch|step|iteration|iter))\ \d++(?=\s*+:))?+   # loss after epoch 3: 0.5
    (?:\ ?\((?P<aside>[A-Za-z%](?:[\w%/]|\(\w\))*+)\)(?=\s*+[=:]))?+   # accuracy (%): 93.1, D(G(z)): 0.4
    (?P<separator>
        ['"]?\s*+(?P<explicit>[=:]|[-=]>|:=|\xef\xbc\x9a|\.{3,}+)\s*+
        | \s*+(?P<bar>\||\xe2\x94[\x82\x83])\s*+               # a cell of a table
        | \s++(?P<changed>(?:improved|decreased|increased)\s\([\w.+-]++\s-->\s)
        | \s++(?:(?:is|was|of|at)\s++)?+
    )
    (?:['"]|\((?=\d)|\[(?=[-+.\d])|\([a-z]++=(?=[-+.\d][^,()]*+\)))?+   # r2: (test=0.9)
    (?:(?:np\.|numpy\.|jnp\.|torch\.|tf\.)?(?:[Tt]ensor|[Aa]rray|float(?:16|32|64)?|Variable)\(\[?)?+
    (?:
        \d++/\d++\s*+\(\s*+(?P<share>\d++(?:\.\d++)?+)\s*+%\)   # 9821/10000 (98%)
      |
        (?P<number>
            (?:[-+]|\xe2\x88\x92)?+
            (?:
                \d++,\d{4,}+(?!,)                               # 2,2201
                | \d{1,3}+(?:[,_]\d{3})++(?!\d)(?:\.\d*+)?+ | \d++(?:\.\d*+)?+ | \.\d++
            )
            (?:[eE][-+]?\d++|[dD][-+]\d++)?+
            | [-+]?+(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?+|INF(?:INITY)?+)
        )
        (?P<scale>[kKMGBT])?+
    )
    (?!\w|[:/]\w|\.\w|-\d|%\s*+\|)                        # no unit, time, fraction, version, date, bar
    (?P<unit>\ (?:[mun]?s|secs?|seconds?|mins?|minutes?|hours?|it/s|s/it|[KMG]i?B|bytes)\b(?!/))?+
    (?P<counted>\ (?:samples|examples|images|batches|records|rows|items)\b(?!/))?+
    """,
    re.VERBOSE,
)
_LOGGER = re.compile(rb"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.]+:(?=[A-Za-z_])")
_CELL_BEGINS = re.compile(rb"(?:^|[|,\t;\x82\x83])\s*$")
_CELL_ENDS = re.compile(rb"%?\s*(?:[|,\t;\xe2]|$)")
_WORD_BEFORE = re.compile(rb"[A-Za-z\xc3-\xdf\xe3-\xe9][\w@/\x80-\xbf\xc3-\xdf\xe3-\xe9-]*+|[A-Za-z]{1,4}\.")
_MOST_WORDS = 3  # words before a name that may belong to it: Best CV score
_LONGEST_NAME = 120
_MESSAGE = re.compile(
    rb"\s*+(?:raise\s|warnings\.warn\(|[\w./:]*(?:Error|Exception|Warning|Interrupt)\b\s?:|\S+:\d++: \w*Warning:)"
)
_SWITCH = re.compile(rb"=(?:True|False|None)\b")  # of a line that lists arguments
_SUMMARY, _ARGUMENTS = b"#metrics {", b"Namespace("


class Field(NamedTuple):
    """A named number in a line."""

    name: str
    value: float
    printed: str
    """The text from the start of the name to the number."""
    kind: str
    """What ``names.kind`` says of the name."""
    whole: bool
    """The number is printed without a point, exponent or suffix."""
    scaled: bool
    """A suffix of the number counts: 1.5k."""
    span: tuple[int, int]
    """Where the number stands in the line, with its suffix."""
    column: int = -1
    """The number's cell, if it is of a table; ``printed`` is the whole row then."""


def fields(text: bytes) -> Iterator[Field]:
    """The numeric fields of a line from left to right, those whose name is housekeeping too."""
    if _SUMMARY in text or _ARGUMENTS in text or _MESSAGE.match(text) or len(_SWITCH.findall(text)) > 1:
        return
    logger = _LOGGER.match(text)
    position = logger.end() if logger else 0
    for match in _FIELD.finditer(text, position):
        field = _field(text, match)
        if field is not None:
            yield field


def _field(text: bytes, match: re.Match[bytes]) -> Field | None:
    owner, name, aside, second, share, number, scale = match.group(
        "owner", "name", "aside", "second", "share", "number", "scale"
    )
    if len(name) > _LONGEST_NAME:
        return None
    value = parse_scaled(share or number, scale or b"")
    if value is None:
        return None
    if owner:
        name = owner + b":" + name[len(owner) + 3 :]
    joint = b"_"
    if second:
        name, joint = name[: -len(second)], b":"
    # A path is a name by itself: Train loss/train/total.
    start = match.start() if owner or b"/" in name else _start(text, match.start())
    label = b"_".join(text[start : match.start()].replace(b".", b"").split())
    label = label + joint + name if label else name
    if aside and b"%" not in aside:
        label += b"_" + aside.replace(b"(", b"_").strip(b")")
    if match["when"]:
        label += b"_" + match["when"].replace(b" ", b"_")
    label_text = label.decode("utf-8", "replace").strip(".-/")
    span = match.span("share") if share else (match.start("number"), match.end("scale" if scale else "number"))
    printed = text[start : span[0]].decode("utf-8", "replace")
    whole = number is not None and number.isdigit() and not scale
    kind = _kind(text, match, start, label_text, whole=whole)
    return Field(label_text, value, printed, kind, whole, bool(scale), span)


def _kind(text: bytes, match: re.Match[bytes], start: int, label: str, *, whole: bool) -> str:
    """What the name says, less what its surroundings forbid."""
    # module:function:12 is a place in the program.
    if (
        match["unit"]
        or match["counted"]
        or match["name"].lower() in names.PASSING
        or (b":" in match["name"] and match["separator"] == b":" and whole)
    ):
        return "junk"
    kind = "metric" if match["second"] else names.kind(label)
    if match["explicit"] or match["changed"] or kind == "junk":
        return kind
    # In plain words only the last one names the number: in "loss scaler 0" it is not the loss.
    if names.kind(match["name"].decode("utf-8", "replace")) == "metric" and not _passing(text, start):
        return "metric"
    alone = _CELL_BEGINS.search(text, max(0, start - 8), start) and _CELL_ENDS.match(text, match.end())
    if alone and match["bar"]:
        return kind
    return "loose" if alone or kind == "rate" or names.words(label) in names.SETTINGS else "junk"


def _passing(text: bytes, start: int) -> bool:
    """Whether the number is not what is told now: from score 0.5."""
    return text[max(0, start - 10) : start].strip().rpartition(b" ")[2].lower() in names.EARLIER


def _start(text: bytes, start: int) -> int:
    """Where the name begins of which the last word begins at ``start``: words before it may belong to it."""
    first = qualified = start
    only_qualifiers = True
    for _ in range(_MOST_WORDS + 1):
        if first < 2 or text[first - 1] != 0x20:
            return first
        begin = text.rfind(b" ", 0, first - 1) + 1
        begin = max(begin, text.rfind(b"\t", begin, first - 1) + 1)
        word = text[begin : first - 1]
        if not _WORD_BEFORE.fullmatch(word) or word.lower() in names.PASSING or _numbered(word):
            return first
        only_qualifiers = only_qualifiers and word.lower() in names.QUALIFIERS
        first = begin
        if only_qualifiers:
            qualified = begin
    return qualified  # a sentence


def _numbered(word: bytes) -> bool:
    """Whether a word has a digit that is no part of a measure's name (f1, top5) or of a split's (valid_0)."""
    return any(0x30 <= byte <= 0x39 for byte in word) and not names.is_split(word.decode("utf-8", "replace"))


def definition_regex(field: Field) -> str:
    """A regular expression that finds the field printed this way; its first group is the number."""
    number = rf"(?P<value>{THOUSANDS})(?P<scale>[kKMGBT]?)" if field.scaled else f"({THOUSANDS})"
    head = text_regex(field.printed.rstrip())
    gap = r"\s*" if field.printed[-1:].isspace() else ""
    return rf"(?:^|[^\w./-]){head}{gap}['\"]?{number}"


# Numbers, what a value improved from, blanks that align, tabs.
_PIECES = re.compile(r"((?<=\()\S+(?= --> )|(?<![\w@./-])[-+]?[0-9][0-9.,]*(?:/[0-9]+|e[-+]?[0-9]+)?|[ ]{2,}|\t)")


def text_regex(printed: str) -> str:
    """A regular expression for the text around a number: numbers in it, and blanks that align, may differ."""
    return "".join(_piece(piece) for piece in _PIECES.split(printed))


def _piece(piece: str) -> str:
    if piece == "\t":
        return r"(?:\t|#011)"  # as SageMaker's logs have it
    if len(piece) > 1 and piece.isspace():
        return " +"
    if piece and _PIECES.fullmatch(piece):
        if "/" in piece:
            return "[0-9]+/[0-9]+"
        return "[-+0-9.,e]+" if piece[-1].isdigit() else r"\S+"
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", piece)
