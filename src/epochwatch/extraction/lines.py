"""Bytes of a training's output, cut into lines as a terminal would show them."""

import re
from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple, cast, overload

MAX_LINE = 65536
"""Default bound of a line in bytes; longer ones come out in pieces of at most this size."""
GLIMPSED = 8192
"""Longest unfinished line, in bytes, that is looked at before its end comes."""

_LINE = re.compile(rb"([^\r\n]*)(\r\n?|\n)")
# Control sequences (CSI), operating system commands (OSC), two-byte escapes, and the backspaces of older bars.
_CONTROL = re.compile(
    rb"\x1b\[[0-?]*+[ -/]*+[@-~]|\x1b\][^\x07\x1b]*+(?:\x07|\x1b\\)?|\x1b[ -/]*+[0-Z\\^-~]|[\x1b\x08]"
)
_CONTROLS = (b"\x1b", b"\x08")
_NUMBER_BYTES = b"0123456789.,+-eE"


class Line(NamedTuple):
    """One line: ``raw`` as printed, without its end; ``text`` what patterns see (no control sequences).

    ``start`` is the offset of its first byte in the source, ``end`` the offset just behind the byte that ended
    it. For ``\\r\\n`` that byte is the carriage return: whether a newline follows is not yet known when a bar
    refreshes itself, and a line's end must not depend on how the bytes arrived.
    """

    start: int
    end: int
    text: bytes
    raw: bytes


_LINE_OF = cast("Callable[[tuple[int, int, bytes, bytes]], Line]", partial(tuple.__new__, Line))  # without a frame


class Lines(Sequence[Line]):
    """Lines in a row, held as one block of bytes: an object for each is made only for who asks for lines."""

    __slots__ = ("_breaks", "_count", "_ends", "_lines", "_start", "block")

    def __init__(self, start: int, block: bytes) -> None:
        """Lines that are as printed, each with a newline for the byte that ended it; ``start`` is the offset of the
        first.
        """
        self.block = block
        """The texts, each with a newline behind it."""
        self._start = start
        self._lines: list[Line] | None = None
        self._breaks: list[int] = []
        self._ends: array[int] | None = None
        self._count = -1

    @classmethod
    def of(cls, lines: list[Line]) -> "Lines":
        """Lines that are objects already."""
        made = cls(0, b"".join([line.text + b"\n" for line in lines]))
        made._lines, made._count = lines, len(lines)
        return made

    def end_of(self, newline: int) -> int:
        """``Line.end`` of the line whose newline is at this place of the block."""
        if self._lines is None:
            return self._start + newline + 1
        if not self._breaks:
            self._breaks = list(accumulate([len(line.text) + 1 for line in self._lines]))
        return self._lines[bisect_left(self._breaks, newline + 1)].end

    def ends_of(self, newlines: Sequence[int]) -> list[int]:
        """``Line.end`` of each of the lines whose newlines are at these places of the block."""
        if self._lines is None:
            behind = self._start + 1
            return [behind + newline for newline in newlines]
        return [self.end_of(newline) for newline in newlines]

    def text_of(self, end: int) -> bytes:
        """``Line.text`` of the line with this ``end``."""
        if self._lines is None:
            newline = end - self._start - 1
            return self.block[self.block.rfind(b"\n", 0, newline) + 1 : newline]
        return self._lines[bisect_left(self.ends(), end)].text

    def ends(self) -> "array[int]":
        """``end`` of every line; uint64."""
        if self._ends is None:
            self._ends = self._computed_ends()
        return self._ends

    def texts(self) -> list[bytes]:
        """``Line.text`` of every line."""
        return self.block.split(b"\n")[:-1]

    def messages(self) -> list[str]:
        """Every line as printed, with U+FFFD for what is not UTF-8."""
        if self._lines is not None:
            return [line.raw.decode("utf-8", "replace") for line in self._lines]
        return self.block.decode("utf-8", "replace").split("\n")[:-1]

    def __len__(self) -> int:
        if self._count < 0:
            self._count = self.block.count(b"\n")
        return self._count

    def __bool__(self) -> bool:
        return bool(self.block)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._listed())

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        return self._listed()[index]

    def _computed_ends(self) -> "array[int]":
        if self._lines is not None:
            return array("Q", [line.end for line in self._lines])
        following = accumulate(map(len, self.block.splitlines(keepends=True)), initial=self._start)
        next(following)
        return array("Q", following)

    def _listed(self) -> list[Line]:
        if self._lines is not None:
            return self._lines
        raws = self.texts()
        ends = self.ends()
        return list(map(_LINE_OF, zip([self._start, *ends][:-1], ends, raws, raws, strict=True)))


def strip_controls(raw: bytes) -> bytes:
    """The text without ANSI control sequences and backspaces."""
    if b"\x1b" in raw or b"\x08" in raw:
        return _CONTROL.sub(b"", raw)
    return raw


class Framer:
    """Cuts a growing source into lines, whatever the sizes of the chunks it arrives in.

    A newline, a carriage return and ``\\r\\n`` each end a line, so that every refresh of a progress bar is a
    line. Carriage returns with nothing before them print nothing and give no line; empty lines ended by a
    newline are kept. A line longer than ``max_line`` comes out in pieces (cut between UTF-8 characters): the
    first piece has text, less a number that the cut may have split, the rest have none, so nothing is lost for
    showing and memory is bounded.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        if max_line < 16:
            raise ValueError("max_line must be at least 16 bytes")
        self.max_line = max_line
        self.offset = 0
        """Offset just behind the last byte fed."""
        self._carry = b""
        self._after_return = False  # the last byte consumed was a carriage return
        self._blank = False  # ... and nothing stood before it
        self._continued = False  # the carry continues a line whose first piece is out

    def feed(self, data: bytes, base_offset: int) -> Lines:
        """The lines that ``data`` completes. ``base_offset`` is the offset of its first byte in the source and
        must continue the bytes fed before.
        """
        if not data:
            return Lines(base_offset, b"")
        if self.offset == 0 and not self._carry:
            self.offset = base_offset
        if base_offset != self.offset:
            raise ValueError(f"bytes at offset {base_offset} do not continue the source at {self.offset}")
        self.offset += len(data)
        lines: list[Line] = []
        start = base_offset - len(self._carry)
        if not self._after_return and (block := self._printed(data)) is not None:
            self._carry = data[start + len(block) - base_offset :]
            self._after_return, self._blank = data.endswith(b"\r"), False
            return Lines(start, block)
        data = self._carry + data if self._carry else data
        if self._after_return:
            data, start = self._swallow_newline(data, start, lines)
        uniform = self._separator(data)
        rest = self._mixed(data, start, lines) if uniform is None else self._uniform(data, start, lines, uniform)
        self._carry = data[rest:]
        if len(self._carry) > self.max_line:
            self._shed(start + rest, lines)
        return Lines.of(lines)

    def glimpse(self) -> Lines:
        """The unfinished last line as it stands, less a number at its end that may go on; nothing where it is longer
        than ``GLIMPSED``. It ends one before the bytes do: behind every line before it, before its own end.
        """
        carry = self._carry
        if self._continued or not 1 < len(carry) <= min(GLIMPSED, self.max_line // 2):
            return Lines(self.offset, b"")
        start = self.offset - len(carry)
        return Lines.of([_piece(start, self.offset - 1, carry, first=True)])

    def flush(self) -> Lines:
        """The unfinished last line, if any, as a line that ends where the bytes end."""
        lines: list[Line] = []
        if self._carry:
            self._emit(lines, self.offset - len(self._carry), self.offset, self._carry)
        self._carry, self._continued, self._after_return, self._blank = b"", False, False, False
        return Lines.of(lines)

    def state(self) -> dict[str, Any]:
        """What ``restore`` needs to go on at ``offset``; JSON-able."""
        return {
            "offset": self.offset,
            "carry": b64encode(self._carry).decode(),
            "flags": [self._after_return, self._blank, self._continued],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where ``state`` was taken."""
        self.offset = state["offset"]
        self._carry = b64decode(state["carry"])
        self._after_return, self._blank, self._continued = state["flags"]

    def _swallow_newline(self, data: bytes, start: int, lines: list[Line]) -> tuple[bytes, int]:
        self._after_return = False
        if data[:1] != b"\n":
            return data, start
        if self._blank:
            lines.append(Line(start, start + 1, b"", b""))
        return data[1:], start + 1

    def _printed(self, data: bytes) -> bytes | None:
        """The whole lines of the carry and the data, each ended by a newline, if that takes no more than to write a
        newline for each carriage return: short lines, no control sequences, one byte at the end of each.
        """
        carry = self._carry
        if self._continued or any(control in text for control in _CONTROLS for text in (carry, data)):
            return None
        if b"\r" in data:
            whole = carry + data
            if whole.startswith(b"\r") or b"\r\n" in whole or b"\r\r" in whole or b"\n\r" in whole:
                return None
            data = data.replace(b"\r", b"\n")
        rest = data.rfind(b"\n") + 1
        if not rest or len(data) - rest > self.max_line:
            return None
        block = b"".join((carry, memoryview(data)[:rest])) if carry else data[:rest]
        place, end = 0, len(block)
        while end - place > self.max_line + 1:
            newline = block.rfind(b"\n", place, place + self.max_line + 1)
            if newline < 0:
                return None
            place = newline + 1
        return block

    def _separator(self, data: bytes) -> bytes | None:
        """The line end of the whole chunk where there is only one kind."""
        if self._continued:
            return None
        returns = data.count(b"\r")
        if returns == 0:
            return b"\n"
        # A final carriage return may yet get its newline.
        if returns == data.count(b"\r\n") == data.count(b"\n") and not data.startswith(b"\r"):
            return b"\r\n" if b"\n\r" not in data else None
        return None

    def _uniform(self, data: bytes, start: int, lines: list[Line], separator: bytes) -> int:
        """The common case without a step per byte; returns where the unfinished rest begins."""
        raws = data.split(separator)
        rest = len(data) - len(raws.pop())
        width = len(separator)
        behind = width - 1  # a \r\n line ends behind its carriage return
        plain = b"\x1b" not in data and b"\x08" not in data
        if plain and (not raws or max(map(len, raws)) <= self.max_line):
            nexts = list(accumulate(map(len, raws), lambda begin, size: begin + size + width, initial=start))
            ends = nexts[1:] if width == 1 else [following - 1 for following in nexts[1:]]
            lines.extend(map(_LINE_OF, zip(nexts, ends, raws, raws, strict=False)))
            return rest
        position = start
        for raw in raws:
            self._emit(lines, position, position + len(raw) + width - behind, raw)
            position += len(raw) + width
        return rest

    def _mixed(self, data: bytes, start: int, lines: list[Line]) -> int:
        rest = 0
        # Only up to the last line end: behind it the search would start over at every byte of the rest.
        for match in _LINE.finditer(data, 0, max(data.rfind(b"\r"), data.rfind(b"\n")) + 1):
            raw, terminator = match.groups()
            begin, rest = match.span()
            blank = not raw and not self._continued
            if not blank:
                self._emit(lines, start + begin, start + match.end(1) + 1, raw)
            elif terminator != b"\r":
                # The blank line shows when its newline comes, so that is where it ends.
                lines.append(Line(start + rest - 1, start + rest, b"", b""))
            self._after_return = terminator == b"\r" and rest == len(data)
            self._blank = self._after_return and blank
        return rest

    def _emit(self, lines: list[Line], start: int, end: int, raw: bytes) -> None:
        """One whole line, or the pieces of a long one; the last piece ends the line."""
        continued, self._continued = self._continued, False
        while len(raw) > self.max_line:
            cut = _character_boundary(raw, self.max_line)
            lines.append(_piece(start, start + cut, raw[:cut], first=not continued))
            start, raw, continued = start + cut, raw[cut:], True
        if continued:
            if raw:
                lines.append(Line(start, end, b"", raw))
        else:
            lines.append(Line(start, end, strip_controls(raw), raw))

    def _shed(self, start: int, lines: list[Line]) -> None:
        """Lets go of the whole pieces of an unfinished long line."""
        while len(self._carry) > self.max_line:
            cut = _character_boundary(self._carry, self.max_line)
            lines.append(_piece(start, start + cut, self._carry[:cut], first=not self._continued))
            self._carry, start, self._continued = self._carry[cut:], start + cut, True


def _piece(start: int, end: int, raw: bytes, *, first: bool) -> Line:
    return Line(start, end, strip_controls(raw).rstrip(_NUMBER_BYTES) if first else b"", raw)


def _character_boundary(raw: bytes, limit: int) -> int:
    """The last place at or before ``limit`` (at most 3 back) that does not split a UTF-8 character."""
    for cut in range(limit, limit - 4, -1):
        if raw[cut] & 0xC0 != 0x80:
            return cut
    return limit
