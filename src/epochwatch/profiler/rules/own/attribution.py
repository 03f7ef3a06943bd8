"""What bounds a training, from one stretch of time to the next."""

from typing import Final, NamedTuple

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.rules.own.evidence import IDLE, PARTS, Evidence

_SECOND: Final = 1_000_000
_OF_PART: Final = {
    Phase.DATA_LOADING.value: "input",
    Phase.COMMUNICATION.value: "communication",
    Phase.CHECKPOINT.value: "checkpoint",
    Phase.EVALUATION.value: "evaluation",
    IDLE: "idle",
}
_BOUND: Final = 0.3
"""Share of the time from which something other than computing bounds a training."""
_QUIET: Final = 0.5
"""With less of the time than this in steps, nothing is done."""


class Attribution(NamedTuple):
    """One stretch of time."""

    start: float
    """Unix seconds."""
    bound: str
    """``input``, ``compute``, ``communication``, ``checkpoint``, ``evaluation``, ``idle``; ``none`` without steps."""
    shares: dict[str, float]
    """Of the time of steps, by the same words."""


def attributed(evidence: Evidence) -> list[Attribution]:
    """One for each minute; in a profile of less than ten minutes for each ten seconds or second."""
    width = evidence.bin_seconds * _SECOND
    first, last = evidence.span[0] // width, max(evidence.span[1] - 1, evidence.span[0]) // width
    words = _OF_PART | dict.fromkeys(evidence.learning, "compute")
    found = []
    for number in range(first, last + 1):
        parts = evidence.bins.get(number)
        total = float(parts.sum()) if parts is not None else 0.0
        shares: dict[str, float] = {}
        if parts is not None and total:
            for part, seconds in zip(PARTS, parts, strict=True):
                shares[words[part]] = shares.get(words[part], 0.0) + float(seconds) / total
        covered = total / max(1, evidence.width) / evidence.bin_seconds
        found.append(
            Attribution(number * width / _SECOND, _bound(shares) if covered >= _QUIET else "none", shares)
        )
    return found


def _bound(shares: dict[str, float]) -> str:
    others = {word: share for word, share in shares.items() if word != "compute"}
    most = max(others, key=lambda word: others[word])
    return most if others[most] >= _BOUND else "compute"
