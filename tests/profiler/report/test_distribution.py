"""Distributions of more values than fit into memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.profiler.report.distribution import SHARES, Distribution, Durations

seconds = st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=60)


@given(parts=st.lists(seconds, min_size=1, max_size=4))
def test_percentiles_of_a_stream_are_right_within_a_thousandth(parts: list[list[float]]) -> None:
    durations = Durations()
    for part in parts:
        durations.add(np.array(part))
    values = np.array([value for part in parts for value in part])
    found = durations.distribution()
    exact = np.quantile(values, SHARES, method="inverted_cdf")
    assert [found.p5, found.p25, found.p50, found.p75, found.p90, found.p95, found.p99] == pytest.approx(
        exact.tolist(), rel=1.1e-3
    )
    assert (found.count, found.min, found.max) == (len(values), values.min(), values.max())
    assert found.mean == pytest.approx(values.mean())


@given(values=seconds)
def test_a_histogram_loses_no_value(values: list[float]) -> None:
    durations = Durations()
    durations.add(np.array(values))
    found = durations.histogram()
    assert sum(found.counts) == len(values)


def test_nothing_is_no_distribution() -> None:
    assert Distribution.of(np.array([np.nan])).count == 0
    assert Durations().distribution().count == 0
    assert Durations().histogram().counts == ()


def test_steps_longer_than_a_limit_are_counted() -> None:
    durations = Durations()
    durations.add(np.array([0.1] * 99 + [5.0]))
    assert durations.above(1.0) == 1
    assert durations.above(0.05) == 100


def test_summaries_give_the_ends_of_what_they_sum_up() -> None:
    found = Distribution.of(np.array([10.0, 20.0]), np.array([1.0, 15.0]), np.array([12.0, 99.0]))
    assert (found.min, found.mean, found.max) == (1.0, 15.0, 99.0)
