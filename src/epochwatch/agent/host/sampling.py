"""How a host is to be sampled: ``sampling.json`` of a spool, which may change while the sampler runs."""

import os
from pathlib import Path

import msgspec

from epochwatch.errors import UsageError

INTERVALS = (100, 200, 500, 1000, 5000, 60000)
"""Milliseconds: those that SageMaker's SystemMonitorIntervalInMilliseconds has."""
DEFAULT_INTERVAL = 100


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
    temporary = spool / f".sampling.json.{os.getpid()}"
    temporary.write_bytes(msgspec.json.encode(sampling))
    temporary.replace(spool / "sampling.json")


class SamplingFile:
    """The file as its sampler sees it: what cannot be read leaves all as it was."""

    def __init__(self, spool: Path) -> None:
        self._path = spool / "sampling.json"
        self._seen = -1
        self.now = Sampling()
        self.changed()

    def changed(self) -> bool:
        """Whether ``now`` is another than before."""
        try:
            seen = self._path.stat().st_mtime_ns
            if seen == self._seen:
                return False
            found = msgspec.json.decode(self._path.read_bytes(), type=Sampling)
        except (OSError, msgspec.DecodeError):
            return False
        self._seen = seen
        before, self.now = self.now, found if found.interval in INTERVALS else self.now
        return self.now != before
