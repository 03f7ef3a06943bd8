"""Envelopes around lines: what Kubernetes' and Docker's log files have around what a container printed.

Pure: bytes of a file in, the printed lines and their times out. Nothing is kept between two calls. A line that was cut
into partial ones is joined again; bytes are only taken up to where no part of a line waits for its rest.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

FORMATS = ("auto", "plain", "cri", "docker")
"""What a file's lines may be in; ``auto`` decides by the first line."""

_CRI = re.compile(rb"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?::\S*)?(?: (.*))?", re.DOTALL)
_MICROSECONDS = 1_000_000


@dataclass(slots=True)
class Unwrapped:
    """What was printed. ``times`` are rows (end within ``data``, Unix microseconds), one for each change of the
    millisecond; ``taken`` is how many bytes of the file this is.
    """

    data: bytes
    times: list[tuple[int, int]] = field(default_factory=list)
    taken: int = 0


class _DockerLine(msgspec.Struct):
    log: str
    stream: str
    time: str


_docker_line = msgspec.json.Decoder(_DockerLine)


@dataclass(frozen=True, slots=True)
class _Printed:
    """One line of a file without its envelope."""

    text: bytes
    stream: bytes = b""
    time: int | None = None
    """Unix microseconds."""
    whole: bool = True
    """Whether the printed line ends here."""


def detect(line: bytes) -> str:
    """The format of the file whose first line this is."""
    if _cri(line).time is not None:
        return "cri"
    return "docker" if _docker(line).time is not None else "plain"


def unwrap(form: str, block: bytes, now: int, *, everything: bool = False) -> Unwrapped:
    """The printed lines in ``block``, which begins with a line's beginning. ``now`` (Unix microseconds) is the time
    of lines without one. Takes the unfinished end only with ``everything``.
    """
    if form == "plain":
        return _plain(block, now, everything=everything)
    read = _cri if form == "cri" else _docker
    return _joined(block, read, now, everything=everything)


def _plain(block: bytes, now: int, *, everything: bool) -> Unwrapped:
    # A bar redraws itself with carriage returns, for minutes without a newline.
    taken = len(block) if everything else max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
    data = block[:taken]
    return Unwrapped(data, [(taken, now)] if data else [], taken)


def _joined(block: bytes, read: Callable[[bytes], _Printed], now: int, *, everything: bool) -> Unwrapped:
    out = _Out(now)
    waiting: dict[bytes, tuple[int | None, list[bytes]]] = {}
    taken = 0
    safe = (0, 0, 0)
    while taken < len(block):
        end = block.find(b"\n", taken)
        if end < 0 and not everything:
            break
        line = block[taken:end] if end >= 0 else block[taken:]
        taken = end + 1 if end >= 0 else len(block)
        printed = read(line)
        time, parts = waiting.pop(printed.stream, (printed.time, []))
        parts.append(printed.text)
        if printed.whole:
            out.add(b"".join(parts), time)
        else:
            waiting[printed.stream] = (time, parts)
        if not waiting:
            safe = (taken, out.size, len(out.times))
    if everything:
        for time, parts in waiting.values():
            out.add(b"".join(parts), time)
        safe = (len(block), out.size, len(out.times))
    taken, size, rows = safe
    times = out.times[:rows]
    if times and times[-1][0] > size:
        times[-1] = (size, times[-1][1])
    return Unwrapped(b"".join(out.texts)[:size], times, taken)


class _Out:
    """Lines put together, and the times at which they were printed."""

    def __init__(self, now: int) -> None:
        self.texts: list[bytes] = []
        self.times: list[tuple[int, int]] = []
        self.size = 0
        self._last = now

    def add(self, text: bytes, time: int | None) -> None:
        """One printed line."""
        self.texts += (text, b"\n")
        self.size += len(text) + 1
        self._last = self._last if time is None else time
        if self.times and self.times[-1][1] // 1000 == self._last // 1000:
            self._last = self.times.pop()[1]
        self.times.append((self.size, self._last))


def _cri(line: bytes) -> _Printed:
    found = _CRI.fullmatch(line)
    time = None if found is None else _unix(found[1].decode("ascii", "replace"))
    if found is None or time is None:
        return _Printed(line)
    return _Printed(found[4] or b"", found[2], time, found[3] == b"F")


def _docker(line: bytes) -> _Printed:
    try:
        record = _docker_line.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Printed(line)
    time = _unix(record.time)
    if time is None:
        return _Printed(line)
    text = record.log.encode("utf-8", "replace")
    return _Printed(text.removesuffix(b"\n"), record.stream.encode(), time, text.endswith(b"\n"))


_SECONDS: dict[str, int] = {}
"""Unix seconds of the seconds met last: lines of one second come together."""


def _unix(text: str) -> int | None:
    """Unix microseconds of an RFC 3339 time with up to nanoseconds; None if it is none."""
    day, rest = text[:19], text[19:]
    digits = rest[1:].rstrip("Zz") if rest.startswith(".") else ""
    zone = "Z"
    for sign in "+-":
        if sign in rest:
            digits, _, offset = rest[1:].partition(sign) if rest.startswith(".") else ("", sign, rest[1:])
            zone = sign + offset
    key = day + zone
    seconds = _SECONDS.get(key)
    if seconds is None:
        try:
            seconds = int(datetime.datetime.fromisoformat(key).timestamp())
        except ValueError:
            return None
        if len(_SECONDS) > 64:
            _SECONDS.clear()
        _SECONDS[key] = seconds
    if digits and not digits.isdecimal():
        return None
    return seconds * _MICROSECONDS + int((digits + "000000")[:6])
