"""Numbers as logs print them."""

import re

_PREFIX = re.compile(
    rb"""[-+]?+(?:
        \d{1,3}+(?:,\d{3})++(?![\d,])(?:\.\d*+)?   # 1,234.5
        | \d{1,3}+(?:_\d{3})++(?![\d_])(?:\.\d*+)? # 1_234.5
        | \d++(?:\.\d*+)? | \.\d++                  # 12  0.5  5.  .5
    )(?:[eE][-+]?+\d++|[dD][-+]\d++)?             # Fortran: 2.5D+03
    | [-+]?+(?:nan|inf(?:inity)?+)""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMA = 0x2C
_MINUS = "\u2212".encode()  # as typography has it
_DECIMAL_COMMA = re.compile(rb"[-+]?+\d++,\d++")
_FORTRAN = bytes.maketrans(b"dD", b"eE")
_FULL_STOP = re.compile(rb"\.(?!\S)")
_OPENING = b" \t\"'`([{<"
_FOLLOWS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")

_SCALES = {b"": 1.0, b"%": 0.01, b"k": 1e3, b"K": 1e3, b"M": 1e6, b"G": 1e9, b"B": 1e9, b"T": 1e12}


def parse_scaled(text: bytes, scale: bytes) -> float | None:
    """``parse_number(text)`` times what the suffix ``scale`` stands for: ``%`` a hundredth, ``k`` (or ``K``) a
    thousand, ``M`` a million, ``G`` or ``B`` 10^9, ``T`` 10^12, nothing 1; None for any other suffix.
    """
    number, factor = parse_number(text), _SCALES.get(scale.strip())
    return None if number is None or factor is None else number * factor


def parse_number(text: bytes) -> float | None:
    """The number that ``text`` is, or begins with; None if it is none.

    Quotes, brackets and blanks around it are passed over, groups of thousands are joined, and what follows is
    ignored unless it makes the number part of a word: ``0.75#011next`` is 0.75, ``95.3%`` is 95.3 (not scaled),
    while ``1.2.3``, ``5x`` and ``0x10`` are no numbers. A full stop ends it: ``0.5.`` is 0.5. Where digits and one
    comma are all that there is, and these are no groups of thousands, the comma is a decimal point: ``2,2201`` is
    2.2201. NaN and infinities are numbers here.
    """
    if b"_" not in text:  # float() would read 1_000
        try:
            return float(text)
        except ValueError:
            pass
    text = text.lstrip(_OPENING)
    if text.startswith(_MINUS):
        text = b"-" + text[len(_MINUS) :]
    match = _PREFIX.match(text)
    if match is None:
        return None
    end = match.end()
    if end < len(text) and text[end] in _FOLLOWS and not _FULL_STOP.match(text, end):
        return None
    number = match.group()
    if end < len(text) and text[end] == _COMMA and _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(b",", b"."))
    return float(number.translate(_FORTRAN, b",_"))
