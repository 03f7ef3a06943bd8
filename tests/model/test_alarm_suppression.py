"""What holds the actions of a composite alarm back, as tables of what happened when."""

import pytest

from epochwatch.model.alarm.state import State
from epochwatch.model.alarm.suppression import Hold, Suppressor, advance, transition

OK, ALARM = State.OK, State.ALARM


def played(events: list[tuple[float, str]], wait: int = 20, extension: int = 10) -> list[str | None]:
    """What holds after each event: ``quiet``/``loud`` tell the suppressor's state, ``ALARM`` and ``OK`` are the
    alarm's transitions, ``tick`` is time that passes. ``act``: the actions are performed.
    """
    hold, quiet, state, seen = Hold(), False, OK, []
    for moment, event in events:
        quiet = {"quiet": True, "loud": False}.get(event, quiet)
        suppressor = Suppressor(quiet, wait, extension)
        if event in (ALARM, OK):
            hold, state = transition(hold, suppressor, state, moment), State(event)
        else:
            hold = advance(hold, suppressor, moment)
        if hold.by is None and hold.acted is not None:
            seen.append("act" if hold.acted is not state else "drop")
            hold = Hold()
        else:
            seen.append(hold.by)
    return seen


@pytest.mark.parametrize(
    ("events", "held"),
    [
        ([(0, "ALARM"), (19, "tick"), (20, "tick")], ["WaitPeriod", "WaitPeriod", "act"]),
        ([(0, "ALARM"), (5, "quiet"), (90, "tick")], ["WaitPeriod", "Alarm", "Alarm"]),
        ([(0, "quiet"), (1, "ALARM"), (2, "loud"), (11, "tick"), (12, "tick")],
         ["Alarm", "Alarm", "ExtensionPeriod", "ExtensionPeriod", "act"]),
        ([(0, "quiet"), (1, "ALARM"), (2, "loud"), (5, "quiet"), (50, "tick")],
         ["Alarm", "Alarm", "ExtensionPeriod", "Alarm", "Alarm"]),
        ([(0, "quiet"), (2, "loud"), (5, "ALARM"), (12, "tick")],
         ["Alarm", "ExtensionPeriod", "ExtensionPeriod", "act"]),
        ([(0, "ALARM"), (5, "OK"), (20, "tick")], ["WaitPeriod", "WaitPeriod", "drop"]),
        ([(0, "ALARM"), (5, "OK"), (6, "ALARM"), (20, "tick")], ["WaitPeriod"] * 3 + ["act"]),
        ([(0, "quiet"), (2, "loud"), (12, "tick"), (13, "ALARM")], ["Alarm", "ExtensionPeriod", None, "WaitPeriod"]),
    ],
)  # fmt: skip
def test_actions_are_held_back_as_the_suppressor_goes(
    events: list[tuple[float, str]], held: list[str | None]
) -> None:
    assert played(events) == held


def test_without_periods_only_the_suppressor_holds() -> None:
    events = [(0.0, "ALARM"), (1.0, "quiet"), (2.0, "OK"), (3.0, "loud")]
    assert played(events, 0, 0) == ["act", "Alarm", "Alarm", "act"]
