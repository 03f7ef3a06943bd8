"""The child process that runs what the linear-time engine refuses: ``python -m epochwatch.extraction.worker``.

It first sends true: it is ready. Frames on stdin and stdout are a little-endian uint32 length and msgpack. A
request is ``[pattern, wide, limit, budget, texts]``; the answer is one frame per text, sent as it is found: the
CPU seconds it took, and the list of matches, each a list of ``[start, end]`` by group, or nil when the text used
up ``budget`` seconds. The first nil ends the request: what was asked behind it must be asked again.
"""

import re
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, BinaryIO

import msgspec

HEADER = struct.Struct("<I")


class _OutOfBudgetError(Exception):
    pass


def write_frame(stream: BinaryIO, value: Any) -> None:
    """Sends one value."""
    body = msgspec.msgpack.encode(value)
    stream.write(HEADER.pack(len(body)) + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> Any:
    """The next value; raises EOFError when the other side is gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    (length,) = HEADER.unpack(header)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return msgspec.msgpack.decode(body)


def spans_in(
    pattern: "re.Pattern[str] | re.Pattern[bytes]", text: bytes, limit: int
) -> list[list[tuple[int, int]]]:
    """The spans by group (in bytes of ``text``) of the first ``limit`` matches; 0 is no limit."""
    if isinstance(pattern.pattern, bytes):
        matches: Iterator[re.Match[Any]] = pattern.finditer(text)
        offsets = None
    else:
        characters = text.decode()
        matches = pattern.finditer(characters)
        offsets = _offsets(characters)
    found = []
    for match in matches:
        spans = [match.span(group) for group in range(pattern.groups + 1)]
        if offsets is not None:
            spans = [(offsets[a], offsets[b]) if a >= 0 else (a, b) for a, b in spans]
        found.append(spans)
        if len(found) == limit:
            break
    return found


def _offsets(characters: str) -> list[int]:
    """The byte offset of every character of the text in UTF-8, and of its end."""
    offsets = [0]
    for character in characters:
        offsets.append(offsets[-1] + len(character.encode()))
    return offsets


@contextmanager
def _cpu_budget(seconds: float) -> Iterator[None]:
    # CPU time, not wall time: a busy machine must not change what is found. Windows has no such timer; there the
    # parent's patience is the only bound.
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _out_of_budget(_signal: int, _frame: FrameType | None) -> None:
    raise _OutOfBudgetError


def _answer(request: list[Any], output: BinaryIO) -> None:
    source, wide, limit, budget, texts = request
    pattern = re.compile(source if wide else source.encode(), re.ASCII if wide else 0)
    for text in texts:
        before = time.process_time()
        try:
            with _cpu_budget(budget):
                found = spans_in(pattern, text, limit)
        except (_OutOfBudgetError, MemoryError, RecursionError):
            write_frame(output, [time.process_time() - before, None])
            return
        write_frame(output, [time.process_time() - before, found])


def main() -> None:
    """Answers until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _out_of_budget)
    write_frame(sys.stdout.buffer, True)
    while True:
        try:
            request = read_frame(sys.stdin.buffer)
        except EOFError:
            return
        _answer(request, sys.stdout.buffer)


if __name__ == "__main__":
    main()
