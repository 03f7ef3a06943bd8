"""How long datapoints are kept, as settings say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.retention import DAY, DEFAULT, HOUR, InvalidRetention, Lifetimes, lifetimes, parse


@pytest.mark.parametrize(
    ("age", "finest"),
    [
        (0, 1),
        (3 * HOUR - 1, 1),
        (3 * HOUR, 60),
        (15 * DAY - 1, 60),
        (15 * DAY, 300),
        (63 * DAY - 1, 300),
        (63 * DAY, 3600),
        (400 * DAY, 3600),
    ],
)
def test_finest_period_by_age(age, finest):
    assert DEFAULT.finest(age) == finest


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("forever", (None, None, None, None)),
        ("30d", (30 * DAY, 30 * DAY, 63 * DAY, 455 * DAY)),
        ("5y", (1825 * DAY,) * 4),
        ("12h", (12 * HOUR, 15 * DAY, 63 * DAY, 455 * DAY)),
        ("1s:2w", (14 * DAY, 15 * DAY, 63 * DAY, 455 * DAY)),
        ("60s:1y", (3 * HOUR, 365 * DAY, 365 * DAY, 455 * DAY)),
        ("1s:1h, 60s:1d,300s:2d ,3600s:3d", (HOUR, DAY, 2 * DAY, 3 * DAY)),
        ("300s:forever", (3 * HOUR, 15 * DAY, None, None)),
    ],
)
def test_coarser_data_is_kept_at_least_as_long_as_finer(text, kept):
    assert lifetimes(text) == Lifetimes(*kept)


def test_each_namespace_has_its_own():
    assert parse(" Lab = forever;/aws/sagemaker/TrainingJobs=1s:7d ; ") == {
        "Lab": Lifetimes(None, None, None, None),
        "/aws/sagemaker/TrainingJobs": lifetimes("1s:7d"),
    }
    assert parse("") == {}


@pytest.mark.parametrize(
    "text",
    ["Lab", "=1d", "Lab=", "Lab=1", "Lab=1m", "Lab=0d", "Lab=-1d", "Lab=2s:1d", "Lab=1s", "A=1d;A=2d", "A=ever"],
)
def test_what_says_nothing_is_refused(text):
    with pytest.raises(InvalidRetention):
        parse(text)


@given(st.lists(st.none() | st.integers(1, 10_000), min_size=4, max_size=4))
def test_lifetimes_are_read_back_from_their_text(hours):
    ordered = sorted(hours, key=lambda h: float("inf") if h is None else h)
    kept = Lifetimes(*(None if h is None else h * HOUR for h in ordered))
    assert lifetimes(str(kept)) == kept
