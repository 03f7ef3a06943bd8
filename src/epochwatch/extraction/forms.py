"""The two forms of a log line: as printed, and as SageMaker writes it, with control characters escaped.

There a tab is ``#011`` and a carriage return ``#015``. A pattern written for one form must find its value in a
log of the other.
"""

ESCAPE = b"#01"
"""What a line holds that is (or may be) in SageMaker's form."""
_TAB_BYTE, _TAB, _RETURN = b"\t", b"#011", b"#015"
_TAB_CHARACTERS = "#01"


def as_printed(text: bytes) -> list[bytes]:
    """The line in the form as printed: ``#011`` is a tab again, and ``#015`` ends a segment as a carriage
    return ends a line. A line without them is its own only segment.
    """
    return text.replace(_TAB, _TAB_BYTE).split(_RETURN) if ESCAPE in text else [text]


def escape_tabs(text: bytes) -> bytes:
    """The line with its tabs as SageMaker writes them."""
    return text.replace(_TAB_BYTE, _TAB)


def common_part(literal: str, *, escaped: bool) -> str:
    """The longest part of a text that stands in either form of a line which holds the text in the form that the
    pattern is written for; empty if there is none.
    """
    if escaped:
        pieces = [piece.strip(_TAB_CHARACTERS) for piece in literal.split(_TAB.decode())]
    else:
        pieces = literal.split("\t")
    return max(pieces, key=len)
