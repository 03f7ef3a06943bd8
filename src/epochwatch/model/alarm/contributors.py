"""The series of a PromQL alarm: which are breaching, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Contributor:
    """One series that the query returned. Times are Unix seconds."""

    attributes: Mapping[str, str]
    """Its labels."""
    reason: str
    breaching: float | None
    """Since when it has been breaching without a break; None: it is not."""
    clear: float | None = None
    """Since when it has not been breaching, while it still is in ALARM."""
    alarmed: float | None = None
    """When it went into ALARM; None: it is not in ALARM."""


def advance(
    known: Mapping[str, Contributor], found: Mapping[str, Contributor], now: float, pending: int, recovery: int
) -> dict[str, Contributor]:
    """The contributors, by id, after an evaluation that ``found`` some breaching. One goes into ALARM when it has been
    breaching for ``pending`` seconds, and out of it, and of the result, after ``recovery`` seconds without.
    """
    after: dict[str, Contributor] = {}
    for id in {**known, **found}:
        one = (
            _breaching(known.get(id), found[id], now, pending)
            if id in found
            else _cleared(known[id], now, recovery)
        )
        if one is not None:
            after[id] = one
    return after


def _breaching(known: Contributor | None, found: Contributor, now: float, pending: int) -> Contributor:
    if known is None or (known.breaching is None and known.alarmed is None):
        known = replace(found, breaching=now)
    since = now if known.breaching is None else known.breaching
    one = replace(known, breaching=since, clear=None)
    if one.alarmed is None and now - since >= pending:
        return replace(one, alarmed=now, reason=found.reason)
    return one


def _cleared(known: Contributor, now: float, recovery: int) -> Contributor | None:
    if known.alarmed is None:
        return None
    since = now if known.clear is None else known.clear
    return None if now - since >= recovery else replace(known, breaching=None, clear=since)
