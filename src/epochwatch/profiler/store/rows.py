"""The form of an event file: ``EWEVENT1``, the length of a header in JSON, the header, and rows of 48 bytes.

::

    event   i64 start (Unix microseconds), i64 duration (microseconds), i64 step (-1: none), i64 thread, i64 bytes,
            u32 name (0: the phase's own), u8 phase (place in PHASES), u8 mode (of a ModeKeys), u8 kind = 1, 1 unused
    name    40 bytes of text (UTF-8; a longer one takes several rows in order), u32 name, u8 how many of the bytes,
            1 unused, u8 kind = 2, 1 unused

Little-endian. A name stands before the first event that has it. Files are only appended to: whoever reads one while
it grows, or after its process was killed, leaves out the part of a row at its end. Needs nothing but Python.
"""

import json
import re
import struct
from typing import Final, NamedTuple

from epochwatch.profiler.phases import Phase

MAGIC: Final = b"EWEVENT1"
LENGTH: Final = struct.Struct("<I")
EVENT_ROW: Final = struct.Struct("<qqqqqIBBBx")
NAME_ROW: Final = struct.Struct("<40sIBBBx")
NAME_BYTES: Final = 40
IS_EVENT: Final = 1
IS_NAME: Final = 2
PHASES: Final = tuple(Phase)
"""New ones go to the end."""
MOST_HEADER_BYTES: Final = 1 << 16
_FILE: Final = re.compile(r"events-([0-9]{16})-([0-9]{1,10})\.ewe")


class Header(NamedTuple):
    """Whose events they are."""

    node: str
    rank: int
    """-1 if unknown."""
    process: int
    framework: str = ""

    def pack(self) -> bytes:
        """What a file begins with."""
        text = json.dumps(self._asdict()).encode()
        return MAGIC + LENGTH.pack(len(text)) + text

    @classmethod
    def read(cls, content: bytes) -> "tuple[Header, int] | None":
        """The header and the offset of the first row; None while it is not complete. Raises ValueError where this is
        no event file.
        """
        first = len(MAGIC) + LENGTH.size
        if len(content) < first and MAGIC.startswith(content[: len(MAGIC)]):
            return None
        if not content.startswith(MAGIC):
            raise ValueError("this is no file of events")
        (length,) = LENGTH.unpack_from(content, len(MAGIC))
        if length > MOST_HEADER_BYTES:
            raise ValueError("the header of the events is damaged")
        if len(content) < first + length:
            return None
        try:
            found = json.loads(content[first : first + length])
            header = cls(str(found["node"]), int(found["rank"]), int(found["process"]), str(found["framework"]))
        except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"the header of the events is damaged: {error}") from error
        return header, first + length


def file_name(begun: int, process: int) -> str:
    """Of the file that a process began at some Unix microsecond."""
    return f"events-{begun:016d}-{process}.ewe"


def begun_at(name: str) -> int | None:
    """Unix microseconds at which a file was begun, by its name; None where it is no event file's."""
    found = _FILE.fullmatch(name)
    return int(found[1]) if found else None
