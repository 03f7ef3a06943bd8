"""Files of the kernel, opened once and read again and again."""

import os
from collections.abc import Sequence

READ_BYTES = 65536
NAN = float("nan")


class KeptFile:
    """One file below ``/proc`` or ``/sys``. Raises OSError when it cannot be opened or read."""

    def __init__(self, path: str, size: int = READ_BYTES) -> None:
        self._path = path
        self._size = size
        self._fd = -1
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Its content now, at most ``size`` bytes."""
        return os.pread(self._fd, self._size, 0)

    def close(self) -> None:
        """Lets it go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


class Rates:
    """Counters as what they grew by in a second. The first reading has no rate; a counter that fell began anew."""

    def __init__(self) -> None:
        self._before: Sequence[float] | None = None

    def per_second(self, counters: Sequence[float], seconds: float, scale: float = 1.0) -> list[float]:
        """A rate for each counter, times ``scale``; NaN where there is none."""
        before, self._before = self._before, counters
        if before is None or len(before) != len(counters) or seconds <= 0:
            return [NAN] * len(counters)
        factor = scale / seconds
        return [(new - old) * factor if new >= old else NAN for new, old in zip(counters, before, strict=True)]
