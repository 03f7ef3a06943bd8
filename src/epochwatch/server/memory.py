"""How the server process keeps its memory: tuned once, before the first thread starts."""

import contextlib
import ctypes
import gc
from typing import Final

OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
"""A request of a thousand datapoints makes some thousands of objects that are soon gone without the collector: with
Python's default of 700 it would run several times a request and take almost as long as everything else.
"""
ARENAS: Final = 2
"""Pools of the C library. By default it makes eight a core, and large bodies, handled now in this thread and now in
that one, leave holes in each: resident memory had grown by 300 MB after some ten thousand requests.
"""
_M_ARENA_MAX: Final = -8
"""glibc's number for the parameter."""


def tune() -> None:
    """Set the collector and, where the C library is glibc, its allocator to what suits a server of large requests."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
