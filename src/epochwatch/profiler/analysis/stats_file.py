"""Files of Python's own profiler, read without trusting them.

They are Python's ``marshal``, whose reader may bring down the process or take all memory over a damaged file. Of what
it can hold only numbers, text, tuples, lists and dictionaries are read here, and none larger than the file itself.
"""

import pstats
import struct
from typing import Any, Final

MOST_BYTES: Final = 256 << 20
_FLAG: Final = 0x80
_INTEGER: Final = struct.Struct("<i")
_FLOAT: Final = struct.Struct("<d")
_END: Final = object()
_MOST_DEPTH: Final = 50
Function = tuple[str, int, str]
"""(file, line, name)"""
Timing = tuple[int, int, float, float, dict[Function, Any]]
"""(calls that are not recursive, calls, own seconds, seconds with what it calls, callers)"""


def read_stats(data: bytes) -> pstats.Stats:
    """The statistics in a file. Raises ValueError for what is none."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"statistics of Python have at most {MOST_BYTES} bytes, not {len(data)}")
    try:
        found = _Reader(data).value()
        stats = _checked(found)
        return pstats.Stats(_Loaded(stats)) if stats else pstats.Stats()  # type: ignore[arg-type]
    except (IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"these are no statistics of Python: {error}") from error


class _Loaded:
    """What pstats takes for a profiler."""

    def __init__(self, stats: dict[Function, Timing]) -> None:
        self.stats = stats

    def create_stats(self) -> None:
        """They are there already."""


def _checked(found: Any) -> dict[Function, Timing]:
    if not isinstance(found, dict):
        raise ValueError("these are no statistics of Python")
    for function, timing in found.items():
        if not _is_timing(timing) or not all(map(_is_function, (function, *timing[4]))):
            raise ValueError(f"these are no statistics of Python: {function!r} has {timing!r}"[:300])
    return found


def _is_timing(value: Any) -> bool:
    if not isinstance(value, tuple) or len(value) != 5:
        return False
    return all(isinstance(number, int | float) for number in value[:4]) and isinstance(value[4], dict)


def _is_function(value: Any) -> bool:
    return isinstance(value, tuple) and [type(part) for part in value] == [str, int, str]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._seen: list[Any] = []

    def value(self, depth: int = 0) -> Any:
        if depth > _MOST_DEPTH:
            raise ValueError("statistics of Python are not as deep")
        kind = self._take(1)[0]
        place = len(self._seen)
        if kind & _FLAG:
            self._seen.append(_END)
        found = self._of(chr(kind & ~_FLAG), depth + 1)
        if kind & _FLAG:
            self._seen[place] = found
        return found

    def _of(self, kind: str, depth: int) -> Any:
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in ")([":
            size = self._take(1)[0] if kind == ")" else self._size()
            items = [self.value(depth) for _ in range(size)]
            return items if kind == "[" else tuple(items)
        if kind == "{":
            return self._dictionary(depth)
        return self._plain(kind)

    def _plain(self, kind: str) -> Any:
        if kind in "zZ":
            return self._take(self._take(1)[0]).decode("ascii", "replace")
        if kind in "aAut":
            return self._take(self._integer()).decode("utf-8", "replace")
        if kind == "r":
            return self._seen[self._integer()]
        if kind == "g":
            return _FLOAT.unpack(self._take(8))[0]
        if kind in "il":
            return self._integer() if kind == "i" else self._long()
        raise ValueError(f"statistics of Python hold nothing of the kind {kind!r}")

    def _dictionary(self, depth: int) -> dict[Any, Any]:
        found = {}
        while (key := self.value(depth)) is not _END:
            found[key] = self.value(depth)
        return found

    def _long(self) -> int:
        digits = self._integer()
        places = struct.unpack(f"<{abs(digits)}H", self._take(2 * abs(digits)))
        number: int = sum(digit << (15 * place) for place, digit in enumerate(places))
        return -number if digits < 0 else number

    def _integer(self) -> int:
        found: int = _INTEGER.unpack(self._take(4))[0]
        return found

    def _size(self) -> int:
        size = self._integer()
        if not 0 <= size <= len(self._data) - self._at:
            raise ValueError("these are no statistics of Python: something is larger than the file")
        return size

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise ValueError("these are no statistics of Python: their end is missing")
        self._at, found = end, self._data[self._at : end]
        return found


_CONSTANTS: Final = {"0": _END, "N": None, "T": True, "F": False}
