"""The two forms of a log line: as printed, and as SageMaker writes it, with control characters escaped.

There a tab is ``#011`` and a carriage return ``#015``. A pattern written for one form must find its value in a
log of the other.
"""

_TAB_BYTE, _TAB, _RETURN = b"\t", b"#011", b"#015"


class Segments:
    """Lines in the form as printed: ``#011`` is a tab again, and ``#015`` ends a segment as a carriage return
    ends a line. A line without them is its own only segment.
    """

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.texts = lines
        self._line_of: list[int] | None = None
        self._first_of: list[int] | None = None
        self.block = b"\n".join(lines)
        """``texts`` joined by newlines."""
        if b"#01" in self.block:
            self._split()
            self.block = b"\n".join(self.texts)

    def line(self, segment: int) -> int:
        """The line that a segment belongs to."""
        return segment if self._line_of is None else self._line_of[segment]

    def first(self, line: int) -> int:
        """The first segment of a line."""
        return line if self._first_of is None else self._first_of[line]

    def _split(self) -> None:
        self.texts, self._line_of, self._first_of = [], [], []
        for number, line in enumerate(self.lines):
            self._first_of.append(len(self.texts))
            pieces = line.replace(_TAB, _TAB_BYTE).split(_RETURN) if b"#01" in line else [line]
            self.texts.extend(pieces)
            self._line_of.extend([number] * len(pieces))


def escape_tabs(segments: Segments) -> tuple[list[bytes], bytes]:
    """The lines with their tabs as SageMaker writes them, and these joined by newlines."""
    if segments.texts is segments.lines and _TAB_BYTE not in segments.block:
        return segments.lines, segments.block
    block = b"\n".join(segments.lines).replace(_TAB_BYTE, _TAB)
    return block.split(b"\n"), block
