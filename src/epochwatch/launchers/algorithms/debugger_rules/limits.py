"""What the evaluation of a rule may take of the machine on which others train."""

import os
import resource
from typing import Final

import psutil

NICE: Final = 10
_SHARE_OF_MEMORY: Final = 0.5
_LEAST_BYTES: Final = 4 << 30


def keep_within_limits() -> None:
    """Give way to the training; at most half of the memory; no dump where it crashes."""
    os.nice(NICE)
    _limit(resource.RLIMIT_AS, max(int(psutil.virtual_memory().total * _SHARE_OF_MEMORY), _LEAST_BYTES))
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, amount: int) -> None:
    _, most = resource.getrlimit(what)
    amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
    resource.setrlimit(what, (amount, most))
