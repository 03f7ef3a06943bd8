"""Whether a composite alarm performs its actions now, later or not, by the alarm that suppresses them."""

from dataclasses import dataclass, replace
from typing import Final

from epochwatch.model.alarm.state import State

BY_ALARM: Final = "Alarm"
BY_WAIT: Final = "WaitPeriod"
BY_EXTENSION: Final = "ExtensionPeriod"


@dataclass(frozen=True, slots=True)
class Suppressor:
    """The alarm that suppresses, and how long it is waited for."""

    in_alarm: bool
    wait: int
    """Seconds that a transition waits for the suppressor to go into ALARM."""
    extension: int
    """Seconds that the suppression goes on after the suppressor left ALARM."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What is kept of a suppression from one moment to the next."""

    by: str | None = None
    """One of BY_ALARM, BY_WAIT, BY_EXTENSION; None: actions are performed at once."""
    until: float | None = None
    """Unix seconds at which waiting ends."""
    acted: State | None = None
    """The state before the transitions that are held back; None where none is."""


def advance(hold: Hold, suppressor: Suppressor, now: float) -> Hold:
    """The hold by what the suppressor is in now. Where nothing holds any more, ``acted`` still says what was held."""
    if suppressor.in_alarm:
        return replace(hold, by=BY_ALARM, until=None)
    if hold.by == BY_ALARM:
        hold = replace(hold, by=BY_EXTENSION, until=now + suppressor.extension)
    if hold.until is not None and now >= hold.until:
        return replace(hold, by=None, until=None)
    return hold


def transition(hold: Hold, suppressor: Suppressor, before: State, now: float) -> Hold:
    """The hold after the alarm left the state ``before``. Its actions are performed now if nothing holds."""
    hold = advance(hold, suppressor, now)
    if hold.by is None and suppressor.wait > 0:
        hold = Hold(BY_WAIT, now + suppressor.wait, hold.acted)
    return hold if hold.acted is not None else replace(hold, acted=before)
