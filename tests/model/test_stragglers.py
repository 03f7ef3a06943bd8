"""Hosts compared by the times at which they reached their steps."""

from collections.abc import Callable

import pytest

from epochwatch.model.stragglers import Pace, paces


def steps(count: int, time: Callable[[int], float]) -> dict[int, float]:
    return {step: 1000 + time(step) for step in range(count)}


STEADY = steps(100, lambda step: step)


def test_hosts_in_step_are_no_stragglers() -> None:
    found = paces({"algo-1": STEADY, "algo-2": steps(100, lambda step: step + 0.1)})
    assert found["algo-1"] == Pace(99, pytest.approx(1.0), 0.0, straggler=False)
    assert found["algo-2"] == Pace(99, pytest.approx(1.0), pytest.approx(0.1), straggler=False)


def test_a_host_that_is_late_by_more_than_half_a_step_is_one() -> None:
    steady, late = (steps(100, lambda step, late=late: 10 * step + late) for late in (0, 6))
    found = paces({"algo-1": steady, "algo-2": late, "algo-3": steady})
    assert [host for host, pace in found.items() if pace.straggler] == ["algo-2"]
    assert found["algo-2"].late == pytest.approx(6)
    assert not paces({"algo-1": steady, "algo-2": steps(100, lambda step: 10 * step + 4)})["algo-2"].straggler


def test_less_than_a_second_is_nothing_to_speak_of_however_short_the_steps_are() -> None:
    quick, late = (steps(100, lambda step, late=late: 0.01 * step + late) for late in (0, 0.9))
    assert not paces({"algo-1": quick, "algo-2": late})["algo-2"].straggler


def test_a_host_that_goes_on_more_slowly_falls_behind() -> None:
    found = paces({"algo-1": STEADY, "algo-2": steps(50, lambda step: 2 * step)})
    assert found["algo-2"].rate == pytest.approx(0.5)
    assert found["algo-2"].late == pytest.approx(49)  # of step 50, which algo-1 reached then
    assert found["algo-2"].straggler


def test_a_host_that_stands_still_is_late_though_its_last_steps_were_not() -> None:
    found = paces({"algo-1": STEADY, "algo-2": steps(60, float)})
    assert (found["algo-2"].late, found["algo-2"].straggler) == (39.0, True)


def test_one_that_is_ahead_does_not_make_stragglers_of_the_others() -> None:
    early = steps(100, lambda step: step - 0.9)
    found = paces({"algo-1": STEADY, "algo-2": early, "algo-3": STEADY})
    assert not any(pace.straggler for pace in found.values())
    assert found["algo-2"].late == pytest.approx(-0.9)


def test_values_under_way_make_nobody_late() -> None:
    found = paces({"algo-1": STEADY, "algo-2": steps(96, float)})
    assert not found["algo-2"].straggler


@pytest.mark.parametrize(
    "reached",
    [
        {"algo-1": STEADY},
        {"algo-1": STEADY, "algo-2": {1000: 5000.0}},
        {"algo-1": {1: 1.0}, "algo-2": {1: 9.0}},
        {"algo-1": STEADY, "algo-2": {}},
    ],
    ids=["one host", "no common steps", "too few", "one without steps"],
)
def test_where_nothing_can_be_compared_nobody_is_late(reached: dict[str, dict[int, float]]) -> None:
    found = paces(reached)
    assert not any(pace.straggler for host, pace in found.items() if host != "algo-1")
    assert all(pace.late is None for host, pace in found.items() if host == "algo-2")


def test_a_host_with_one_step_has_no_rate() -> None:
    assert paces({"algo-1": {7: 1000.0}}) == {"algo-1": Pace(7, None, None, straggler=False)}
