"""The server's clock by the quickest of its last answers."""

from epochwatch.agent.clock import LAST_ANSWERS, ServerClock
from epochwatch.model.clock import ClockOffset


def exchange(clock: ServerClock, ahead: float, there: float, back: float) -> None:
    clock.answered((100.0, 100.0 + there + back), (100.0 + there + ahead, 100.0 + there + ahead))


def test_the_quickest_answer_counts_until_it_is_old() -> None:
    clock = ServerClock()
    assert clock.offset is None
    exchange(clock, 5.0, there=1.0, back=0.0)
    exchange(clock, 5.0, there=0.25, back=0.25)
    exchange(clock, 5.0, there=0.0, back=2.0)
    assert clock.offset == ClockOffset(5.0, 0.25)
    for _ in range(LAST_ANSWERS):
        exchange(clock, 8.0, there=0.5, back=0.5)
    assert clock.offset == ClockOffset(8.0, 0.5)


def test_a_server_that_does_not_tell_its_time_is_not_asked_for_it() -> None:
    clock = ServerClock()
    clock.answered((100.0, 101.0), (0.0, 0.0))
    assert clock.offset is None
