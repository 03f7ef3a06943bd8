"""The model behind anomaly detection bands, on series whose parts are known."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.anomaly import FEWEST_DATAPOINTS, WEEK, Adaptation, Filtering, Training, train
from epochwatch.model.periods import DAY, HOUR

START = 1_795_219_200
"""A midnight."""
MINUTES = 14 * DAY // 60


def times(count=MINUTES, period=60, start=START):
    return start + np.arange(count, dtype=np.int64) * period


def noise(count=MINUTES, seed=7):
    return np.random.default_rng(seed).normal(0, 1, count)


def daily(stamps):
    return np.sin(2 * np.pi * (stamps % DAY) / DAY)


def weekend(stamps):
    return np.where((stamps - START) % WEEK < 5 * DAY, 0.0, 1.0)


def share_inside(model, stamps, values, deviations=2.0):
    lower, upper = model.band(stamps, deviations)
    return float(np.mean((lower <= values) & (values <= upper)))


def test_a_flat_series_has_a_band_of_its_noise():
    stamps, values = times(), 50 + noise()
    model = train(stamps, values, 60)
    assert model.deviation == pytest.approx(1, rel=0.05)
    assert np.allclose(model.expected(stamps), 50, atol=0.2)
    assert share_inside(model, stamps, values, 2) == pytest.approx(0.954, abs=0.01)
    assert share_inside(model, stamps, values, 3) == pytest.approx(0.997, abs=0.003)


SHAPES = [
    ("a day", lambda t: 10 * daily(t), 60),
    ("a day and a weekend", lambda t: 10 * daily(t) + 8 * weekend(t), 60),
    ("a trend", lambda t: 3 * (t - START) / DAY, 60),
    ("a trend and a day", lambda t: -2 * (t - START) / DAY + 10 * daily(t), 60),
    ("working hours", lambda t: np.where((t % DAY > 8 * HOUR) & (t % DAY < 18 * HOUR), 20.0, 0.0), 300),
    ("a day and a weekend, hourly", lambda t: 10 * daily(t) + 8 * weekend(t), 3600),
    ("a trend, hourly", lambda t: 5 * (t - START) / DAY, 3600),
]


@pytest.mark.parametrize(
    ("shape", "period"), [(shape, period) for _, shape, period in SHAPES], ids=[n for n, *_ in SHAPES]
)
def test_what_the_series_does_is_expected_in_the_history_and_on_the_next_day(shape, period):
    stamps = times(14 * DAY // period, period)
    model = train(stamps, 100 + shape(stamps) + noise(len(stamps)), period)
    assert model.deviation < 1.15
    following = times(DAY // period, period, START + 14 * DAY)
    for some in (stamps, following):
        assert np.sqrt(np.mean((model.expected(some) - 100 - shape(some)) ** 2)) < 0.8


def test_two_days_show_a_daily_season_and_one_does_not():
    stamps = times(2 * DAY // 60)
    values = 50 + 10 * daily(stamps) + noise(len(stamps))
    assert train(stamps, values, 60).deviation < 1.2
    assert train(stamps[: len(stamps) // 2], values[: len(stamps) // 2], 60).deviation > 2


@pytest.mark.parametrize("period", [60, 300, 3600])
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_season(period, seed):
    stamps = times(14 * DAY // period, period)
    model = train(stamps, noise(len(stamps), seed), period)
    expected = model.expected(stamps)
    assert expected.max() - expected.min() < 0.8
    assert model.deviation == pytest.approx(1, rel=0.15)


def test_outliers_in_the_history_do_not_widen_the_band():
    stamps, clean = times(), 50 + 10 * daily(times()) + noise()
    wild = clean.copy()
    wild[np.random.default_rng(3).integers(0, len(wild), 400)] += 1000
    wild[5000:5100] = 0
    plain, model = train(stamps, clean, 60), train(stamps, wild, 60)
    assert model.deviation == pytest.approx(plain.deviation, rel=0.05)
    assert np.allclose(model.expected(stamps), plain.expected(stamps), atol=1)


def test_outlier_filtering_may_be_stricter_or_more_lenient():
    values = noise()
    values[::60] *= 4
    found = [train(times(), values, 60, Training(filtering=one)).deviation for one in Filtering]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_excluded_ranges_are_not_learnt_from():
    stamps, values = times(), 50 + noise()
    away = (stamps >= START + 4 * DAY) & (stamps < START + 13 * DAY)
    values[away] = 900
    excluded = ((START + 4 * DAY, START + 10 * DAY), (START + 9 * DAY, START + 13 * DAY))
    model = train(stamps, values, 60, Training(excluded))
    assert np.allclose(model.expected(stamps), 50, atol=0.5)
    assert model.deviation == pytest.approx(1, rel=0.05)
    assert train(stamps, values, 60).expected(stamps).mean() > 300


@pytest.mark.parametrize("count", [0, 1, FEWEST_DATAPOINTS - 1])
def test_too_little_data_has_no_model(count):
    assert train(times(count), noise(count), 60) is None


def test_what_is_excluded_or_no_number_does_not_count_as_data():
    count = FEWEST_DATAPOINTS
    assert train(times(count), noise(count), 60) is not None
    assert train(times(count), noise(count), 60, Training(((START, START + 1),))) is None
    values = noise(count)
    values[3] = np.nan
    assert train(times(count), values, 60) is None


def test_only_two_weeks_are_looked_at():
    stamps = times(3 * WEEK // 300, 300)
    values = np.where(stamps < START + WEEK, 1000.0, 50.0) + noise(len(stamps))
    model = train(stamps, values, 300)
    assert model.start >= START + WEEK
    assert model.expected(stamps[-1:])[0] == pytest.approx(50, abs=0.5)


def test_gaps_do_no_harm():
    stamps = times()
    there = np.random.default_rng(5).random(len(stamps)) < 0.3
    there[3000:6000] = False
    values = 50 + 10 * daily(stamps) + noise()
    model = train(stamps[there], values[there], 60)
    assert model.deviation < 1.15
    assert np.allclose(model.expected(stamps), 50 + 10 * daily(stamps), atol=2)


def test_a_constant_has_a_band_of_next_to_nothing_around_it():
    model = train(times(), np.full(MINUTES, 5.0), 60)
    lower, upper = model.band(times(10), 2)
    assert (lower < 5).all()
    assert (upper > 5).all()
    assert (upper - lower).max() < 1e-6


def test_the_band_of_what_is_never_negative_is_not_either():
    values = np.abs(noise())
    lower, upper = train(times(), values, 60).band(times(), 5)
    assert lower.min() == 0
    lower, _ = train(times(), values - 1, 60).band(times(), 5)
    assert lower.min() < -1
    assert (upper > 0).all()


def test_a_series_that_is_zero_most_of_the_time_has_noise():
    values = np.zeros(MINUTES)
    values[np.random.default_rng(2).integers(0, MINUTES, MINUTES // 5)] = 1.0
    assert train(times(), values, 60).deviation > 0.2


def test_days_are_those_of_the_timezone_through_the_change_of_clocks():
    # 2026-10-25, in the middle of the history, is the day on which Berlin's clocks go back.
    zone, start = ZoneInfo("Europe/Berlin"), 1_792_281_600
    stamps = times(14 * DAY // 60, 60, start)
    summer = stamps < 1_792_890_000
    local = stamps + np.where(summer, 2 * HOUR, HOUR)
    values = np.where(local % DAY < 6 * HOUR, 20.0, 0.0) + noise(len(stamps)) + 30
    assert train(stamps, values, 60, Training(timezone=zone)).deviation < 1.1
    following = stamps[-1] + 60 + np.arange(1440) * 60
    expected = np.where((following + HOUR) % DAY < 6 * HOUR, 50.0, 30.0)
    assert np.allclose(train(stamps, values, 60, Training(timezone=zone)).expected(following), expected, atol=2)
    assert not np.allclose(train(stamps, values, 60).expected(following), expected, atol=2)


def test_a_lasting_change_is_taken_for_normal_sooner_or_later():
    values = 50 + noise()
    values[-DAY // 60 :] += 20
    stamps, last = times(), times()[-1:]
    found = {one: train(stamps, values, 60, Training(adaptation=one)).expected(last)[0] for one in Adaptation}
    assert found[Adaptation.FAST] == pytest.approx(70, abs=1)
    assert found[Adaptation.SLOW] == pytest.approx(50, abs=2)
    assert found[Adaptation.SLOW] <= found[Adaptation.NORMAL] <= found[Adaptation.FAST]


def test_spikes_of_every_day_lie_in_the_band_if_they_are_said_to_be_periodic():
    stamps, values = times(), 50 + noise()
    spiking = stamps % DAY == 10 * HOUR
    values[spiking] += 60
    tomorrow = times(DAY // 60, 60, START + 14 * DAY)
    at = tomorrow % DAY == 10 * HOUR
    for periodic in (False, True):
        _, upper = train(stamps, values, 60, Training(periodic_spikes=periodic)).band(tomorrow, 2)
        assert (upper[at] > 108).all() == periodic
        assert (upper[~at] < 60).mean() > 0.98


HISTORIES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0])), min_size=30, max_size=120)


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.sampled_from([1, 60, 420, 3600, 86400]), st.floats(0, 100), st.floats(0, 100), st.booleans())
def test_the_band_is_a_band_and_wider_for_more_deviations(values, period, fewer, more, spikes):
    fewer, more = sorted((fewer, more))
    stamps = times(len(values) + 20, period)
    training = Training(timezone=ZoneInfo("Australia/Lord_Howe"), periodic_spikes=spikes)
    model = train(stamps[: len(values)], np.array(values), period, training)
    if period == 86400 and len(values) > 14:
        assert model is None  # two weeks have fourteen days
        return
    narrow, wide = model.band(stamps, fewer), model.band(stamps, more)
    assert np.isfinite(wide).all()
    assert (wide[0] <= narrow[0]).all()
    assert (narrow[0] <= narrow[1]).all()
    assert (narrow[1] <= wide[1]).all()
