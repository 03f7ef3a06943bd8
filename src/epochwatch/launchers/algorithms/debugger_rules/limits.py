"""What the evaluation of a rule may take of the machine on which others train."""

import os
import resource
from typing import Final

import psutil

from epochwatch.debugger.rules.user_file import limit

NICE: Final = 10
_SHARE_OF_MEMORY: Final = 0.5
_LEAST_BYTES: Final = 4 << 30


def keep_within_limits() -> None:
    """Give way to the training; at most half of the memory; no dump where it crashes."""
    os.nice(NICE)
    limit(resource.RLIMIT_AS, max(int(psutil.virtual_memory().total * _SHARE_OF_MEMORY), _LEAST_BYTES))
    limit(resource.RLIMIT_CORE, 0)
