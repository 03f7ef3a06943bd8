"""How a host is to be sampled: ``sampling.json`` of a spool, and what the server wants of a created job's host.

Both may change while the sampler runs.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from epochwatch.errors import UsageError
from epochwatch.model.sampling import DEFAULT_INTERVAL, INTERVALS, Wanted


class Sampling(msgspec.Struct, omit_defaults=True, frozen=True):
    """``sampling.json``."""

    interval: int = DEFAULT_INTERVAL
    """Milliseconds; one of INTERVALS."""
    smdebug_layout: str = ""
    """A directory in which SageMaker Debugger's files of system metrics are written too; empty: none."""
    node: str = "algo-1"
    """The host's name in these files."""


def checked_interval(milliseconds: int) -> int:
    """``milliseconds`` if that is an interval. Raises UsageError otherwise."""
    if milliseconds not in INTERVALS:
        raise UsageError(
            f"the sampling interval cannot be {milliseconds} ms",
            f"one of: {', '.join(map(str, INTERVALS))}",
        )
    return milliseconds


def write_sampling(spool: Path, sampling: Sampling) -> None:
    """Replaces the file; a running sampler follows within a second. Raises UsageError for an interval there is not."""
    checked_interval(sampling.interval)
    _replace(spool / "sampling.json", sampling)


def write_wanted(spool: Path, wanted: Wanted) -> None:
    """Notes what the server wants; it goes before ``sampling.json``. Written only where it is another than before."""
    if read_wanted(spool) != wanted:
        _replace(spool / "wanted.json", wanted)


def read_wanted(spool: Path) -> Wanted | None:
    """What the server wants; None where it has said nothing yet (or nothing that can be read)."""
    try:
        return msgspec.json.decode((spool / "wanted.json").read_bytes(), type=Wanted)
    except (OSError, msgspec.DecodeError):
        return None


def _replace(path: Path, record: msgspec.Struct) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(record))
    temporary.replace(path)


class SamplingFile:
    """The files as their sampler sees them: what cannot be read leaves all as it was."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._paths = [str(spool / name) for name in ("sampling.json", "wanted.json")]
        self._seen: list[int] = []
        self._local = self.now = Sampling()
        self.changed()

    def changed(self) -> bool:
        """Whether ``now`` is another than before."""
        seen = [_changed_at(path) for path in self._paths]
        if seen == self._seen:
            return False
        self._seen = seen
        with suppress(OSError, msgspec.DecodeError):
            found = msgspec.json.decode((self._spool / "sampling.json").read_bytes(), type=Sampling)
            self._local = found if found.interval in INTERVALS else self._local
        before, self.now = self.now, self._local
        wanted = read_wanted(self._spool)
        if wanted is not None and wanted.interval in INTERVALS:
            layout = self._local.smdebug_layout if wanted.output else ""
            self.now = msgspec.structs.replace(self._local, interval=wanted.interval, smdebug_layout=layout)
        return self.now != before


def _changed_at(path: str) -> int:
    """Nanoseconds; 0 where there is no such file."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
