"""What a process that evaluates rules may take of the machine on which others train."""

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

NICE: Final = 10
_LEAST_BYTES: Final = 4 << 30


def limit(what: int, amount: int) -> None:
    """A soft limit of this process, one of ``resource.RLIMIT_*``, as far as the hard one allows."""
    _, most = resource.getrlimit(what)
    amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
    resource.setrlimit(what, (amount, most))


def keep_within_limits(share_of_memory: float) -> None:
    """Give way to the training, also where memory runs out; address at most a share of the memory, but 4 GiB in any
    case; no dump where it crashes.
    """
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    if hasattr(psutil, "IOPRIO_CLASS_IDLE"):
        with suppress(OSError):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    limit(resource.RLIMIT_AS, max(int(psutil.virtual_memory().total * share_of_memory), _LEAST_BYTES))
    limit(resource.RLIMIT_CORE, 0)
