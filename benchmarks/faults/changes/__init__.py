"""Changes by name, as the catalogue has them: ``rate_too_high`` is ``RateTooHigh``."""

from collections.abc import Mapping

from benchmarks.faults.catalogue import FAULTS, HEALTHY
from benchmarks.faults.changes import healthy, inputs, models, optimisation
from benchmarks.faults.changes.base import Change


def _class(name: str) -> type[Change]:
    words = "".join(word.capitalize() for word in name.split("_"))
    for module in (healthy, optimisation, models, inputs):
        found = getattr(module, words, None)
        if found is not None:
            return found
    return Change  # ``plain``: nothing is changed


CHANGES: Mapping[str, type[Change]] = {one.name: _class(one.name) for one in (*HEALTHY, *FAULTS)}
SEVERITIES: Mapping[str, tuple[float, ...]] = {fault.name: fault.severities for fault in FAULTS}


def made(name: str, severity: int) -> Change:
    """A change at one of its severities, counted from 1; of a healthy variant it is 0."""
    return CHANGES[name](SEVERITIES[name][severity - 1] if severity else 0.0)
