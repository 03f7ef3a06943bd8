"""Curves keep every extreme, smooth on the full data and drop nothing."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.console.curves import Track, curve, smoothed, summarised
from epochwatch.model.aggregation import Samples, Summary, summarise
from epochwatch.model.periods import Buckets

EVERYTHING = (-math.inf, math.inf)


def track(values: Any, step: Any = None, epoch: Any = None, time: Any = None) -> Track:
    value = np.asarray(values, np.float64)
    count = len(value)
    unknown = np.full(count, np.nan)
    return Track(
        step=np.arange(count, dtype=np.float64) if step is None else np.asarray(step, np.float64),
        epoch=unknown if epoch is None else np.asarray(epoch, np.float64),
        time=np.arange(count) + 1e9 if time is None else np.asarray(time, np.float64),
        value=value,
    )


def shown(
    of: Track, axis: str = "step", window: tuple[float, float] = EVERYTHING, width: int = 800, smoothing: float = 0
) -> dict[str, Any]:
    return curve(of, axis, 1e9, window, width, smoothing)


@pytest.mark.parametrize("place", [0, 1, 777, 50_000, 99_998, 99_999])
def test_a_spike_of_one_step_in_100k_is_shown(place: int) -> None:
    values = np.full(100_000, 0.5)
    values[place] = 50.0
    found = shown(track(values), width=400)
    assert max(found["max"]) == 50.0
    assert len(found["x"]) <= 400
    assert found["total"] == 100_000


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400),
    st.integers(1, 60),
    st.randoms(use_true_random=False),
)
def test_buckets_keep_the_extremes_and_their_order(values: list[float], width: int, random: Any) -> None:
    steps = sorted(random.sample(range(10_000), len(values)))
    found = shown(track(values, step=steps), width=width)
    assert len(found["x"]) <= width
    assert min(found["min"]) == min(values)
    assert max(found["max"]) == max(values)
    assert found["x"] == sorted(found["x"])
    for low, mean, high in zip(found["min"], found["mean"], found["max"], strict=True):
        assert low - 1e-6 <= mean <= high + 1e-6


def test_few_points_are_shown_as_they_are() -> None:
    found = shown(track([3.0, 1.0, 2.0], step=[10, 20, 30]))
    assert found["x"] == [10, 20, 30]
    assert found["min"] == found["mean"] == found["max"] == found["smooth"] == [3.0, 1.0, 2.0]


def test_smoothing_is_the_bias_corrected_moving_average_of_all_points() -> None:
    values = np.array([4.0, 2.0, 8.0, 6.0])
    found, ema = smoothed(values, 0.5)
    weights = [[0.5 ** (at - past) for past in range(at + 1)] for at in range(4)]
    expected = [np.average(values[: at + 1], weights=weights[at]) for at in range(4)]
    assert found.tolist() == pytest.approx(expected)
    assert ema["mean"] / ema["weight"] == pytest.approx(expected[-1])


def test_smoothing_does_not_depend_on_how_many_points_are_sent() -> None:
    values = np.sin(np.arange(10_000) / 100)
    coarse, fine = shown(track(values), width=50, smoothing=0.9), shown(track(values), width=20_000, smoothing=0.9)
    assert coarse["smooth"] == pytest.approx(np.array(fine["smooth"]).reshape(50, 200).mean(axis=1), abs=1e-3)


def test_a_window_smooths_as_the_whole_does() -> None:
    values = np.sin(np.arange(1000) / 30)
    whole = shown(track(values), width=2000, smoothing=0.95)
    part = shown(track(values), width=2000, smoothing=0.95, window=(500, 600))
    assert part["x"] == list(range(499, 602))
    assert part["smooth"] == whole["smooth"][499:602]


def test_values_that_are_no_numbers_are_listed_and_not_averaged_in() -> None:
    found = shown(track([1.0, math.nan, 3.0, math.inf, -math.inf]), smoothing=0.5)
    assert found["mean"] == [1.0, 3.0]
    assert found["non_finite"] == [
        {"x": 1.0, "value": "NaN"},
        {"x": 3.0, "value": "Infinity"},
        {"x": 4.0, "value": "-Infinity"},
    ]
    assert found["non_finite_total"] == 3
    assert found["total"] == 5
    assert all(math.isfinite(one) for one in found["smooth"])


def test_a_value_without_a_step_stands_at_the_last_known_one() -> None:
    found = shown(track([1.0, 2.0, 3.0, 4.0], step=[math.nan, 5, math.nan, 6]))
    assert found["x"] == [5, 5, 5, 6]


def test_a_metric_without_any_step_counts_its_points() -> None:
    assert shown(track([7.0, 8.0], step=[math.nan, math.nan]))["x"] == [0, 1]


def test_a_metric_without_an_epoch_says_so_on_that_axis() -> None:
    found = shown(track([7.0, 8.0]), axis="epoch")
    assert found["axis_known"] is False
    assert found["x"] == []
    assert found["total"] == 2


def test_steps_that_start_again_are_put_in_order() -> None:
    found = shown(track([1.0, 2.0, 3.0, 4.0], step=[1, 2, 1, 2]))
    assert found["x"] == [1, 1, 2, 2]
    assert found["mean"] == [1.0, 3.0, 2.0, 4.0]


def test_the_time_axes_count_from_1970_and_from_the_start() -> None:
    of = track([1.0, 2.0], time=[1e9 + 5, 1e9 + 7.5])
    assert shown(of, axis="time")["x"] == [1e9 + 5, 1e9 + 7.5]
    assert shown(of, axis="relative")["x"] == [5, 7.5]


def test_one_place_for_all_points_is_one_bucket() -> None:
    found = shown(track(np.arange(100.0), step=np.full(100, 3.0)), width=10)
    assert (found["x"], found["min"], found["max"], found["mean"]) == ([3.0], [0.0], [99.0], [pytest.approx(49.5)])


def test_nothing_at_all_is_an_empty_curve() -> None:
    found = shown(track([]), smoothing=0.9)
    assert (found["x"], found["total"], found["last_time"], found["axis_known"]) == ([], 0, None, True)


@pytest.mark.parametrize("width", [2, 10, 800])
def test_a_host_s_spike_is_shown_after_its_minute_was_summed_up(width: int) -> None:
    values = np.full(3600, 5.0)
    values[1234] = 99.0
    ones = np.ones(3600)
    rows = Samples(np.arange(3600), values, ones, values, values, np.zeros(3600, bool))
    found = summarised([summarise(rows, Buckets(0, 3600, 60))], width)
    assert len(found["x"]) == min(width, 60)
    assert (max(found["max"]), min(found["min"])) == (99.0, 5.0)
    assert max(found["mean"]) < 10
    assert summarised([], width) == {"x": [], "min": [], "max": [], "mean": []}


def hosts_samples(times: list[int], width: int = 800) -> dict[str, Any]:
    at, ones = np.asarray(times), np.ones(len(times))
    return summarised([Summary(at, ones, ones, ones, ones)], width)


def test_a_host_that_was_away_leaves_a_gap() -> None:
    found = hosts_samples([*range(10), *range(40, 50)])
    assert found["x"][9:12] == [9, 24.5, 40]
    assert found["mean"][9:12] == found["min"][9:12] == found["max"][9:12] == [1, None, 1]
    assert len(found["x"]) == 21


def test_a_gap_stands_between_buckets_or_is_within_one() -> None:
    times = [*range(1000), *range(1500, 2500)]
    found = hosts_samples(times, 100)
    gap = found["mean"].index(None)
    assert (found["x"][gap - 1] < 1000, found["x"][gap], found["x"][gap + 1] > 1499) == (True, 1249.5, True)
    assert found["mean"].count(None) == 1
    assert None not in hosts_samples(times, 1)["mean"]


@pytest.mark.parametrize(
    "times",
    [
        [*range(0, 3600, 60), *range(3600, 3700)],
        [0, 1, 2, 5, 6, 7],
        [0, 3600],
        [0],
        [],
        list(range(0, 90_000, 3600)),
    ],
    ids=["minutes, then seconds", "a late sample", "two", "one", "none", "hours"],
)
def test_what_comes_less_often_is_no_gap(times: list[int]) -> None:
    assert None not in hosts_samples(times)["mean"]
