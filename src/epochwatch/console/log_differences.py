"""Where logs part, kept for those who look at the same ones again: to find it takes seconds, to see that the logs are
the same ones takes none.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from epochwatch.model.log_difference import Difference, difference

KEPT: Final = 64
KEPT_BLOCKS: Final = 500_000
"""Of all that is kept together, which is some 60 MB; beyond, what was not asked for the longest time goes first."""


class LogDifferences:
    """Differences by what is in the logs, so that one of a log that grew is never an old one. Safe to use from any
    number of threads.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Difference] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self,
        a: Sequence[str],
        b: Sequence[str],
        names: tuple[Sequence[str], Sequence[str]],
        *,
        tolerant: bool,
    ) -> Difference:
        """What `difference` finds."""
        key = _digest(a, b, *names, (str(tolerant),))
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
                return found
        found = difference(a, b, names, tolerant=tolerant)
        with self._lock:
            self._known[key] = found
            blocks = sum(len(known.blocks) for known in self._known.values())
            while len(self._known) > KEPT or blocks > KEPT_BLOCKS:
                blocks -= len(self._known.popitem(last=False)[1].blocks)
        return found


def _digest(*texts: Sequence[str]) -> bytes:
    digest = blake2b()
    for lines in texts:
        content = "\n".join(lines).encode("utf-8", "surrogatepass")
        digest.update(b"%d %d " % (len(lines), len(content)))
        digest.update(content)
    return digest.digest()
