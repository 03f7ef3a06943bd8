"""Offsets of clocks by the times of one exchange."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.clock import ClockOffset, measured

SECONDS = st.floats(0, 10)


@given(ahead=st.floats(-1000, 1000), there=SECONDS, work=SECONDS, back=SECONDS)
def test_the_true_offset_is_within_the_error(ahead: float, there: float, work: float, back: float) -> None:
    sent = 1_700_000_000.0
    received = sent + there + ahead
    found = measured(sent, received, received + work, sent + there + work + back)
    assert found is not None
    assert abs(found.seconds - ahead) <= found.error + 1e-5


def test_equal_ways_there_and_back_give_the_offset_exactly() -> None:
    assert measured(100.0, 150.5, 151.0, 101.5) == ClockOffset(50.0, 0.5)


@pytest.mark.parametrize(
    "times",
    [(100.0, 150.0, 151.0, 100.5), (100.0, 150.0, 149.0, 101.0), (100.0, 150.0, 150.0, 99.0)],
    ids=["ours set back", "the server's set back", "ours set far back"],
)
def test_an_exchange_in_which_a_clock_was_set_tells_nothing(times: tuple[float, float, float, float]) -> None:
    assert measured(*times) is None


@pytest.mark.parametrize(("seconds", "shift"), [(5.0, 5.0), (-5.0, -5.0), (0.2, 0.0), (-0.2, 0.0)])
def test_times_are_shifted_only_where_clocks_differ_for_certain(seconds: float, shift: float) -> None:
    assert ClockOffset(seconds, 0.25).shift == shift
