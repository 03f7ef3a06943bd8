"""Files of a training's profile on their way to the server."""

import re
from typing import Final

import msgspec

EVENTS: Final = re.compile(r"events-[0-9]{16}-[0-9]{1,10}\.ewe")
WINDOW: Final = re.compile(r"windows/[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.(json|json\.gz|pstats)")


class ProfileFile(msgspec.Struct):
    """One of a run's own host, whole as it is now. Idempotent: sent again, it replaces itself."""

    run_id: str
    name: str
    """As EVENTS or WINDOW has it."""
    content: bytes


def checked_name(name: str) -> str:
    """The name, if a profile has such files. Raises ValueError."""
    if not (EVENTS.fullmatch(name) or WINDOW.fullmatch(name)):
        raise ValueError(
            f"a profile has no file {name!r}: events-<Unix microseconds>-<process>.ewe, or windows/..."
        )
    return name
