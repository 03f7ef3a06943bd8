"""Which host of a job is late: by the times at which hosts reached their steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median, median_low

LATE_STEPS = 0.5
"""A host that is late by more than so much of a step holds up the others, or is left behind."""
LATE_SECONDS = 1.0
"""Less is nothing to speak of, however short the steps are."""
DELIVERY_SECONDS = 5.0
"""What a host may be behind just because its values are still under way."""
LEAST_STEPS = 5
"""Steps that hosts must have in common before one is called late."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How one host goes on."""

    step: int
    """Its newest."""
    rate: float | None
    """Steps a second; None where it has one only."""
    late: float | None
    """Seconds behind the middle host at the same steps, or so far at one it has not reached; None where nothing can be
    compared.
    """
    straggler: bool


def paces(reached: Mapping[str, Mapping[int, float]]) -> dict[str, Pace]:
    """The pace of each host, from the time (Unix seconds, of one clock) at which it reached each of its last steps."""
    reached = {host: times for host, times in reached.items() if times}
    rates = {host: _rate(times) for host, times in reached.items()}
    middle = _middle(reached)
    known = [1 / rate for rate in rates.values() if rate]
    allowed = max(LATE_STEPS * median(known), LATE_SECONDS) if known else float("inf")
    newest = max((time for times in reached.values() for time in times.values()), default=0.0)
    found = {}
    for host, times in reached.items():
        late = _late(times, middle, newest)
        found[host] = Pace(max(times), rates[host], late, late is not None and late > allowed)
    return found


def _middle(reached: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    """When the middle host reached each step that more than one did."""
    times: dict[int, list[float]] = {}
    for steps in reached.values():
        for step, time in steps.items():
            times.setdefault(step, []).append(time)
    missing = float("inf")
    return {
        step: middle
        for step, found in times.items()
        if (middle := median_low(found + [missing] * (len(reached) - len(found)))) < missing and len(reached) > 1
    }


def _late(times: Mapping[int, float], middle: Mapping[int, float], newest: float) -> float | None:
    behind = [time - middle[step] for step, time in times.items() if step in middle]
    if len(behind) < LEAST_STEPS:
        return None
    ahead = [time for step, time in middle.items() if step > max(times)]
    waited = newest - min(ahead) if ahead else 0.0
    late = median(behind)
    return max(late, waited) if waited > DELIVERY_SECONDS else late


def _rate(times: Mapping[int, float]) -> float | None:
    first, last = min(times), max(times)
    seconds = times[last] - times[first]
    return (last - first) / seconds if seconds > 0 else None
